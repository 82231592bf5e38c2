"""The carts of users and of guests: what is put into them, changed, taken out, and taken over at sign-in.

Every change reads the cart, works out its lines, and writes them on the condition that the cart is as it was read. When
another device was quicker, that is done again by what is there then: so two that add at once both count, and whoever
names the version that they have seen is told when it is another.

What is in stock is nobody's business here. A cart reserves nothing: whether there are enough pieces is decided by
`domain.shop.checkout`, in the transaction that takes them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from domain import catch_up, client, clients, rights, sessions, times, topics, validation
from domain.caller import ANONYMOUS, Caller
from domain.changes import ChangeLog
from domain.clock import Clock
from domain.errors import DomainError, InvalidInput, NotFound, TryAgain, Unauthorized, VersionConflict
from domain.idempotency import DAY_SECONDS, Once, named
from domain.retrying import until_written
from domain.rights import Standing
from domain.shop import cart, money, product, products
from domain.shop.cart import Cart, CartLine, Held, Lines
from domain.shop.product import Product
from domain.table import (
    Check,
    ConditionFailed,
    Delete,
    Item,
    Put,
    Table,
    Unavailable,
    Write,
    is_live,
)
from domain.topics import Topic

_PATIENCE_SECONDS = 8.0


@dataclass(frozen=True)
class Carts:
    """What the use cases stand on. `kept_seconds`: how long a cart is kept that nobody changes."""

    table: Table
    change_log: ChangeLog
    clock: Clock
    kept_seconds: int


@dataclass(frozen=True)
class Listening:
    """What a subscription to a cart is to: its topic, and of a client's the right that it rests on."""

    topic: Topic
    right: Topic | None


# --- reading ---


def find(carts: Carts, caller: Caller, *, client_id: str | None = None) -> Cart | None:
    """The caller's cart, or that of a client of theirs; None when there is none.

    Raises:
        Unauthorized: the caller has no cart, or the client is not theirs.
        TableError: the table did not answer.
    """
    owner, _ = _owner(carts, caller, "Query.cart", client_id)
    now = carts.clock.now_ms() // 1000
    return cart.held(owner, carts.table.get(cart.key(owner), now), now).shown


def cart_changes(
    carts: Carts, caller: Caller, *, client_id: str | None = None, after: int, limit: int | None = None
) -> dict[str, Any]:
    """What happened to a cart after a known change, as the schema's CartChangePage.

    Raises:
        Unauthorized, InvalidInput: the caller, the arguments.
        TableError: the table did not answer.
    """
    owner, _ = _owner(carts, caller, "Query.cartChanges", client_id)

    def shown(item: Item) -> object:
        return cart.from_item(item["pk"], item)

    whole = catch_up.followed(carts.table, carts.clock, "cart", shown)
    deadline = carts.clock.monotonic() + _PATIENCE_SECONDS
    return catch_up.page(carts.change_log, topics.cart(owner), after, limit, whole, deadline)


def on_cart(carts: Carts, caller: Caller, *, client_id: str | None = None) -> Listening:
    """What a caller gets who subscribes to a cart.

    That of a client rests on the client's lease: it ends when another connection takes the id over.

    Raises:
        Unauthorized: the caller has no cart, or the client is not theirs.
        TableError: the table did not answer.
    """
    field = "Subscription.onCart"
    owner, item = _owner(carts, caller, field, client_id)
    if client_id is None or item is None:
        return Listening(topics.cart(owner), None)
    lease = client.lease_of(item)
    if not lease:
        raise Unauthorized(field)
    return Listening(topics.cart(owner), client.cart_right(client_id, lease))


# --- writing ---


def add(
    carts: Carts,
    caller: Caller,
    *,
    product_id: str,
    quantity: int | None = 1,
    version: int | None = None,
    client_id: str | None = None,
    client_mutation_id: str | None = None,
    trace_id: str | None = None,
) -> Cart | None:
    """Put more pieces of a product into a cart, which begins with its first.

    Args:
        carts: what it stands on.
        caller: whose cart it is.
        product_id: the product.
        quantity: how many pieces more; None for one.
        version: of the cart as the caller has seen it, 0 for none; None for whatever is in it.
        client_id: a client of the caller's, whose cart it is instead.
        client_mutation_id: a repeat with it changes nothing, and answers the cart as it is.
        trace_id: of the request.

    Raises:
        Unauthorized, InvalidInput, IdempotencyConflict: nothing was changed.
        NotFound: there is no such product, or none that can be bought.
        VersionConflict: the cart has another version than the one given.
        TryAgain: the database is too busy.
    """
    field = "Mutation.addToCart"
    more = _checked_quantity(1 if quantity is None else quantity)
    _check_version(version)

    def lines(was: Held, found: Product | None, now: str) -> Lines:
        _check_seen(was, version)
        before = was.lines.get(product_id)
        if before is None and len(was.lines) >= cart.MAX_LINES:
            raise InvalidInput("input.productId", f"must be one of the cart's: it has {cart.MAX_LINES} lines already.")
        together = more + (before["quantity"] if before else 0)
        if together > cart.MAX_QUANTITY:
            raise InvalidInput("input.quantity", f"would make {together} pieces; there may be {cart.MAX_QUANTITY}.")
        return _with(was, _line(product_id, found, together, before["addedAt"] if before else now))

    change = _Change(field, product_id, lines, [product_id, more, version], client_id, client_mutation_id, trace_id)
    return _carry_out(carts, caller, change)


def change_line(
    carts: Carts,
    caller: Caller,
    *,
    product_id: str,
    quantity: int,
    version: int,
    client_id: str | None = None,
    client_mutation_id: str | None = None,
    trace_id: str | None = None,
) -> Cart | None:
    """Let there be another number of pieces of a product in a cart, for what it costs now.

    Raises:
        Unauthorized, InvalidInput, IdempotencyConflict: nothing was changed.
        NotFound: the product is not in the cart, or cannot be bought any more.
        VersionConflict: the cart has another version than the one given.
        TryAgain: the database is too busy.
    """
    field = "Mutation.changeCartLine"
    _checked_quantity(quantity)
    _check_version(version)

    def lines(was: Held, found: Product | None, now: str) -> Lines:
        del now
        _check_seen(was, version)
        before = _require_line(was, product_id)
        return _with(was, _line(product_id, found, quantity, before["addedAt"]))

    change = _Change(field, product_id, lines, [product_id, quantity, version], client_id, client_mutation_id, trace_id)
    return _carry_out(carts, caller, change)


def remove_line(
    carts: Carts,
    caller: Caller,
    *,
    product_id: str,
    version: int,
    client_id: str | None = None,
    client_mutation_id: str | None = None,
    trace_id: str | None = None,
) -> Cart | None:
    """Take a product out of a cart. A cart with nothing left in it stays, until nobody has changed it for so long.

    Raises:
        Unauthorized, InvalidInput, IdempotencyConflict: nothing was changed.
        NotFound: the product is not in the cart.
        VersionConflict: the cart has another version than the one given.
        TryAgain: the database is too busy.
    """
    field = "Mutation.removeFromCart"
    _check_version(version)

    def lines(was: Held, found: Product | None, now: str) -> Lines:
        del found, now
        _check_seen(was, version)
        _require_line(was, product_id)
        return {other: line for other, line in was.lines.items() if other != product_id}

    change = _Change(field, product_id, lines, [product_id, version], client_id, client_mutation_id, trace_id)
    return _carry_out(carts, caller, change)


def merge(
    carts: Carts,
    caller: Caller,
    *,
    client_id: str,
    client_mutation_id: str | None = None,
    trace_id: str | None = None,
) -> Cart | None:
    """Take what a guest has put into a cart over into the signed-in user's, and remove the guest's.

    Quantities are added up, to 999 at most; what comes over has the title and the price that its product has now. What
    the user's cart has no room for stays in the guest's. With nothing in the guest's it changes nothing, so it may be
    repeated.

    Args:
        carts: what it stands on.
        caller: a signed-in user.
        client_id: a guest's client. Its id is a credential: whoever knows it has its cart.
        client_mutation_id: a repeat with it changes nothing, and answers the cart as it is.
        trace_id: of the request.

    Returns:
        The user's cart; None when there is none, and nothing was taken over.

    Raises:
        Unauthorized: the caller is no user, or the client no guest's.
        InvalidInput, IdempotencyConflict: nothing was changed.
        TryAgain: the database is too busy.
    """
    field = "Mutation.mergeCart"
    mine, theirs = cart.of_user(caller.id), cart.of_client(client_id)
    rights.require(caller, field, str(topics.cart(mine)))
    mutation = named(caller, field, client_mutation_id, [client_id])

    def attempt(again: bool) -> Cart | None:
        now_ms = carts.clock.now_ms()
        now = now_ms // 1000
        # Who owns the client is asked as any owner's right is: as if the guest were asking.
        if clients.standing(carts.table, ANONYMOUS, client_id, now)[0] is not Standing.OWNER:
            raise Unauthorized(field)
        found = carts.table.get_all([cart.key(mine), cart.key(theirs)], 0)
        to, of = cart.held(mine, found.get(cart.key(mine)), now), cart.held(theirs, found.get(cart.key(theirs)), now)
        if again and mutation and mutation.outcome(carts.table, now) is not None:
            return to.shown
        lines, left = _merged(to.lines, of.lines, products.by_id(carts.table, of.lines, now))
        marker: list[Write] = [*_marker(mutation, now)]
        if len(left) == len(of.lines):  # nothing came over
            if marker:
                _write(carts, caller, field, marker)
            return to.shown
        taken = cart.changed(to, lines, now_ms, carts.kept_seconds, trace_id)
        rest = cart.changed(of, left, now_ms, carts.kept_seconds, trace_id) if left else cart.removed(of)
        _write(carts, caller, field, [taken, rest, *marker])
        return cart.shown(taken)

    return until_written(attempt, carts.clock, _PATIENCE_SECONDS)


def remove_all(table: Table, user_id: str) -> None:
    """Remove the carts of a user who is being deleted: their own, and those of the clients that are theirs.

    To be called while the clients can still be found (`clients.remove_all`). May be repeated. Raises TableError.
    """
    of_clients = table.query(client.listing(user_id), now=0, index=client.INDEX)
    owners = [cart.of_user(user_id), *(cart.of_client(client.id_of(str(item["pk"]))) for item in of_clients)]
    for owner in owners:
        table.write([Delete(cart.key(owner))])


# --- what they share ---


@dataclass(frozen=True)
class _Change:
    """A change of a cart that is about one product.

    Attributes:
        field: which mutation it is.
        product_id: the product, as the caller names it.
        lines: the lines that the cart shall have, from what it has, the product if it is there, and the time. Raises
            DomainError when it cannot be.
        effect: what a repeat must bring again.
        client_id: the client whose cart it is, if it is one's.
        client_mutation_id: the caller's id of the mutation.
        trace_id: of the request.
    """

    field: str
    product_id: str
    lines: Callable[[Held, Product | None, str], Lines]
    effect: list[Any]
    client_id: str | None
    client_mutation_id: str | None
    trace_id: str | None


def _carry_out(carts: Carts, caller: Caller, change: _Change) -> Cart | None:
    """Change a cart once, whoever else changes it meanwhile. The cart that comes of it; None when it is gone since."""
    owner, _ = _owner(carts, caller, change.field, change.client_id)
    mutation = named(caller, change.field, change.client_mutation_id, [owner, *change.effect])
    if not product.is_id(change.product_id):
        raise NotFound("input.productId")

    def attempt(again: bool) -> Cart | None:
        now_ms = carts.clock.now_ms()
        now = now_ms // 1000
        found = carts.table.get_all([cart.key(owner), product.key(change.product_id)], 0)
        was = cart.held(owner, found.get(cart.key(owner)), now)
        item = found.get(product.key(change.product_id))
        wanted = _wanted(was, item if item and is_live(item, now) else None, change, now_ms)
        # An earlier try has changed what this one goes by. It is looked for after the cart was read: otherwise it
        # could happen in between.
        if mutation and (again or isinstance(wanted, DomainError)) and mutation.outcome(carts.table, now) is not None:
            return was.shown
        if isinstance(wanted, DomainError):
            raise wanted
        put = cart.changed(was, wanted, now_ms, carts.kept_seconds, change.trace_id)
        try:
            _write(carts, caller, change.field, [put, *_marker(mutation, now)], change.client_id)
        except Unavailable as error:
            if mutation is None:
                # It may have been written, and nothing would tell: a second try could add the pieces twice.
                raise TryAgain from error
            raise
        return cart.shown(put)

    return until_written(attempt, carts.clock, _PATIENCE_SECONDS)


def _owner(carts: Carts, caller: Caller, field: str, client_id: str | None) -> tuple[str, Item | None]:
    """Whose cart a caller means, who has the right to it; with the item of the client if it is one's.

    Raises:
        Unauthorized: the caller has not.
        TableError: the table did not answer.
    """
    if client_id is None:
        owner, standing, item = cart.of_user(caller.id), Standing.NONE, None
    else:
        owner = cart.of_client(client_id)
        standing, item = clients.standing(carts.table, caller, client_id, carts.clock.now_ms() // 1000)
    rights.require(caller, field, str(topics.cart(owner)), standing)
    return owner, item


def _write(carts: Carts, caller: Caller, field: str, writes: list[Write], client_id: str | None = None) -> None:
    """Carry out writes, if the caller's token and client still count.

    With that it is always a transaction, which boto3 sends again under the same token when an answer is lost: so no
    answer says that a condition failed because the write itself was already there.

    Raises:
        Unauthorized: they do not.
        TableError: nothing was written, or of Unavailable perhaps.
    """
    conditions = sessions.kept(caller)
    if client_id is not None:
        conditions.append(Check(client.key(client_id), "#owner = :owner", {":owner": client.owner_of(caller)}))
    try:
        carts.table.write([*writes, *conditions])
    except ConditionFailed as error:
        if any(position >= len(writes) for position in error.writes):
            raise Unauthorized(field) from error
        raise


def _marker(mutation: Once | None, now: int) -> list[Put]:
    return [mutation.marker({}, now, now + DAY_SECONDS)] if mutation else []


def _wanted(was: Held, item: Item | None, change: _Change, now_ms: int) -> Lines | DomainError:
    """The lines that a cart shall have, or why it cannot be."""
    found = product.from_item(product.key(change.product_id)[0], item) if item else None
    try:
        lines = change.lines(was, found, times.to_iso(now_ms))
        if cart.total(lines) > money.MAX_TOTAL:
            raise InvalidInput("input.quantity", f"would make the cart cost more than {money.MAX_TOTAL} cents.")
    except DomainError as error:
        return error
    return lines


def _merged(mine: Lines, theirs: Lines, known: Mapping[str, Product]) -> tuple[Lines, Lines]:
    """A user's lines with those of a guest, and of the guest's those for which there is no room."""
    lines, left = dict(mine), dict[str, CartLine]()
    for product_id, line in theirs.items():
        before, found = mine.get(product_id), known.get(product_id)
        quantity = min(line["quantity"] + (before["quantity"] if before else 0), cart.MAX_QUANTITY)
        added_at = min(line["addedAt"], before["addedAt"]) if before else line["addedAt"]
        # What cannot be bought any more comes over as it is: who orders it is told so.
        taken: CartLine = {**line, "quantity": quantity, "addedAt": added_at}
        if found and found["price"] is not None:
            taken = cart.line(product_id, found, quantity, added_at)
        longer = {**lines, product_id: taken}
        if len(longer) > cart.MAX_LINES or cart.total(longer) > money.MAX_TOTAL:
            left[product_id] = line
        else:
            lines = longer
    return lines, left


def _line(product_id: str, found: Product | None, quantity: int, added_at: str) -> CartLine:
    """A line by what its product costs now. Raises NotFound: it cannot be bought."""
    if found is None or found["price"] is None:
        raise NotFound("input.productId")
    return cart.line(product_id, found, quantity, added_at)


def _with(was: Held, line: CartLine) -> Lines:
    return {**was.lines, line["productId"]: line}


def _require_line(was: Held, product_id: str) -> CartLine:
    """The line of a product. Raises NotFound: there is none."""
    if product_id not in was.lines:
        raise NotFound("input.productId")
    return was.lines[product_id]


def _check_seen(was: Held, version: int | None) -> None:
    """Let a change pass that is about the cart as it is. Raises VersionConflict."""
    if version is not None and version != was.version:
        raise VersionConflict(was.version, was.shown)


def _checked_quantity(quantity: int) -> int:
    return validation.between("input.quantity", quantity, 1, cart.MAX_QUANTITY)


def _check_version(version: int | None) -> None:
    if version is not None:
        validation.between("input.version", version, 0, validation.MAX_SEQ)
