"""A user's membership of a private room: its key in the main table, its item, and what the API shows of it.

One item says whether the user is invited, belongs to the room, or owns it; without it the user is a stranger. The index
finds a user's memberships; whether they still hold says the item alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from domain import attributes, times
from domain.rights import Standing
from domain.table import Key

PREFIX = "MEMBER#"
INDEX = "GSI1"
INVITATION_SECONDS = 7 * 24 * 3600


def partition(room_id: str) -> str:
    """The partition key of a room's members."""
    return f"{PREFIX}{room_id}"


def listing(user_id: str) -> str:
    """The partition key of a user's memberships in the index."""
    return f"MEMBERSHIPS#{user_id}"


def key(room_id: str, user_id: str) -> Key:
    """The key of a user's membership of a room."""
    return partition(room_id), user_id


def room_of(pk: str) -> str:
    """The room that a membership's partition key names."""
    return pk.removeprefix(PREFIX)


def to_item(room_id: str, user_id: str, standing: Standing, now_ms: int) -> dict[str, Any]:
    """The item of a membership that begins now; an invitation ends after a week."""
    pk, sk = key(room_id, user_id)
    expires_at = now_ms // 1000 + INVITATION_SECONDS if standing is Standing.INVITED else None
    return {
        "pk": pk, "sk": sk, f"{INDEX}PK": listing(user_id), f"{INDEX}SK": room_id, "roomId": room_id, "userId": user_id,
        "standing": standing.value, "since": times.to_iso(now_ms), "expiresAt": expires_at,
    }  # fmt: skip


def standing_of(item: Mapping[str, Any] | None) -> Standing:
    """What an item makes of its user, whoever wrote it."""
    found = item.get("standing") if item else None
    return Standing(found) if isinstance(found, str) and found in Standing.__members__ else Standing.NONE


def since(item: Mapping[str, Any]) -> str:
    """When it began, or was accepted."""
    return attributes.time(item.get("since")) or times.to_iso(0)
