# Generated from client/operations by `python -m tools.client_types`; do not edit.

from __future__ import annotations

from pydantic import Field

from .base_model import BaseModel
from .fragments import Membership


class Memberships(BaseModel):
    memberships: MembershipsMemberships


class MembershipsMemberships(BaseModel):
    items: list[MembershipsMembershipsItems]
    next_token: str | None = Field(default=None)


MembershipsMembershipsItems = Membership
