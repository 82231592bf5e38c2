# Generated from client/operations by `python -m tools.client_types`; do not edit.

from __future__ import annotations

from headwater.wire import AWSJSON

from .base_model import BaseModel
from .enums import Scope


class CreateRoomInput(BaseModel):
    """A room to make."""

    id: str | None = None
    name: str | None = None
    private: bool | None = None
    client_mutation_id: str | None = None


class SendMessageInput(BaseModel):
    """A message to send. Its id and time are the server's."""

    room_id: str
    text: str
    author: str | None = None
    original_time: str | None = None
    client_mutation_id: str | None = None


class SendMessagesInput(BaseModel):
    """Messages to send to one room together."""

    room_id: str
    messages: list[NewMessageInput]
    client_mutation_id: str | None = None


class NewMessageInput(BaseModel):
    """One of several messages to send."""

    text: str
    author: str | None = None
    original_time: str | None = None


class JoinRoomInput(BaseModel):
    """A client that comes into a room."""

    room_id: str
    client_id: str
    name: str | None = None
    client_mutation_id: str | None = None


class HeartbeatInput(BaseModel):
    """A client that is still there."""

    room_id: str
    client_id: str
    client_mutation_id: str | None = None


class LeaveRoomInput(BaseModel):
    """A client that goes."""

    room_id: str
    client_id: str
    client_mutation_id: str | None = None


class UpdateProfileInput(BaseModel):
    """What to change of the signed-in user's profile. What is omitted stays."""

    display_name: str | None = None
    attributes: list[ProfileAttributeInput] | None = None
    version: int | None = None
    client_mutation_id: str | None = None


class ProfileAttributeInput(BaseModel):
    """An attribute of a profile."""

    name: str
    value: str


class RegisterClientInput(BaseModel):
    """A client to register."""

    client_id: str | None = None
    lease: str | None = None
    client_mutation_id: str | None = None


class NotifyInput(BaseModel):
    """A notice to send, to a user or to a client."""

    user_id: str | None = None
    client_id: str | None = None
    kind: str
    data: AWSJSON | None = None
    expires_in_seconds: int | None = None
    client_mutation_id: str | None = None


class CreateAuthKeyInput(BaseModel):
    """What a new key is for."""

    name: str
    scopes: list[Scope]
    valid_days: int | None = None
    client_mutation_id: str | None = None
