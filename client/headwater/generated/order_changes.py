# Generated from client/operations by `python -m tools.client_types`; do not edit.

from __future__ import annotations

from .base_model import BaseModel
from .fragments import OrderChange


class OrderChanges(BaseModel):
    order_changes: OrderChangesOrderChanges


class OrderChangesOrderChanges(BaseModel):
    topic: str
    items: list[OrderChangesOrderChangesItems]
    last_seq: int
    head_seq: int
    resync_required: bool


OrderChangesOrderChangesItems = OrderChange
