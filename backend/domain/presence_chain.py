"""When is somebody gone who says nothing? A delayed message asks, again and again: one chain of them per presence.

A message waits in the queue until the next heartbeat should long be there. Then it asks "still the same heartbeat?": if
another has come, the next message waits for the one after it. If none has, the presence is absent; asked again two
intervals after its last heartbeat, it is gone. A heartbeat itself starts nothing, so that a thousand of them cost one
message each at most, and no timer has to be stopped.

A queue delivers late, twice, and again after a crash. What makes one chain of that:

- The item of the heartbeat has the `chain` that counts, the one of the last join, and the `turn` that it is to take.
  A message with another chain ends, and so does one whose turn was taken by another message.
- A turn is taken by a conditional write, which notes the message's id (`by`), before the next message is sent. Whoever
  dies between the two is delivered again, finds its own id, and sends. What it may so have sent twice has one turn, and
  the second of the two ends there.
- The first message is sent before the presence is written, so that none is without a chain. As long as that write may
  be under way, a first message that does not find its presence waits on.
- A removal holds only if the heartbeat is still the one that was asked about.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from domain import backoff, presence, times
from domain.clock import Clock
from domain.presence import Place, Rhythm
from domain.table import ConditionFailed, Delete, Item, Set, Table, TableError, Write

# Longer than a function that writes a presence may run (stacks/presence.yaml).
UNDER_WAY_MS = 30_000
# The longest that SQS delays a message: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
LONGEST_DELAY_SECONDS = 900
_PATIENCE_SECONDS = 3.0


class Delayed(Protocol):
    """Where messages wait: `domain.queue.Queue`."""

    def send(self, message: Mapping[str, Any], delay_seconds: int = 0) -> None:
        """Deliver a message after a time. Raises QueueError."""


@dataclass(frozen=True)
class Question:
    """A message of a chain.

    Attributes:
        place: the presence.
        chain: which chain it is of.
        turn: its number there, from 0.
        begun_ms: when the chain's first message was sent, epoch milliseconds.
    """

    place: Place
    chain: str
    turn: int
    begun_ms: int

    def send(self, queue: Delayed, wake_ms: int, now_ms: int) -> None:
        """Have it asked at a time, both in epoch milliseconds. Raises QueueError."""
        seconds = -((now_ms - wake_ms) // 1000) if wake_ms > now_ms else 0
        where = self.place
        text = {
            "roomId": where.room_id, "owner": where.owner, "id": where.id, "chain": self.chain, "turn": self.turn,
            "begunMs": self.begun_ms,
        }  # fmt: skip
        queue.send(text, min(seconds, LONGEST_DELAY_SECONDS))


def from_message(message: Mapping[str, Any]) -> Question:
    """A question as `Question.send` wrote it. Raises KeyError, TypeError, ValueError for anything else."""
    where = Place(str(message["roomId"]), str(message["owner"]), str(message["id"]))
    return Question(where, str(message["chain"]), int(message["turn"]), int(message["begunMs"]))


@dataclass(frozen=True)
class Chains:
    """The chains of a deployment's presences."""

    table: Table
    queue: Delayed
    clock: Clock
    rhythm: Rhythm

    def ask(self, question: Question, message_id: str) -> None:
        """Deal with one delivery of a message; afterwards it can be deleted.

        Raises:
            TableError, QueueError: it cannot, and must be delivered again.
        """
        obstacle: TableError | None = None
        deadline = self.clock.monotonic() + _PATIENCE_SECONDS
        for _ in backoff.attempts(deadline, first_seconds=0.02, longest_seconds=0.5, clock=self.clock):
            try:
                self._ask(question, message_id)
            except TableError as error:
                obstacle = error  # a heartbeat came in between, as a rule
            else:
                return
        assert obstacle is not None
        raise obstacle

    def _ask(self, question: Question, message_id: str) -> None:
        now_ms = self.clock.now_ms()
        heartbeat = self.table.get(question.place.heartbeat_key, 0)
        if heartbeat is None or heartbeat.get("chain") != question.chain:
            over_ms = question.begun_ms + UNDER_WAY_MS
            if question.turn == 0 and now_ms < over_ms:
                question.send(self.queue, over_ms, now_ms)
            return
        turn = presence.number(heartbeat, "turn")
        following = replace(question, turn=question.turn + 1)
        if turn == following.turn and heartbeat.get("by") == message_id:
            following.send(self.queue, presence.number(heartbeat, "wakeAt"), now_ms)
        elif turn == question.turn:
            self._take(question, heartbeat, message_id, now_ms)

    def _take(self, question: Question, heartbeat: Item, message_id: str, now_ms: int) -> None:
        """The turn is this message's: remove the presence, or ask again."""
        where, rhythm = question.place, self.rhythm
        beat, absent = presence.number(heartbeat, "beat"), heartbeat.get("absent") is True
        unchanged = "#chain = :chain AND #turn = :turn_before AND #beat = :beat_before"
        values = {":chain": question.chain, ":turn_before": question.turn, ":beat_before": beat}
        if now_ms >= beat + rhythm.gone:
            self.table.write([Delete(where.heartbeat_key, unchanged, values), Delete(where.key)])
            return
        misses = not absent and now_ms >= beat + rhythm.late
        wake_ms = beat + (rhythm.gone if absent or misses else rhythm.late)
        taken: dict[str, Any] = {"turn": question.turn + 1, "by": message_id, "wakeAt": wake_ms}
        if misses:
            taken["absent"] = True
        writes: list[Write] = [Set(where.heartbeat_key, taken, unchanged, values)]
        if misses:
            shown = {"absent": True, "lastSeen": times.to_iso(beat)}
            writes.append(Set(where.key, shown, "attribute_exists(pk)"))
        try:
            self.table.write(writes)
        except ConditionFailed as error:
            if error.writes != (1,):
                raise
            # Somebody has removed by hand what is shown: nothing is left to ask about.
            self.table.write([Delete(where.heartbeat_key, unchanged, values)])
        else:
            replace(question, turn=question.turn + 1).send(self.queue, wake_ms, now_ms)


def begin(queue: Delayed, where: Place, chain: str, wake_ms: int, now_ms: int) -> None:
    """Send the first message of a chain, before the presence is written that it asks about. Raises QueueError."""
    Question(where, chain, 0, now_ms).send(queue, wake_ms, now_ms)
