# Generated from client/operations by `python -m tools.client_types`; do not edit.

from __future__ import annotations

from .base_model import BaseModel
from .fragments import ProductChange


class ProductChanges(BaseModel):
    product_changes: ProductChangesProductChanges


class ProductChangesProductChanges(BaseModel):
    topic: str
    items: list[ProductChangesProductChangesItems]
    last_seq: int
    head_seq: int
    resync_required: bool


ProductChangesProductChangesItems = ProductChange
