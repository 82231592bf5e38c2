"""The kinds of topics that a client can follow: a row each. A new context is a row here and a file of operations."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from headwater.changes import Change, Envelope, Page, Source, Wire
from headwater.errors import UnexpectedAnswer, UnknownTopic
from headwater.generated import documents
from headwater.generated.fragments import Message, Profile
from headwater.wire import Model

T = TypeVar("T", bound=Model)


@dataclass(frozen=True, slots=True)
class TopicKind(Generic[T]):
    """How the topics of a prefix are subscribed to, caught up with, and read as they are now.

    Attributes:
        prefix: what stands before the id, as in `room:lobby`.
        id_variable: the variable of all the operations that takes the id; None where the token names the topic.
        subscription, changes, head: the operations, with the names of their root fields.
        snapshot: the operation that reads the items, newest first, `page_size` at a time; None for one without pages.
        shown: the items, as the API has them, in what the snapshot's field answers.
        item_field: the name of the item in a change.
        model: the item's type.
        key: the key of an item, as changes have it.
        order: by what to show items; None for the order in which they came.
    """

    prefix: str
    id_variable: str | None
    subscription: str
    subscription_field: str
    changes: str
    head: str
    changes_field: str
    snapshot: str
    snapshot_field: str
    page_size: int | None
    shown: Callable[[Any], Sequence[Wire]]
    item_field: str
    model: type[T]
    key: Callable[[T], str]
    order: Callable[[T], Any] | None = None


ROOM = TopicKind(
    prefix="room",
    id_variable="roomId",
    subscription=documents.ON_MESSAGES,
    subscription_field="onMessages",
    changes=documents.MESSAGE_CHANGES,
    head=documents.MESSAGE_HEAD,
    changes_field="messageChanges",
    snapshot=documents.MESSAGES,
    snapshot_field="messages",
    page_size=100,
    shown=lambda answer: answer["items"],
    item_field="message",
    model=Message,
    key=lambda message: message.id,
    order=lambda message: message.sent_at,
)

USER = TopicKind(
    prefix="user",
    id_variable=None,
    subscription=documents.ON_USER,
    subscription_field="onUser",
    changes=documents.USER_CHANGES,
    head=documents.USER_HEAD,
    changes_field="userChanges",
    snapshot=documents.ME,
    snapshot_field="me",
    page_size=None,
    shown=lambda answer: [answer["profile"]] if answer else [],
    item_field="profile",
    model=Profile,
    key=lambda profile: profile.id,
)

KINDS: Mapping[str, TopicKind[Any]] = {kind.prefix: kind for kind in (ROOM, USER)}


@dataclass(frozen=True, slots=True)
class Topic(Generic[T]):
    """One topic: its name, its kind, and the variables that name it to the API."""

    name: str
    kind: TopicKind[T]
    variables: Mapping[str, str]

    def items(self, answer: Any) -> list[T]:
        """What the snapshot's field answers. Raises UnexpectedAnswer."""
        with _expected(self.name):
            return [self.kind.model.model_validate(wire) for wire in self.kind.shown(answer)]

    def envelope(self, wire: Wire) -> Envelope[T]:
        """What the subscription delivers. Raises UnexpectedAnswer."""
        with _expected(self.name):
            items = tuple(self._change(item, "push", wire["topic"]) for item in wire["items"])
            return Envelope(wire["firstSeq"], wire["lastSeq"], items)

    def page(self, wire: Wire) -> Page[T]:
        """What a read of the log answers. Raises UnexpectedAnswer."""
        with _expected(self.name):
            items = tuple(self._change(item, "catch-up", wire["topic"]) for item in wire["items"])
            return Page(items, wire["lastSeq"], wire["headSeq"], bool(wire["resyncRequired"]))

    def _change(self, wire: Wire, source: Source, topic: str) -> Change[T]:
        item = wire.get(self.kind.item_field)
        return Change(
            topic=topic,
            seq=wire["seq"],
            kind=wire["kind"],
            key=wire["key"],
            item=None if item is None else self.kind.model.model_validate(item),
            event_id=wire["eventId"],
            at=datetime.fromisoformat(wire["at"]),
            trace_id=wire.get("traceId"),
            source=source,
            truncated=wire["truncated"],
        )


@contextmanager
def _expected(name: str) -> Iterator[None]:
    try:
        yield
    except (KeyError, TypeError, ValueError) as error:
        raise UnexpectedAnswer(f"what came for {name} is not as the schema says: {error!r}") from error


def topic(name: str) -> Topic[Any]:
    """The topic of a name: `room:lobby`, or `user` for the caller's own.

    Raises:
        UnknownTopic: there is no such kind, or the name has an id that it must not have, or none.
    """
    prefix, _, id_ = name.partition(":")
    kind = KINDS.get(prefix)
    if kind is None:
        raise UnknownTopic(f"{name!r}: the kinds of topics are {', '.join(KINDS)}")
    if kind.id_variable is None:
        if id_:
            raise UnknownTopic(f"{name!r}: the caller's token says whose it is, write {prefix!r}")
        return Topic(name, kind, {})
    if not id_:
        raise UnknownTopic(f"{name!r}: write {prefix}:<id>")
    return Topic(name, kind, {kind.id_variable: id_})
