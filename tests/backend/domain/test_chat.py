"""Sending to rooms and reading them, against a real table."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from domain import chat as use
from domain import page_tokens
from domain.caller import ANONYMOUS, Caller, CallerKind
from domain.chat import Chat
from domain.errors import IdempotencyConflict, InvalidInput, InvalidPageToken, TryAgain
from domain.message import Message, Partition
from domain.rooms import key
from domain.table import Put, Set, Table, Unavailable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

NOON = 1_795_262_400_000  # 2026-11-21T12:00:00Z
HOUR = 3_600_000
DAY = 24 * HOUR
Scan = Callable[[Table], list[dict[str, Any]]]


def send(chat: Chat, text: str, *, room_id: str = "lobby", now_ms: int = NOON, **more: Any) -> Message:
    return use.send_message(chat, more.pop("caller", ANONYMOUS), room_id=room_id, text=text, now_ms=now_ms, **more)


def texts(chat: Chat, *, now_ms: int = NOON, **more: Any) -> list[str]:
    found, _ = use.messages(chat, ANONYMOUS, room_id=more.pop("room_id", "lobby"), now_ms=now_ms, **more)
    return [message["text"] for message in found]


def all_pages(chat: Chat, order: use.Order, limit: int, *, now_ms: int = NOON, room_id: str = "lobby") -> list[str]:
    found: list[str] = []
    token: str | None = None
    while True:
        page, token = use.messages(
            chat, ANONYMOUS, room_id=room_id, order=order, limit=limit, next_token=token, now_ms=now_ms
        )
        assert len(page) <= limit
        found += [message["text"] for message in page]
        if token is None:
            return found
        assert len(page) == limit


def test_a_sent_message_is_answered_and_read_alike(chat: Chat) -> None:
    sent = send(chat, "hello", author="ann", original_time="09:14")
    assert sent == {
        "id": sent["id"],
        "roomId": "lobby",
        "author": "ann",
        "text": "hello",
        "sentAt": "2026-11-21T12:00:00.000Z",
        "version": 1,
        "originalTime": "09:14",
    }
    assert use.messages(chat, ANONYMOUS, room_id="lobby", now_ms=NOON) == ([sent], None)


def test_the_first_message_makes_the_room(chat: Chat) -> None:
    assert chat.table.get(key("lobby"), NOON // 1000) is None
    send(chat, "first")
    send(chat, "second", now_ms=NOON + 7_000)
    room = chat.table.get(key("lobby"), NOON // 1000)
    assert room is not None
    assert (room["roomId"], room["createdAt"], room["shards"]) == ("lobby", "2026-11-21T12:00:00.000Z", 1)
    assert (room["GSI1PK"], room["GSI1SK"]) == ("ROOMS", "lobby")


def test_an_unknown_room_is_empty_and_stays_unknown(chat: Chat, all_items: Scan) -> None:
    assert texts(chat, room_id="nowhere") == []
    assert all_items(chat.table) == []


def test_without_a_name_of_their_own_callers_are_named_by_their_credentials(chat: Chat) -> None:
    program = Caller(CallerKind.IAM, "arn:aws:iam::1:user/importer", "importer")
    ann = Caller(CallerKind.USER, "sub-1", "ann")
    assert send(chat, "x")["author"] == "anonymous"
    assert send(chat, "x", caller=program)["author"] == "importer"
    assert send(chat, "x", caller=program, author="|QuaD-")["author"] == "|QuaD-"
    assert send(chat, "x", caller=ann, author="bob")["author"] == "ann"


def test_a_page_ends_before_it_is_too_large_for_an_answer(chat: Chat) -> None:
    first = send(chat, "first")
    for number in range(30):
        keys_of = {"pk": Partition("lobby", "2026112112", 0).pk, "sk": f"{NOON + number + 1:013d}#large-{number:02}"}
        chat.table.write([Put({**keys_of, "text": "x" * 390_000})])
    sizes: list[int] = []
    keys: list[str] = []
    token: str | None = None
    while True:
        page, token = use.messages(
            chat, ANONYMOUS, room_id="lobby", order="OLDEST_FIRST", limit=100, next_token=token, now_ms=NOON
        )
        sizes.append(len(json.dumps(page)))
        keys += [each["id"] for each in page]
        if token is None:
            break
    assert max(sizes) < 4_000_100
    assert len(sizes) == 3
    assert keys == [first["id"], *(f"large-{number:02}" for number in range(30))]


@pytest.mark.parametrize("order", ["OLDEST_FIRST", "NEWEST_FIRST"])
@pytest.mark.parametrize("limit", [1, 3, 7, 100])
def test_pages_hold_every_message_once_and_in_order(chat: Chat, order: use.Order, limit: int) -> None:
    for number in range(7):
        send(chat, str(number), now_ms=NOON + number * HOUR // 2)
    expected = [str(number) for number in range(7)]
    found = all_pages(chat, order, limit, now_ms=NOON + 4 * HOUR)
    assert found == (expected if order == "OLDEST_FIRST" else expected[::-1])


@pytest.mark.parametrize("order", ["OLDEST_FIRST", "NEWEST_FIRST"])
def test_pages_merge_the_shards_of_a_room(chat: Chat, all_items: Scan, order: use.Order) -> None:
    send(chat, "00")
    for shards in (2, 4):
        chat.rooms.spread(chat.rooms.place("lobby", NOON))
        for number in range(10):
            send(chat, f"{shards}{number}", now_ms=NOON + shards * 100 + number)
    partitions = {item["pk"] for item in all_items(chat.table) if item["pk"].startswith("MESSAGES#")}
    assert len(partitions) > 2
    expected = ["00", *(f"{shards}{number}" for shards in (2, 4) for number in range(10))]
    assert all_pages(chat, order, 4) == (expected if order == "OLDEST_FIRST" else expected[::-1])


def test_a_container_that_knows_fewer_shards_is_read_too(chat: Chat, another_container: Callable[[], Chat]) -> None:
    send(chat, "before")
    other = another_container()
    other.rooms.spread(other.rooms.place("lobby", NOON))
    send(other, "spread", now_ms=NOON + 1)
    send(chat, "after", now_ms=NOON + 2)
    assert all_pages(chat, "OLDEST_FIRST", 2) == ["before", "spread", "after"]


def test_messages_expire_to_the_second(chat: Chat) -> None:
    send(chat, "early")
    send(chat, "late", now_ms=NOON + 1000)
    assert texts(chat, now_ms=NOON + DAY - 1) == ["late", "early"]
    assert texts(chat, now_ms=NOON + DAY) == ["late"]
    assert texts(chat, now_ms=NOON + DAY + 1000) == []


def test_a_room_goes_with_its_last_message_and_comes_back_as_new(chat: Chat) -> None:
    send(chat, "first")
    send(chat, "much later", now_ms=NOON + 20 * HOUR)
    room = chat.table.get(key("lobby"), (NOON + 44 * HOUR) // 1000 - 1)
    assert room is not None
    later = NOON + 46 * HOUR
    assert chat.table.get(key("lobby"), later // 1000) is None
    send(chat, "again", now_ms=later)
    room = chat.table.get(key("lobby"), later // 1000)
    assert room is not None
    assert room["createdAt"] == "2026-11-23T10:00:00.000Z"
    assert texts(chat, now_ms=later) == ["again"]


def test_a_known_room_that_was_deleted_comes_back(chat: Chat, dynamodb_client: DynamoDBClient, all_items: Scan) -> None:
    send(chat, "one")
    for item in all_items(chat.table):
        if item["pk"].startswith("ROOM#"):
            dynamodb_client.delete_item(TableName=chat.table.name, Key={k: {"S": item[k]} for k in ("pk", "sk")})
    send(chat, "two", now_ms=NOON + 1)
    send(chat, "three", now_ms=NOON + 6_000)
    assert texts(chat, now_ms=NOON + 6_000) == ["three", "two", "one"]
    assert chat.table.get(key("lobby"), NOON // 1000)


def test_a_batch_keeps_its_order(chat: Chat) -> None:
    batch = [{"text": str(number), "author": f"nick{number}"} for number in range(90)]
    stored = use.send_messages(chat, ANONYMOUS, room_id="lobby", messages=batch, now_ms=NOON)
    assert [(each["text"], each["author"]) for each in stored] == [(each["text"], each["author"]) for each in batch]
    assert sorted(stored, key=lambda each: each["id"]) == stored
    assert all_pages(chat, "OLDEST_FIRST", 40) == [each["text"] for each in batch]


BAD_ROOMS = ["", " lobby", "lobby ", "lob\nby", "lob\x00by", "x" * 129, "\u2028", "half\ud800"]
BAD_MESSAGES: list[tuple[str, dict[str, Any]]] = [
    ("text", {"text": ""}),
    ("text", {"text": "x" * 4001}),
    ("text", {"text": "half\ud800"}),
    ("author", {"text": "x", "author": ""}),
    ("author", {"text": "x", "author": "x" * 65}),
    ("author", {"text": "x", "author": "an\tn"}),
    ("originalTime", {"text": "x", "originalTime": "x" * 65}),
    ("originalTime", {"text": "x", "originalTime": ""}),
]


@pytest.mark.parametrize("room_id", BAD_ROOMS)
def test_a_bad_room_changes_nothing(chat: Chat, all_items: Scan, room_id: str) -> None:
    with pytest.raises(InvalidInput) as single:
        send(chat, "x", room_id=room_id)
    with pytest.raises(InvalidInput):
        use.send_messages(chat, ANONYMOUS, room_id=room_id, messages=[{"text": "x"}], now_ms=NOON)
    with pytest.raises(InvalidInput):
        texts(chat, room_id=room_id)
    with pytest.raises(InvalidInput):
        use.message_changes(chat, ANONYMOUS, room_id=room_id, after=0, now_ms=NOON)
    with pytest.raises(InvalidInput):
        use.on_messages(chat, ANONYMOUS, room_id=room_id, now_ms=NOON)
    assert single.value.info == {"field": "input.roomId"}
    assert all_items(chat.table) == []


@pytest.mark.parametrize(("field", "bad"), BAD_MESSAGES)
def test_a_bad_message_changes_nothing(chat: Chat, all_items: Scan, field: str, bad: dict[str, Any]) -> None:
    arguments: dict[str, Any] = {"author": bad.get("author"), "original_time": bad.get("originalTime")}
    with pytest.raises(InvalidInput) as single:
        send(chat, bad["text"], **arguments)
    with pytest.raises(InvalidInput) as batch:
        use.send_messages(chat, ANONYMOUS, room_id="lobby", messages=[{"text": "fine"}, bad], now_ms=NOON)
    assert single.value.info == {"field": f"input.{field}"}
    assert batch.value.info == {"field": f"input.messages[1].{field}"}
    assert all_items(chat.table) == []


@pytest.mark.parametrize("count", [0, 91])
def test_a_batch_of_a_bad_size_changes_nothing(chat: Chat, all_items: Scan, count: int) -> None:
    with pytest.raises(InvalidInput, match="1 to 90"):
        use.send_messages(chat, ANONYMOUS, room_id="lobby", messages=[{"text": "x"}] * count, now_ms=NOON)
    assert all_items(chat.table) == []


@pytest.mark.parametrize("limit", [0, -1, 101])
def test_a_bad_limit_is_refused(chat: Chat, limit: int) -> None:
    with pytest.raises(InvalidInput, match="limit must be 1 to 100"):
        texts(chat, limit=limit)


def test_the_longest_of_everything_is_stored_whole(chat: Chat) -> None:
    room_id = "\U0001f30a" * 128
    sent = send(chat, "\U0001f30a" * 4000, room_id=room_id, author="\U0001f30a" * 64, client_mutation_id="é" * 128)
    assert use.messages(chat, ANONYMOUS, room_id=room_id, now_ms=NOON)[0] == [sent]


@pytest.mark.parametrize("room_id", ["a#b", "a#2026112112#0", "#", "ROOM", "日本語", "a/b c", "'\"\\"])
def test_any_printable_name_is_a_room_of_its_own(chat: Chat, room_id: str) -> None:
    send(chat, "elsewhere", room_id="a")
    sent = send(chat, "here", room_id=room_id)
    assert use.messages(chat, ANONYMOUS, room_id=room_id, now_ms=NOON) == ([sent], None)


def test_a_page_token_is_bound_to_its_room_and_order(chat: Chat) -> None:
    for number in range(3):
        send(chat, str(number), now_ms=NOON + number)
    arguments: dict[str, Any] = {"room_id": "lobby", "order": "OLDEST_FIRST", "limit": 2, "now_ms": NOON}
    _, token = use.messages(chat, ANONYMOUS, **arguments)
    assert token is not None
    forged = page_tokens.encode("2026112112#", "Query.messages", "lobby", "OLDEST_FIRST")
    for wrong in (
        {"room_id": "other"},
        {"order": "NEWEST_FIRST"},
        {"next_token": token[:-1]},
        {"next_token": ""},
        {"next_token": forged},
    ):
        with pytest.raises(InvalidPageToken):
            use.messages(chat, ANONYMOUS, **{**arguments, "next_token": token, **wrong})


def test_a_repeated_mutation_answers_the_same_and_stores_nothing(chat: Chat, all_items: Scan) -> None:
    first = send(chat, "hello", client_mutation_id="m-1")
    stored = all_items(chat.table)
    assert send(chat, "hello", client_mutation_id="m-1", now_ms=NOON + 5000) == first
    assert all_items(chat.table) == stored


def test_a_repeated_batch_answers_the_same_and_stores_nothing(chat: Chat, all_items: Scan) -> None:
    arguments: dict[str, Any] = {
        "room_id": "lobby",
        "messages": [{"text": "a"}, {"text": "b", "author": "bob"}],
        "client_mutation_id": "m-1",
    }
    first = use.send_messages(chat, ANONYMOUS, **arguments, now_ms=NOON)
    stored = all_items(chat.table)
    assert use.send_messages(chat, ANONYMOUS, **arguments, now_ms=NOON + 1) == first
    assert all_items(chat.table) == stored


@pytest.mark.parametrize("other", [{"text": "bye"}, {"room_id": "other"}, {"author": "x"}, {"original_time": "1"}])
def test_an_id_used_for_something_else_is_a_conflict_and_changes_nothing(
    chat: Chat, all_items: Scan, other: dict[str, Any]
) -> None:
    send(chat, "hello", client_mutation_id="m-1")
    stored = all_items(chat.table)
    with pytest.raises(IdempotencyConflict):
        send(chat, **{"text": "hello", **other}, client_mutation_id="m-1")
    assert all_items(chat.table) == stored


def test_ids_of_other_callers_and_fields_are_others(chat: Chat) -> None:
    program = Caller(CallerKind.IAM, "arn:aws:iam::1:user/importer", "importer")
    send(chat, "by key", client_mutation_id="m-1")
    send(chat, "by program", client_mutation_id="m-1", caller=program, now_ms=NOON + 1)
    use.send_messages(
        chat, ANONYMOUS, room_id="lobby", messages=[{"text": "batch"}], client_mutation_id="m-1", now_ms=NOON + 2
    )
    assert texts(chat) == ["batch", "by program", "by key"]


def test_an_id_is_free_again_when_its_marker_has_expired(chat: Chat) -> None:
    send(chat, "one", client_mutation_id="m-1")
    send(chat, "two", client_mutation_id="m-1", now_ms=NOON + DAY)
    assert texts(chat, now_ms=NOON + DAY) == ["two"]


@pytest.mark.parametrize("bad", ["", "x" * 129])
def test_a_bad_client_mutation_id_changes_nothing(chat: Chat, all_items: Scan, bad: str) -> None:
    with pytest.raises(InvalidInput, match="clientMutationId"):
        send(chat, "x", client_mutation_id=bad)
    assert all_items(chat.table) == []


def test_messages_put_into_the_table_by_others_are_read(chat: Chat) -> None:
    send(chat, "ours")
    pk = "MESSAGES#lobby#2026112112#0"
    chat.table.write([Put({"pk": pk, "sk": f"{NOON + 1}#raw-1"})])
    chat.table.write([Put({"pk": pk, "sk": "no time", "text": 17, "author": "", "version": "x", "sentAt": "today"})])
    raw: list[Message] = [
        {
            "id": "no time", "roomId": "lobby", "author": "unknown", "text": "17", "sentAt": "1970-01-01T00:00:00.000Z",
            "version": 1, "originalTime": None,
        },
        {
            "id": "raw-1", "roomId": "lobby", "author": "unknown", "text": "", "sentAt": "2026-11-21T12:00:00.001Z",
            "version": 1, "originalTime": None,
        },
    ]  # fmt: skip
    found, _ = use.messages(chat, ANONYMOUS, room_id="lobby", now_ms=NOON)
    assert found[:2] == raw


def test_an_item_with_values_of_odd_kinds_breaks_no_page(chat: Chat, dynamodb_client: DynamoDBClient) -> None:
    send(chat, "ours")
    odd: dict[str, Any] = {"text": {"B": b"\xff"}, "author": {"SS": ["a", "b"]}, "version": {"N": "1E-130"}}
    keys = {"pk": {"S": "MESSAGES#lobby#2026112112#0"}, "sk": {"S": f"{NOON + 1}#odd"}}
    dynamodb_client.put_item(TableName=chat.table.name, Item=keys | odd)
    found, _ = use.messages(chat, ANONYMOUS, room_id="lobby", now_ms=NOON)
    shown = [(message["text"], message["author"], message["version"]) for message in found]
    assert shown == [("", "unknown", 1), ("ours", "anonymous", 1)]


@pytest.mark.parametrize("shards", ["two", -1, 0, Decimal("1.5"), 10**9, [], None])
def test_a_directory_by_any_hand_is_read_and_written(chat: Chat, shards: object) -> None:
    for pk, sk in (key("lobby"), ("ROOM#lobby", "BUCKET#2026112112")):
        chat.table.write([Put({"pk": pk, "sk": sk, "shards": shards, "expiresAt": "never"})])
    send(chat, "x")
    assert texts(chat) == ["x"]


def test_a_write_whose_answer_is_lost_is_repeated_in_the_same_place(
    chat: Chat, dynamodb_client: DynamoDBClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(chat, "first")
    for _ in range(6):
        chat.rooms.spread(chat.rooms.place("lobby", NOON))
    send(chat, "second", now_ms=NOON + 1)
    write, lost = Table.write, iter([True, True, True])

    def losing(table: Table, writes: Any) -> None:
        write(table, writes)
        if next(lost, False):
            raise Unavailable

    monkeypatch.setattr(Table, "write", losing)
    send(chat, "third", now_ms=NOON + 2)
    assert texts(chat) == ["third", "second", "first"]


BUSY = b'{"__type": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException", "message": "too busy"}'


@contextmanager
def throttled(client: DynamoDBClient, operation: str, times: int) -> Iterator[None]:
    """Let DynamoDB refuse the first requests of an operation as it refuses a partition that is too busy."""
    left = [times]

    def refuse(**_: Any) -> Any:
        if left[0] == 0:
            return None
        left[0] -= 1
        return AWSResponse("", 400, HTTPHeaders(), BytesIO(BUSY))

    event = f"before-send.dynamodb.{operation}"
    client.meta.events.register(event, refuse)
    try:
        yield
    finally:
        client.meta.events.unregister(event, refuse)


class BytesIO(io.BytesIO):
    """A body as urllib3 hands it to botocore."""

    def stream(self, *_: object) -> Iterator[bytes]:
        yield self.read()


def test_a_room_spreads_when_its_writes_throttle(chat: Chat, dynamodb_client: DynamoDBClient) -> None:
    send(chat, "calm")
    with throttled(dynamodb_client, "PutItem", 4):  # the client itself makes three attempts
        send(chat, "hot", now_ms=NOON + 1)
    room = chat.table.get(key("lobby"), NOON // 1000)
    assert room is not None
    assert room["shards"] == 2
    assert texts(chat) == ["hot", "calm"]


def test_throttling_that_does_not_end_is_told_to_the_caller(
    chat: Chat, dynamodb_client: DynamoDBClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(use, "_PATIENCE_SECONDS", 0.3)
    with (
        throttled(dynamodb_client, "TransactWriteItems", 10_000),
        pytest.raises(TryAgain),
    ):
        send(chat, "never")
    assert texts(chat) == []


def test_a_room_spreads_to_64_shards_at_most(chat: Chat) -> None:
    send(chat, "first")
    chat.table.write([Set(key("lobby"), {"shards": 48})])
    for _ in range(3):
        chat.rooms.spread(chat.rooms.place("lobby", NOON + 10_000))
    room = chat.table.get(key("lobby"), NOON // 1000)
    assert room is not None
    assert room["shards"] == 64
