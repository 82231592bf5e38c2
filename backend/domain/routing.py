"""From stream records to topics: one routing table from the type of an item to the topics that hear of it.

What an item is says the prefix of its partition key alone: a raw write may lack any attribute but its keys.

A second table says which items are rights: when one goes, by whatever hand, the subscriptions that rest on it end.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from domain import (
    auth_key,
    client,
    membership,
    message,
    notice,
    presence,
    profile,
    publish_inputs,
    rights,
    rooms,
    topics,
    validation,
)
from domain.caller import CallerKind
from domain.events import Event, Kind
from domain.rights import BELONGS
from domain.shop import cart, category, order, product
from domain.table import Item, from_event
from domain.topics import Topic, TopicKind

ItemKey = tuple[str, str]  # pk, sk


class Unpublishable(Exception):
    """A record that can never be published as it is; the message says why."""


@dataclass(frozen=True)
class Record:
    """One change of an item, as the table's stream tells it.

    Attributes:
        event_id: its id, the same at each delivery.
        kind: what happened.
        pk: the item's partition key.
        sk: the item's sort key.
        old: the item before; None when it is new.
        new: the item after; None when it is gone.
        position: its sequence number in the stream, digits that grow along the records of an item.
        created_ms: epoch milliseconds before which it was not written.
    """

    event_id: str
    kind: Kind
    pk: str
    sk: str
    old: Item | None
    new: Item | None
    position: str
    created_ms: int


@dataclass(frozen=True)
class Change:
    """An event of a topic. `state_like` when only the last of several events of one item matters."""

    topic: Topic
    event: Event
    state_like: bool = False


EVERYBODY = "*"  # as the subscriber of an end


@dataclass(frozen=True)
class End:
    """That subscriptions are to end: a subscriber's or everybody's, to a topic or to all of a kind.

    A subscriber is a user by `sub`, or an auth key by its id. `session` tells a user's sessions apart: what rests on
    one ends when there is another.
    """

    subscriber: str
    topic: Topic | TopicKind
    session: str = ""

    @property
    def kind(self) -> TopicKind:
        """Of which kind the topic is."""
        return self.topic if isinstance(self.topic, TopicKind) else self.topic.kind

    @property
    def topic_name(self) -> str:
        """The topic's name, as the subscriptions have it that end."""
        return topics.EVERY if isinstance(self.topic, TopicKind) else str(self.topic)


@dataclass(frozen=True)
class Ending:
    """Whose subscriptions end with one type of item: a row of the table of rights.

    Attributes:
        prefix: what the partition keys of these items begin with.
        holders: whose right to which topic an item is, from its keys and its attributes.
        removal_only: whether only its removal takes the right away. The publisher then hears of nothing else.
    """

    prefix: str
    holders: Callable[[str, str, Item], Iterable[End]]
    removal_only: bool = False


@dataclass(frozen=True)
class Route:
    """What the changes of one type of item mean to one kind of topic: a row of the routing table.

    Attributes:
        prefix: what the partition keys of these items begin with.
        topics: the topics that an item belongs to, from its keys and its attributes. A change that takes it from one
            topic to another is a REMOVE there and an INSERT here.
        key: the item's id in the API, from its keys.
        project: the item in the API's shape, from its keys and its attributes. Raises an exception, of any type, when
            it has something that the API cannot show.
        state_like: whether only the last state of an item matters, so that a batch tells only that.
        item_field: the member of a change that holds the item; empty for the one that the topic's kind names.
    """

    prefix: str
    topics: Callable[[str, str, Item], Iterable[Topic]]
    key: Callable[[str, str], str]
    project: Callable[[str, str, Item], Mapping[str, Any]]
    state_like: bool = False
    item_field: str = ""


def _room(pk: str, sk: str, item: Item) -> list[Topic]:
    del sk, item
    room_id = message.room_of(pk)
    # A room that no argument of the API can name has no subscribers, and its id may not fit into the log's keys.
    return [topics.room(room_id)] if room_id is not None and validation.names_room(room_id) else []


def _user(pk: str, sk: str, item: Item) -> list[Topic]:
    # Other items of a user are not theirs to hear of by this topic; one of whom is being deleted hears no more.
    user_id = pk.removeprefix(profile.PREFIX)
    return [topics.user(user_id)] if sk == profile.SORT_KEY and profile.is_there(item) and user_id else []


def _receiver(pk: str, sk: str, item: Item) -> list[Topic]:
    del sk, item
    found = notice.receiver_of(pk)
    return [found] if found else []


def _presence(pk: str, sk: str, item: Item) -> list[Topic]:
    del sk, item
    room_id = presence.room_of(pk)
    return [topics.presence(room_id)] if validation.names_room(room_id) else []


def _product(pk: str, sk: str, item: Item) -> list[Topic]:
    product_id = product.id_of(pk)
    if sk != product.SORT_KEY or not product.is_id(product_id):
        return []
    return [topics.product(product_id), *map(topics.category, category.path_of(item))]


def _cart(pk: str, sk: str, item: Item) -> list[Topic]:
    del item
    owner = cart.owner_of(pk)
    return [topics.cart(owner)] if sk == cart.SORT_KEY and cart.is_owner(owner) else []


def _buyer(pk: str, sk: str, item: Item) -> list[Topic]:
    del sk, item
    user_id = order.user_of(pk)
    return [topics.order(user_id)] if validation.is_id(user_id) else []


def _belonging(pk: str, sk: str, item: Item) -> list[End]:
    belongs = membership.standing_of(item) in BELONGS
    return _of_room(sk, membership.room_of(pk)) if belongs else []


def _members_of(pk: str, sk: str, item: Item) -> list[End]:
    del item
    room_id = rooms.room_of(pk)
    return _of_room(EVERYBODY, room_id) if (pk, sk) == rooms.key(room_id) else []


def _of_room(subscriber: str, room_id: str) -> list[End]:
    return [End(subscriber, topic) for topic in topics.of_room(room_id)]


def _opened(pk: str, sk: str, item: Item) -> list[End]:
    if sk != auth_key.SORT_KEY or auth_key.is_revoked(item):
        return []
    key_id = pk.removeprefix(auth_key.PREFIX)
    offered = (kind for kind in topics.KINDS.values() if kind.subscription and not kind.everyones)
    kinds = (kind for kind in offered if CallerKind.LAMBDA in rights.RULES.get(f"Subscription.{kind.subscription}", {}))
    return [End(key_id, kind) for kind in kinds]


def _signed_in(pk: str, sk: str, item: Item) -> list[End]:
    if sk != profile.SORT_KEY or not profile.is_there(item):
        return []
    user_id, session = pk.removeprefix(profile.PREFIX), profile.session_of(item)
    return [End(user_id, kind, session) for kind in topics.ENDED_LATER]


def _leased(pk: str, sk: str, item: Item) -> list[End]:
    client_id, lease = client.id_of(pk), client.lease_of(item)
    held = client.rights(client_id, lease) if sk == client.SORT_KEY and lease else ()
    return [End(EVERYBODY, each) for each in held]


# The prefixes are also the filter of the publisher's event source mapping (stacks/api.yaml); a test compares.
ROUTES: Sequence[Route] = (
    Route(
        message.PREFIX,
        topics=_room,
        key=lambda _, sk: message.id_of(sk),
        project=message.to_publish,
    ),
    Route(
        profile.PREFIX,
        topics=_user,
        key=lambda pk, _: pk.removeprefix(profile.PREFIX),
        project=profile.to_publish,
        state_like=True,
    ),
    Route(
        notice.PREFIX,
        topics=_receiver,
        key=lambda _, sk: sk,
        project=notice.to_publish,
        item_field="notice",
    ),
    Route(
        presence.PREFIX,
        topics=_presence,
        key=lambda _, sk: sk,
        project=presence.to_publish,
        state_like=True,
    ),
    Route(
        cart.PREFIX,
        topics=_cart,
        key=lambda pk, _: cart.owner_of(pk),
        project=cart.to_publish,
        state_like=True,
    ),
    Route(
        product.PREFIX,
        topics=_product,
        key=lambda pk, _: product.id_of(pk),
        project=product.to_publish,
        state_like=True,
    ),
    Route(
        order.PREFIX,
        topics=_buyer,
        key=lambda _, sk: sk,
        project=order.to_publish,
        state_like=True,
    ),
)

ENDINGS: Sequence[Ending] = (
    Ending(membership.PREFIX, holders=_belonging),
    Ending(auth_key.PREFIX, holders=_opened),
    Ending(client.PREFIX, holders=_leased),
    # What the answers of `signOut` and its like have no room for.
    Ending(profile.PREFIX, holders=_signed_in),
    # Without its room a membership is worth nothing.
    Ending(rooms.PREFIX + topics.PRIVATE_ROOM, holders=_members_of, removal_only=True),
)


def from_stream(record: Mapping[str, Any]) -> Record:
    """A record as Lambda gets it from DynamoDB Streams. Raises an exception, of any type, when it is none."""
    data = record["dynamodb"]
    keys = from_event(data["Keys"])
    kind = record["eventName"]
    if kind not in get_args(Kind):
        raise Unpublishable(f"eventName {kind!r} is none of {', '.join(get_args(Kind))}")
    old, new = data.get("OldImage"), data.get("NewImage")
    if not new and kind != "REMOVE":
        raise Unpublishable(f"a record of kind {kind} without the new image")
    return Record(
        event_id=record["eventID"],
        kind=kind,
        pk=keys["pk"],
        sk=keys["sk"],
        old=from_event(old) if old and kind != "INSERT" else None,
        new=from_event(new) if new and kind != "REMOVE" else None,
        position=data["SequenceNumber"],
        created_ms=created_ms(record),
    )


def key_of(record: Mapping[str, Any]) -> ItemKey:
    """The key of the item that a stream record is about, whatever else may be wrong with it."""
    keys = record["dynamodb"]["Keys"]
    return str(keys["pk"]["S"]), str(keys["sk"]["S"])


def position_of(record: Mapping[str, Any]) -> int:
    """The place of a record in the stream: it grows along the records of an item."""
    return int(record["dynamodb"]["SequenceNumber"])


def created_ms(record: Mapping[str, Any]) -> int:
    """Epoch milliseconds before which a stream record was not written; 0 when it does not say."""
    # Whole seconds, which may be rounded: one second less is certainly not too late.
    return max(0, (int(record["dynamodb"].get("ApproximateCreationDateTime", 1)) - 1) * 1000)


def is_routed(record: Mapping[str, Any], routes: Sequence[Route] = ROUTES, endings: Sequence[Ending] = ENDINGS) -> bool:
    """Whether a stream record is about a type of item that has topics, or is a right, at all."""
    prefixes = [each.prefix for each in routes] + [each.prefix for each in endings]
    return key_of(record)[0].startswith(tuple(prefixes))


def ends_of(record: Record, endings: Sequence[Ending] = ENDINGS) -> list[End]:
    """Whose subscriptions end with a record: those whose right the item was before and is not now.

    What of an item has expired is still a right until it is removed: requests are refused before, and pushes go on for
    as long as the table keeps it. Therefore no right has a time at which it ends.
    """
    found = []
    for each in endings:
        if record.pk.startswith(each.prefix) and not (each.removal_only and record.kind != "REMOVE"):
            before = [] if record.kind == "INSERT" else each.holders(record.pk, record.sk, record.old or {})
            after = [] if record.new is None else each.holders(record.pk, record.sk, record.new)
            found += [end for end in before if end not in after]
    return found


def topics_of(record: Record, routes: Sequence[Route] = ROUTES) -> list[Topic]:
    """All topics that a record may concern, whether or not its item can be shown."""
    return list(dict.fromkeys(topic for route in _routes(record, routes) for topic in _sides(record, route)))


def route(record: Record, routes: Sequence[Route] = ROUTES) -> list[Change]:
    """The topics that a record concerns, with what each is told; none for one that changes nothing the API shows.

    What comes out is well formed: AppSync takes it, and so do the answers to those who catch up.

    Raises:
        Exception: of any type, when the item has something that the API cannot show.
    """
    return [change for each in _routes(record, routes) for change in _changes(record, each)]


def _routes(record: Record, routes: Sequence[Route]) -> list[Route]:
    return [each for each in routes if record.pk.startswith(each.prefix)]


def _sides(record: Record, route: Route) -> dict[Topic, tuple[bool, bool]]:
    """The topics of a record: whether its item belonged to each before, and whether it does now."""
    # A removal must reach its topic even if nobody says what was removed.
    before = set() if record.kind == "INSERT" else set(route.topics(record.pk, record.sk, record.old or {}))
    after = set() if record.new is None else set(route.topics(record.pk, record.sk, record.new))
    return {topic: (topic in before, topic in after) for topic in sorted(before | after, key=str)}


def _changes(record: Record, route: Route) -> list[Change]:
    sides = _sides(record, route)
    if not sides:
        return []
    shown = None if record.new is None else route.project(record.pk, record.sk, record.new)
    unchanged = record.kind == "MODIFY" and shown == _shown_before(record, route)
    text = None if shown is None else json.dumps(shown, ensure_ascii=False, separators=(",", ":"))
    changes = []
    for topic, (before, after) in sides.items():
        if before and after and unchanged:
            continue
        kind: Kind = "REMOVE" if not after else record.kind if before else "INSERT"
        member = route.item_field or topic.kind.item_field
        publish_inputs.checker(topic.kind.mutation, "items", member)(shown, member)
        event = Event(
            record.event_id,
            kind,
            route.key(record.pk, record.sk),
            text if after else None,
            _trace_id(record),
            since_ms=record.created_ms,
            position=record.position,
            reference=(record.pk, record.sk),
            item_field=route.item_field,
        )
        changes.append(Change(topic, event, route.state_like))
    return changes


def _shown_before(record: Record, route: Route) -> Mapping[str, Any] | None:
    """What was shown of the item before; None when that was not possible."""
    try:
        return None if record.old is None else route.project(record.pk, record.sk, record.old)
    except Exception:  # noqa: BLE001 - whatever was wrong with the old item, the new one is another
        return None


def _trace_id(record: Record) -> str:
    """The trace of the request that wrote the item, else the event's id.

    The attribute outlives the write that set it: a raw write, or an expiry, finds an earlier request's trace there.
    """
    new, old = (image.get("traceId") if image else None for image in (record.new, record.old))
    return new if isinstance(new, str) and new and new != old else record.event_id
