"""The gate of every field that names a room: one read tells whether the caller's session and right hold.

Nothing is remembered between requests: what was taken from a user a moment ago is gone now.
"""

from __future__ import annotations

from dataclasses import dataclass

from domain import membership, rights, rooms, sessions, topics
from domain.caller import Caller
from domain.errors import Unauthorized
from domain.rights import BELONGS, Standing
from domain.table import Check, Item, Key, Table, Write


@dataclass(frozen=True)
class Admission:
    """What was read to let a caller in.

    Attributes:
        standing: what the caller is to the private room.
        room: the private room's item.
        membership: the caller's membership of it.
    """

    standing: Standing = Standing.NONE
    room: Item | None = None
    membership: Item | None = None


def require(table: Table, caller: Caller, field: str, room_id: str | None = None, *, now: int) -> Admission:
    """Let only those pass whose token counts and who have the right.

    It is one BatchGetItem: of a user the profile, which knows about the session, and for a private room the room and
    the membership; of the holder of an auth key the key. An API key in a public room costs no read.

    Args:
        table: the main table.
        caller: who asks.
        field: the coordinate (`Query.messages`).
        room_id: the room that the field is about, which must be a valid id.
        now: epoch seconds.

    Raises:
        Unauthorized: the caller may not. It is the same whether or not there is such a room.
        TableError: the table did not answer.
    """
    private = room_id is not None and topics.is_private_room(room_id)
    keys: list[Key] = []
    if (witness := sessions.witness(caller)) is not None:
        keys.append(witness)
        if room_id is not None and private and caller.user_id is not None:
            keys += [rooms.key(room_id), membership.key(room_id, caller.user_id)]
    found = table.get_all(keys, now) if keys else {}
    if keys and not sessions.stands(caller, found.get(keys[0]), field, now):
        raise Unauthorized(field)
    admission = Admission()
    if len(keys) > 1 and (room := found.get(keys[1])):
        # Without its room a membership is worth nothing.
        item = found.get(keys[2])
        admission = Admission(membership.standing_of(item), room, item)
    topic = None if room_id is None else str(topics.room(room_id))
    rights.require(caller, field, topic, admission.standing)
    return admission


def kept(caller: Caller, room_id: str) -> list[Write]:
    """What lets a write into a private room only while the caller belongs to it, however long the write takes."""
    if caller.user_id is None or not topics.is_private_room(room_id):
        return []
    names = {f":{standing.value}": standing.value for standing in BELONGS}
    return [Check(membership.key(room_id, caller.user_id), f"#standing IN ({', '.join(sorted(names))})", names)]
