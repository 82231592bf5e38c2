# Generated from client/operations by `python -m tools.client_types`; do not edit.

from __future__ import annotations

from pydantic import Field

from .base_model import BaseModel
from .fragments import MessageChange


class OnMessages(BaseModel):
    on_messages: OnMessagesOnMessages | None = Field(default=None)


class OnMessagesOnMessages(BaseModel):
    room_id: str
    topic: str
    first_seq: int
    last_seq: int
    items: list[OnMessagesOnMessagesItems]


OnMessagesOnMessagesItems = MessageChange
