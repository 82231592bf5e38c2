"""Topics: what clients subscribe to. One kind of topic has one publish mutation and one envelope type.

A topic is `<kind>:<id>` (`room:lobby`). One that names a person is computed from the caller's identity on the server.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, eq=False)  # each is one object, and told apart as such: topics are hashed for every record
class TopicKind:
    """How the changes of one kind of topic are published.

    Attributes:
        name: before the colon.
        mutation: the mutation that publishes them, fed by the stream's publisher only.
        id_field: the envelope's member that holds the topic's id.
        item_field: the member of a change that holds the item, unless the item's route names another.
        subscription: the field that clients subscribe to; empty when there is none.
        catch_up: the field that answers what they missed; empty when there is none.
        everyones: whether all may subscribe, so that nobody's subscription ever ends with a right.
    """

    name: str
    mutation: str
    id_field: str
    item_field: str
    subscription: str = ""
    catch_up: str = ""
    everyones: bool = False


@dataclass(frozen=True)
class Topic:
    """One topic. `str()` is its name in the change log and in envelopes."""

    kind: TopicKind
    id: str

    def __str__(self) -> str:
        return f"{self.kind.name}:{self.id}"


ROOM = TopicKind(
    "room",
    mutation="publishMessages",
    id_field="roomId",
    item_field="message",
    subscription="onMessages",
    catch_up="messageChanges",
)
USER = TopicKind(
    "user",
    mutation="publishUsers",
    id_field="userId",
    item_field="profile",
    subscription="onUser",
    catch_up="userChanges",
)
CLIENT = TopicKind(
    "client",
    mutation="publishClients",
    id_field="clientId",
    item_field="notice",
    subscription="onClient",
    catch_up="clientChanges",
)
PRESENCE = TopicKind(
    "presence",
    mutation="publishPresence",
    id_field="roomId",
    item_field="presence",
    subscription="onPresence",
    catch_up="presenceChanges",
)
CART = TopicKind(
    "cart",
    mutation="publishCarts",
    id_field="cartId",
    item_field="cart",
    subscription="onCart",
    catch_up="cartChanges",
)
PRODUCT = TopicKind(
    "product",
    mutation="publishProducts",
    id_field="productId",
    item_field="product",
    subscription="onProduct",
    catch_up="productChanges",
    everyones=True,
)
CATEGORY = TopicKind(
    "category",
    mutation="publishCategories",
    id_field="category",
    item_field="product",
    subscription="onCategory",
    catch_up="categoryChanges",
    everyones=True,
)

ORDER = TopicKind(
    "order",
    mutation="publishOrders",
    id_field="userId",
    item_field="order",
    subscription="onOrder",
    catch_up="orderChanges",
)

KINDS = {kind.name: kind for kind in (ROOM, USER, CLIENT, PRESENCE, CART, PRODUCT, CATEGORY, ORDER)}

# Those whose subscriptions end with a user's session. AppSync ends five kinds with the answer of a mutation at most
# (https://docs.aws.amazon.com/appsync/latest/devguide/extensions-js.html); the publisher ends the others.
_PERSONAL = [kind for kind in KINDS.values() if kind.subscription and not kind.everyones]
ENDED_AT_ONCE, ENDED_LATER = tuple(_PERSONAL[:5]), tuple(_PERSONAL[5:])

EVERY = "*"
"""In place of a topic's name, where live subscriptions end: all topics of whoever subscribed."""

# What the ids of private rooms begin with. They are the server's to give: so no answer tells whether one exists,
# whatever id is asked for, and that a room is public tells its id alone, without a read.
PRIVATE_ROOM = "private:"


def named(name: str) -> Topic | None:
    """The topic of a name like `room:lobby`; None when no kind of topic begins like that."""
    kind, _, topic_id = name.partition(":")
    return Topic(KINDS[kind], topic_id) if kind in KINDS else None


def room(room_id: str) -> Topic:
    """The topic of a room's messages."""
    return Topic(ROOM, room_id)


def presence(room_id: str) -> Topic:
    """The topic of who is in a room."""
    return Topic(PRESENCE, room_id)


def of_room(room_id: str) -> tuple[Topic, ...]:
    """The topics that whoever belongs to a room has a right to by that."""
    return room(room_id), presence(room_id)


def is_private_room(room_id: str) -> bool:
    """Whether a room's id is one of a private room, be there such a room or not."""
    return room_id.startswith(PRIVATE_ROOM)


def user(user_id: str) -> Topic:
    """The topic of a user's own profile and notices."""
    return Topic(USER, user_id)


def cart(owner: str) -> Topic:
    """The topic of a cart: of a user by `sub`, or of a client by `client:` and its id."""
    return Topic(CART, owner)


def client(client_id: str) -> Topic:
    """The topic of the notices to one client."""
    return Topic(CLIENT, client_id)


def product(product_id: str) -> Topic:
    """The topic of one product."""
    return Topic(PRODUCT, product_id)


def category(category_id: str) -> Topic:
    """The topic of the products of a category and of those below it."""
    return Topic(CATEGORY, category_id)


def order(user_id: str) -> Topic:
    """The topic of a user's orders."""
    return Topic(ORDER, user_id)
