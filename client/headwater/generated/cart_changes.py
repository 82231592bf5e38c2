# Generated from client/operations by `python -m tools.client_types`; do not edit.

from __future__ import annotations

from pydantic import Field

from .base_model import BaseModel
from .fragments import CartChange


class CartChanges(BaseModel):
    cart_changes: CartChangesCartChanges | None = Field(default=None)


class CartChangesCartChanges(BaseModel):
    topic: str
    items: list[CartChangesCartChangesItems]
    last_seq: int
    head_seq: int
    resync_required: bool


CartChangesCartChangesItems = CartChange
