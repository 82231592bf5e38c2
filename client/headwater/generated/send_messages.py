# Generated from client/operations by `python -m tools.client_types`; do not edit.

from __future__ import annotations

from pydantic import Field

from .base_model import BaseModel
from .fragments import Message


class SendMessages(BaseModel):
    send_messages: SendMessagesSendMessages | None = Field(default=None)


class SendMessagesSendMessages(BaseModel):
    messages: list[SendMessagesSendMessagesMessages]


SendMessagesSendMessagesMessages = Message
