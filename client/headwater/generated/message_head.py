# Generated from client/operations by `python -m tools.client_types`; do not edit.

from __future__ import annotations

from .base_model import BaseModel


class MessageHead(BaseModel):
    message_changes: MessageHeadMessageChanges


class MessageHeadMessageChanges(BaseModel):
    head_seq: int
