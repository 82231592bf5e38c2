# Generated from client/operations by `python -m tools.client_types`; do not edit.

from __future__ import annotations

from .base_model import BaseModel
from .fragments import CategoryChange


class CategoryChanges(BaseModel):
    category_changes: CategoryChangesCategoryChanges


class CategoryChangesCategoryChanges(BaseModel):
    topic: str
    items: list[CategoryChangesCategoryChangesItems]
    last_seq: int
    head_seq: int
    resync_required: bool


CategoryChangesCategoryChangesItems = CategoryChange
