# Generated from client/operations by `python -m tools.client_types`; do not edit.

from __future__ import annotations

from .base_model import BaseModel


class CategoryHead(BaseModel):
    category_changes: CategoryHeadCategoryChanges


class CategoryHeadCategoryChanges(BaseModel):
    head_seq: int
