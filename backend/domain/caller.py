"""Who calls: AppSync's identity reduced to what the domain asks about."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any


class CallerKind(Enum):
    """How a caller proved who it is."""

    API_KEY = "API_KEY"
    IAM = "IAM"
    USER = "USER"


@dataclass(frozen=True)
class Caller:
    """`id` tells callers apart as far as their mode allows; `name` is what others see when they choose none."""

    kind: CallerKind
    id: str
    name: str

    @property
    def has_person(self) -> bool:
        """Whether the caller is a signed-in person, who cannot choose another name."""
        return self.kind is CallerKind.USER


ANONYMOUS = Caller(CallerKind.API_KEY, "api-key", "anonymous")


def from_identity(identity: Mapping[str, Any] | None) -> Caller:
    """The caller behind `ctx.identity`, whose shape depends on the authorization mode.

    https://docs.aws.amazon.com/appsync/latest/devguide/resolver-context-reference-js.html#aws-appsync-resolver-context-reference-identity-js

    Raises:
        ValueError: an identity of a mode that this API does not offer.
    """
    if identity is None:
        return ANONYMOUS
    if arn := identity.get("userArn"):
        # arn:aws:iam::1:user/ann, arn:aws:sts::1:assumed-role/role/session, arn:aws:iam::1:root
        return Caller(CallerKind.IAM, str(arn), re.split("[:/]", str(arn))[-1])
    if sub := identity.get("sub"):
        return Caller(CallerKind.USER, str(sub), str(identity.get("username") or sub))
    raise ValueError(f"an identity of an unknown kind, with the members {sorted(identity)}")
