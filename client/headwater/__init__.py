"""Headwater's Python client.

from headwater import connect

async with connect() as hw:
    await hw.send_message("lobby", "hello", author="ada")
    async for change in hw.live("room:lobby"):
        print(change.position, change)
"""

from headwater.changes import Change, Resync
from headwater.client import Client, NewMessage, connect
from headwater.credentials import Grant, api_key, authorizer, iam, jwt
from headwater.cursors import CursorStore, FileCursors
from headwater.errors import (
    AlreadyObserved,
    CursorsUnreadable,
    GraphQLFailure,
    HeadwaterError,
    IdempotencyConflict,
    Internal,
    InvalidInput,
    InvalidPageToken,
    MissingChanges,
    NoCredentials,
    NoEndpoint,
    NotFound,
    NotQueueable,
    OutboxExpired,
    OutboxFull,
    OutboxLocked,
    OutboxUnusable,
    OutOfStock,
    PriceChanged,
    TakenOver,
    TooManyRequests,
    TryAgain,
    Unauthorized,
    UnexpectedAnswer,
    UnknownTopic,
    Unreachable,
    VersionConflict,
)
from headwater.feed import Feed
from headwater.generated.fragments import Cart, Message, Notice, Presence, Product, Profile, ShopOrder
from headwater.mutations import Optimistic
from headwater.outbox import Outbox, Queued
from headwater.present import Present, is_grey
from headwater.salvage import salvage
from headwater.states import State

__all__ = [
    "AlreadyObserved",
    "Cart",
    "Change",
    "Client",
    "CursorStore",
    "CursorsUnreadable",
    "Feed",
    "FileCursors",
    "Grant",
    "GraphQLFailure",
    "HeadwaterError",
    "IdempotencyConflict",
    "Internal",
    "InvalidInput",
    "InvalidPageToken",
    "Message",
    "MissingChanges",
    "NewMessage",
    "NoCredentials",
    "NoEndpoint",
    "NotFound",
    "NotQueueable",
    "Notice",
    "Optimistic",
    "OutOfStock",
    "Outbox",
    "OutboxExpired",
    "OutboxFull",
    "OutboxLocked",
    "OutboxUnusable",
    "Presence",
    "Present",
    "PriceChanged",
    "Product",
    "Profile",
    "Queued",
    "Resync",
    "ShopOrder",
    "State",
    "TakenOver",
    "TooManyRequests",
    "TryAgain",
    "Unauthorized",
    "UnexpectedAnswer",
    "UnknownTopic",
    "Unreachable",
    "VersionConflict",
    "api_key",
    "authorizer",
    "connect",
    "iam",
    "is_grey",
    "jwt",
    "salvage",
]
