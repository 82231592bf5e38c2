# Generated from client/operations by `python -m tools.client_types`; do not edit.

from __future__ import annotations

from pydantic import Field

from .base_model import BaseModel
from .fragments import ClientChange


class OnClient(BaseModel):
    on_client: OnClientOnClient | None = Field(default=None)


class OnClientOnClient(BaseModel):
    client_id: str
    topic: str
    first_seq: int
    last_seq: int
    items: list[OnClientOnClientItems]


OnClientOnClientItems = ClientChange
