# Generated from client/operations by `python -m tools.client_types`; do not edit.

from __future__ import annotations

from .base_model import BaseModel
from .fragments import PresenceChange


class PresenceChanges(BaseModel):
    presence_changes: PresenceChangesPresenceChanges


class PresenceChangesPresenceChanges(BaseModel):
    topic: str
    items: list[PresenceChangesPresenceChangesItems]
    last_seq: int
    head_seq: int
    resync_required: bool


PresenceChangesPresenceChangesItems = PresenceChange
