# Generated from client/operations by `python -m tools.client_types`; do not edit.

from __future__ import annotations

from pydantic import Field

from .base_model import BaseModel
from .fragments import OrderChange


class OnOrder(BaseModel):
    on_order: OnOrderOnOrder | None = Field(default=None)


class OnOrderOnOrder(BaseModel):
    user_id: str
    topic: str
    first_seq: int
    last_seq: int
    items: list[OnOrderOnOrderItems]


OnOrderOnOrderItems = OrderChange
