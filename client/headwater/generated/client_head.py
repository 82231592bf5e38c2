# Generated from client/operations by `python -m tools.client_types`; do not edit.

from __future__ import annotations

from pydantic import Field

from .base_model import BaseModel


class ClientHead(BaseModel):
    client_changes: ClientHeadClientChanges | None = Field(default=None)


class ClientHeadClientChanges(BaseModel):
    head_seq: int
