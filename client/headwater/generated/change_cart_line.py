# Generated from client/operations by `python -m tools.client_types`; do not edit.

from __future__ import annotations

from pydantic import Field

from .base_model import BaseModel
from .fragments import Cart


class ChangeCartLine(BaseModel):
    change_cart_line: ChangeCartLineChangeCartLine | None = Field(default=None)


ChangeCartLineChangeCartLine = Cart
