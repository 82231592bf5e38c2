"""The simulation can fail: each of these defects, put into the real code, is found within some schedules.

A defect is a patched function, so that it shows what exactly the code would lack. If one is no longer found, the
simulation has become blind to it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from itertools import chain

import pytest

from domain import changes, chat, chunks, memory
from domain.changes import ChangeLog
from domain.chunks import Chunk, Draft
from domain.events import Entry
from domain.memory import Head, Memory, View
from domain.table import Put
from headwater.changes import Change
from headwater.room import Room
from headwater.sequence import Sequence as ClientSequence
from tests.simulation import world

SCHEDULES = 300

Patch = pytest.MonkeyPatch


def numbers_again_what_has_numbers(patch: Patch) -> None:
    """A redelivered record gets a second number."""
    look = ChangeLog._look

    def blind(log: ChangeLog, topic: str, wanted: set[str], since: int) -> tuple[View, dict[int, Entry]]:
        view, _ = look(log, topic, wanted, since)
        return view, {}

    patch.setattr(ChangeLog, "_look", blind)


def trusts_its_memory_too_far(patch: Patch) -> None:
    """What a container has not seen numbered counts as not numbered."""
    patch.setattr(View, "excludes", lambda view, ids, _: view.ids.isdisjoint(ids))


def keeps_its_memory_after_an_obstacle(patch: Patch) -> None:
    """After a write that failed, or whose answer was lost, nothing is looked up."""
    patch.setattr(Memory, "take", lambda self, topic: self._views.get(topic))


def raises_any_head(patch: Patch) -> None:
    """Two publishers give out one number."""

    def unconditional(topic: str, _before: Head, after: Head) -> Put:
        return Put({"pk": f"HEAD#{topic}", "sk": 0, "topic": topic, "head": after.seq, "at": after.at})

    patch.setattr(changes, "_raise_head", unconditional)


def believes_its_clock(patch: Patch) -> None:
    """A chunk is numbered at the time of the container's clock, whatever the records and the head say."""

    class OnlyTheClock(ChangeLog):
        def _write(self, topic: str, head: Head, drafts: Sequence[Draft], budget: int) -> list[Chunk]:
            at = self._clock.now_ms()
            added = list(chunks.cut(drafts, head.seq, at, most=99, budget=budget))
            raised = changes._raise_head(topic, head, Head(added[-1].last, at))
            self._table.write([raised, *(chunk.put(topic, at // 1000 + 200_000) for chunk in added)])
            return added

    patch.setattr(ChangeLog, "_write", OnlyTheClock._write)


def believes_that_a_query_sees_all(patch: Patch) -> None:
    """A chunk that a query does not show is taken to be gone."""

    def asks_a_query(log: ChangeLog, topic: str, last: int) -> Chunk | None:
        pk, sk = chunks.key(topic, last)
        found = list(log._table.query(pk, "sk = :sk", {":sk": sk}, now=0))
        return chunks.of_item(found[0]) if found else None

    patch.setattr(ChangeLog, "_certainly", asks_a_query)


def forgets_to_follow_pointers(patch: Patch) -> None:
    """Catch-up answers a pointer although the item is there."""
    patch.setattr(chat, "_change", lambda _table, entry, _now: json.loads(entry.text))


def counts_time_wrongly_when_it_forgets(patch: Patch) -> None:
    """Ids are dropped from a full memory, and its horizon stays."""

    def forget(view: View) -> None:
        while len(view.ids) > memory.MOST_IDS_OF_A_TOPIC:
            _, ids = view._runs.popleft()
            view.ids.difference_update(ids)

    patch.setattr(memory, "MOST_IDS_OF_A_TOPIC", 3)
    patch.setattr(View, "_forget", forget)


def does_not_fetch_gaps(patch: Patch) -> None:
    """The client waits for what was lost."""
    patch.setattr(ClientSequence, "fetch_after", None)


def hands_out_whatever_comes(patch: Patch) -> None:
    """The client believes each push to be new."""

    def take(self: ClientSequence, items: tuple[Change, ...]) -> list[Change]:
        self.position = max([self.position, *(item.seq for item in items)])
        self._head = max(self._head, self.position)
        return list(items)

    patch.setattr(ClientSequence, "_take", take)


def starts_anew_after_a_break(patch: Patch) -> None:
    """The client comes back at the head instead of where it was."""
    drop = Room._drop

    async def forgetting(self: Room) -> None:
        await drop(self)
        if self._live_at is not None and not self._ready:
            self._sequence = None

    patch.setattr(Room, "_drop", forgetting)


DEFECTS: list[Callable[[Patch], None]] = [
    numbers_again_what_has_numbers,
    trusts_its_memory_too_far,
    keeps_its_memory_after_an_obstacle,
    raises_any_head,
    believes_its_clock,
    believes_that_a_query_sees_all,
    forgets_to_follow_pointers,
    counts_time_wrongly_when_it_forgets,
    does_not_fetch_gaps,
    hands_out_whatever_comes,
    starts_anew_after_a_break,
]


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.__name__)
def test_a_defect_is_found(defect: Callable[[Patch], None], monkeypatch: Patch) -> None:
    defect(monkeypatch)
    found = chain.from_iterable(world.run(seed).problems for seed in range(SCHEDULES))
    assert next(found, None) is not None, f"{defect.__name__} was not found in {SCHEDULES} schedules"
