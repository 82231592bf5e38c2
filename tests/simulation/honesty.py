"""Whether clients say `live` only while they are: judged by what the service and the log know, not by the client."""

from __future__ import annotations

from collections.abc import Sequence

from headwater import connection, log, looks
from tests.simulation.appsync import AppSync, Connection
from tests.simulation.kernel import Kernel
from tests.simulation.subscribers import Subscriber

# A client learns of what has happened at once, but not before the instant is over.
INSTANT_SECONDS = 0.0005
# How long a look at the log takes at most, until the client knows that it has failed.
LOOK_SECONDS = 2 * log.READ_SECONDS
MOST_PROBLEMS = 5


class Observer:
    """Looks at all clients whenever the service or a client has changed."""

    def __init__(self, kernel: Kernel, service: AppSync, subscribers: Sequence[Subscriber]) -> None:
        self.problems: list[str] = []
        self._kernel = kernel
        self._service = service
        self._subscribers = subscribers
        service.published = lambda room_id, seq: kernel.later(
            looks.SILENCE_SECONDS + LOOK_SECONDS, self._look_for, room_id, seq
        )
        service.look = lambda seconds: kernel.later(seconds + INSTANT_SECONDS, self.look)
        for subscriber in subscribers:
            subscriber.on_said = lambda subscriber=subscriber: self._said(subscriber)  # type: ignore[misc]

    def look(self) -> None:
        """Whoever says `live` must have an acknowledged subscription on a connection that was heard lately."""
        for subscriber in self._subscribers:
            says_live = subscriber.present and subscriber.feed and subscriber.feed.state == "live"
            if says_live and not self._acknowledged(subscriber):
                self._found(subscriber, "says live without a subscription that it can hear")

    def _look_for(self, room_id: str, seq: int) -> None:
        """Whoever says `live` must have what was pushed so long ago, also if the push was lost."""
        for each in self._subscribers:
            says_live = each.diary.room_id == room_id and each.feed and each.feed.state == "live"
            if says_live and each.feed and each.feed.caught_up_to < seq:
                self._found(each, f"says live at {each.feed.caught_up_to}, though {seq} was pushed long ago")

    def _said(self, subscriber: Subscriber) -> None:
        """Whoever begins to say `live` must have everything up to the acknowledgement."""
        if subscriber.said != "live" or subscriber.feed is None:
            return
        heads = self._acknowledged(subscriber)
        position = subscriber.feed.caught_up_to
        if not heads or position < min(heads):
            self._found(subscriber, f"says live at {position}, though acknowledged at {heads}")

    def _acknowledged(self, subscriber: Subscriber) -> list[int]:
        """The room's newest numbers when the client's subscriptions were acknowledged, as far as it can hear them."""
        return [
            live.head
            for each in self._service.connections
            if each.caller is subscriber.caller and self._audible(each)
            for live in each.subscriptions
            if live.head is not None
        ]

    def _audible(self, each: Connection) -> bool:
        silent = 0.0 if each.silent_since is None else self._kernel.now - each.silent_since
        return silent <= connection.WINDOW_SECONDS

    def _found(self, subscriber: Subscriber, what: str) -> None:
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(f"{subscriber.diary.name}: at {self._kernel.now:.4f} {what}")
