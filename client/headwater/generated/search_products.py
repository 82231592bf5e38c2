# Generated from client/operations by `python -m tools.client_types`; do not edit.

from __future__ import annotations

from .base_model import BaseModel
from .fragments import Product


class SearchProducts(BaseModel):
    search_products: SearchProductsSearchProducts


class SearchProductsSearchProducts(BaseModel):
    items: list[SearchProductsSearchProductsItems]


class SearchProductsSearchProductsItems(BaseModel):
    score: float
    product: SearchProductsSearchProductsItemsProduct


SearchProductsSearchProductsItemsProduct = Product
