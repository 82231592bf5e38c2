# Generated from client/operations by `python -m tools.client_types`; do not edit.

from __future__ import annotations

from pydantic import Field

from .base_model import BaseModel
from .fragments import PresenceChange


class OnPresence(BaseModel):
    on_presence: OnPresenceOnPresence | None = Field(default=None)


class OnPresenceOnPresence(BaseModel):
    room_id: str
    topic: str
    first_seq: int
    last_seq: int
    items: list[OnPresenceOnPresenceItems]


OnPresenceOnPresenceItems = PresenceChange
