"""Who is in a room, against a real table: rights, several devices, ends by other hands, and what each call costs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from domain import members as rooms_of
from domain import presence, presence_chain, presences, profile, routing, sessions, topics
from domain.attributes import WrongType
from domain.caller import ANONYMOUS, Caller, CallerKind, Scope
from domain.changes import ChangeLog
from domain.clock import SYSTEM
from domain.errors import InvalidInput, InvalidPageToken, NotFound, TooManyRequests, TryAgain, Unauthorized
from domain.events import Event
from domain.members import Members
from domain.presence import Rhythm
from domain.presence_chain import Chains, Question
from domain.presences import Presences
from domain.queue import QueueError
from domain.table import Delete, Put, Set, Table, Throttled
from tests.backend.domain.clocks import SetClock

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

NOON = 1_795_262_400_000  # 2026-11-21T12:00:00Z
RHYTHM = Rhythm(30)
RETENTION_SECONDS = 24 * 3600


def user(name: str) -> Caller:
    return Caller(CallerKind.USER, f"sub-{name}", name, issued_at=NOON // 1000)


ANN, BOB, EVE = map(user, ("ann", "bob", "eve"))
PROGRAM = Caller(CallerKind.IAM, "arn:aws:iam::1:user/importer", "importer")
KEY = Caller(CallerKind.LAMBDA, "01K", "robot", scopes=frozenset(Scope))


class Sent:
    """A queue that keeps what it is sent."""

    def __init__(self) -> None:
        self.messages: list[tuple[Mapping[str, Any], int]] = []
        self.obstacle: QueueError | None = None

    def send(self, message: Mapping[str, Any], delay_seconds: int = 0) -> None:
        if self.obstacle:
            raise self.obstacle
        self.messages.append((message, delay_seconds))


@pytest.fixture
def clock() -> SetClock:
    return SetClock(NOON)


@pytest.fixture
def queue() -> Sent:
    return Sent()


@pytest.fixture
def counted() -> list[str]:
    """The fields for which a token was taken."""
    return []


@pytest.fixture
def here(main_table: Table, change_log_table: Table, queue: Sent, clock: SetClock, counted: list[str]) -> Presences:
    log = ChangeLog(change_log_table, RETENTION_SECONDS, clock)
    return Presences(main_table, log, queue, clock, RHYTHM, lambda _, field: counted.append(field))


@pytest.fixture
def members(here: Presences) -> Members:
    return Members(here.table, RETENTION_SECONDS)


@pytest.fixture
def den(members: Members) -> str:
    """A private room of Ann's, with Bob."""
    room = rooms_of.create_room(members, ANN, private=True, now_ms=NOON)["id"]
    rooms_of.invite_member(members, ANN, room_id=room, user_id=BOB.id, now_ms=NOON)
    rooms_of.accept_invitation(members, BOB, room_id=room, now_ms=NOON)
    return room


def join(here: Presences, caller: Caller, room: str, client: str = "phone", **more: Any) -> presence.Presence:
    return presences.join_room(here, caller, room_id=room, client_id=client, **more)


def beat(here: Presences, caller: Caller, room: str, client: str = "phone") -> int:
    return presences.heartbeat(here, caller, room_id=room, client_id=client)


def leave(here: Presences, caller: Caller, room: str, client: str = "phone") -> str:
    return presences.leave_room(here, caller, room_id=room, client_id=client)


def listed(here: Presences, caller: Caller, room: str, **more: Any) -> list[presence.Presence]:
    return presences.list_presence(here, caller, room_id=room, **more)[0]


def names(here: Presences, caller: Caller, room: str) -> list[str]:
    return sorted(each["name"] for each in listed(here, caller, room))


def uses(here: Presences, caller: Caller, room: str) -> dict[str, Callable[[], object]]:
    """Every way in which a caller can have something of who is in a room."""
    return {
        "joinRoom": lambda: join(here, caller, room),
        "heartbeat": lambda: beat(here, caller, room),
        "leaveRoom": lambda: leave(here, caller, room),
        "presence": lambda: listed(here, caller, room),
        "presenceChanges": lambda: presences.presence_changes(here, caller, room_id=room, after=0),
        "onPresence": lambda: presences.on_presence(here, caller, room_id=room),
    }


def refused(here: Presences, caller: Caller, room: str) -> dict[str, str]:
    """The uses that are refused, and how."""
    found = {}
    for name, attempt in uses(here, caller, room).items():
        try:
            attempt()
        except Unauthorized as error:
            found[name] = error.message
    return found


def test_who_is_in_a_private_room_is_its_members_to_see_and_to_be(here: Presences, den: str) -> None:
    assert refused(here, ANN, den) == refused(here, BOB, den) == {}
    unknown = f"{topics.PRIVATE_ROOM}01J0000000000000000000000A"
    for stranger in (EVE, ANONYMOUS, PROGRAM):
        assert refused(here, stranger, den).keys() == uses(here, stranger, den).keys()
        assert refused(here, stranger, den) == refused(here, stranger, unknown)
        assert refused(here, stranger, "lobby") == {}


def test_each_device_of_each_caller_is_a_presence_of_its_own(here: Presences) -> None:
    made = [
        join(here, caller, room, client)["id"]
        for caller in (ANN, BOB, ANONYMOUS, PROGRAM)
        for room in ("lobby", "hall")
        for client in ("phone", "laptop")
    ]
    assert len(set(made)) == 8, "the same device in another room has the same id there"
    assert names(here, ANONYMOUS, "lobby") == sorted(2 * ["ann", "bob", "anonymous", "importer"])
    assert {each["userId"] for each in listed(here, EVE, "hall")} == {ANN.id, BOB.id, None}
    leave(here, ANN, "lobby", "phone")
    assert names(here, ANN, "lobby") == sorted([*2 * ["bob", "anonymous", "importer"], "ann"])


def test_a_presence_tells_neither_the_clients_id_nor_who_a_program_is(here: Presences, all_items: Any) -> None:
    shown = [join(here, caller, "lobby", "client-4711", name="x") for caller in (ANONYMOUS, PROGRAM)]
    assert not any("4711" in str(each) or "arn:" in str(each) for each in shown)
    assert not any("4711" in str(each) for each in all_items(here.table))


def test_names_are_the_servers_for_users_and_checked_for_others(here: Presences) -> None:
    assert join(here, ANN, "lobby", name="Queen")["name"] == "ann"
    assert join(here, ANONYMOUS, "lobby", name="ada")["name"] == "ada"
    assert join(here, PROGRAM, "lobby")["name"] == "importer"
    for given in ("", " x", "x" * 65, "a\nb"):
        with pytest.raises(InvalidInput):
            join(here, ANONYMOUS, "lobby", name=given)
    for client in ("", "x" * 129, "\ud800"):
        for attempt in (join, beat, leave):
            with pytest.raises(InvalidInput):
                attempt(here, ANONYMOUS, "lobby", client)


def test_joining_twice_is_one_presence_and_writes_what_changed(here: Presences, clock: SetClock, queue: Sent) -> None:
    first = join(here, ANONYMOUS, "lobby", name="ada")
    clock.ms += 20_000
    again = join(here, ANONYMOUS, "lobby", name="ada")
    assert again == first | {"lastSeen": "2026-11-21T12:00:20.000Z"}
    assert len(queue.messages) == 1, "the chain goes on"
    renamed = join(here, ANONYMOUS, "lobby", name="eve")
    assert renamed == again | {"name": "eve"}
    assert listed(here, ANONYMOUS, "lobby") == [renamed]


def test_a_list_goes_page_by_page_and_has_the_last_heartbeats(here: Presences, clock: SetClock) -> None:
    for number in range(7):
        join(here, ANONYMOUS, "lobby", f"client {number}", name=f"n{number}")
    clock.ms += 30_000
    for number in range(5):
        beat(here, ANONYMOUS, "lobby", f"client {number}")
    clock.ms += 10_000
    found, token = list[presence.Presence](), None
    while True:
        items, token = presences.list_presence(here, ANN, room_id="lobby", limit=3, next_token=token)
        found += items
        if token is None:
            break
    assert sorted(each["name"] for each in found) == [f"n{number}" for number in range(7)]
    assert {(each["lastSeen"][14:19], each["absent"]) for each in found} == {("00:30", False), ("00:00", True)}
    clock.ms += 20_000
    assert names(here, ANN, "lobby") == [f"n{number}" for number in range(5)], "two are over, removed or not"
    with pytest.raises(InvalidPageToken):
        presences.list_presence(here, ANN, room_id="hall", next_token=token_of(here))
    for limit in (0, 101):
        with pytest.raises(InvalidInput):
            presences.list_presence(here, ANN, room_id="lobby", limit=limit)


def token_of(here: Presences) -> str:
    _, token = presences.list_presence(here, ANN, room_id="lobby", limit=1)
    assert token
    return token


def test_heartbeats_out_of_their_rhythm_cost_tokens(here: Presences, clock: SetClock, counted: list[str]) -> None:
    join(here, ANN, "lobby")
    for _ in range(3):
        clock.ms += 30_000
        assert beat(here, ANN, "lobby") == clock.ms
    assert counted == []
    last = clock.ms
    clock.ms += 14_000
    assert beat(here, ANN, "lobby") == last
    with pytest.raises(NotFound):
        beat(here, ANN, "hall")
    assert counted == 2 * ["Mutation.heartbeat"]

    def none_left(_: Caller, field: str) -> None:
        raise TooManyRequests(1000)

    empty = replace(here, count=none_left)
    for room in ("lobby", "hall"):
        with pytest.raises(TooManyRequests):
            beat(empty, ANN, room)
    clock.ms += 16_000
    assert beat(empty, ANN, "lobby") == clock.ms, "who keeps the rhythm needs none"


def test_whoever_is_expelled_or_resigns_is_gone_with_it_on_all_devices(
    here: Presences, members: Members, den: str
) -> None:
    for client in ("phone", "laptop"):
        join(here, BOB, den, client)
    join(here, ANN, den)
    join(here, BOB, "lobby")
    rooms_of.expel_member(members, ANN, room_id=den, user_id=BOB.id, now_ms=NOON)
    assert names(here, ANN, den) == ["ann"]
    assert names(here, ANN, "lobby") == ["bob"]
    rooms_of.resign_membership(members, ANN, room_id=den, now_ms=NOON)
    assert list(here.table.query(f"{presence.PREFIX}{den}", now=0)) == []
    assert list(here.table.query(f"{presence.HEARTBEAT_PREFIX}{ANN.id}", now=0)) == []


def test_an_expulsion_stands_when_the_presence_cannot_be_removed_and_the_chain_ends_it(
    here: Presences, members: Members, den: str, clock: SetClock, queue: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    join(here, BOB, den)

    def fail(*_: object) -> None:
        raise Throttled("busy")

    with monkeypatch.context() as busy:
        busy.setattr(presences, "_remove", fail)
        rooms_of.expel_member(members, ANN, room_id=den, user_id=BOB.id, now_ms=NOON)
    assert names(here, ANN, den) == ["bob"]
    clock.ms += 30_000
    with pytest.raises(Unauthorized):
        beat(here, BOB, den)
    clock.ms = NOON
    chains = Chains(here.table, queue, clock, RHYTHM)
    while queue.messages:
        message, delay = queue.messages.pop()
        clock.ms += delay * 1000
        chains.ask(presence_chain.from_message(message), "1")
        assert clock.ms <= NOON + 61_000
    assert list(here.table.query(f"{presence.PREFIX}{den}", now=0)) == []


def test_a_user_who_is_gone_is_gone_everywhere(here: Presences) -> None:
    for room in ("lobby", "hall", "a#b"):
        join(here, BOB, room)
        join(here, ANN, room)
    presences.remove_all(here.table, BOB.id)
    presences.remove_all(here.table, BOB.id)
    for room in ("lobby", "hall", "a#b"):
        assert names(here, ANN, room) == ["ann"]


def test_what_is_under_way_when_a_right_ends_does_not_come_in(here: Presences, members: Members, den: str) -> None:
    """The right is checked before; then it ends; then the presence is written."""

    class Ending(Sent):
        def __init__(self, end: Callable[[], None]) -> None:
            super().__init__()
            self.end = end

        def send(self, message: Mapping[str, Any], delay_seconds: int = 0) -> None:
            super().send(message, delay_seconds)
            self.end()

    def expel() -> None:
        rooms_of.expel_member(members, ANN, room_id=den, user_id=BOB.id, now_ms=NOON)

    def sign_out() -> None:
        here.table.write([sessions.ending(EVE.id, NOON)])

    def bury() -> None:
        pk, sk = profile.key(ANN.id)
        here.table.write([Put({"pk": pk, "sk": sk, "deletedAt": "2026-11-21T12:00:00.000Z"})])

    for caller, room, end in ((BOB, den, expel), (EVE, "lobby", sign_out), (ANN, "lobby", bury)):
        with pytest.raises(Unauthorized):
            join(replace(here, queue=Ending(end)), caller, room)
        assert list(here.table.query(f"{presence.PREFIX}{room}", now=0)) == []
        assert list(here.table.query(f"{presence.HEARTBEAT_PREFIX}{caller.id}", now=0)) == []


def test_a_token_or_a_key_that_is_over_gives_no_sign_of_life(here: Presences, clock: SetClock) -> None:
    join(here, BOB, "lobby")
    clock.ms += 30_000
    here.table.write([sessions.ending(BOB.id, NOON)])
    assert refused(here, BOB, "lobby").keys() == uses(here, BOB, "lobby").keys()
    assert refused(here, KEY, "lobby").keys() == uses(here, KEY, "lobby").keys(), "a key that nobody has made"


def test_without_a_queue_nobody_comes_in(here: Presences, queue: Sent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presences, "_PATIENCE_SECONDS", 0.2)
    queue.obstacle = QueueError("down")
    with pytest.raises(TryAgain):
        join(here, ANN, "lobby")
    assert listed(here, ANN, "lobby") == []


def test_many_at_once_are_one_presence_with_one_chain(here: Presences) -> None:
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda _: join(here, ANONYMOUS, "lobby", name="ada"), range(16)))
    assert len({each["id"] for each in made}) == 1
    assert len(listed(here, ANONYMOUS, "lobby")) == 1
    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(lambda _: leave(here, ANONYMOUS, "lobby"), range(16)))) == 1
    assert listed(here, ANONYMOUS, "lobby") == []


def test_the_chain_goes_its_way_on_a_real_table(here: Presences, clock: SetClock, queue: Sent) -> None:
    chains = Chains(here.table, queue, clock, RHYTHM)

    def ask(message_id: str) -> int:
        """Have the newest question asked; in how many seconds the next one is."""
        message, delay = queue.messages.pop()
        assert queue.messages == []
        clock.ms += delay * 1000
        chains.ask(presence_chain.from_message(message), message_id)
        return queue.messages[-1][1] if queue.messages else 0

    join(here, ANN, "lobby")
    assert queue.messages[-1][1] == 38
    clock.ms += 30_000
    beat(here, ANN, "lobby")
    clock.ms -= 30_000
    assert ask("1") == 30, "the next one is due 37.5 s after the heartbeat"
    assert ask("2") == 22
    [shown] = listed(here, ANN, "lobby")
    assert (shown["absent"], shown["lastSeen"]) == (True, "2026-11-21T12:00:30.000Z")
    assert ask("3") == 0
    assert list(here.table.query(f"{presence.PREFIX}lobby", now=0)) == []
    assert list(here.table.query(f"{presence.HEARTBEAT_PREFIX}{ANN.id}", now=0)) == []


def test_a_message_of_another_kind_is_none_of_a_chain() -> None:
    for text in (
        {},
        {"roomId": "x"},
        {"roomId": "x", "owner": "o", "id": "i", "chain": "c", "turn": "no", "begunMs": 0},
    ):
        with pytest.raises((KeyError, TypeError, ValueError)):
            presence_chain.from_message(text)
    queue = Sent()
    asked = Question(presence.place(ANN, "a#b", "phone"), "c", 3, NOON)
    asked.send(queue, NOON + 10**9, NOON)
    assert presence_chain.from_message(queue.messages[0][0]) == asked
    assert queue.messages[0][1] == 900
    assert presence.place_of(asked.place.heartbeat_key) == asked.place


@contextmanager
def requests(client: DynamoDBClient) -> Iterator[list[str]]:
    """The requests that reach DynamoDB, by name."""
    found: list[str] = []

    def count(model: Any, **_: Any) -> None:
        found.append(model.name)

    client.meta.events.register("before-call.dynamodb", count)
    yield found
    client.meta.events.unregister("before-call.dynamodb", count)


@pytest.mark.parametrize(("caller", "right"), [(ANONYMOUS, []), (BOB, ["BatchGetItem"])], ids=["key", "user"])
def test_a_heartbeat_is_one_write(
    here: Presences, clock: SetClock, caller: Caller, right: list[str], dynamodb_client: DynamoDBClient
) -> None:
    join(here, caller, "lobby")
    clock.ms += 30_000
    with requests(dynamodb_client) as made:
        beat(here, caller, "lobby")
    assert made == [*right, "UpdateItem"]
    clock.ms += 50_000
    key = presence.place(caller, "lobby", "phone").heartbeat_key
    here.table.write([Set(key, {"absent": True})])
    with requests(dynamodb_client) as made:
        beat(here, caller, "lobby")
    assert made == [*right, "UpdateItem", "TransactWriteItems"]
    with requests(dynamodb_client) as made:
        listed(here, caller, "lobby")
    assert made == [*right, "Query", "BatchGetItem"]


def test_catch_up_answers_what_was_pushed_and_whole_what_was_too_large(here: Presences) -> None:
    pk, sk = f"{presence.PREFIX}lobby", "bot"
    here.table.write([Put({"pk": pk, "sk": sk, "name": "x" * 250_000})])
    text = '{"id":"bot","name":"' + "x" * 250_000 + '"}'
    events = [Event("1", "INSERT", "bot", text, reference=(pk, sk)), Event("2", "REMOVE", "gone", None)]
    here.change_log.append(topics.presence("lobby"), events, SYSTEM.monotonic() + 5)
    page = presences.presence_changes(here, ANN, room_id="lobby", after=0, limit=1)
    assert (page["roomId"], page["topic"], page["headSeq"], page["lastSeq"]) == ("lobby", "presence:lobby", 2, 1)
    [change] = page["items"]
    assert (change["truncated"], len(change["presence"]["name"])) == (False, 250_000)
    here.table.write([Delete((pk, sk))])
    [change] = presences.presence_changes(here, ANN, room_id="lobby", after=0, limit=1)["items"]
    assert (change["truncated"], change["presence"]) == (True, None)


@pytest.mark.parametrize(
    "wrong", [{"name": ["x"]}, {"absent": "no"}, {"lastSeen": 7}, {"joinedAt": "noon"}, {"userId": {}}], ids=str
)
def test_what_any_hand_writes_is_shown_with_stand_ins_and_told_only_when_right(
    here: Presences, wrong: dict[str, Any]
) -> None:
    item = {"pk": f"{presence.PREFIX}lobby", "sk": "bot"}
    here.table.write([Put(item | wrong)])
    [shown] = listed(here, ANN, "lobby")
    assert shown == {
        "id": "bot", "roomId": "lobby", "userId": None, "name": "unknown", "joinedAt": "1970-01-01T00:00:00.000Z",
        "lastSeen": "1970-01-01T00:00:00.000Z", "absent": False,
    }  # fmt: skip
    assert presence.to_publish(item["pk"], item["sk"], {}) == shown
    with pytest.raises(WrongType):
        presence.to_publish(item["pk"], item["sk"], wrong)


def test_heartbeats_are_routed_to_nobody_and_presences_to_their_room() -> None:
    def record(pk: str) -> dict[str, Any]:
        return {"dynamodb": {"Keys": {"pk": {"S": pk}, "sk": {"S": "x"}}}}

    assert not routing.is_routed(record("HEARTBEAT#sub-ann"))
    assert routing.is_routed(record("PRESENCE#lobby"))
    keys = {"pk": {"S": "PRESENCE#a#b"}, "sk": {"S": "x"}}
    raw = {
        "eventID": "1", "eventName": "INSERT",
        "dynamodb": {"Keys": keys, "NewImage": keys, "SequenceNumber": "1", "ApproximateCreationDateTime": 1.0},
    }  # fmt: skip
    [change] = routing.route(routing.from_stream(raw))
    assert (str(change.topic), change.event.key, change.state_like) == ("presence:a#b", "x", True)
    keys["pk"]["S"] = "PRESENCE# no room "
    assert routing.route(routing.from_stream(raw)) == []


def test_what_has_expired_is_left_out_whoever_wrote_it(here: Presences, clock: SetClock) -> None:
    join(here, ANN, "lobby")
    here.table.write(
        [Put({"pk": f"{presence.PREFIX}lobby", "sk": "bot", "name": "bot", "expiresAt": NOON // 1000 + 60})]
    )
    assert names(here, EVE, "lobby") == ["ann", "bot"]
    clock.ms += 59_000
    assert names(here, EVE, "lobby") == ["ann", "bot"]
    clock.ms += 1000
    assert names(here, EVE, "lobby") == []
    # Should heartbeats be gone from the table first, the net is what is shown itself.
    here.table.write([Delete(presence.place(ANN, "lobby", "phone").heartbeat_key)])
    clock.ms = NOON + RHYTHM.grey + RHYTHM.lost
    assert names(here, EVE, "lobby") == []
