# Generated from client/operations by `python -m tools.client_types`; do not edit.

from __future__ import annotations

from .base_model import BaseModel


class PresenceHead(BaseModel):
    presence_changes: PresenceHeadPresenceChanges


class PresenceHeadPresenceChanges(BaseModel):
    head_seq: int
