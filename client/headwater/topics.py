"""The kinds of topics that a client can follow: a row each. A new context is a row here and a file of operations."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar, cast

from headwater.changes import Change, Envelope, Page, Source, Wire
from headwater.errors import UnexpectedAnswer, UnknownTopic
from headwater.generated import documents
from headwater.generated.fragments import Cart, Message, Notice, Presence, Product, Profile, ShopOrder
from headwater.wire import Model

T = TypeVar("T", bound=Model)


@dataclass(frozen=True, slots=True)
class Listing:
    """An operation that answers a topic's items, or those of one type.

    Attributes:
        document, field: the operation, with the name of its root field.
        model: the type of the items.
        shown: the items in what the field answers, which may be null.
        page_size: how many to ask for at a time; None for an operation without pages.
        newest_first: in which order they come.
    """

    document: str
    field: str
    model: type[Model]
    shown: Callable[[Any], Sequence[Wire]]
    page_size: int | None = None
    newest_first: bool = True


@dataclass(frozen=True, slots=True)
class TopicKind(Generic[T]):
    """How the topics of a prefix are subscribed to, caught up with, and read as they are now.

    Attributes:
        prefix: what stands before the id, as in `room:lobby`.
        id_variable: the variable of all the operations that takes the id; None where the token alone names the topic.
        subscription, changes, head: the operations, with the names of their root fields.
        snapshot: what reads the items as they are.
        items: the types of the items, by the name that they have in a change.
        key: the key of an item, as changes have it.
        order: by what to show items; None for the order in which they came.
        needs_lease: whether only the holder of a lease may subscribe.
        own: whether the token names the topic where no id is given.
        indexed: whether the snapshot comes from an index, which may not have the log's newest changes yet.
    """

    prefix: str
    id_variable: str | None
    subscription: str
    subscription_field: str
    changes: str
    head: str
    changes_field: str
    snapshot: Sequence[Listing]
    items: Mapping[str, type[Model]]
    key: Callable[[T], str]
    order: Callable[[T], Any] | None = None
    needs_lease: bool = False
    own: bool = False
    indexed: bool = False


def _items(answer: Any) -> Sequence[Wire]:
    return answer["items"] if answer else ()


def _one(answer: Any) -> Sequence[Wire]:
    return [answer] if answer else ()


_NOTICES = Listing(documents.NOTICES, "notices", Notice, _items, page_size=100, newest_first=False)

ROOM: TopicKind[Message] = TopicKind(
    prefix="room",
    id_variable="roomId",
    subscription=documents.ON_MESSAGES,
    subscription_field="onMessages",
    changes=documents.MESSAGE_CHANGES,
    head=documents.MESSAGE_HEAD,
    changes_field="messageChanges",
    snapshot=[Listing(documents.MESSAGES, "messages", Message, _items, page_size=100)],
    items={"message": Message},
    key=lambda message: message.id,
    order=lambda message: message.sent_at,
)

USER: TopicKind[Profile | Notice] = TopicKind(
    prefix="user",
    id_variable=None,
    subscription=documents.ON_USER,
    subscription_field="onUser",
    changes=documents.USER_CHANGES,
    head=documents.USER_HEAD,
    changes_field="userChanges",
    snapshot=[Listing(documents.ME, "me", Profile, lambda user: [user["profile"]] if user else []), _NOTICES],
    items={"profile": Profile, "notice": Notice},
    key=lambda item: item.id,
    own=True,
)

CLIENT: TopicKind[Notice] = TopicKind(
    prefix="client",
    id_variable="clientId",
    subscription=documents.ON_CLIENT,
    subscription_field="onClient",
    changes=documents.CLIENT_CHANGES,
    head=documents.CLIENT_HEAD,
    changes_field="clientChanges",
    snapshot=[_NOTICES],
    items={"notice": Notice},
    key=lambda notice: notice.id,
    order=lambda notice: notice.sent_at,
    needs_lease=True,
)

PRESENCE: TopicKind[Presence] = TopicKind(
    prefix="presence",
    id_variable="roomId",
    subscription=documents.ON_PRESENCE,
    subscription_field="onPresence",
    changes=documents.PRESENCE_CHANGES,
    head=documents.PRESENCE_HEAD,
    changes_field="presenceChanges",
    snapshot=[Listing(documents.PRESENCES, "presence", Presence, _items, page_size=100, newest_first=False)],
    items={"presence": Presence},
    key=lambda presence: presence.id,
    order=lambda presence: presence.joined_at,
)

PRODUCT: TopicKind[Product] = TopicKind(
    prefix="product",
    id_variable="id",
    subscription=documents.ON_PRODUCT,
    subscription_field="onProduct",
    changes=documents.PRODUCT_CHANGES,
    head=documents.PRODUCT_HEAD,
    changes_field="productChanges",
    snapshot=[Listing(documents.PRODUCT_BY_ID, "product", Product, _one)],
    items={"product": Product},
    key=lambda product: product.id,
)

CATEGORY: TopicKind[Product] = TopicKind(
    prefix="category",
    id_variable="category",
    subscription=documents.ON_CATEGORY,
    subscription_field="onCategory",
    changes=documents.CATEGORY_CHANGES,
    head=documents.CATEGORY_HEAD,
    changes_field="categoryChanges",
    snapshot=[Listing(documents.CATEGORY_PRODUCTS, "products", Product, _items, page_size=100)],
    items={"product": Product},
    key=lambda product: product.id,
    order=lambda product: product.created_at,
    indexed=True,
)

CART: TopicKind[Cart] = TopicKind(
    prefix="cart",
    id_variable="clientId",
    subscription=documents.ON_CART,
    subscription_field="onCart",
    changes=documents.CART_CHANGES,
    head=documents.CART_HEAD,
    changes_field="cartChanges",
    snapshot=[Listing(documents.GET_CART, "cart", Cart, _one)],
    items={"cart": Cart},
    key=lambda cart: cart.id,
    own=True,
)

ORDER: TopicKind[ShopOrder] = TopicKind(
    prefix="order",
    id_variable=None,
    subscription=documents.ON_ORDER,
    subscription_field="onOrder",
    changes=documents.ORDER_CHANGES,
    head=documents.ORDER_HEAD,
    changes_field="orderChanges",
    snapshot=[Listing(documents.ORDERS, "orders", ShopOrder, _items, page_size=100)],
    items={"order": ShopOrder},
    key=lambda order: order.id,
    order=lambda order: order.placed_at,
    own=True,
)

KINDS: Mapping[str, TopicKind[Any]] = {
    kind.prefix: kind for kind in (ROOM, PRESENCE, USER, CLIENT, PRODUCT, CATEGORY, CART, ORDER)
}


@dataclass(frozen=True, slots=True)
class Topic(Generic[T]):
    """One topic: its name, its kind, and the variables that name it to the API and those that subscribe to it."""

    name: str
    kind: TopicKind[T]
    variables: Mapping[str, str]
    subscribing: Mapping[str, str]

    def item(self, wire: Wire) -> T:
        """An item in the API's shape, of whichever type it is. Raises pydantic's ValidationError."""
        *others, last = self.kind.items.values()
        for model in others:
            with suppress(ValueError):
                return cast("T", model.model_validate(wire))
        return cast("T", last.model_validate(wire))

    def listed(self, listing: Listing, answer: Any) -> list[T]:
        """What a listing's field answers. Raises UnexpectedAnswer."""
        with _expected(self.name):
            return [cast("T", listing.model.model_validate(wire)) for wire in listing.shown(answer)]

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
        item = None
        for name, model in self.kind.items.items():
            if wire.get(name) is not None:
                item = cast("T", model.model_validate(wire[name]))
        return Change(
            topic=topic,
            seq=wire["seq"],
            kind=wire["kind"],
            key=wire["key"],
            item=item,
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


def topic(name: str, *, lease: str | None = None) -> Topic[Any]:
    """The topic of a name: `room:lobby`, or `user` or `cart` for the caller's own.

    Args:
        lease: what `registerClient` answered, for `client:<id>`.

    Raises:
        UnknownTopic: there is no such kind, the name has an id that it must not have, or none, or it needs a lease.
    """
    prefix, _, id_ = name.partition(":")
    kind = KINDS.get(prefix)
    if kind is None:
        raise UnknownTopic(f"{name!r}: the kinds of topics are {', '.join(KINDS)}")
    if kind.needs_lease != (lease is not None):
        raise UnknownTopic(f"{name!r} {'needs' if kind.needs_lease else 'takes no'} lease=")
    if name == prefix and kind.own:
        return Topic(name, kind, {}, {})
    if kind.id_variable is None:
        raise UnknownTopic(f"{name!r}: the caller's token says whose it is, write {prefix!r}")
    if not id_:
        raise UnknownTopic(f"{name!r}: write {prefix}:<id>")
    variables = {kind.id_variable: id_}
    return Topic(name, kind, variables, variables | ({} if lease is None else {"lease": lease}))
