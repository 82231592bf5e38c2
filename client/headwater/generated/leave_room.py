# Generated from client/operations by `python -m tools.client_types`; do not edit.

from __future__ import annotations

from pydantic import Field

from .base_model import BaseModel


class LeaveRoom(BaseModel):
    leave_room: LeaveRoomLeaveRoom | None = Field(default=None)


class LeaveRoomLeaveRoom(BaseModel):
    room_id: str
    id: str
