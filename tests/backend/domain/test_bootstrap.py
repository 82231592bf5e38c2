"""What a client starts with: all that it may have, in one answer of bounded size and cost, whatever a part is like."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from domain import bootstrap as use
from domain import chat, clients, members, notice, notices, topics
from domain.bootstrap import Start
from domain.caller import ANONYMOUS, Caller, CallerKind, Scope
from domain.changes import ChangeLog
from domain.chat import Chat
from domain.clients import Clients
from domain.errors import InvalidInput, Unauthorized
from domain.events import Event
from domain.features import Features
from domain.members import Members
from domain.message import Partition
from domain.rooms import Rooms
from domain.table import Put, Table, Throttled
from tests.backend.domain.clocks import SetClock
from tests.backend.domain.schema import schema

NOW = 1_795_236_682_123
ID = "0123456789abcdef"
ANN, BOB = (Caller(CallerKind.USER, name, name, issued_at=1) for name in ("ann", "bob"))
DAY = 24 * 3600
LATER = 1e12  # as a deadline


class JumpingClock(SetClock):
    """Goes on only when told."""

    def monotonic(self) -> float:
        return self.ms / 1000


@pytest.fixture
def clock() -> JumpingClock:
    return JumpingClock(NOW)


@pytest.fixture
def start(main_table: Table, change_log_table: Table, clock: JumpingClock) -> Start:
    log = ChangeLog(change_log_table, DAY, clock)
    return Start(
        Clients(main_table, log, clock, DAY),
        Chat(main_table, Rooms(main_table, DAY), log, DAY),
        Members(main_table, DAY),
        Features(("new-editor",), DAY, 30),
    )


@pytest.fixture
def say(start: Start) -> Callable[..., None]:
    def send(room_id: str, *texts: str, caller: Caller = ANONYMOUS) -> None:
        for text in texts:
            start.clients.clock.ms += 1  # type: ignore[attr-defined]
            chat.send_message(start.chat, caller, room_id=room_id, text=text, now_ms=start.clients.clock.now_ms())

    return send


@pytest.fixture
def begin(start: Start) -> Callable[..., dict[str, Any]]:
    """What a client gets that registers first."""

    def answer(caller: Caller = ANONYMOUS, **given: Any) -> dict[str, Any]:
        client_id = clients.register(start.clients, caller).client_id
        return use.bootstrap(start, caller, client_id=client_id, **given)

    return answer


def private_room(start: Start, owner: Caller, *invited: Caller) -> str:
    now_ms = start.clients.clock.now_ms()
    room = members.create_room(start.members, owner, name="Den", private=True, now_ms=now_ms)
    for each in invited:
        members.invite_member(start.members, owner, room_id=room["id"], user_id=each.id, now_ms=now_ms)
    return room["id"]


def texts(room: dict[str, Any]) -> list[str]:
    return [each["text"] for each in room["messages"]["items"]]


def test_a_guest_gets_what_there_is(start: Start, begin: Callable[..., Any], say: Callable[..., None]) -> None:
    say("lobby", "one", "two")
    start.chat.change_log.append(topics.room("lobby"), [Event("e", "INSERT", "k", "{}")], LATER)
    answer = begin(rooms=["lobby", "attic"])
    assert answer["client"].keys() == {"id", "lease", "validUntil"}
    assert answer["features"]["flags"] == ["new-editor"]
    assert (answer["features"]["retentionSeconds"], answer["features"]["heartbeatSeconds"]) == (DAY, 30)
    lobby, attic = answer["rooms"]
    assert (lobby["roomId"], lobby["headSeq"], lobby["room"]["id"], texts(lobby)) == (
        "lobby",
        1,
        "lobby",
        ["two", "one"],
    )
    assert (attic["headSeq"], attic["room"], texts(attic), attic["problem"]) == (0, None, [], None)
    assert answer["userNotices"] is answer["membershipsNextToken"] is None
    assert answer["clientNotices"]["items"] == []


def test_a_user_also_gets_private_rooms_and_notices(
    start: Start, begin: Callable[..., Any], say: Callable[..., None]
) -> None:
    start.clients.table.write([Put({"pk": "USER#ann", "sk": "PROFILE"})])
    hers, his = private_room(start, ANN), private_room(start, BOB, ANN)
    say(hers, "secret", caller=ANN)
    say(his, "not yet", caller=BOB)
    notices.send(start.clients.table, start.clients.clock, kind="k", data={"a": 1}, to_user="ann")
    answer = begin(ANN, rooms=["lobby", hers])
    rooms = {each["roomId"]: each for each in answer["rooms"]}
    assert list(rooms)[:2] == ["lobby", hers]
    assert rooms.keys() == {"lobby", hers, his}
    assert (rooms[hers]["standing"], rooms[hers]["room"]["name"], texts(rooms[hers])) == ("OWNER", "Den", ["secret"])
    assert {name: rooms[his][name] for name in ("standing", "headSeq", "messages", "problem")} == {
        "standing": "INVITED", "headSeq": None, "messages": None, "problem": None,
    }  # fmt: skip
    assert rooms[his]["room"]["id"] == his
    (shown,) = answer["userNotices"]["items"]
    assert (shown["data"], answer["userNotices"]["topic"]) == ({"a": 1}, "user:ann")


def test_what_is_wrong_with_one_room_spoils_no_other(
    start: Start, begin: Callable[..., Any], say: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    foreign = private_room(start, BOB)
    for room in ("lobby", "throttled", "broken"):
        say(room, "hi")
    backlog = chat.backlog

    def failing(*given: Any, **more: Any) -> Any:
        if more["room_id"] == "throttled":
            raise Throttled("busy")
        if more["room_id"] == "broken":
            raise ZeroDivisionError("secret")
        return backlog(*given, **more)

    monkeypatch.setattr(chat, "backlog", failing)
    asked = ["throttled", "broken", "", "r" * 129, foreign, f"private:{'0' * 26}", "lobby"]
    *wrong, lobby = begin(ANN, rooms=asked)["rooms"]
    assert [each["roomId"] for each in wrong] == asked[:-1]
    assert [each["problem"]["errorType"] for each in wrong] == [
        "TryAgain", "Internal", "InvalidInput", "InvalidInput", "Unauthorized", "Unauthorized",
    ]  # fmt: skip
    assert wrong[4]["problem"] == wrong[5]["problem"], "a room of others is as one that does not exist"
    assert "secret" not in json.dumps(wrong)
    assert all(each["messages"] is each["headSeq"] is each["room"] is None for each in wrong)
    assert texts(lobby) == ["hi"]


@pytest.mark.parametrize("caller", [BOB, ANONYMOUS, Caller(CallerKind.LAMBDA, "k", "k", scopes=frozenset(Scope))])
def test_it_is_for_the_clients_owner(start: Start, caller: Caller) -> None:
    clients.register(start.clients, ANN, client_id=ID)
    for client_id in (ID, "fedcba9876543210", "", "x"):
        with pytest.raises(Unauthorized):
            use.bootstrap(start, caller, client_id=client_id, rooms=["x"] * 99)


@pytest.mark.parametrize(
    ("given", "field"),
    [({"rooms": [str(number) for number in range(21)]}, "rooms"), ({"backlog_limit": -1}, "backlogLimit"),
     ({"backlog_limit": 51}, "backlogLimit")],
)  # fmt: skip
def test_arguments_have_limits(begin: Callable[..., Any], given: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        begin(**given)
    assert refused.value.info == {"field": field}


def test_a_room_that_is_asked_for_twice_is_told_of_once(begin: Callable[..., Any]) -> None:
    assert [each["roomId"] for each in begin(rooms=["a", "b"] * 20)["rooms"]] == ["a", "b"]


@pytest.mark.parametrize(("limit", "shown"), [(0, []), (2, ["4", "3"]), (5, list("43210")), (None, list("43210"))])
def test_the_backlog_is_the_newest_and_goes_on_with_messages(
    start: Start, begin: Callable[..., Any], say: Callable[..., None], limit: int | None, shown: list[str]
) -> None:
    say("lobby", *"01234")
    (lobby,) = begin(rooms=["lobby"], backlog_limit=limit)["rooms"]
    assert texts(lobby) == shown
    token = lobby["messages"]["nextToken"]
    assert bool(token) == (limit == 2)
    if token:
        older, _ = chat.messages(
            start.chat, ANONYMOUS, room_id="lobby", next_token=token, now_ms=start.clients.clock.now_ms()
        )
        assert [each["text"] for each in older] == ["2", "1", "0"]


def test_all_rooms_together_have_a_size(start: Start, begin: Callable[..., Any], say: Callable[..., None]) -> None:
    rooms = [f"r{number}" for number in range(20)]
    for room in rooms:
        say(room, "first")
        partition = Partition(room, "2026112104", 0)
        for number in range(3):
            sk = f"{NOW + 1000 + number:013d}#{number}"
            start.clients.table.write([Put({"pk": partition.pk, "sk": sk, "text": "\u0001" * 60_000})])
    answer = begin(rooms=rooms)
    assert len(json.dumps(answer)) < 5_000_000
    for each in answer["rooms"]:
        # The newest is too large for its share: `messages` begins with it.
        assert texts(each) == []
        page, _ = chat.messages(
            start.chat, ANONYMOUS, room_id=each["roomId"], next_token=each["messages"]["nextToken"], limit=1,
            now_ms=start.clients.clock.now_ms(),
        )  # fmt: skip
        assert page[0]["text"] == "\u0001" * 60_000


def test_the_largest_answer_fits(start: Start, begin: Callable[..., Any], say: Callable[..., None]) -> None:
    """What the API lets callers store, as large as it gets when it is encoded."""
    start.clients.table.write([Put({"pk": "USER#ann", "sk": "PROFILE"})])
    made = clients.register(start.clients, ANN)
    table, clock = start.clients.table, start.clients.clock
    for text in ["\u0001" * 2600, "é" * 7900] * 20:
        notices.send(table, clock, kind="k", data={"x": text}, to_user="ann")
        notices.send(table, clock, kind="k", data={"x": text}, to_client=made.client_id)
    rooms = [f"r{number}" for number in range(20)]
    for room in rooms:
        chat.send_messages(
            start.chat, ANONYMOUS, room_id=room, messages=[{"text": "\u0001" * 4000} for _ in range(60)], now_ms=NOW
        )
    answer = use.bootstrap(start, ANN, client_id=made.client_id, rooms=rooms, backlog_limit=50)
    assert 3_000_000 < len(json.dumps(answer)) < 4_700_000
    assert answer["userNotices"]["nextToken"]
    assert all(texts(each) and each["messages"]["nextToken"] for each in answer["rooms"])


def test_the_number_of_each_part_is_read_before_it(
    start: Start, begin: Callable[..., Any], say: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever comes between is behind the number and in the part: a client that fills up from there has it all."""
    log, head = start.chat.change_log, ChangeLog.head
    written: list[str] = []

    def head_then_write(self: ChangeLog, topic: topics.Topic) -> int:
        found = head(self, topic)
        written.append(str(topic))
        if topic.kind is topics.ROOM:
            say(topic.id, "in between")
        else:
            notices.send(start.clients.table, start.clients.clock, kind="between", to_client=topic.id)
        log.append(topic, [Event(f"e{len(written)}", "INSERT", "k", "{}")], LATER)
        return found

    monkeypatch.setattr(ChangeLog, "head", head_then_write)
    answer = begin(rooms=["lobby"])
    assert (answer["rooms"][0]["headSeq"], texts(answer["rooms"][0])) == (0, ["in between"])
    assert answer["clientNotices"]["headSeq"] == 0
    assert [each["kind"] for each in answer["clientNotices"]["items"]] == ["between"]
    assert sorted(topic.partition(":")[0] for topic in written) == ["client", "room"]


def test_rooms_that_time_does_not_reach_are_told_of(
    start: Start, begin: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, clock: JumpingClock
) -> None:
    backlog = chat.backlog

    def slow(*given: Any, **more: Any) -> Any:
        clock.ms += 7000
        return backlog(*given, **more)

    monkeypatch.setattr(chat, "backlog", slow)
    monkeypatch.setattr(use, "_READERS", 1)
    found = begin(rooms=["a", "b", "c", "d"])["rooms"]
    assert [each["problem"] and each["problem"]["errorType"] for each in found] == [None, None, "TryAgain", "TryAgain"]


def test_more_memberships_are_asked_on(start: Start, begin: Callable[..., Any]) -> None:
    mine = {private_room(start, ANN) for _ in range(use.MEMBERSHIPS + 3)}
    answer = begin(ANN)
    shown = {each["roomId"] for each in answer["rooms"]}
    assert len(shown) == use.MEMBERSHIPS
    token, now_ms = answer["membershipsNextToken"], start.clients.clock.now_ms()
    more, following = members.memberships(start.members, ANN, next_token=token, now_ms=now_ms)
    assert (shown | {each["room"]["id"] for each in more}, following) == (mine, None)


# --- what it costs ---


@pytest.fixture
def requests(start: Start) -> Callable[[Callable[[], object]], int]:
    """How many requests something makes of the tables."""

    def count(ask: Callable[[], object]) -> int:
        made: list[object] = []
        events = start.clients.table._client.meta.events
        events.register("before-call.dynamodb", lambda **_: made.append(None), unique_id="count")
        try:
            ask()
        finally:
            events.unregister("before-call.dynamodb", unique_id="count")
        return len(made)

    return count


def test_its_requests_are_counted(
    start: Start, say: Callable[..., None], requests: Callable[[Callable[[], object]], int]
) -> None:
    """docs/decisions/own-channels.md has these figures."""
    rooms = [f"r{number}" for number in range(20)]
    for room in rooms:
        say(room, "hi")
    guest, user = (clients.register(start.clients, caller).client_id for caller in (ANONYMOUS, ANN))
    for number in (0, 1, 20):
        asked = rooms[:number]
        of_guest = requests(partial(use.bootstrap, start, ANONYMOUS, client_id=guest, rooms=asked))
        of_user = requests(partial(use.bootstrap, start, ANN, client_id=user, rooms=asked))
        assert of_guest == 3 + 4 * number  # the client, its notices and their number
        assert of_user == 7 + 5 * number  # memberships, the user's notices; a right costs a read


def test_a_room_s_cost_does_not_grow_with_its_messages(
    start: Start, say: Callable[..., None], requests: Callable[[Callable[[], object]], int]
) -> None:
    for _ in range(3):
        many = [{"text": "x"} for _ in range(90)]
        chat.send_messages(start.chat, ANONYMOUS, room_id="lobby", messages=many, now_ms=NOW)
    guest = clients.register(start.clients, ANONYMOUS).client_id
    assert requests(lambda: use.bootstrap(start, ANONYMOUS, client_id=guest, rooms=["lobby"])) == 7


# --- the contract ---


def test_features_are_data_of_the_schema_s_shape(start: Start) -> None:
    shown = start.features.shown()
    types = schema().type_map
    assert shown.keys() == types["Features"].fields.keys()  # type: ignore[attr-defined]
    assert shown["limits"].keys() == types["Limits"].fields.keys()  # type: ignore[attr-defined]
    assert shown["topics"] == [kind.name for kind in topics.KINDS.values()]
    assert shown["limits"]["noticeBytes"] == notice.MAX_DATA_BYTES
    assert json.loads(json.dumps(shown)) == shown


def test_it_writes_nothing(start: Start, say: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    say("lobby", "hi")
    private_room(start, ANN)
    client_id = clients.register(start.clients, ANN).client_id
    before = start.clients.table.get(("CLIENT#" + client_id, "CLIENT"), 0)

    def refuse(*_: object) -> None:
        raise AssertionError("a query writes")

    monkeypatch.setattr(Table, "write", refuse)
    use.bootstrap(start, ANN, client_id=client_id, rooms=["lobby"])
    monkeypatch.undo()
    assert start.clients.table.get(("CLIENT#" + client_id, "CLIENT"), 0) == before
