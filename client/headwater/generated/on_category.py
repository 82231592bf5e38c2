# Generated from client/operations by `python -m tools.client_types`; do not edit.

from __future__ import annotations

from pydantic import Field

from .base_model import BaseModel
from .fragments import CategoryChange


class OnCategory(BaseModel):
    on_category: OnCategoryOnCategory | None = Field(default=None)


class OnCategoryOnCategory(BaseModel):
    category: str
    topic: str
    first_seq: int
    last_seq: int
    items: list[OnCategoryOnCategoryItems]


OnCategoryOnCategoryItems = CategoryChange
