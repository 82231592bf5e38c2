"""Packing numbered changes into pushes."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from domain import chunks, envelopes, topics
from domain.envelopes import pack
from domain.events import Entry, Event

LOBBY = topics.room("lobby")


def entry(seq: int, text: str = "") -> Entry:
    item = json.dumps({"text": text}, ensure_ascii=False)
    return chunks.draft(Event(f"event-{seq}", "INSERT", f"key-{seq}", item), "message").numbered(seq, 1_795_236_682_123)


def test_an_envelope_has_the_schemas_shape() -> None:
    (envelope,) = pack(
        LOBBY, [entry(7), chunks.draft(Event("e", "REMOVE", "k", None, "1-abc"), "message").numbered(8, 0)]
    )
    assert json.loads(envelope.text) == {
        "roomId": "lobby",
        "topic": "room:lobby",
        "firstSeq": 7,
        "lastSeq": 8,
        "items": [
            {
                "seq": 7, "eventId": "event-7", "kind": "INSERT", "at": "2026-11-21T04:51:22.123Z", "traceId": None,
                "key": "key-7", "truncated": False, "message": {"text": ""},
            },
            {
                "seq": 8, "eventId": "e", "kind": "REMOVE", "at": "1970-01-01T00:00:00.000Z", "traceId": "1-abc",
                "key": "k", "truncated": False, "message": None,
            },
        ],
    }  # fmt: skip


def test_nothing_to_publish_is_no_envelope() -> None:
    assert list(pack(LOBBY, [])) == []


def test_what_fits_is_one_envelope() -> None:
    assert len(list(pack(LOBBY, [entry(seq, "x" * 1000) for seq in range(1, 101)]))) == 1


def test_multibyte_text_counts_by_its_bytes() -> None:
    assert len(list(pack(LOBBY, [entry(seq, "\U0001f30a" * 1000) for seq in range(1, 101)]))) == 2


@given(
    sizes=st.lists(st.tuples(st.integers(0, 16_000), st.sampled_from([1, 1, 1, 1, 2, 9])), max_size=60),
    character=st.sampled_from(["x", "é", '"', "\n", "\U0001f30a"]),
)
def test_envelopes_hold_everything_once_without_gaps_and_within_the_limit(
    sizes: list[tuple[int, int]], character: str
) -> None:
    entries, seq = [], 0
    for size, step in sizes:
        seq += step
        entries.append(entry(seq, character * (size // 4)))
    packed = list(pack(LOBBY, entries))
    assert [each for envelope in packed for each in envelope.entries] == entries
    for envelope in packed:
        numbers = [each.seq for each in envelope.entries]
        assert numbers == list(range(envelope.first_seq, envelope.last_seq + 1))
        assert len(delivered(envelope)) <= envelopes.MAX_BYTES


def delivered(envelope: envelopes.Envelope) -> bytes:
    """The payload as the subscriber with the largest selection gets it."""
    content = json.loads(envelope.text) | {"__typename": "MessageChanges"}
    for item in content["items"]:
        item["__typename"] = "MessageChange"
        item["message"] = item["message"] | {"__typename": "Message"}
    return json.dumps({"data": {"onMessages": content}}, ensure_ascii=False, separators=(",", ":")).encode()
