# Generated from client/operations by `python -m tools.client_types`; do not edit.

from __future__ import annotations

from pydantic import Field

from .base_model import BaseModel
from .fragments import Client


class RegisterClient(BaseModel):
    register_client: RegisterClientRegisterClient | None = Field(default=None)


class RegisterClientRegisterClient(BaseModel):
    client: RegisterClientRegisterClientClient


RegisterClientRegisterClientClient = Client
