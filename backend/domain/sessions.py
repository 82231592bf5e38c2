"""Whether what a caller has shown still counts: a user's token, an auth key.

AppSync takes a token until it expires, an hour after it was issued, whatever became of its user since. So every field
that Python answers asks the user's profile, with one strongly consistent read, whether the token is from before a
sign-out, a change of groups, or the user's deletion. AppSync also takes an auth key for as long as it keeps the
authorizer's answer, so the key's own item is asked in the same way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from domain import auth_key, profile
from domain.caller import Caller, CallerKind
from domain.clock import Clock
from domain.errors import Unauthorized
from domain.table import Check, Key, Set, Table, Write

# Longer than AppSync takes from a resolver's answer to a live subscription.
_UNDER_WAY_MS = 300
# Whoever deletes themselves must be able to ask again until it is done.
_OF_THE_DELETED = frozenset({"Mutation.deleteUser"})


def witness(caller: Caller) -> Key | None:
    """The item that tells whether what a caller has shown counts; None of those whom AppSync alone judges."""
    if caller.kind is CallerKind.LAMBDA:
        return auth_key.key(caller.id)
    return None if caller.user_id is None else profile.key(caller.user_id)


def stands(caller: Caller, item: Mapping[str, Any] | None, field: str, now: int) -> bool:
    """Whether what a caller has shown counts for a field at an epoch second, by its `witness` as read just now."""
    if caller.kind is CallerKind.LAMBDA:
        return auth_key.is_valid(item, now)
    if caller.user_id is None or item is None:
        return True
    if "deletedAt" in item and field not in _OF_THE_DELETED:
        return False
    return caller.issued_at > profile.valid_after(item)


def kept(caller: Caller) -> list[Write]:
    """What lets a write happen only while a user's token counts, however long the write takes."""
    if caller.user_id is None:
        return []
    stands_still = (
        "attribute_not_exists(#deletedAt) AND (attribute_not_exists(#validAfter) OR #validAfter < :issued_at)"
    )
    return [Check(profile.key(caller.user_id), stands_still, {":issued_at": caller.issued_at})]


@dataclass(frozen=True)
class Sessions:
    """The sessions of all callers, by the table that has users' profiles and auth keys."""

    table: Table
    clock: Clock

    def require(self, caller: Caller, field: str) -> None:
        """Let only those pass whose token or key counts.

        Raises:
            Unauthorized: it does not.
            TableError: the table did not answer.
        """
        key, now = witness(caller), self.clock.now_ms() // 1000
        if key is not None and not stands(caller, self.table.get(key, now), field, now):
            raise Unauthorized(field)


def ending(user_id: str, now_ms: int) -> Set:
    """The write after which a user's tokens from before do not count."""
    return Set(profile.key(user_id), {"validAfter": now_ms // 1000})


def settle(clock: Clock, ended_ms: int) -> None:
    """Wait until tokens that are issued from now on count.

    Tokens know the second of their issue only. One of the second in which sessions ended is taken for one from
    before, so whoever ended them is told so when that second is over: a new sign-in is then never refused.

    Live subscriptions end with the answer. One that was let in just before is to be live by then, or it would stay.
    """
    until_ms = max((ended_ms // 1000 + 1) * 1000, ended_ms + _UNDER_WAY_MS)
    clock.sleep(max(0, until_ms - clock.now_ms()) / 1000)
