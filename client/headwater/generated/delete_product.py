# Generated from client/operations by `python -m tools.client_types`; do not edit.

from __future__ import annotations

from pydantic import Field

from .base_model import BaseModel
from .fragments import Product


class DeleteProduct(BaseModel):
    delete_product: DeleteProductDeleteProduct | None = Field(default=None)


DeleteProductDeleteProduct = Product
