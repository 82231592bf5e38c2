# Generated from client/operations by `python -m tools.client_types`; do not edit.

from __future__ import annotations

from pydantic import Field

from .base_model import BaseModel
from .fragments import Member


class Members(BaseModel):
    members: MembersMembers


class MembersMembers(BaseModel):
    items: list[MembersMembersItems]
    next_token: str | None = Field(default=None)


MembersMembersItems = Member
