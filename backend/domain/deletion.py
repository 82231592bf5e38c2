"""Deleting a user: whatever dies on the way, asking again goes on, and asking once more does no harm.

1. The profile gives way to a tombstone. From here on no token of the user counts, and no profile can be made again.
2. The pool takes no refresh token any more.
3. What other contexts have of the user is removed.
4. The user's messages stay, by `deleted user`, hour by hour; a long history takes several calls.
5. The pool's user is removed: last, so that the user can sign in and ask again as long as something is left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

from domain import authors, profile, times
from domain.authors import Place
from domain.clock import Clock
from domain.errors import NotFound
from domain.message import Partition
from domain.pool import Pool
from domain.rooms import MAX_SHARDS, bucket_key, shards_of
from domain.table import ConditionFailed, Item, Put, Set, Table

AUTHOR = "deleted user"
# Longer than any token of the user lives, which is a day at most.
_TOMBSTONE_SECONDS = 48 * 3600
# A request of the user that was under way when the deletion began may still write to the hour of then, or the next.
_UNDER_WAY_MS = 60_000
_WRITERS = 8

# Removes what a context has of a user (the `sub`); may be repeated. Raises TableError.
Removal = Callable[[str], None]


@dataclass(frozen=True)
class Deletion:
    """Deletes users of one deployment; `removals` are those of the other contexts."""

    table: Table
    pool: Pool
    clock: Clock
    removals: Sequence[Removal] = ()

    def run(self, user_id: str, deadline: float) -> bool:
        """Delete a user, as far as the time allows.

        Args:
            user_id: the `sub`.
            deadline: `clock.monotonic()` from which on to stop.

        Returns:
            Whether it is done; otherwise the same call is needed again.

        Raises:
            NotFound: there is no such user, and was none in the last two days.
            TryAgain, TableError: the pool or the table did not answer; the same call goes on.
        """
        tombstone = self._bury(user_id)
        name = self._name_in_pool(user_id, tombstone)
        if name:
            self.pool.sign_out(name)
        for remove in self.removals:
            remove(user_id)
        if not self._leave_messages(user_id, times.hour(int(tombstone["deletedAtMs"]) - _UNDER_WAY_MS), deadline):
            return False
        for remove in self.removals:
            remove(user_id)  # what an index did not show yet
        if name:
            self.pool.delete(name)
        if "done" not in tombstone:
            # The name is personal, and of no use any more.
            self.table.write([Set(profile.key(user_id), {"done": True}, remove=("name",))])
        return True

    def _name_in_pool(self, user_id: str, tombstone: Item) -> str | None:
        """By which name the pool still has the user. Whoever took that name since is somebody else."""
        name = tombstone.get("name")
        found = self.pool.get(name) if isinstance(name, str) else None
        return found.name if found and found.id == user_id else None

    def _bury(self, user_id: str) -> Item:
        """The user's tombstone, which is written if there is none."""
        now_ms = self.clock.now_ms()
        item = self.table.get(profile.key(user_id), now_ms // 1000)
        if item and "deletedAt" in item:
            return item
        name = self._name_in_pool(user_id, item or {})
        if name is None:
            user = self.pool.find(user_id)
            if user is None and item is None:
                raise NotFound("id")
            name = user.name if user else None
        pk, sk = profile.key(user_id)
        tombstone: Item = {
            "pk": pk, "sk": sk, "name": name, "deletedAt": times.to_iso(now_ms), "deletedAtMs": now_ms,
            "expiresAt": now_ms // 1000 + _TOMBSTONE_SECONDS,
        }  # fmt: skip
        try:
            self.table.write([Put(tombstone, "attribute_not_exists(#deletedAt)")])
        except ConditionFailed:
            return self._bury(user_id)  # another call was first
        return tombstone

    def _leave_messages(self, user_id: str, first_open_hour: str, deadline: float) -> bool:
        """Take the user off all messages. False when the time was over first."""
        with ThreadPoolExecutor(_WRITERS) as writers:
            found = True
            # Until nothing is found: a request that was under way may have written behind us.
            while found:
                found = False
                for place in authors.places(self.table, user_id, self.clock.now_ms() // 1000):
                    mine = self._messages(user_id, place)
                    while some := list(islice(mine, 100)):
                        if self.clock.monotonic() > deadline:
                            return False
                        found = True
                        list(writers.map(lambda item: self._leave(user_id, item), some))
                    if place.hour < first_open_hour:
                        authors.forget(self.table, user_id, place)
        return True

    def _messages(self, user_id: str, place: Place) -> Iterator[Item]:
        now = self.clock.now_ms() // 1000
        bucket = self.table.get(bucket_key(place.room_id, place.hour), now)
        for shard in range(shards_of(bucket) if bucket else MAX_SHARDS):
            pk = Partition(place.room_id, place.hour, shard).pk
            yield from (item for item in self.table.query(pk, now=now) if item.get("userId") == user_id)

    def _leave(self, user_id: str, item: Item) -> None:
        version = item.get("version")
        changed = {"author": AUTHOR} if version is None else {"author": AUTHOR, "version": version + 1}
        key = (str(item["pk"]), str(item["sk"]))
        try:
            mine = Set(key, changed, "#userId = :userId", {":userId": user_id}, remove=("userId", "traceId"))
            self.table.write([mine])
        except ConditionFailed:
            return  # gone, or left by another call
