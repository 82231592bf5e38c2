# Generated from client/operations by `python -m tools.client_types`; do not edit.

from __future__ import annotations

from pydantic import Field

from .base_model import BaseModel
from .fragments import Bootstrap, BootstrapFeatures, BootstrapRooms, Client, User  # noqa: F401


class StartClient(BaseModel):
    register_client: StartClientRegisterClient | None = Field(default=None)


class StartClientRegisterClient(BaseModel):
    client: StartClientRegisterClientClient
    bootstrap: StartClientRegisterClientBootstrap | None = Field(default=None)


StartClientRegisterClientClient = Client


class StartClientRegisterClientBootstrap(Bootstrap):
    me: StartClientRegisterClientBootstrapMe | None = None


StartClientRegisterClientBootstrapMe = User
