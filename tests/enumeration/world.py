"""A thousand users and whoever else calls, 65 topics, and every way in which one can be to the other."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from domain import (
    auth_key,
    client,
    clients,
    membership,
    notice,
    notices,
    presence,
    presences,
    profile,
    rights,
    rooms,
    sessions,
    topics,
    users,
)
from domain import chat as use
from domain.caller import ANONYMOUS, OPERATORS, SELLERS, Caller, CallerKind, Scope
from domain.changes import ChangeLog
from domain.chat import Chat
from domain.clients import Clients
from domain.clock import SYSTEM
from domain.errors import DomainError, Unauthorized
from domain.events import Event
from domain.presence import Rhythm
from domain.presences import Presences
from domain.rights import Standing
from domain.rooms import Rooms
from domain.sessions import Sessions
from domain.shop import cart, carts, catalogue_changes, category, order, orders, product
from domain.shop.carts import Carts
from domain.shop.catalogue import Catalogue
from domain.shop.orders import Orders
from domain.table import Delete, Put, Table
from domain.users import Users
from tests.backend.domain.shop.sellers import category_by_id, product_by_id
from tests.enumeration.memory import Client

USERS, PUBLIC, PRIVATE, PROFILES = 1000, 15, 25, 10
RETENTION_SECONDS = 86_400
KEYS = {
    "key that reads": Caller(CallerKind.LAMBDA, "k1", "reads", scopes=frozenset({Scope.READ})),
    "key that writes": Caller(CallerKind.LAMBDA, "k2", "writes", scopes=frozenset({Scope.WRITE})),
    "key for both": Caller(CallerKind.LAMBDA, "k3", "both", scopes=frozenset(Scope)),
    "key for nothing": Caller(CallerKind.LAMBDA, "k4", "nothing"),
    "key that is over": Caller(CallerKind.LAMBDA, "k5", "over", scopes=frozenset(Scope)),
    "key that was revoked": Caller(CallerKind.LAMBDA, "k6", "revoked", scopes=frozenset(Scope)),
    "key that was removed": Caller(CallerKind.LAMBDA, "k7", "removed", scopes=frozenset(Scope)),
}
# Whose clients there are, and what may be wrong with them.
OWNERS = (
    "u0", "u1", "u2", "u3", "u4", "api key", "api key", "program", "key that reads", "key that writes", "key for both",
    "u1, whose registration is over", "u3, whose item has expired", "u5, without an owner",
    "u7, whose owner was deleted",
)  # fmt: skip
# What a user may be to a private room, and how often.
STANDINGS = {
    "stranger": 85, "member": 5, "owner": 1, "invited": 3, "expired invitation": 2, "expired member": 1, "nonsense": 3,
}  # fmt: skip


class NoQueue:
    """Where nothing is asked later."""

    def send(self, message: Mapping[str, Any], delay_seconds: int = 0) -> None:
        """Nothing."""


@dataclass
class World:
    """Callers by name, topics, and who is to have which: the expectation, written down as the world is made."""

    chat: Chat
    users: Users
    clients: Clients
    sessions: Sessions
    presences: Presences
    carts: Carts
    catalogue: Catalogue
    orders: Orders
    now_ms: int
    callers: dict[str, Caller] = field(default_factory=dict)
    topics: list[str] = field(default_factory=list)
    readers: set[tuple[str, str]] = field(default_factory=set)
    writers: set[tuple[str, str]] = field(default_factory=set)
    leases: dict[str, str] = field(default_factory=dict)  # by client

    def pairs(self) -> Iterator[tuple[str, str]]:
        return ((name, topic) for name in self.callers for topic in self.topics)

    def can_read(self, name: str, topic: str) -> bool:
        """Whether the caller gets the topic's content by a query."""
        caller, (kind, _, ident) = self.callers[name], topic.partition(":")
        if kind == "client":
            return self._is_allowed(lambda: self._notices(caller, ident))
        if kind == "cart":
            return self._is_allowed(lambda: self._cart(caller, "Query.cart", ident))
        if kind == "presence":
            return self._is_allowed(lambda: presences.list_presence(self.presences, caller, room_id=ident)[0])
        if kind == "order":
            return self._is_allowed(lambda: self._orders(caller, "Query.orders", ident))
        if kind in ("product", "category"):
            return self._is_allowed(lambda: self._in_the_shop(caller, kind, ident))
        if kind == "user":
            # `user` answers operators too, whom nothing is pushed of others: this is about one's own profile.
            return self._is_allowed(lambda: self._own(caller, "Query.me", ident))
        return self._is_allowed(lambda: use.messages(self.chat, caller, room_id=ident, now_ms=self.now_ms)[0])

    def can_catch_up(self, name: str, topic: str) -> bool:
        """Whether the caller gets the topic's changes."""
        caller, (kind, _, ident) = self.callers[name], topic.partition(":")

        def changes() -> Any:
            if kind == "user":
                self._own(caller, "Query.userChanges", ident)
                page = users.user_changes(self.users, caller, after=0)
            elif kind == "client":
                self.sessions.require(caller, "Query.clientChanges")
                page = clients.client_changes(self.clients, caller, client_id=ident, after=0)
            elif kind == "cart":
                client_id = self._cart_of(caller, "Query.cartChanges", ident)
                page = carts.cart_changes(self.carts, caller, client_id=client_id, after=0)
            elif kind == "order":
                self._orders(caller, "Query.orderChanges", ident)
                page = orders.order_changes(self.orders, caller, after=0)
            elif kind == "product":
                page = catalogue_changes.product_changes(self.catalogue, caller, id=ident, after=0)
            elif kind == "category":
                page = catalogue_changes.category_changes(self.catalogue, caller, category=ident, after=0)
            elif kind == "presence":
                page = presences.presence_changes(self.presences, caller, room_id=ident, after=0)
            else:
                page = use.message_changes(self.chat, caller, room_id=ident, after=0, now_ms=self.now_ms)
            assert page["topic"] == topic
            return page["items"]

        return self._is_allowed(changes)

    def subscription(self, name: str, topic: str) -> dict[str, Any] | None:
        """What the function answers to `subscription.js`; None when it refuses."""
        caller, (kind, _, ident) = self.callers[name], topic.partition(":")
        try:
            if kind == "user":
                self.sessions.require(caller, "Subscription.onUser")
                found = users.on_user(caller)  # names no topic: whoever asks gets their own
                return {"topic": found, "userId": caller.user_id} if found == topic else None
            if kind == "client":
                self.sessions.require(caller, "Subscription.onClient")
                to = clients.on_client(self.clients, caller, client_id=ident, lease=self.leases[ident])
                return {"topic": str(to.topic), "userId": caller.subscriber, "right": str(to.right)}
            if kind == "cart":
                client_id = self._cart_of(caller, "Subscription.onCart", ident)
                cart_to = carts.on_cart(self.carts, caller, client_id=client_id)
                right = {"right": str(cart_to.right)} if cart_to.right else {}
                return {"topic": str(cart_to.topic), "userId": caller.subscriber, **right}
            if kind == "order":
                self.sessions.require(caller, "Subscription.onOrder")
                found = orders.on_order(caller)  # names no topic either
                return {"topic": found, "userId": caller.user_id} if found == topic else None
            if kind == "product":
                return {"topic": catalogue_changes.on_product(caller, id=ident)}
            if kind == "category":
                return {"topic": catalogue_changes.on_category(caller, category=ident)}
            if kind == "presence":
                found = presences.on_presence(self.presences, caller, room_id=ident)
            else:
                found = use.on_messages(self.chat, caller, room_id=ident, now_ms=self.now_ms)
        except Unauthorized:
            return None
        return {"topic": found, "userId": caller.subscriber}

    def can_write(self, name: str, room_id: str) -> bool:
        """Whether the caller's message gets into a room."""
        caller = self.callers[name]
        return self._is_allowed(
            lambda: use.send_message(self.chat, caller, room_id=room_id, text="hi", now_ms=self.now_ms)
        )

    def can_join(self, name: str, room_id: str) -> bool:
        """Whether the caller can be present in a room."""
        caller = self.callers[name]
        return self._is_allowed(
            lambda: presences.join_room(self.presences, caller, room_id=room_id, client_id="phone", name="x")
        )

    def take_over(self, client_id: str) -> list[str]:
        """Give a client another lease, as its owner's registration does; the rights that ended."""
        ended = client.rights(client_id, self.leases[client_id])
        self.leases[client_id] += "+"
        found = self.chat.table.get(client.key(client_id), 0)
        assert found
        self.chat.table.write([Put(found | {"lease": self.leases[client_id]})])
        return [str(each) for each in ended]

    def _notices(self, caller: Caller, client_id: str) -> Any:
        self.sessions.require(caller, "Query.notices")
        return notices.unread(self.clients, caller, client_id=client_id).items

    def _cart(self, caller: Caller, coordinate: str, owner: str) -> Any:
        return carts.find(self.carts, caller, client_id=self._cart_of(caller, coordinate, owner))

    def _cart_of(self, caller: Caller, coordinate: str, owner: str) -> str | None:
        """The client whose cart is asked for. Whoever names none gets their own, and nobody else's."""
        self.sessions.require(caller, coordinate)
        client_id = owner.removeprefix(cart.CLIENT)
        if client_id == owner and caller.user_id != owner:
            raise Unauthorized(coordinate)
        return None if client_id == owner else client_id

    def _orders(self, caller: Caller, coordinate: str, user_id: str) -> Any:
        """What a caller has of the orders of one user: only that user's are theirs."""
        self.sessions.require(caller, coordinate)
        items, _ = orders.list_orders(self.orders, caller)
        one = orders.one_order(self.orders, caller, id=f"of-{user_id}")
        if one is None:
            raise Unauthorized(coordinate)
        assert items == [one]
        return one

    def _in_the_shop(self, caller: Caller, kind: str, ident: str) -> Any:
        read = product_by_id if kind == "product" else category_by_id
        return read(self.catalogue, caller, id=ident)

    def _own(self, caller: Caller, coordinate: str, user_id: str) -> bool:
        self.sessions.require(caller, coordinate)
        if caller.user_id != user_id:
            raise Unauthorized(coordinate)
        rights.require(caller, coordinate, str(topics.user(user_id)))
        return True

    @staticmethod
    def _is_allowed(attempt: Any) -> bool:
        try:
            assert attempt(), "what may be had has content"
        except Unauthorized:
            return False
        except DomainError as error:
            raise AssertionError(f"refused in another way: {error!r}") from error
        return True

    def expel(self, name: str, topic: str) -> None:
        """Take a membership away, as the table has it, by one of the room's topics."""
        room_id = topic.partition(":")[2]
        self.chat.table.write([Delete(membership.key(room_id, self.callers[name].id))])
        for each in map(str, topics.of_room(room_id)):
            self.readers.discard((name, each))
            self.writers.discard((name, each))


def make(seed: int) -> World:
    """A world by chance."""
    chance, client = random.Random(seed), Client()
    table = Table("MainTable", cast("Any", client))
    log = ChangeLog(Table("ChangeLog", cast("Any", client)), RETENTION_SECONDS, SYSTEM)
    chat = Chat(table, Rooms(table, RETENTION_SECONDS), log, RETENTION_SECONDS)
    # No pool and no deletion: what they are for is not asked here.
    of_users = Users(table, cast("Any", None), log, cast("Any", None), SYSTEM, RETENTION_SECONDS)
    of_clients = Clients(table, log, SYSTEM, RETENTION_SECONDS)
    present = Presences(table, log, NoQueue(), SYSTEM, Rhythm(30), lambda *_: None)
    of_carts = Carts(table, log, SYSTEM, 3600)
    shop = Catalogue(table, log, SYSTEM, RETENTION_SECONDS)
    of_orders = Orders(table, log, SYSTEM, 3600)
    sessions_of_all = Sessions(table, SYSTEM)
    world = World(chat, of_users, of_clients, sessions_of_all, present, of_carts, shop, of_orders, SYSTEM.now_ms())
    live = _callers(world, chance)
    _public_rooms(world, live)
    _private_rooms(world, live, chance)
    for number in range(PROFILES):
        _profile(world, f"u{number}", live)
    for number, owner in enumerate(OWNERS):
        _client(world, number, owner, live)
    _shop(world)
    for topic in world.topics:
        _content(world, topic)
    return world


def _callers(world: World, chance: random.Random) -> set[str]:
    """All callers. Returns those whose credentials count."""
    now = world.now_ms // 1000
    world.callers |= {"api key": ANONYMOUS, "program": Caller(CallerKind.IAM, "arn:aws:iam::1:user/p", "p")} | KEYS
    live = {"api key", "program", "key that reads", "key for both"}
    for name, key in KEYS.items():
        pk, sk = auth_key.key(key.id)
        ended = {"revokedAt": "2026-11-21T12:00:00.000Z"} if name == "key that was revoked" else {}
        until = now if name == "key that is over" else now + 3600
        if name != "key that was removed":
            world.chat.table.write([Put({"pk": pk, "sk": sk, "validUntil": until, **ended})])
    for number in range(USERS):
        name = f"u{number}"
        groups = [group for group, share in ((OPERATORS, 0.02), (SELLERS, 0.1)) if chance.random() < share]
        world.callers[name] = Caller(CallerKind.USER, f"sub-{number}", name, frozenset(groups), issued_at=now)
        state = chance.choices(["live", "no profile", "signed out", "deleted", "signed in again"], [80, 5, 5, 5, 5])[0]
        if number < PROFILES:
            state = "live" if number % 2 else "signed out"
        pk, sk = profile.key(f"sub-{number}")
        item: dict[str, Any] = {"pk": pk, "sk": sk, "displayName": name}
        more: dict[str, dict[str, Any]] = {
            "signed out": {"validAfter": now}, "deleted": {"deletedAt": "2026-11-21T12:00:00.000Z"},
            "signed in again": {"validAfter": now - 1},
        }  # fmt: skip
        if state != "no profile":
            world.chat.table.write([Put(item | more.get(state, {}))])
        if state in {"live", "no profile", "signed in again"}:
            live.add(name)
    return live


def _public_rooms(world: World, live: set[str]) -> None:
    writers = live - {"key that reads"} | {"key that writes"}
    for number in range(PUBLIC):
        for topic in _topics(f"public {number}", number):
            world.topics.append(topic)
            world.readers |= {(name, topic) for name in live}
            world.writers |= {(name, topic) for name in writers}


def _private_rooms(world: World, live: set[str], chance: random.Random) -> None:
    table, now_ms = world.chat.table, world.now_ms
    people = [name for name in world.callers if name.startswith("u")]
    for number in range(PRIVATE):
        room_id = f"{topics.PRIVATE_ROOM}{number:026d}"
        its_topics = _topics(room_id, number)
        world.topics += its_topics
        exists = number != 0  # one was removed by hand, and its memberships are left
        if exists:
            table.write([Put(rooms.private_item(room_id, None, now_ms))])
        for name in people:
            kind = chance.choices(list(STANDINGS), list(STANDINGS.values()))[0]
            if kind == "stranger":
                continue
            given = Standing.OWNER if kind == "owner" else Standing.INVITED if "invit" in kind else Standing.MEMBER
            item = membership.to_item(room_id, world.callers[name].id, given, now_ms)
            if kind == "nonsense":
                item["standing"] = chance.choice(["KING", "member", 7, None, ["MEMBER"], "NONE"])
            if "expired" in kind:
                item["expiresAt"] = now_ms // 1000 - 1
            table.write([Put(item)])
            if kind in {"member", "owner"} and exists and name in live:
                world.readers |= {(name, topic) for topic in its_topics}
                world.writers |= {(name, topic) for topic in its_topics}


def _topics(room_id: str, number: int) -> list[str]:
    """The topics of a room; who is there is asked of one room in four."""
    return [str(each) for each in topics.of_room(room_id)[: 1 if number % 4 else 2]]


def _profile(world: World, name: str, live: set[str]) -> None:
    for topic in (f"{kind}:{world.callers[name].id}" for kind in ("user", "cart", "order")):
        world.topics.append(topic)
        if name in live:
            world.readers.add((name, topic))


def _client(world: World, number: int, owner: str, live: set[str]) -> None:
    """A client of somebody's; the odd ones are not what they should be, and nobody's."""
    name, _, state = owner.partition(", ")
    client_id = f"{client.GUEST}{number:032d}" if name == "api key" else f"client-{number:016d}"
    its_topics = [f"client:{client_id}", f"cart:client:{client_id}"]
    world.topics += its_topics
    world.leases[client_id] = f"L{number}"
    item = client.to_item(world.callers[name], client_id, f"L{number}", world.now_ms, client.DAY_SECONDS)
    odd: dict[str, dict[str, Any]] = {
        "whose registration is over": {"validUntil": world.now_ms // 1000}, "whose item has expired": {"expiresAt": 1},
        "without an owner": {"owner": None}, "whose owner was deleted": {"owner": client.NOBODY},
    }  # fmt: skip
    world.chat.table.write([Put(item | odd.get(state, {}))])
    pk, sk = notice.key(topics.client(client_id), "N")
    world.chat.table.write([Put({"pk": pk, "sk": sk, "kind": "k"})])
    if not state and name in live and name != "key that writes":
        world.readers |= {(name, topic) for topic in its_topics}


def _shop(world: World) -> None:
    """What all may see, whose sessions nobody asks: it is everybody's who may read anything."""
    for key, topic in ((product.key("dune"), "product:dune"), (category.key("book"), "category:book")):
        world.chat.table.write([Put(dict(zip(("pk", "sk"), key, strict=True)))])
        world.topics.append(topic)
        scopeless = {"key that writes", "key for nothing"}
        world.readers |= {(name, topic) for name in world.callers if name not in scopeless}


def _content(world: World, topic: str) -> None:
    """A message in each room, and a change in each topic's log."""
    kind, _, ident = topic.partition(":")
    if kind == "room":
        writer = next((name for name, each in sorted(world.writers) if each == topic), None)
        if writer is not None:
            assert world.can_write(writer, ident)
    if kind == "order":
        pk, sk = order.key(ident, f"of-{ident}")
        world.chat.table.write([Put({"pk": pk, "sk": sk})])
    if kind == "cart":
        pk, sk = cart.key(ident)
        world.chat.table.write([Put({"pk": pk, "sk": sk})])
    if kind == "presence":
        item = {"pk": f"{presence.PREFIX}{ident}", "sk": "somebody", "name": "x"}
        world.chat.table.write([Put(item)])
    found = topics.named(topic)
    assert found
    world.chat.change_log.append(found, [Event("1", "REMOVE", "k", None)], SYSTEM.monotonic() + 5)


def is_everyones(topic: str) -> bool:
    """Whether it is of a kind that all may have."""
    found = topics.named(topic)
    return found is not None and found.kind.everyones


def session_ends(world: World, name: str) -> None:
    """Sign a user out, as the table has it."""
    caller = world.callers[name]
    ending = sessions.ending(caller.id, world.now_ms)
    pk, sk = profile.key(caller.id)
    world.chat.table.write([Put({"pk": pk, "sk": sk, **ending.attributes})])
    world.readers = {each for each in world.readers if each[0] != name or is_everyones(each[1])}
    world.writers = {each for each in world.writers if each[0] != name}
