# Generated from client/operations by `python -m tools.client_types`; do not edit.

from __future__ import annotations

from pydantic import Field

from .base_model import BaseModel


class DeleteUser(BaseModel):
    delete_user: DeleteUserDeleteUser | None = Field(default=None)


class DeleteUserDeleteUser(BaseModel):
    user_id: str
    done: bool
