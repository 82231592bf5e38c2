"""Text of any kind goes through the log as it came: changes are stored and read by splicing JSON texts."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain import chunks, topics
from domain.changes import ChangeLog, Entry, Event
from domain.clock import SYSTEM
from domain.envelopes import pack
from domain.table import Table

ROOM = topics.room('a"\\\u2028#b')
WEIRD = [
    "", "\0", "\n", "\r\n", ",\n", "],\n[", '{"seq":1,\n', "\u2028\u2029\x85\x1c", "\x7f", "\ufeff", "\ufffd\uffff",
    "👩‍👩‍👧‍👦", "e\u0301", "\u202eabc", '"eventId":"other"', "\\", '\\"', "\\u0000", "\\n", "</script>", "1e400",
]  # fmt: skip
ANY_TEXT = st.one_of(st.sampled_from(WEIRD), st.text(max_size=40))
ANY_ITEM = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), ANY_TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(ANY_TEXT, inner, max_size=3)),
    max_leaves=8,
)


@pytest.mark.parametrize("ascii_only", [False, True])
@pytest.mark.parametrize("indent", [None, 1])
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(given_items=st.lists(st.tuples(ANY_ITEM, ANY_TEXT, ANY_TEXT), min_size=1, max_size=6))
def test_any_text_survives(
    change_log_table: Table,
    given_items: list[tuple[object, str, str]],
    ascii_only: bool,
    indent: int | None,
) -> None:
    """However the item was encoded: with escapes or without, in one line or in many."""
    log = ChangeLog(change_log_table, 3600, SYSTEM)
    topic = topics.room(f"{ROOM.id}{time.monotonic_ns()}")
    events = [
        Event(
            f"{number}-{key}", "INSERT", key, json.dumps(item, ensure_ascii=ascii_only, indent=indent), trace,
            position=str(number), covers=(f"covered by {number}", key + "\0"),
        )
        for number, (item, key, trace) in enumerate(given_items)
    ]  # fmt: skip
    entries = log.append(topic, events, time.monotonic() + 10)
    wanted = [
        {"eventId": event.event_id, "key": event.key, "traceId": event.trace_id or None, "message": item}
        for event, (item, _, _) in zip(events, given_items, strict=True)
    ]
    assert [shown(entry) for entry in entries] == wanted
    assert [(entry.event_id, entry.covers) for entry in entries] == [(event.event_id, event.covers) for event in events]
    assert log.read(topic, 0, 1000, time.monotonic() + 10).items == entries
    assert log.tail(topic, 0, time.monotonic() + 10) == entries
    (envelope,) = pack(topic, entries)
    content = json.loads(envelope.text.encode())
    assert content["items"] == [json.loads(entry.text) for entry in entries]
    assert (content["roomId"], content["topic"]) == (topic.id, str(topic))


def shown(entry: Entry) -> dict[str, object]:
    content = json.loads(entry.text)
    return {name: content[name] for name in ("eventId", "key", "traceId", "message")}


def test_half_of_a_surrogate_pair_becomes_the_replacement_character(change_log_table: Table) -> None:
    """No encoding of Unicode has it, so that it could be neither stored nor sent."""
    log = ChangeLog(change_log_table, 3600, SYSTEM)
    item = json.dumps({"text": "a\ud83db"}, ensure_ascii=False)
    (entry,) = log.append(ROOM, [Event("e", "INSERT", "k\udca9", item)], time.monotonic() + 10)
    content = json.loads(entry.text)
    assert (content["key"], content["message"]) == ("k\ufffd", {"text": "a\ufffdb"})
    assert log.read(ROOM, 0, 10, time.monotonic() + 10).items == [entry]


@given(text=st.text(alphabet=st.characters(codec="utf-8"), max_size=50), size=st.integers(0, 2000))
def test_what_a_draft_takes_is_never_less_than_what_is_stored(text: str, size: int) -> None:
    event = Event(
        "e" * 32, "MODIFY", text, json.dumps(text * size, ensure_ascii=False), position="1" * 40, covers=("c" * 32,)
    )
    draft = chunks.draft(event, "message")
    put = chunks.Chunk((draft.numbered(2**31 - 1, 253_402_300_799_999),), 0).put("room:lobby", 0)
    assert (
        len(put.item["changes"].encode()) - 2
        <= len(put.item["changes"].encode()) + len(put.item["origins"]) - 4
        <= draft.size
    )
