# Generated from client/operations by `python -m tools.client_types`; do not edit.

from __future__ import annotations

from headwater.wire import OpenEnum


class Order(OpenEnum):
    """In which order a list is read."""

    OLDEST_FIRST = "OLDEST_FIRST"
    NEWEST_FIRST = "NEWEST_FIRST"


class ChangeKind(OpenEnum):
    """What happened to an item."""

    INSERT = "INSERT"
    MODIFY = "MODIFY"
    REMOVE = "REMOVE"


class Standing(OpenEnum):
    """What a user is to a private room."""

    INVITED = "INVITED"
    MEMBER = "MEMBER"
    OWNER = "OWNER"


class ProductSort(OpenEnum):
    """The order of products. Whatever lacks the value comes first in an order that goes up, and last in
    one that goes down."""

    PRICE_ASC = "PRICE_ASC"
    PRICE_DESC = "PRICE_DESC"
    RATING_DESC = "RATING_DESC"
    RATING_ASC = "RATING_ASC"
    TITLE_ASC = "TITLE_ASC"
    TITLE_DESC = "TITLE_DESC"
    NEWEST = "NEWEST"
    OLDEST = "OLDEST"


class OrderStatus(OpenEnum):
    """How far an order is."""

    PENDING = "PENDING"
    CONFIRMED = "CONFIRMED"
    REJECTED = "REJECTED"


class Scope(OpenEnum):
    """What a key is for."""

    READ = "READ"
    WRITE = "WRITE"
