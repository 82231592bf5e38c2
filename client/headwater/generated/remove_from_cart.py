# Generated from client/operations by `python -m tools.client_types`; do not edit.

from __future__ import annotations

from pydantic import Field

from .base_model import BaseModel
from .fragments import Cart


class RemoveFromCart(BaseModel):
    remove_from_cart: RemoveFromCartRemoveFromCart | None = Field(default=None)


RemoveFromCartRemoveFromCart = Cart
