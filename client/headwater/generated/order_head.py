# Generated from client/operations by `python -m tools.client_types`; do not edit.

from __future__ import annotations

from .base_model import BaseModel


class OrderHead(BaseModel):
    order_changes: OrderHeadOrderChanges


class OrderHeadOrderChanges(BaseModel):
    head_seq: int
