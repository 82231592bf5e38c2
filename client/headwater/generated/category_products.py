# Generated from client/operations by `python -m tools.client_types`; do not edit.

from __future__ import annotations

from pydantic import Field

from .base_model import BaseModel
from .fragments import Product


class CategoryProducts(BaseModel):
    products: CategoryProductsProducts


class CategoryProductsProducts(BaseModel):
    items: list[CategoryProductsProductsItems]
    next_token: str | None = Field(default=None)


CategoryProductsProductsItems = Product
