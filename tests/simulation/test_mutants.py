"""The simulation can fail: each of these defects, put into the real code, is found within some schedules.

A defect is a patched function, so that it shows what exactly the code would lack. If one is no longer found, the
simulation has become blind to it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Any

import pytest

from domain import changes, chat, chunks, envelopes, memory, publication, routing
from domain.changes import ChangeLog
from domain.chunks import Chunk, Draft
from domain.events import Entry
from domain.memory import Head, Memory, View
from domain.parking import Mark, Parking, Reason, Waiting
from domain.publication import Publication, Subject
from domain.publishing import PublishError
from domain.pushing import Publishes, Push, Told
from domain.replaying import Replaying
from domain.table import Delete, Put, TableError
from headwater import backlog, connection
from headwater.changes import Change
from headwater.feed import Feed
from headwater.following import Following
from headwater.log import Log
from headwater.looks import Looks
from headwater.sequence import Sequence as ClientSequence
from headwater.subscriptions import Subscriptions
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
    """Where to look for an event is told by the container's clock instead of the stream's."""

    def write(log: ChangeLog, topic: str, head: Head, drafts: Sequence[Draft], budget: int) -> list[Chunk]:
        at = log._clock.now_ms()
        cut = chunks.cut(drafts, after=head.seq, at=at, newest=0, most=99, budget=budget)
        added = [replace(chunk, newest=at) for chunk in cut]
        raised = changes._raise_head(topic, head, Head(added[-1].last, at, at))
        log._table.write([raised, *(chunk.put(topic, at // 1000 + 200_000) for chunk in added)])
        return added

    patch.setattr(ChangeLog, "_write", write)


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


def publishes_before_it_numbers(patch: Patch) -> None:
    """Changes go out with the numbers that they will probably get."""
    append = ChangeLog.append

    def run(push: Push, log: ChangeLog, publisher: Publishes, deadline: float) -> Push:
        try:
            head = log._read_head(str(push.topic)).seq
            drafts = [chunks.draft(told.event, push.topic.kind.item_field) for told in push.told]
            guessed = [draft.numbered(head + place, 0) for place, draft in enumerate(drafts, 1)]
            for envelope in envelopes.pack(push.topic, guessed):
                publisher.publish(envelope, deadline)
            append(log, push.topic, [told.event for told in push.told], deadline)
        except (PublishError, TableError) as error:
            push.obstacle = error
        else:
            for told in push.told:
                told.published = True
        return push

    patch.setattr(Push, "run", run)


def reports_no_failure(patch: Patch) -> None:
    """What could not be published for now is not delivered again."""
    patch.setattr(Publication, "run", _after(Publication.run, lambda _: []))


def reports_the_last_failure(patch: Patch) -> None:
    """Of several failed records the last one is reported."""
    patch.setattr(Publication, "run", _after(Publication.run, lambda failed: failed[-1:]))


def does_not_look_for_marks(patch: Patch) -> None:
    """A later record of an item that is parked overtakes it."""
    patch.setattr(Parking, "marks", lambda _parking, _keys: {})


def does_not_hold_back_what_follows(patch: Patch) -> None:
    """In a batch, what follows a refused change of its item is published."""

    def refuse(_push: Push, told: Told, error: Exception) -> None:
        told.refusal = Reason.of(error)

    patch.setattr(Push, "_refuse", refuse)


def marks_before_it_stores(patch: Patch) -> None:
    """An item has a mark while its records are not in the bucket yet."""
    store, write_mark = Parking._store, Parking._write_mark
    waiting: list[Callable[[], object]] = []

    def remember(*arguments: Any) -> None:
        waiting[:] = [lambda: store(*arguments)]

    def mark_first(parking: Parking, *arguments: Any) -> None:
        then = waiting.pop()
        write_mark(parking, *arguments)
        then()

    patch.setattr(Parking, "_store", remember)
    patch.setattr(Parking, "_write_mark", mark_first)


def lifts_without_looking(patch: Patch) -> None:
    """A mark is removed although something was parked behind it meanwhile."""

    def lift(parking: Parking, mark: Mark) -> bool:
        parking._table.write([Delete(("PARKED", int(mark.id, 16)))])
        return True

    patch.setattr(Parking, "lift", lift)


def replays_the_last_first(patch: Patch) -> None:
    """What waits is replayed in the wrong order."""
    waiting = Parking.waiting

    def backwards(parking: Parking, mark: Mark, after: int = 0) -> Iterator[Waiting]:
        return iter(list(waiting(parking, mark, after))[::-1])

    patch.setattr(Parking, "waiting", backwards)


def numbers_anew_what_it_replays(patch: Patch) -> None:
    """A replay looks for numbers only from its own beginning on."""
    project = Publication.project
    push = Replaying._push

    def forgetting(replaying: Replaying, *arguments: Any) -> Any:
        with pytest.MonkeyPatch.context() as inner:

            def project_now(publication: Publication, subject: Subject) -> None:
                project(publication, subject)
                now = replaying._clock.now_ms()
                subject.changes = [replace(each, event=replace(each.event, since_ms=now)) for each in subject.changes]

            inner.setattr(Publication, "project", project_now)
            return push(replaying, *arguments)

    patch.setattr(Replaying, "_push", forgetting)


def forgets_what_a_state_covers(patch: Patch) -> None:
    """Of a state-like item's changes that were told as one, the log knows only the last."""
    patch.setattr(publication, "coalesced", lambda events: events[-1])


def tells_what_has_not_changed(patch: Patch) -> None:
    """A write that changes nothing the API shows is told."""
    patch.setattr(routing, "_shown_before", lambda _record, _route: None)


def does_not_fetch_gaps(patch: Patch) -> None:
    """The client waits for what was lost."""
    patch.setattr(ClientSequence, "fetch_after", None)


def waits_for_pushes_alone(patch: Patch) -> None:
    """The client does not look at the log in silence: a lost push that nothing follows is never missed."""
    patch.setattr(Looks, "at", None)


def hands_out_whatever_comes(patch: Patch) -> None:
    """The client believes each push to be new."""

    def take(self: ClientSequence[Any], items: tuple[Change[Any], ...]) -> list[Change[Any]]:
        self.position = max([self.position, *(item.seq for item in items)])
        self._head = max(self._head, self.position)
        return list(items)

    patch.setattr(ClientSequence, "_take", take)


def starts_anew_after_a_break(patch: Patch) -> None:
    """The client comes back at the head instead of where it was."""
    go_live = Following._go_live

    async def forgetting(self: Following[Any]) -> None:
        if self._live_at is not None:
            self._sequence = None
        await go_live(self)

    patch.setattr(Following, "_go_live", forgetting)


def saves_the_cursor_first(patch: Patch) -> None:
    """The cursor is saved before the change is handled: after a crash in the callback it is lost."""
    hand_out = Feed.__anext__

    async def hasty(self: Feed[Any]) -> Any:
        event = await hand_out(self)
        await self._save()
        return event

    patch.setattr(Feed, "__anext__", hasty)


def swallows_the_resync(patch: Patch) -> None:
    """The items are read anew, and nobody is told."""

    def silent(self: Feed[Any], items: Any, position: int) -> None:
        self.view.replace(items)
        self._shown = position
        self._backlog.end = self._backlog._kept_to = position

    patch.setattr(Feed, "restarted", silent)


def shows_the_old_items_after_a_resync(patch: Patch) -> None:
    """The caller is told, and `items` stays as it was."""
    restarted = Feed.restarted

    def partial(self: Feed[Any], items: Any, position: int) -> None:
        before = dict(self.view.items)
        restarted(self, items, position)
        self.view.replace(before.items())

    patch.setattr(Feed, "restarted", partial)


def reads_the_items_before_the_number(patch: Patch) -> None:
    """What changes between the two reads is in neither."""
    begin = Following._begin

    async def hasty(self: Following[Any]) -> None:
        if self._sequence is None:
            early = await self._log.snapshot(self._keep)

            async def snapshot(_: Log[Any], __: int) -> Any:
                return early

            with pytest.MonkeyPatch.context() as inner:
                inner.setattr(self, "_log", Log(self._log._query, self._topic))
                inner.setattr(self._log, "snapshot", partial(snapshot, self._log))
                await begin(self)

    patch.setattr(Following, "_begin", hasty)


def closes_the_old_subscription_first(patch: Patch) -> None:
    """When credentials expire, the client hangs up before it has subscribed anew."""
    succeed = Subscriptions._succeed

    async def hasty(self: Subscriptions) -> None:
        assert self._current is not None
        await self._current.close()
        await succeed(self)

    patch.setattr(Subscriptions, "_succeed", hasty)


def says_live_before_the_log_is_read(patch: Patch) -> None:
    """An acknowledgement is taken for the whole."""
    go_live = Following._go_live

    async def hasty(self: Following[Any]) -> None:
        await go_live(self)
        self._say("live")

    patch.setattr(Following, "_go_live", hasty)


def believes_the_silence(patch: Patch) -> None:
    """A connection counts as alive until it is closed."""
    patch.setattr(connection.Connection, "heard", True)


def forgets_what_the_slow_reader_missed(patch: Patch) -> None:
    """What comes while the backlog is full is gone."""

    def put(self: Any, changes: Any) -> None:
        for change in changes:
            self.end = change.seq
            self._keep(change)
            while len(self._kept) > backlog.MOST_WAITING:
                self._kept.popleft()

    patch.setattr(backlog.Backlog, "put", put)


def _after(run: Callable[..., Any], change: Callable[[list[int]], list[int]]) -> Callable[..., list[int]]:
    return lambda *arguments: change(run(*arguments))


DEFECTS: list[Callable[[Patch], None]] = [
    numbers_again_what_has_numbers,
    trusts_its_memory_too_far,
    keeps_its_memory_after_an_obstacle,
    raises_any_head,
    believes_its_clock,
    believes_that_a_query_sees_all,
    forgets_to_follow_pointers,
    counts_time_wrongly_when_it_forgets,
    publishes_before_it_numbers,
    reports_no_failure,
    reports_the_last_failure,
    does_not_look_for_marks,
    does_not_hold_back_what_follows,
    marks_before_it_stores,
    lifts_without_looking,
    replays_the_last_first,
    numbers_anew_what_it_replays,
    forgets_what_a_state_covers,
    tells_what_has_not_changed,
    does_not_fetch_gaps,
    waits_for_pushes_alone,
    hands_out_whatever_comes,
    starts_anew_after_a_break,
    saves_the_cursor_first,
    swallows_the_resync,
    shows_the_old_items_after_a_resync,
    reads_the_items_before_the_number,
    closes_the_old_subscription_first,
    says_live_before_the_log_is_read,
    believes_the_silence,
    forgets_what_the_slow_reader_missed,
]


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.__name__)
def test_a_defect_is_found(defect: Callable[[Patch], None], monkeypatch: Patch) -> None:
    defect(monkeypatch)
    found = chain.from_iterable(world.run(seed).problems for seed in range(SCHEDULES))
    assert next(found, None) is not None, f"{defect.__name__} was not found in {SCHEDULES} schedules"
