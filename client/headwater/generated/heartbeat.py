# Generated from client/operations by `python -m tools.client_types`; do not edit.

from __future__ import annotations

from pydantic import Field

from headwater.wire import AWSDateTime

from .base_model import BaseModel


class Heartbeat(BaseModel):
    heartbeat: HeartbeatHeartbeat | None = Field(default=None)


class HeartbeatHeartbeat(BaseModel):
    last_seen: AWSDateTime
    heartbeat_seconds: int
