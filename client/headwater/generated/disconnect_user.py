# Generated from client/operations by `python -m tools.client_types`; do not edit.

from __future__ import annotations

from pydantic import Field

from .base_model import BaseModel


class DisconnectUser(BaseModel):
    disconnect_user: DisconnectUserDisconnectUser | None = Field(default=None)


class DisconnectUserDisconnectUser(BaseModel):
    user_id: str
