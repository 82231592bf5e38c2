"""Headwater's Python client.

from headwater import connect

async with connect() as hw:
    await hw.send_message("lobby", "hello", author="ada")
    async for change in hw.room("lobby"):
        print(change.seq, change.message)
"""

from headwater.changes import Change, Message
from headwater.client import Client, NewMessage, connect
from headwater.credentials import api_key, iam
from headwater.errors import (
    GraphQLFailure,
    HeadwaterError,
    IdempotencyConflict,
    Internal,
    InvalidInput,
    InvalidPageToken,
    MissingChanges,
    NoEndpoint,
    NotFound,
    ResyncRequired,
    TooManyRequests,
    TryAgain,
    Unauthorized,
    Unreachable,
    VersionConflict,
)
from headwater.room import Room

__all__ = [
    "Change",
    "Client",
    "GraphQLFailure",
    "HeadwaterError",
    "IdempotencyConflict",
    "Internal",
    "InvalidInput",
    "InvalidPageToken",
    "Message",
    "MissingChanges",
    "NewMessage",
    "NoEndpoint",
    "NotFound",
    "ResyncRequired",
    "Room",
    "TooManyRequests",
    "TryAgain",
    "Unauthorized",
    "Unreachable",
    "VersionConflict",
    "api_key",
    "connect",
    "iam",
]
