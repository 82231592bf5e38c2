"""What the journal keeps of real-time clients: who connected, what they subscribed to, how both ended."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from local.appsync.request import Caller

if TYPE_CHECKING:
    from local.appsync.subscriptions import Subscription

ENDED_KEPT = 50  # of one connection
PROBLEMS_KEPT = 5
ERROR_FRAME = b'"type":"error"'  # in a control frame of either protocol; quotes in texts are escaped
MOST_TOLD = 4_096
UNSUBSCRIBED = "the client unsubscribed"

_NAMES = ("username", "userArn", "sub")


class Subscriber:
    """One `start` of a client, from its arrival on. Times are epoch seconds.

    `registrations` are the engine's: one, and one more while its API is redeployed. `since` and `until` are the numbers
    of the first publish that it could get and of the first that it could not.
    """

    __slots__ = (
        "by_client", "client", "deaf_until", "ended_at", "id", "live_at", "refused", "registered_at", "registrations",
        "since", "started_at", "until", "who", "why",
    )  # fmt: skip

    def __init__(self, client: Client, identifier: str) -> None:
        self.client = client
        self.id = identifier
        self.who = ""
        self.started_at = time.time()
        self.registered_at: float | None = None
        self.live_at: float | None = None  # acknowledged
        self.ended_at: float | None = None
        self.why = ""  # it ended
        self.by_client = False  # it was the client that ended it
        self.refused: Sequence[Mapping[str, Any]] = ()
        self.registrations: list[Subscription] = []
        self.since = 0
        self.deaf_until = 0  # before which publish an injected fault dropped what waited for the acknowledgement
        self.until: int | None = None

    def registered(self, subscription: Subscription, order: int) -> None:
        """The engine has it from publish number `order` on."""
        subscription.subscriber = self
        if not self.registrations:
            self.registered_at, self.since = time.time(), order
        self.registrations = [*self.registrations[-1:], subscription]

    def ended(self, why: str, order: int) -> None:
        """It gets nothing from publish number `order` on."""
        self.ended_at, self.why, self.until = time.time(), why, order


class Client:
    """One real-time connection, refused ones too. Its `id` is in the header `x-amzn-requestid` of the handshake."""

    __slots__ = (
        "api_id", "broken_turn", "connected_at", "ended", "ended_at", "host", "id", "library", "live", "problems",
        "protocol", "refused", "source_ip", "unread", "unsent", "why",
    )  # fmt: skip

    def __init__(
        self, identifier: str, api_id: str, protocol: str, headers: Mapping[str, str | list[str]], source_ip: str
    ) -> None:
        self.id = identifier
        self.api_id = api_id
        self.protocol = protocol
        self.library = library(headers)
        self.source_ip = source_ip
        self.connected_at = time.time()
        self.refused: Mapping[str, Any] | None = None
        self.ended_at: float | None = None
        self.why = ""
        self.broken_turn: int | None = None  # since when what is queued goes nowhere
        self.unread: Callable[[], int] = _nothing  # bytes that the socket did not take yet
        self.unsent = 0  # bytes that it never took
        self.live: dict[Any, Subscriber] = {}  # by the connection's own key
        self.ended: deque[Subscriber] = deque(maxlen=ENDED_KEPT)
        self.problems: deque[tuple[float, bytes]] = deque(maxlen=PROBLEMS_KEPT)  # error frames that it was sent

    @property
    def subscribers(self) -> Iterable[Subscriber]:
        """All that are known, the ended ones first."""
        return (*self.ended, *self.live.values())

    def started(self, key: Any, identifier: str, headers: Mapping[str, str | list[str]]) -> Subscriber:
        """A subscription is asked for. Libraries name themselves with each one."""
        self.library = library(headers) or self.library
        subscriber = self.live[key] = Subscriber(self, identifier)
        return subscriber

    def finished(self, key: Any, why: str, order: int, refused: Sequence[Mapping[str, Any]] = ()) -> None:
        """A subscription was refused, or has ended."""
        subscriber = self.live.pop(key, None)
        if subscriber is not None:
            subscriber.refused = refused
            subscriber.by_client = why == UNSUBSCRIBED
            subscriber.ended(why, order)
            self.ended.append(subscriber)

    def told(self, frame: bytes) -> None:
        """An error frame was sent."""
        self.problems.append((time.time(), frame))

    def closing(self, why: str) -> None:
        """The connection ends; the first reason is the one that counts."""
        self.why = self.why or why

    def lost(self, why: str, order: int) -> None:
        """The socket is gone."""
        self.closing(why)
        self.ended_at = time.time()
        for key in list(self.live):
            self.finished(key, self.why, order)
        self.unread = _nothing


def library(headers: Mapping[str, str | list[str]]) -> str:
    """What a client says it is: Amplify's header, else the user agent."""
    value = headers.get("x-amz-user-agent") or headers.get("user-agent") or ""
    return ", ".join(value) if isinstance(value, list) else value


def name_of(caller: Caller) -> str:
    """The authorization mode and, where it tells, who it is."""
    identity = caller.identity or {}
    # An IAM caller's user name is an opaque id; the ARN says more.
    names = reversed(_NAMES[:2]) if "userArn" in identity else _NAMES
    name = next((str(identity[each]) for each in names if identity.get(each)), "")
    return f"{caller.mode.value} {name}".rstrip()


def _nothing() -> int:
    return 0
