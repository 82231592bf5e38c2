# Generated from client/operations by `python -m tools.client_types`; do not edit.

from __future__ import annotations

from pydantic import Field

from .base_model import BaseModel
from .fragments import AuthKey


class CreateAuthKey(BaseModel):
    create_auth_key: CreateAuthKeyCreateAuthKey | None = Field(default=None)


class CreateAuthKeyCreateAuthKey(BaseModel):
    key: str | None = Field(default=None)
    auth_key: CreateAuthKeyCreateAuthKeyAuthKey


CreateAuthKeyCreateAuthKeyAuthKey = AuthKey
