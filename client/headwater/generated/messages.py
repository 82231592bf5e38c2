# Generated from client/operations by `python -m tools.client_types`; do not edit.

from __future__ import annotations

from pydantic import Field

from .base_model import BaseModel
from .fragments import Message


class Messages(BaseModel):
    messages: MessagesMessages


class MessagesMessages(BaseModel):
    items: list[MessagesMessagesItems]
    next_token: str | None = Field(default=None)


MessagesMessagesItems = Message
