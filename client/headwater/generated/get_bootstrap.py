# Generated from client/operations by `python -m tools.client_types`; do not edit.

from __future__ import annotations

from pydantic import Field

from .base_model import BaseModel
from .fragments import Bootstrap, BootstrapFeatures, BootstrapRooms, User  # noqa: F401


class GetBootstrap(BaseModel):
    bootstrap: GetBootstrapBootstrap | None = Field(default=None)


class GetBootstrapBootstrap(Bootstrap):
    me: GetBootstrapBootstrapMe | None = None


GetBootstrapBootstrapMe = User
