# Generated from client/operations by `python -m tools.client_types`; do not edit.

from __future__ import annotations

from pydantic import Field

from .base_model import BaseModel
from .fragments import Room


class Rooms(BaseModel):
    rooms: RoomsRooms


class RoomsRooms(BaseModel):
    items: list[RoomsRoomsItems]
    next_token: str | None = Field(default=None)


RoomsRoomsItems = Room
