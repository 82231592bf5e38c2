# Generated from client/operations by `python -m tools.client_types`; do not edit.

from __future__ import annotations

from .base_model import BaseModel
from .fragments import MessageChange


class MessageChanges(BaseModel):
    message_changes: MessageChangesMessageChanges


class MessageChangesMessageChanges(BaseModel):
    topic: str
    items: list[MessageChangesMessageChangesItems]
    last_seq: int
    head_seq: int
    resync_required: bool


MessageChangesMessageChangesItems = MessageChange
