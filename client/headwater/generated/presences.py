# Generated from client/operations by `python -m tools.client_types`; do not edit.

from __future__ import annotations

from pydantic import Field

from .base_model import BaseModel
from .fragments import Presence


class Presences(BaseModel):
    presence: PresencesPresence


class PresencesPresence(BaseModel):
    items: list[PresencesPresenceItems]
    grey_after_seconds: int
    next_token: str | None = Field(default=None)


PresencesPresenceItems = Presence
