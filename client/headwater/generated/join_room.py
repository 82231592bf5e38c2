# Generated from client/operations by `python -m tools.client_types`; do not edit.

from __future__ import annotations

from pydantic import Field

from .base_model import BaseModel
from .fragments import Presence


class JoinRoom(BaseModel):
    join_room: JoinRoomJoinRoom | None = Field(default=None)


class JoinRoomJoinRoom(BaseModel):
    presence: JoinRoomJoinRoomPresence
    heartbeat_seconds: int
    grey_after_seconds: int


JoinRoomJoinRoomPresence = Presence
