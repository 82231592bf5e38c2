# Generated from client/operations by `python -m tools.client_types`; do not edit.

from __future__ import annotations

from pydantic import Field

from .base_model import BaseModel


class SignOut(BaseModel):
    sign_out: SignOutSignOut | None = Field(default=None)


class SignOutSignOut(BaseModel):
    user_id: str
