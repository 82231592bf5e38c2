"""Who may ask for what: one table of field, kind of caller and topic. Every Python resolver asks it first.

Fields that JavaScript answers alone are in the table too: tests compare it with the schema's directives and with what
`resolvers/appsync/Query.room.js` answers. docs/rights.md shows the table and is generated from it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

from domain import topics
from domain.caller import OPERATORS, SELLERS, Caller, CallerKind, Scope
from domain.errors import Unauthorized


class Standing(Enum):
    """What a caller is to a private room or to a client. It is read from the table at each request.

    `domain.room_rights` and `domain.clients` read it. A client has an owner, and nobody else is anything to it.
    """

    NONE = "NONE"
    INVITED = "INVITED"
    MEMBER = "MEMBER"
    OWNER = "OWNER"


# What belongs to a room: it may be read, written and subscribed to.
BELONGS = frozenset({Standing.MEMBER, Standing.OWNER})


@dataclass(frozen=True)
class Rule:
    """Which callers of a kind have a right.

    Attributes:
        words: the same for people, as docs/rights.md has it.
        holds: whether a caller may have a topic (`room:lobby`; None where a field is about none), given what they are
            to a private room or a client.
    """

    words: str
    holds: Callable[[Caller, str | None, Standing], bool]


def _rule(words: str) -> Callable[[Callable[[Caller, str | None, Standing], bool]], Rule]:
    return lambda holds: Rule(words, holds)


@_rule("all")
def anyone(caller: Caller, topic: str | None, standing: Standing) -> bool:
    """Open to every caller of the kind."""
    del caller, topic, standing
    return True


@_rule("the publisher's role")
def publisher(caller: Caller, topic: str | None, standing: Standing) -> bool:
    """Open to every caller of the kind: which of them it is, says the policy of the publisher's role alone."""
    del caller, topic, standing
    return True


@_rule("their own")
def own(caller: Caller, topic: str | None, standing: Standing) -> bool:
    """Open to the user whom the topic is about."""
    del standing
    return topic == str(topics.user(caller.id))


@_rule("their own")
def own_orders(caller: Caller, topic: str | None, standing: Standing) -> bool:
    """Open to the user whose orders the topic is about."""
    del standing
    return topic == str(topics.order(caller.id))


@_rule("operators")
def operators(caller: Caller, topic: str | None, standing: Standing) -> bool:
    """Open to operators, about anyone."""
    del topic, standing
    return caller.is_in(OPERATORS)


@_rule("sellers")
def sellers(caller: Caller, topic: str | None, standing: Standing) -> bool:
    """Open to sellers, about anything in the shop. Operators are none by that."""
    del topic, standing
    return caller.is_in(SELLERS)


@_rule("their own; operators anyone's")
def own_or_operators(caller: Caller, topic: str | None, standing: Standing) -> bool:
    """Open to the user whom the topic is about, and to operators."""
    return own.holds(caller, topic, standing) or operators.holds(caller, topic, standing)


@_rule("public rooms")
def public_rooms(caller: Caller, topic: str | None, standing: Standing) -> bool:
    """Open to every caller of the kind, in rooms that are not private."""
    del caller, standing
    found = topics.named(topic or "")
    if found is None or found.kind is not topics.ROOM or not found.id:
        return False
    return not topics.is_private_room(found.id)


@_rule("public rooms, and private ones that they belong to")
def their_rooms(caller: Caller, topic: str | None, standing: Standing) -> bool:
    """Open in public rooms, and to those who belong to a private one."""
    return public_rooms.holds(caller, topic, standing) or members.holds(caller, topic, standing)


@_rule("members of the private room")
def members(caller: Caller, topic: str | None, standing: Standing) -> bool:
    """Open to those who belong to the private room."""
    del caller
    return topic is not None and standing in BELONGS


@_rule("who is invited to the private room, or belongs to it")
def invited(caller: Caller, topic: str | None, standing: Standing) -> bool:
    """Open to those who belong to the private room or could."""
    del caller
    return topic is not None and standing is not Standing.NONE


@_rule("the owner of the private room")
def owner(caller: Caller, topic: str | None, standing: Standing) -> bool:
    """Open to the one owner of the private room."""
    del caller
    return topic is not None and standing is Standing.OWNER


@_rule("the client's owner")
def their_client(caller: Caller, topic: str | None, standing: Standing) -> bool:
    """Open to whoever the client's id belongs to; of a guest's id that is whoever knows it."""
    del caller
    found = topics.named(topic or "")
    return found is not None and found.kind is topics.CLIENT and bool(found.id) and standing is Standing.OWNER


@_rule("their own, and those of their clients")
def own_channels(caller: Caller, topic: str | None, standing: Standing) -> bool:
    """Open to the user whom the topic is about, or whose client it is about."""
    return own.holds(caller, topic, standing) or their_client.holds(caller, topic, standing)


@_rule("their own")
def own_cart(caller: Caller, topic: str | None, standing: Standing) -> bool:
    """Open to the user whose cart it is."""
    del standing
    return topic == str(topics.cart(caller.id))


@_rule("the client's owner")
def their_clients_cart(caller: Caller, topic: str | None, standing: Standing) -> bool:
    """Open to whoever the client's id belongs to whose cart it is; of a guest's id that is whoever knows it."""
    del caller
    found = topics.named(topic or "")
    return found is not None and found.kind is topics.CART and _is_client(found.id) and standing is Standing.OWNER


@_rule("their own, and those of their clients")
def their_carts(caller: Caller, topic: str | None, standing: Standing) -> bool:
    """Open to the user whose cart it is, or whose client's."""
    return own_cart.holds(caller, topic, standing) or their_clients_cart.holds(caller, topic, standing)


def _is_client(owner: str) -> bool:
    kind, _, client_id = owner.partition(":")
    return kind == topics.CLIENT.name and bool(client_id)


Rules = Mapping[CallerKind, Rule]

_OWN: Rules = {CallerKind.USER: own}
_ORDERS: Rules = {CallerKind.USER: own_orders}
_OPERATORS: Rules = {CallerKind.USER: operators}
_OWN_OR_OPERATORS: Rules = {CallerKind.USER: own_or_operators}
_SELLERS: Rules = {CallerKind.USER: sellers}
_PUBLIC: Rules = dict.fromkeys(CallerKind, anyone)
_ROOMS: Rules = {kind: their_rooms if kind is CallerKind.USER else public_rooms for kind in CallerKind}
_PUBLISHER: Rules = {CallerKind.IAM: publisher}
_CLIENT: Rules = dict.fromkeys(CallerKind, their_client)
_CARTS: Rules = {kind: their_carts if kind is CallerKind.USER else their_clients_cart for kind in CallerKind}
_CHANNELS: Rules = {kind: own_channels if kind is CallerKind.USER else their_client for kind in CallerKind}

RULES: Mapping[str, Rules] = {
    # Whoever knows the name of a public room reads and writes it. A private one is its members' alone.
    "Query.room": _ROOMS,
    "Query.rooms": _PUBLIC,
    "Query.messages": _ROOMS,
    "Query.messageChanges": _ROOMS,
    "Mutation.sendMessage": _ROOMS,
    "Mutation.sendMessages": _ROOMS,
    "Subscription.onMessages": _ROOMS,
    # So is who is there: to be seen and to see others, by the right to the room.
    "Query.presence": _ROOMS,
    "Query.presenceChanges": _ROOMS,
    "Mutation.joinRoom": _ROOMS,
    "Mutation.heartbeat": _ROOMS,
    "Mutation.leaveRoom": _ROOMS,
    "Subscription.onPresence": _ROOMS,
    "Mutation.createRoom": {CallerKind.USER: anyone},
    "Query.memberships": {CallerKind.USER: Rule("their own", anyone.holds)},  # it names nobody
    "Query.members": {CallerKind.USER: members},
    "Mutation.inviteMember": {CallerKind.USER: owner},
    "Mutation.acceptInvitation": {CallerKind.USER: invited},
    "Mutation.resignMembership": {CallerKind.USER: invited},
    "Mutation.expelMember": {CallerKind.USER: owner},
    # Users have what is theirs, and operators what is anybody's.
    "Query.me": _OWN,
    "Query.user": _OWN_OR_OPERATORS,
    "Query.users": _OPERATORS,
    "Query.userChanges": _OWN,
    "Mutation.updateProfile": _OWN,
    "Mutation.signOut": _OWN,
    "Mutation.deleteUser": _OWN_OR_OPERATORS,
    "Mutation.setUserGroups": _OPERATORS,
    "Mutation.disconnectUser": _OPERATORS,
    "Subscription.onUser": _OWN,
    # A client's id is its first registrant's (`domain.clients`), and so is all that is told to it.
    "Mutation.registerClient": dict.fromkeys(CallerKind, Rule("all; ids of others are refused", anyone.holds)),
    "Query.bootstrap": _CLIENT,
    "Query.clientChanges": _CLIENT,
    "Subscription.onClient": _CLIENT,
    "Query.notices": _CHANNELS,
    "Mutation.dismissNotice": _CHANNELS,
    # Roles that may send notices say so in their policies.
    "Mutation.notify": {CallerKind.USER: operators, CallerKind.IAM: anyone},
    # Whoever comes to the shop sees what there is.
    "Query.product": _PUBLIC,
    "Query.category": _PUBLIC,
    "Query.categories": _PUBLIC,
    "Query.products": _PUBLIC,
    "Query.searchProducts": _PUBLIC,
    "Query.productChanges": _PUBLIC,
    "Query.categoryChanges": _PUBLIC,
    "Subscription.onProduct": _PUBLIC,
    "Subscription.onCategory": _PUBLIC,
    # What there is, and for how much, sellers decide.
    "Mutation.createCategory": _SELLERS,
    "Mutation.createProduct": _SELLERS,
    "Mutation.updateProduct": _SELLERS,
    "Mutation.setPrice": _SELLERS,
    "Mutation.changeStock": _SELLERS,
    "Mutation.deleteProduct": _SELLERS,
    "Mutation.importProducts": _SELLERS,
    "Query.productPage": _PUBLIC,
    # A cart is a user's or a client's, and nobody else's: not the sellers', not the operators'.
    "Query.cart": _CARTS,
    "Query.cartChanges": _CARTS,
    "Mutation.addToCart": _CARTS,
    "Mutation.changeCartLine": _CARTS,
    "Mutation.removeFromCart": _CARTS,
    "Mutation.mergeCart": {CallerKind.USER: Rule("their own, with that of a guest's client", own_cart.holds)},
    "Subscription.onCart": _CARTS,
    # Orders are their buyers' alone: no argument names whose.
    "Query.order": _ORDERS,
    "Query.orders": _ORDERS,
    "Query.orderChanges": _ORDERS,
    "Mutation.checkout": _ORDERS,
    "Subscription.onOrder": _ORDERS,
    # Keys are the operators'; whoever holds one is a caller of a kind of its own.
    "Query.authKeys": _OPERATORS,
    "Mutation.createAuthKey": _OPERATORS,
    "Mutation.revokeAuthKey": _OPERATORS,
    "Mutation.publishMessages": _PUBLISHER,
    "Mutation.publishPresence": _PUBLISHER,
    "Mutation.publishUsers": _PUBLISHER,
    "Mutation.publishClients": _PUBLISHER,
    "Mutation.publishOrders": _PUBLISHER,
    "Mutation.publishCarts": _PUBLISHER,
    "Mutation.publishProducts": _PUBLISHER,
    "Mutation.publishCategories": _PUBLISHER,
    "Mutation.endSubscriptions": _PUBLISHER,
}

# Members of types that are some callers' alone. What is published goes to all subscribers of a topic alike, and AppSync
# applies no directive to it: so none of these may be in a published type, whichever that is or that very one.
RESTRICTED = frozenset({"email", "groups", "User.status", "enabled", "deletedAt", "standing", "members", "memberships"})


def may(caller: Caller, field: str, topic: str | None = None, standing: Standing = Standing.NONE) -> bool:
    """Whether the caller may use a field (`Query.messages`) for a topic. What is not in the table is closed."""
    rule = RULES.get(field, {}).get(caller.kind)
    return rule is not None and in_scope(caller, field) and rule.holds(caller, topic, standing)


def in_scope(caller: Caller, field: str) -> bool:
    """Whether an auth key is for a field; other callers have no scopes and are not limited by them."""
    return caller.kind is not CallerKind.LAMBDA or scope_of(field) in caller.scopes


def scope_of(field: str) -> Scope:
    """What an auth key must be for to use a field."""
    return Scope.WRITE if field.startswith("Mutation.") else Scope.READ


def require(caller: Caller, field: str, topic: str | None = None, standing: Standing = Standing.NONE) -> None:
    """Let only those pass who have the right.

    Raises:
        Unauthorized: the caller has not.
    """
    if not may(caller, field, topic, standing):
        raise Unauthorized(field)
