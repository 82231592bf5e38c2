"""Notices: who sends them, to whom, and what is there until it is dismissed or expires."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from domain import clients, notice, notices, page_tokens, topics
from domain.caller import ANONYMOUS, OPERATORS, SELLERS, Caller, CallerKind, Scope
from domain.changes import ChangeLog
from domain.clients import Clients
from domain.errors import IdempotencyConflict, InvalidInput, InvalidPageToken, NotFound, TryAgain, Unauthorized
from domain.events import Event
from domain.table import Conflict, Put, Table
from tests.backend.domain.clocks import SetClock

NOW = 1_795_236_682_123
ID = "0123456789abcdef"
ANN, BOB = (Caller(CallerKind.USER, name, name) for name in ("ann", "bob"))
OPAL = Caller(CallerKind.USER, "opal", "opal", frozenset({OPERATORS}))
ROLE = Caller(CallerKind.IAM, "arn:aws:iam::1:role/jobs", "jobs")
DAY = 24 * 3600


class Clock(SetClock):
    """Goes on by itself a little, so that notices have an order."""

    def now_ms(self) -> int:
        self.ms += 1
        return self.ms

    def monotonic(self) -> float:
        return self.ms / 1000

    def sleep(self, seconds: float) -> None:
        self.ms += round(seconds * 1000) + 1


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW)


@pytest.fixture
def here(main_table: Table, change_log_table: Table, clock: Clock) -> Clients:
    """Clients and notices, with users Ann and Bob, and one client of Ann's."""
    for user in (ANN, BOB):
        main_table.write([Put({"pk": f"USER#{user.id}", "sk": "PROFILE", "name": user.name})])
    found = Clients(main_table, ChangeLog(change_log_table, DAY, clock), clock, DAY)
    clients.register(found, ANN, client_id=ID)
    return found


@pytest.fixture
def notify(here: Clients) -> Callable[..., notice.Notice]:
    return lambda caller=OPAL, **given: notices.notify(here.table, here.clock, caller, **{"kind": "k", **given})


def kinds(page: notices.Page) -> list[str]:
    return [each["kind"] for each in page.items]


@pytest.mark.parametrize("caller", [OPAL, ROLE])
def test_operators_and_roles_send_to_users_and_to_clients(
    here: Clients, notify: Callable[..., Any], caller: Caller
) -> None:
    to_user = notify(caller, user_id="ann", kind="a.b", data={"n": [1]}, expires_in_seconds=60)
    to_client = notify(caller, client_id=ID)
    assert notices.unread(here, ANN).items == [to_user]
    assert notices.unread(here, ANN, client_id=ID).items == [to_client]
    assert (to_user["kind"], json.loads(to_user["data"]), to_client["data"]) == ("a.b", {"n": [1]}, "{}")
    assert to_user["sentAt"].startswith("2026-11-21T04:51:22.1")
    assert to_user["expiresAt"] == "2026-11-21T04:52:22.000Z"
    assert to_client["expiresAt"] == "2026-11-28T04:51:22.000Z"
    assert notices.unread(here, BOB).items == []


@pytest.mark.parametrize(
    "caller",
    [ANN, BOB, ANONYMOUS, Caller(CallerKind.USER, "eve", "eve", frozenset({SELLERS})),
     Caller(CallerKind.LAMBDA, "k", "k", scopes=frozenset(Scope))],
)  # fmt: skip
def test_nobody_else_does(here: Clients, notify: Callable[..., Any], caller: Caller) -> None:
    for receiver in ({"user_id": "ann"}, {"client_id": ID}, {"user_id": "nobody"}, {}):
        with pytest.raises(Unauthorized):
            notify(caller, **receiver)
    assert notices.unread(here, ANN).items == []


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "input"), ({"user_id": "ann", "client_id": ID}, "input"),
        ({"user_id": "ann", "kind": ""}, "input.kind"), ({"user_id": "ann", "kind": "1a"}, "input.kind"),
        ({"user_id": "ann", "kind": "a b"}, "input.kind"), ({"user_id": "ann", "kind": "a" * 65}, "input.kind"),
        ({"user_id": "ann", "kind": "a\n"}, "input.kind"), ({"user_id": "ann", "data": []}, "input.data"),
        ({"user_id": "ann", "data": "text"}, "input.data"), ({"user_id": "ann", "data": 0}, "input.data"),
        ({"user_id": "ann", "expires_in_seconds": 0}, "input.expiresInSeconds"),
        ({"user_id": "ann", "expires_in_seconds": -1}, "input.expiresInSeconds"),
        ({"user_id": "ann", "expires_in_seconds": 2_592_001}, "input.expiresInSeconds"),
        ({"user_id": "ann", "client_mutation_id": ""}, "input.clientMutationId"),
        ({"user_id": "ann", "client_mutation_id": "once", "data": []}, "input.data"),
    ],
)  # fmt: skip
def test_what_breaks_a_rule_is_not_sent(
    here: Clients, notify: Callable[..., Any], given: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        notify(**given)
    assert refused.value.info == {"field": field}
    assert notices.unread(here, ANN).items == []


@pytest.mark.parametrize("user_id", ["nobody", "", "ann#PROFILE", "a/b", "x" * 3000])
def test_there_must_be_such_a_user(here: Clients, notify: Callable[..., Any], user_id: str) -> None:
    with pytest.raises(NotFound) as refused:
        notify(user_id=user_id)
    assert refused.value.info == {"field": "input.userId"}


@pytest.mark.parametrize("client_id", ["fedcba9876543210", "", f"{ID}#L", "x" * 3000])
def test_there_must_be_such_a_client(here: Clients, notify: Callable[..., Any], client_id: str) -> None:
    with pytest.raises(NotFound) as refused:
        notify(client_id=client_id)
    assert refused.value.info == {"field": "input.clientId"}


def test_who_is_deleted_or_not_registered_any_more_is_told_nothing(
    here: Clients, notify: Callable[..., Any], clock: Clock
) -> None:
    here.table.write([Put({"pk": "USER#bob", "sk": "PROFILE", "deletedAt": "2026-11-21T12:00:00.000Z"})])
    with pytest.raises(NotFound):
        notify(user_id="bob")
    clock.ms += 31 * DAY * 1000
    with pytest.raises(NotFound):
        notify(client_id=ID)


def test_a_repeat_sends_nothing_and_answers_the_same(here: Clients, notify: Callable[..., Any], clock: Clock) -> None:
    given: dict[str, Any] = {"user_id": "ann", "data": {"a": 1}, "client_mutation_id": "once"}
    first = notify(**given)
    clock.ms += 3_600_000
    assert notify(**given) == first
    here.table.write([Put({"pk": "USER#ann", "sk": "PROFILE", "deletedAt": "2026-11-21T12:00:00.000Z"})])
    assert notify(**given) == first
    assert notify(ROLE, **{**given, "user_id": "bob"})["id"] != first["id"], "another's id is another's"
    others: list[dict[str, Any]] = [{"data": {"a": 2}}, {"kind": "x"}, {"user_id": "bob"}, {"expires_in_seconds": 5}]
    for other in others:
        with pytest.raises(IdempotencyConflict):
            notify(**(given | other))
    assert len(notices.unread(here, ANN).items) == 1


def test_an_answer_that_was_lost_is_found_again(
    here: Clients, notify: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    write, lost = here.table.write, [True]

    def losing(writes: Any) -> None:
        write(writes)
        if lost.pop():
            raise Conflict("the answer is lost")

    with monkeypatch.context() as patch:
        patch.setattr(here.table, "write", losing)
        made = notify(user_id="ann", client_mutation_id="once")
    assert notices.unread(here, ANN).items == [made]


def test_a_table_that_is_too_busy_says_so(
    here: Clients, notify: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(_: object) -> None:
        raise Conflict("busy")

    monkeypatch.setattr(here.table, "write", busy)
    with pytest.raises(TryAgain):
        notify(user_id="ann")
    with pytest.raises(TryAgain):
        notices.dismiss(here, ANN, id="x")


# --- what is there ---


def test_pages_are_in_the_order_of_sending_and_end(here: Clients, notify: Callable[..., Any]) -> None:
    for number in range(7):
        notify(user_id="ann", kind=f"k{number}")
    found, token = list[str](), None
    while True:
        page = notices.unread(here, ANN, limit=3, next_token=token)
        found += kinds(page)
        token = page.next_token
        if token is None:
            break
    assert found == [f"k{number}" for number in range(7)]
    exactly = notices.unread(here, ANN, limit=7)
    assert (len(exactly.items), exactly.next_token) == (7, None)


def test_a_page_also_ends_at_some_bytes(here: Clients, notify: Callable[..., Any]) -> None:
    for _ in range(3):
        notify(user_id="ann", data={"x": "é" * 5000})  # six bytes each in an answer
    page = notices.page(here, topics.user("ann"), 50, most_bytes=50_000)
    assert (len(page.items), bool(page.next_token)) == (1, True)
    assert notices.MAX_PAGE_BYTES / (notice.MAX_DATA_BYTES * 6) > 40


@pytest.mark.parametrize("limit", [0, -1, 101])
def test_a_limit_has_limits(here: Clients, limit: int) -> None:
    with pytest.raises(InvalidInput):
        notices.unread(here, ANN, limit=limit)


def test_a_token_is_of_its_list(here: Clients) -> None:
    for token in (
        "",
        "x",
        page_tokens.encode("a", "Query.notices", "user:bob"),
        page_tokens.encode("a", "Query.rooms"),
    ):
        with pytest.raises(InvalidPageToken):
            notices.unread(here, ANN, next_token=token)


def test_from_its_end_on_a_notice_is_absent(here: Clients, notify: Callable[..., Any], clock: Clock) -> None:
    notify(user_id="ann", kind="short", expires_in_seconds=60)
    notify(user_id="ann", kind="long")
    clock.ms = (NOW // 1000 + 60) * 1000 - 10
    assert kinds(notices.unread(here, ANN)) == ["short", "long"]
    clock.ms = (NOW // 1000 + 60) * 1000
    assert kinds(notices.unread(here, ANN)) == ["long"]


def test_the_number_is_read_before_the_notices(
    here: Clients, notify: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else one that is written and told between the two reads would be in neither."""
    topic, query = topics.user("ann"), here.table.query

    def late(*given: Any, **more: Any) -> Any:
        found = notify(user_id="ann", kind="late")
        here.change_log.append(
            topic, [Event("e", "INSERT", found["id"], json.dumps(found))], here.clock.monotonic() + 5
        )
        return query(*given, **more)

    monkeypatch.setattr(here.table, "query", late)
    page = notices.unread(here, ANN)
    assert (page.head_seq, kinds(page)) == (0, ["late"])
    assert here.change_log.head(topic) == 1


def test_a_receiver_dismisses_and_nobody_else(here: Clients, notify: Callable[..., Any]) -> None:
    mine, other = notify(user_id="ann"), notify(client_id=ID)
    for caller in (BOB, OPAL):
        notices.dismiss(here, caller, id=mine["id"])  # their own, of which there is none
        with pytest.raises(Unauthorized):
            notices.dismiss(here, caller, id=other["id"], client_id=ID)
    for caller in (ANONYMOUS, ROLE):
        with pytest.raises(Unauthorized):
            notices.dismiss(here, caller, id=mine["id"])
        with pytest.raises(Unauthorized):
            notices.unread(here, caller)
    notices.dismiss(here, ANN, id=other["id"])  # which is not the user's, but the client's
    assert (len(notices.unread(here, ANN).items), len(notices.unread(here, ANN, client_id=ID).items)) == (1, 1)
    for _ in range(2):
        assert notices.dismiss(here, ANN, id=mine["id"]) == topics.user("ann")
        assert notices.dismiss(here, ANN, id=other["id"], client_id=ID, client_mutation_id="x") == topics.client(ID)
    assert notices.unread(here, ANN).items == notices.unread(here, ANN, client_id=ID).items == []


@pytest.mark.parametrize("id", ["", "x" * 2000, "a/b", "\ud800"])
def test_a_notice_that_nobody_could_have_sent_is_gone_already(here: Clients, id: str) -> None:  # noqa: A002
    assert notices.dismiss(here, ANN, id=id) == topics.user("ann")


def test_a_guest_s_client_is_told_and_dismisses(here: Clients, notify: Callable[..., Any]) -> None:
    made = clients.register(here, ANONYMOUS)
    sent = notify(client_id=made.client_id)
    assert notices.unread(here, ANONYMOUS, client_id=made.client_id).items == [sent]
    notices.dismiss(here, ANONYMOUS, id=sent["id"], client_id=made.client_id)
    assert notices.unread(here, ANONYMOUS, client_id=made.client_id).items == []


def test_items_by_any_hand_break_no_page(here: Clients) -> None:
    items: list[dict[str, Any]] = [
        {"data": "[" * 50_000}, {"data": {"a": 1}}, {"kind": ["x"]}, {"expiresAt": "never"},
    ]  # fmt: skip
    for number, wrong in enumerate(items):
        pk, sk = notice.key(topics.user("ann"), f"n{number}")
        here.table.write([Put({"pk": pk, "sk": sk, **wrong})])
    assert len(notices.unread(here, ANN).items) == 4


# --- catching up ---


def told(here: Clients, topic: topics.Topic, *changes: tuple[str, str, notice.Notice | None]) -> None:
    events = [
        Event(f"e{number}", kind, key, shown and json.dumps(shown), item_field="notice")  # type: ignore[arg-type]
        for number, (kind, key, shown) in enumerate(changes)
    ]
    here.change_log.append(topic, events, here.clock.monotonic() + 5)


def test_catch_up_tells_what_was_told_and_nothing_late(here: Clients, notify: Callable[..., Any], clock: Clock) -> None:
    short, long = notify(client_id=ID, expires_in_seconds=60), notify(client_id=ID, data={"a": [1]})
    told(here, topics.client(ID), ("INSERT", short["id"], short), ("INSERT", long["id"], long), ("REMOVE", "x", None))
    page = clients.client_changes(here, ANN, client_id=ID, after=0)
    assert [(each["kind"], each["notice"]) for each in page.pop("items")] == [
        ("INSERT", {**short, "data": {}}), ("INSERT", {**long, "data": {"a": [1]}}), ("REMOVE", None),
    ]  # fmt: skip
    assert page == {
        "clientId": ID, "topic": f"client:{ID}", "lastSeq": 3, "headSeq": 3, "resyncRequired": False,
    }  # fmt: skip
    clock.ms += 60_000
    page = clients.client_changes(here, ANN, client_id=ID, after=0, limit=1)
    assert [(each["seq"], each["kind"], each["notice"]) for each in page["items"]] == [(1, "REMOVE", None)]


def test_one_that_was_too_large_for_a_push_is_answered_whole(here: Clients) -> None:
    topic = topics.client(ID)
    pk, sk = notice.key(topic, "N1")
    data = json.dumps({"x": "y" * 250_000})
    here.table.write([Put({"pk": pk, "sk": sk, "kind": "k", "data": data})])
    shown = notice.from_item({"pk": pk, "sk": sk, "kind": "k", "data": data})
    large = Event("e", "INSERT", "N1", json.dumps(shown), reference=(pk, sk), item_field="notice")
    here.change_log.append(topic, [large], here.clock.monotonic() + 5)
    (change,) = clients.client_changes(here, ANN, client_id=ID, after=0)["items"]
    assert (change["truncated"], len(change["notice"]["data"]["x"])) == (False, 250_000)
    notices.dismiss(here, ANN, id="N1", client_id=ID)
    (change,) = clients.client_changes(here, ANN, client_id=ID, after=0)["items"]
    assert (change["truncated"], change["notice"]) == (True, None)
