# Generated from client/operations by `python -m tools.client_types`; do not edit.

from __future__ import annotations

from pydantic import Field

from .base_model import BaseModel
from .fragments import Product


class Products(BaseModel):
    products: ProductsProducts


class ProductsProducts(BaseModel):
    items: list[ProductsProductsItems]
    next_token: str | None = Field(default=None)


ProductsProductsItems = Product
