"""What routes answer, where it is not just what the domain shows."""

from __future__ import annotations

from typing import Any, TypedDict

from domain.profile import Profile
from domain.shop.product import Product


class ProductList(TypedDict):
    """A page of products. A search answers the best match first, without further pages, and with each match's score."""

    items: list[Product]
    nextToken: str | None
    scores: list[float] | None


class CallingUser(TypedDict):
    """The user of the token."""

    id: str
    name: str
    groups: list[str]


class CallingKey(TypedDict):
    """The auth key that was shown."""

    keyId: str
    name: str
    scopes: list[str]


class User(TypedDict):
    """A user as the pool and the profile know them."""

    id: str
    name: str
    email: str | None
    groups: list[str]
    status: str
    enabled: bool
    createdAt: str
    deletedAt: str | None
    profile: Profile


class ErrorInfo(TypedDict, total=False):
    """What programs can use of an error, such as the field that it is about."""

    info: dict[str, Any]


class Error(ErrorInfo):
    """What went wrong. `type` tells errors apart, `info` has what programs can use."""

    type: str
    message: str
