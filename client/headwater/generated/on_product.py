# Generated from client/operations by `python -m tools.client_types`; do not edit.

from __future__ import annotations

from pydantic import Field

from .base_model import BaseModel
from .fragments import ProductChange


class OnProduct(BaseModel):
    on_product: OnProductOnProduct | None = Field(default=None)


class OnProductOnProduct(BaseModel):
    product_id: str
    topic: str
    first_seq: int
    last_seq: int
    items: list[OnProductOnProductItems]


OnProductOnProductItems = ProductChange
