# Generated from client/operations by `python -m tools.client_types`; do not edit.

from __future__ import annotations

from .base_model import BaseModel


class UserHead(BaseModel):
    user_changes: UserHeadUserChanges


class UserHeadUserChanges(BaseModel):
    head_seq: int
