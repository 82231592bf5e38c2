"""Who calls: AppSync's identity reduced to what the domain asks about."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

SELLERS = "sellers"
OPERATORS = "operators"
GROUPS = (SELLERS, OPERATORS)


class CallerKind(Enum):
    """How a caller proved who it is."""

    API_KEY = "API_KEY"
    IAM = "IAM"
    USER = "USER"
    LAMBDA = "LAMBDA"


class Scope(Enum):
    """What an auth key is for."""

    READ = "READ"
    WRITE = "WRITE"


@dataclass(frozen=True)
class Caller:
    """Who calls, as far as the mode allows to tell.

    Attributes:
        kind: how it proved who it is.
        id: tells callers apart; a user's `sub`.
        name: what others see when they choose none.
        groups: the user pool's groups that the token names.
        issued_at: epoch seconds at which the token was issued; 0 without one.
        scopes: what the auth key is for that the caller has shown.
    """

    kind: CallerKind
    id: str
    name: str
    groups: frozenset[str] = frozenset()
    issued_at: int = 0
    scopes: frozenset[Scope] = frozenset()

    @property
    def has_person(self) -> bool:
        """Whether the caller is a signed-in person, who cannot choose another name."""
        return self.kind is CallerKind.USER

    @property
    def user_id(self) -> str | None:
        """The `sub` of a signed-in person."""
        return self.id if self.kind is CallerKind.USER else None

    @property
    def subscriber(self) -> str | None:
        """By which live subscriptions can be ended: a person's `sub`, or the id of an auth key."""
        return self.id if self.kind in (CallerKind.USER, CallerKind.LAMBDA) else None

    def is_in(self, group: str) -> bool:
        """Whether the caller is a user of a group."""
        return self.kind is CallerKind.USER and group in self.groups


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
        return _user(str(sub), identity)
    if claims := identity.get("resolverContext"):
        return from_claims(claims)
    raise ValueError(f"an identity of an unknown kind, with the members {sorted(identity)}")


def to_claims(caller: Caller) -> dict[str, str]:
    """The holder of an auth key as the authorizer passes it on: flat text, which is all that AppSync takes."""
    scopes = " ".join(sorted(scope.value for scope in caller.scopes))
    return {"keyId": caller.id, "name": caller.name, "scopes": scopes}


def from_claims(claims: Mapping[str, Any]) -> Caller:
    """The holder of an auth key, from AppSync's `resolverContext` or an HTTP API's `authorizer.lambda`.

    Raises:
        ValueError: these are not the claims of our authorizer.
    """
    if not claims.get("keyId"):
        raise ValueError(f"claims of an unknown authorizer, with the members {sorted(claims)}")
    scopes = frozenset(Scope(each) for each in str(claims.get("scopes") or "").split())
    return Caller(CallerKind.LAMBDA, str(claims["keyId"]), str(claims["name"]), scopes=scopes)


def from_jwt(claims: Mapping[str, str]) -> Caller:
    """The user behind the claims that an HTTP API's JWT authorizer passes on: all of them text, lists in brackets."""
    groups = claims.get("cognito:groups", "").removeprefix("[").removesuffix("]").split()
    name = claims.get("cognito:username") or claims.get("username") or claims["sub"]
    return Caller(CallerKind.USER, claims["sub"], name, frozenset(groups), int(claims.get("iat") or 0))


def _user(sub: str, identity: Mapping[str, Any]) -> Caller:
    """A user by an id or an access token, which both say who it is, in which groups, and since when."""
    claims = identity.get("claims") or {}
    groups = claims.get("cognito:groups") or identity.get("groups") or ()
    return Caller(
        CallerKind.USER,
        sub,
        str(identity.get("username") or sub),
        frozenset(map(str, groups)),
        int(claims.get("iat") or 0),
    )
