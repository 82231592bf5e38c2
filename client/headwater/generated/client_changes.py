# Generated from client/operations by `python -m tools.client_types`; do not edit.

from __future__ import annotations

from pydantic import Field

from .base_model import BaseModel
from .fragments import ClientChange


class ClientChanges(BaseModel):
    client_changes: ClientChangesClientChanges | None = Field(default=None)


class ClientChangesClientChanges(BaseModel):
    topic: str
    items: list[ClientChangesClientChangesItems]
    last_seq: int
    head_seq: int
    resync_required: bool


ClientChangesClientChangesItems = ClientChange
