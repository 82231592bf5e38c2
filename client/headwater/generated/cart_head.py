# Generated from client/operations by `python -m tools.client_types`; do not edit.

from __future__ import annotations

from pydantic import Field

from .base_model import BaseModel


class CartHead(BaseModel):
    cart_changes: CartHeadCartChanges | None = Field(default=None)


class CartHeadCartChanges(BaseModel):
    head_seq: int
