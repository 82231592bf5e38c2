# Generated from client/operations by `python -m tools.client_types`; do not edit.

from __future__ import annotations

from pydantic import Field

from .base_model import BaseModel
from .fragments import Cart


class MergeCart(BaseModel):
    merge_cart: MergeCartMergeCart | None = Field(default=None)


MergeCartMergeCart = Cart
