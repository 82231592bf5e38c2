"""A client (one device, one tab) as the main table knows it: its id, whose it is, and which of its connections counts.

Its id names a topic, `client:<id>`. It is its first registrant's; each registration gives it a new lease, and only the
newest lease may subscribe: so the id goes from one connection to the next, and never has two for long.

Callers with the API key have no identity that could own an id. Theirs are the server's to give, cannot be guessed, and
begin with `guest-`: whoever knows one is its owner. So such an id is a credential, and no log shows it whole.
"""

from __future__ import annotations

import re
import secrets
import uuid
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from domain import times
from domain.caller import Caller, CallerKind
from domain.rate_limit import bucket
from domain.table import Key
from domain.topics import CART, CLIENT, Topic

PREFIX = "CLIENT#"
SORT_KEY = "CLIENT"
INDEX = "GSI1"
GUEST = "guest-"
NOBODY = "NOBODY"  # as the owner of a client whose user was deleted
DAY_SECONDS = 24 * 3600
# How long an id is registered that is not registered again. Clients do so at each start, and once a day.
SECONDS, GUEST_SECONDS = 30 * DAY_SECONDS, 7 * DAY_SECONDS

# No `#`, which separates an id from its lease, and no id so short that two clients could choose the same.
_ID = re.compile(r"[0-9A-Za-z_-]{16,64}")
_GUEST_ID = re.compile(GUEST + r"[0-9A-Za-z_-]{32}")
_GUEST_BYTES = 24  # 192 random bits


def key(client_id: str) -> Key:
    """The key of a client's item."""
    return f"{PREFIX}{client_id}", SORT_KEY


def id_of(pk: str) -> str:
    """The client that a partition key names."""
    return pk.removeprefix(PREFIX)


def listing(user_id: str) -> str:
    """The partition key of a user's clients in the index."""
    return f"CLIENTS#{user_id}"


def is_id(client_id: str) -> bool:
    """Whether a text may be the id of a client: anything else is the id of none."""
    return _ID.fullmatch(client_id) is not None


def may_choose(caller: Caller, client_id: str) -> bool:
    """Whether a caller may register an id that nobody has: any but the server's, which those have who are nobody."""
    return caller.kind is not CallerKind.API_KEY and not client_id.startswith(GUEST)


def is_guest_id(client_id: str) -> bool:
    """Whether an id is one of those that are credentials."""
    return _GUEST_ID.fullmatch(client_id) is not None


def new_id(caller: Caller) -> str:
    """An id that nobody has."""
    if caller.kind is CallerKind.API_KEY:
        return f"{GUEST}{secrets.token_urlsafe(_GUEST_BYTES)}"
    return str(uuid.uuid4())


def owner_of(caller: Caller) -> str:
    """Whom a caller's clients belong to: a user, an auth key, a role whatever its sessions are called; all guests."""
    return bucket(caller)


def to_item(caller: Caller, client_id: str, lease: str, now_ms: int, kept_seconds: int) -> dict[str, Any]:
    """The item of a client that is registered now."""
    pk, sk = key(client_id)
    index = {f"{INDEX}PK": listing(caller.user_id), f"{INDEX}SK": client_id} if caller.user_id else {}
    return {"pk": pk, "sk": sk, "owner": owner_of(caller), **index, **registration(caller, lease, now_ms, kept_seconds)}


def registration(caller: Caller, lease: str, now_ms: int, kept_seconds: int) -> dict[str, Any]:
    """What each registration changes.

    The item outlives the registration by `kept_seconds`, within which notices and changes of its time may still be
    there: so nobody but its owner gets the id while they are. A guest's id nobody could get, and it is kept no longer.
    """
    guest = caller.kind is CallerKind.API_KEY
    until = now_ms // 1000 + (GUEST_SECONDS if guest else SECONDS)
    return {
        "lease": lease, "registeredAt": times.to_iso(now_ms), "validUntil": until,
        "expiresAt": until + (0 if guest else kept_seconds),
    }  # fmt: skip


def is_registered(item: Mapping[str, Any], now: int) -> bool:
    """Whether a client may be used at an epoch second, whoever wrote its item."""
    until = item.get("validUntil")
    return isinstance(until, Decimal | int) and until > now


def lease_of(item: Mapping[str, Any]) -> str:
    """The lease that counts, whoever wrote the item; one that no client can have when there is none."""
    lease = item.get("lease")
    return lease if isinstance(lease, str) else ""


def right(client_id: str, lease: str) -> Topic:
    """What a subscription of one lease rests on: it ends with this right, and no other lease's does."""
    return Topic(CLIENT, f"{client_id}#{lease}")


def cart_right(client_id: str, lease: str) -> Topic:
    """What a subscription to the client's cart rests on: it ends with the lease, whoever had it."""
    return Topic(CART, f"client:{client_id}#{lease}")


def rights(client_id: str, lease: str) -> tuple[Topic, ...]:
    """All that rests on a lease."""
    return right(client_id, lease), cart_right(client_id, lease)
