# Generated from client/operations by `python -m tools.client_types`; do not edit.

from __future__ import annotations

from pydantic import Field

from .base_model import BaseModel
from .fragments import CartChange


class OnCart(BaseModel):
    on_cart: OnCartOnCart | None = Field(default=None)


class OnCartOnCart(BaseModel):
    cart_id: str
    topic: str
    first_seq: int
    last_seq: int
    items: list[OnCartOnCartItems]


OnCartOnCartItems = CartChange
