# Generated from client/operations by `python -m tools.client_types`; do not edit.

from __future__ import annotations

from .base_model import BaseModel
from .fragments import UserChange


class UserChanges(BaseModel):
    user_changes: UserChangesUserChanges


class UserChangesUserChanges(BaseModel):
    topic: str
    items: list[UserChangesUserChangesItems]
    last_seq: int
    head_seq: int
    resync_required: bool


UserChangesUserChangesItems = UserChange
