"""The data plane's journal, for `python -m local explain`: what was published lately, to whom, and which clients exist.

Everything is bounded. A publish costs one small object, not one per subscriber: it keeps the lists by which the event
was delivered and the text that was encoded anyway. Whatever takes thought, above all why something did not match, is
worked out when somebody asks (`journal_report.py`).
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from local.appsync.errors import RequestError
from local.appsync.journal_clients import Client, Subscriber, name_of
from local.appsync.request import Caller, OperationRequest

if TYPE_CHECKING:
    from local.appsync.subscriptions import Subscription

PUBLISHES = 2_000
CONTENT_BYTES = 8 * 1024 * 1024
LARGEST_CONTENT = 256 * 1024  # what is larger cannot have been delivered
REFERENCES = 250_000  # from publishes to subscriptions
GONE_CLIENTS = 1_000
REFUSALS = 200
MOST_TEXT, MOST_SCALARS = 500, 20


class Publish:
    """One mutation field that subscriptions may hang on. Times are epoch seconds.

    `content` is the JSON text of its result: by the schema's names, or, when `key` is set, a whole response that has it
    under this key. It is null where the field failed; then `arguments` are the scalars of its arguments, and where the
    result was too large those of the result. `reached` are the deliveries: subscription field, bytes of the payload,
    subscriptions.
    """

    __slots__ = (
        "api_id", "arguments", "at", "caller", "content", "dropped", "errors", "fields", "flushed_at", "key",
        "mutation", "order", "oversized", "reached", "references", "request_id", "size", "turn",
    )  # fmt: skip

    def __init__(
        self, order: int, turn: int, api_id: str, mutation: str, fields: Sequence[str], caller: Caller, request_id: str
    ) -> None:
        self.order = order
        self.turn = turn
        self.at = time.time()
        self.api_id = api_id
        self.mutation = mutation
        self.fields = fields
        self.caller = caller
        self.request_id = request_id
        self.size = 0
        self.content: bytes | None = None
        self.key: str | None = None
        self.errors: Sequence[Mapping[str, Any]] = ()
        self.arguments: Mapping[str, Any] = {}
        self.reached: list[tuple[str, int, list[Subscription]]] = []
        self.references = 0
        self.dropped: dict[Subscriber, str] | None = None
        self.oversized = False  # and so it was not delivered
        self.flushed_at: float | None = None

    def deliver(self, field_name: str, size: int, subscriptions: list[Subscription]) -> None:
        """These subscriptions get it."""
        self.reached.append((field_name, size, subscriptions))
        self.references += len(subscriptions)

    def drop(self, subscriber: Subscriber | None, why: str) -> None:
        """One of them does not, after all."""
        if subscriber is not None:
            self.dropped = (self.dropped or {}) | {subscriber: why}


class Refusal:
    """An HTTP request that was refused before it was executed; `variables` are the scalars of its variables."""

    __slots__ = ("at", "error_type", "message", "query", "request_id", "status", "variables")

    def __init__(self, request_id: str, operation: OperationRequest | None, error: RequestError) -> None:
        self.at = time.time()
        self.request_id = request_id
        self.status = error.status
        self.error_type = error.error_type
        self.message = error.message
        self.query = operation.query[:MOST_TEXT] if operation is not None else ""
        self.variables = scalars(operation.variables) if operation is not None else {}


def scalars(value: Mapping[str, Any], prefix: str = "", levels: int = 2) -> dict[str, Any]:
    """The scalars in an object and in the objects in it, by dotted path; a few, and long texts cut."""
    found: dict[str, Any] = {}
    for name, item in value.items():
        if len(found) >= MOST_SCALARS:
            break
        if isinstance(item, dict) and levels > 1:
            found |= scalars(item, f"{prefix}{name}.", levels - 1)
        elif isinstance(item, str):
            found[prefix + name] = item[:MOST_TEXT]
        elif item is None or isinstance(item, bool | int | float):
            found[prefix + name] = item
    return found


class Journal:
    """One per data plane, for all its APIs and their versions. Used on the event loop only."""

    def __init__(
        self, publishes: int = PUBLISHES, content_bytes: int = CONTENT_BYTES, references: int = REFERENCES
    ) -> None:
        self.began_at = time.time()
        self.order = 0  # the next publish's number
        self.turn = 0  # how often queued frames were written
        self.publishes: deque[Publish] = deque()
        self.refusals: deque[Refusal] = deque(maxlen=REFUSALS)
        self.clients: dict[str, Client] = {}
        self.gone: deque[Client] = deque(maxlen=GONE_CLIENTS)
        self.current: Publish | None = None  # while it is being delivered
        self.forgotten = 0
        self._most = (publishes, content_bytes, references)
        self._bytes = 0
        self._references = 0
        self._unflushed: list[Publish] = []

    def publish(self, api_id: str, mutation: str, fields: Sequence[str], caller: Caller, request_id: str) -> Publish:
        """A mutation field has completed. Then come its deliveries and `delivered`, at the operation's end `settle`."""
        entry = Publish(self.order, self.turn, api_id, mutation, fields, caller, request_id)
        self.order += 1
        self.publishes.append(entry)
        self.current = entry
        return entry

    def delivered(self, entry: Publish) -> None:
        """All its deliveries are queued."""
        self.current = None
        if entry.reached:
            self._unflushed.append(entry)

    def settle(self, entry: Publish, response: bytes) -> None:
        """The operation of a publish has ended with this response: what nobody encoded before is found there."""
        if entry.content is None:
            entry.content = response
        else:
            entry.key = None
        entry.size = len(entry.content)
        if entry.size > LARGEST_CONTENT:
            entry.content, entry.key = b"null", None
        if self.publishes and entry.order >= self.publishes[0].order:  # else it is forgotten already
            self._bytes += len(entry.content)
            self._references += entry.references
            self._forget()

    def _forget(self) -> None:
        count, size, references = self._most
        publishes = self.publishes
        while len(publishes) > count or self._bytes > size or self._references > references:
            oldest = publishes.popleft()
            if oldest.content is not None:  # its operation has ended: it was counted
                self._bytes -= len(oldest.content)
                self._references -= oldest.references
            self.forgotten += 1

    def flushed(self) -> None:
        """What was queued for sockets is written."""
        self.turn += 1
        if self._unflushed:
            now = time.time()
            for entry in self._unflushed:
                entry.flushed_at = now
            self._unflushed.clear()

    def drop(self, subscriber: Subscriber | None, why: str) -> None:
        """The event that is being delivered does not go to this one of its subscribers (fault injection)."""
        if self.current is not None:
            self.current.drop(subscriber, why)

    def connected(self, client: Client) -> None:
        """A handshake was answered, be it with a refusal."""
        self.clients[client.id] = client

    def disconnected(self, client: Client) -> None:
        """The socket of a client is gone."""
        if self.clients.pop(client.id, None) is not None:
            self.gone.append(client)

    def clear(self) -> None:
        """Forget all that is over: publishes, refusals, ended connections."""
        self.forgotten += len(self.publishes)
        self.publishes.clear()
        self.refusals.clear()
        self.gone.clear()
        self._bytes = self._references = 0

    def refused(self, request_id: str, operation: OperationRequest | None, error: RequestError) -> None:
        """A request was refused as a whole: bad credentials, throttled, malformed."""
        self.refusals.append(Refusal(request_id, operation, error))


__all__ = ["Client", "Journal", "Publish", "Refusal", "Subscriber", "name_of"]
