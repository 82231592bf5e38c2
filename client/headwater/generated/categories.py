# Generated from client/operations by `python -m tools.client_types`; do not edit.

from __future__ import annotations

from pydantic import Field

from .base_model import BaseModel
from .fragments import Category


class Categories(BaseModel):
    categories: CategoriesCategories


class CategoriesCategories(BaseModel):
    items: list[CategoriesCategoriesItems]
    next_token: str | None = Field(default=None)


CategoriesCategoriesItems = Category
