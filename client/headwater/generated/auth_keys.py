# Generated from client/operations by `python -m tools.client_types`; do not edit.

from __future__ import annotations

from pydantic import Field

from .base_model import BaseModel
from .fragments import AuthKey


class AuthKeys(BaseModel):
    auth_keys: AuthKeysAuthKeys


class AuthKeysAuthKeys(BaseModel):
    items: list[AuthKeysAuthKeysItems]
    next_token: str | None = Field(default=None)


AuthKeysAuthKeysItems = AuthKey
