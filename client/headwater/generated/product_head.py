# Generated from client/operations by `python -m tools.client_types`; do not edit.

from __future__ import annotations

from .base_model import BaseModel


class ProductHead(BaseModel):
    product_changes: ProductHeadProductChanges


class ProductHeadProductChanges(BaseModel):
    head_seq: int
