"""Where the messages of a user are: a directory by which a deletion finds them, so that no index is needed.

It has one item for each hour and room that a user wrote in, written with the first message there. An index by author
would cost a second write with every message.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from domain.table import Delete, Key, Put, Table, Write

PREFIX = "AUTHOR#"
_MOST_KNOWN = 10_000


@dataclass(frozen=True)
class Place:
    """An hour in a room."""

    hour: str
    room_id: str


def key(user_id: str, place: Place) -> Key:
    """The key of a place that a user wrote in."""
    return f"{PREFIX}{user_id}", f"{place.hour}#{place.room_id}"


class Authors:
    """What this container knows to be in the directory, so that a message is one write as a rule.

    It need not forget: an item goes when its hour's messages have expired, or with its user.
    """

    def __init__(self) -> None:
        self._known: set[tuple[str, Place]] = set()

    def notes(self, user_id: str | None, place: Place, expires_at: int) -> list[Write]:
        """What must be written with a message of a user."""
        if user_id is None or (user_id, place) in self._known:
            return []
        pk, sk = key(user_id, place)
        return [Put({"pk": pk, "sk": sk, "expiresAt": expires_at})]

    def remember(self, user_id: str | None, place: Place) -> None:
        """Rely on a note that was written."""
        if user_id is not None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known.add((user_id, place))


def places(table: Table, user_id: str, now: int) -> Iterator[Place]:
    """Where a user has written, by hour. Raises TableError."""
    for item in table.query(f"{PREFIX}{user_id}", now=now):
        hour, _, room_id = str(item["sk"]).partition("#")
        yield Place(hour, room_id)


def forget(table: Table, user_id: str, place: Place) -> None:
    """Take a place out of the directory. Raises TableError."""
    table.write([Delete(key(user_id, place))])
