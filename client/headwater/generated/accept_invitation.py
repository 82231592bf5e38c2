# Generated from client/operations by `python -m tools.client_types`; do not edit.

from __future__ import annotations

from pydantic import Field

from .base_model import BaseModel
from .fragments import Membership


class AcceptInvitation(BaseModel):
    accept_invitation: AcceptInvitationAcceptInvitation | None = Field(default=None)


AcceptInvitationAcceptInvitation = Membership
