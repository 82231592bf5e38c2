"""Who may have a client's id, who takes it over, and what becomes of it when nobody uses it any more."""

from __future__ import annotations

import contextlib
import dataclasses
import re
from collections.abc import Callable
from typing import Any

import pytest

from domain import client, clients, notice, notices, profile, routing, topics
from domain.caller import ANONYMOUS, Caller, CallerKind, Scope
from domain.changes import ChangeLog
from domain.clients import Clients, Registration
from domain.errors import InvalidInput, TakenOver, TryAgain, Unauthorized
from domain.events import Event, Kind
from domain.table import Check, Delete, Put, Set, Table, Throttled
from tests.backend.domain.clocks import SetClock

NOW = 1_795_236_682_123
ID = "0123456789abcdef"
UNKNOWN = "fedcba9876543210"
ANN, BOB = (Caller(CallerKind.USER, name, name) for name in ("ann", "bob"))
KEY = Caller(CallerKind.LAMBDA, "ann", "key", scopes=frozenset(Scope))  # of the same id as the user
ROLE = Caller(CallerKind.IAM, "arn:aws:sts::1:assumed-role/jobs/session-1", "session-1")
IDENTITIES = {"user": ANN, "another user": BOB, "auth key": KEY, "role": ROLE, "guest": ANONYMOUS}
DAY = 24 * 3600


class JumpingClock(SetClock):
    """Shows when waiting would be over."""

    def monotonic(self) -> float:
        return self.ms / 1000

    def sleep(self, seconds: float) -> None:
        self.ms += max(1, round(seconds * 1000))


@pytest.fixture
def clock() -> JumpingClock:
    return JumpingClock(NOW)


@pytest.fixture
def here(main_table: Table, change_log_table: Table, clock: JumpingClock) -> Clients:
    return Clients(main_table, ChangeLog(change_log_table, DAY, clock), clock, DAY)


def item_of(here: Clients, client_id: str) -> dict[str, Any]:
    found = here.table.get(client.key(client_id), 0)
    assert found
    return found


@pytest.mark.parametrize("caller", [ANN, KEY, ROLE])
def test_the_first_to_register_an_id_owns_it(here: Clients, caller: Caller) -> None:
    made = clients.register(here, caller, client_id=ID)
    assert (made.client_id, made.ended) == (ID, ())
    assert made.expires_at == NOW // 1000 + 30 * DAY
    assert clients.on_client(here, caller, client_id=ID, lease=made.lease).topic == topics.client(ID)
    for name, other in IDENTITIES.items():
        if other is not caller:
            for refused in (
                lambda other=other: clients.register(here, other, client_id=ID),
                lambda other=other: clients.register(here, other, client_id=ID, lease=made.lease),
                lambda other=other: clients.on_client(here, other, client_id=ID, lease=made.lease),
                lambda other=other: clients.client_changes(here, other, client_id=ID, after=0),
                lambda other=other: notices.unread(here, other, client_id=ID),
                lambda other=other: notices.dismiss(here, other, id="x", client_id=ID),
            ):
                with pytest.raises(Unauthorized):
                    refused()
            assert item_of(here, ID)["lease"] == made.lease, name


def test_sessions_of_a_role_are_one_identity(here: Clients) -> None:
    made = clients.register(here, ROLE, client_id=ID)
    other_session = dataclasses.replace(ROLE, id=ROLE.id.replace("session-1", "session-2"))
    assert clients.on_client(here, other_session, client_id=ID, lease=made.lease)


def test_without_an_id_the_server_gives_one(here: Clients) -> None:
    made = [clients.register(here, ANN) for _ in range(20)]
    assert len({each.client_id for each in made}) == 20
    assert all(client.is_id(each.client_id) and not each.client_id.startswith("guest-") for each in made)


def test_a_guest_s_id_is_the_server_s_and_a_secret(here: Clients) -> None:
    made = clients.register(here, ANONYMOUS)
    assert re.fullmatch(r"guest-[\w-]{32}", made.client_id)
    assert made.expires_at == NOW // 1000 + 7 * DAY
    again = clients.register(here, ANONYMOUS, client_id=made.client_id)
    assert again.ended == client.rights(made.client_id, made.lease)
    with pytest.raises(Unauthorized):
        clients.register(here, ANN, client_id=made.client_id)


@pytest.mark.parametrize("client_id", [ID, f"guest-{'A' * 32}", "guest-0123456789"])
@pytest.mark.parametrize("lease", [None, "01J"])
def test_nobody_makes_up_a_guest_s_id(here: Clients, client_id: str, lease: str | None) -> None:
    with pytest.raises(Unauthorized):
        clients.register(here, ANONYMOUS, client_id=client_id, lease=lease)
    if client_id != ID:
        with pytest.raises(Unauthorized):
            clients.register(here, ANN, client_id=client_id, lease=lease)
    assert here.table.get(client.key(client_id), 0) is None


def test_to_others_an_id_is_as_one_that_nobody_has(here: Clients) -> None:
    made = clients.register(here, ANN, client_id=ID)
    for ask in (
        lambda each: clients.on_client(here, BOB, client_id=each, lease=made.lease),
        lambda each: clients.client_changes(here, BOB, client_id=each, after=-1),
        lambda each: notices.unread(here, BOB, client_id=each, limit=0),
        lambda each: notices.dismiss(here, BOB, id="", client_id=each),
    ):
        told = set()
        for each in (ID, UNKNOWN, "", "x", "../..", f"{ID}#{made.lease}", "\ud800", "x" * 3000):
            with pytest.raises(Unauthorized) as refused:
                ask(each)
            told.add((refused.value.message, str(refused.value.info)))
        assert len(told) == 1


@pytest.mark.parametrize(
    "client_id", ["", "short", "x" * 65, "0123456789abcde#", "0123456789 abcdef", "ü" * 16, "a" * 16 + "\n"]
)
def test_an_id_has_a_form(here: Clients, client_id: str) -> None:
    with pytest.raises(InvalidInput, match=r"input\.clientId"):
        clients.register(here, ANN, client_id=client_id)


def test_a_lease_is_of_an_id(here: Clients) -> None:
    with pytest.raises(InvalidInput, match=r"input\.lease"):
        clients.register(here, ANN, lease="01J")
    with pytest.raises(Unauthorized):
        clients.register(here, ANN, client_id=ID, lease="01J")
    with pytest.raises(InvalidInput, match=r"input\.clientMutationId"):
        clients.register(here, ANN, client_mutation_id="")


# --- taking over ---


def test_registering_again_takes_the_id_over(here: Clients) -> None:
    first = clients.register(here, ANN, client_id=ID)
    second = clients.register(here, ANN, client_id=ID, client_mutation_id="any")
    assert second.lease != first.lease
    assert second.ended == client.rights(ID, first.lease)
    with pytest.raises(TakenOver):
        clients.on_client(here, ANN, client_id=ID, lease=first.lease)
    assert clients.on_client(here, ANN, client_id=ID, lease=second.lease).right == client.right(ID, second.lease)
    # Catching up is the owner's right, whatever lease there is.
    assert clients.client_changes(here, ANN, client_id=ID, after=0)["headSeq"] == 0


def test_the_lease_that_counts_only_lives_longer(here: Clients, clock: JumpingClock) -> None:
    first = clients.register(here, ANN, client_id=ID)
    clock.ms += DAY * 1000
    renewed = clients.register(here, ANN, client_id=ID, lease=first.lease)
    assert renewed == dataclasses.replace(first, expires_at=first.expires_at + DAY)
    clients.register(here, ANN, client_id=ID)
    with pytest.raises(TakenOver):
        clients.register(here, ANN, client_id=ID, lease=first.lease)


def stream_record(old: dict[str, Any] | None, new: dict[str, Any] | None) -> routing.Record:
    kind: Kind = "MODIFY" if old and new else "REMOVE" if old else "INSERT"
    return routing.Record("e", kind, f"{client.PREFIX}{ID}", client.SORT_KEY, old, new, "1", 0)


def test_by_whatever_hand_a_lease_is_lost_its_subscription_ends() -> None:
    mine = client.to_item(ANN, ID, "L1", NOW, DAY)
    lost = [routing.End("*", each) for each in client.rights(ID, "L1")]
    assert routing.ends_of(stream_record(mine, {**mine, "lease": "L2"})) == lost
    assert routing.ends_of(stream_record(mine, {key: mine[key] for key in ("pk", "sk")})) == lost
    assert routing.ends_of(stream_record(mine, None)) == lost
    assert routing.ends_of(stream_record(mine, {**mine, "validUntil": 1})) == []
    assert routing.ends_of(stream_record(None, mine)) == []
    assert routing.ends_of(stream_record({"lease": 7}, {"lease": ["L"]})) == []
    assert [(each.kind.subscription, each.topic_name) for each in lost] == [
        ("onClient", f"client:{ID}#L1"), ("onCart", f"cart:client:{ID}#L1"),
    ]  # fmt: skip


# --- the end of an id ---


def test_an_id_that_is_not_registered_again_is_nobody_s_but_its_owner_s(here: Clients, clock: JumpingClock) -> None:
    first = clients.register(here, ANN, client_id=ID)
    notices.send(here.table, clock, kind="k", to_client=ID, seconds=notice.LONGEST_SECONDS)
    clock.ms = first.expires_at * 1000
    with pytest.raises(Unauthorized):
        clients.on_client(here, ANN, client_id=ID, lease=first.lease)
    with pytest.raises(Unauthorized):
        clients.register(here, BOB, client_id=ID)
    again = clients.register(here, ANN, client_id=ID)
    assert again.lease != first.lease
    assert clients.on_client(here, ANN, client_id=ID, lease=again.lease)


def test_a_guest_s_id_that_is_not_registered_again_is_gone(here: Clients, clock: JumpingClock) -> None:
    first = clients.register(here, ANONYMOUS)
    assert item_of(here, first.client_id)["expiresAt"] == first.expires_at
    clock.ms = first.expires_at * 1000
    for lease in (None, first.lease):
        with pytest.raises(Unauthorized):
            clients.register(here, ANONYMOUS, client_id=first.client_id, lease=lease)


@pytest.mark.parametrize("retention", [DAY, 100 * DAY])
def test_who_gets_an_id_after_another_inherits_nothing(
    main_table: Table, change_log_table: Table, clock: JumpingClock, retention: int
) -> None:
    here = Clients(main_table, ChangeLog(change_log_table, retention, clock), clock, retention)
    first = clients.register(here, ANN, client_id=ID)
    clock.ms = (first.expires_at - 1) * 1000
    sent = notices.send(main_table, clock, kind="k", to_client=ID, seconds=notice.LONGEST_SECONDS)
    told = Event("e", "INSERT", sent["id"], '{"data":"{}","expiresAt":null}', item_field="notice")
    here.change_log.append(topics.client(ID), [told], clock.monotonic() + 5)
    while True:
        try:
            clients.register(here, BOB, client_id=ID)
        except Unauthorized:
            clock.ms += DAY * 1000
        else:
            break
        assert clock.ms < NOW + 1000 * DAY * 1000
    assert notices.unread(here, BOB, client_id=ID).items == []
    page = clients.client_changes(here, BOB, client_id=ID, after=0)
    assert (page["items"], page["resyncRequired"]) == ([], True)


def test_a_deleted_user_leaves_no_client_and_no_notice(here: Clients, clock: JumpingClock) -> None:
    here.table.write([Put({"pk": "USER#ann", "sk": "PROFILE", "name": "ann"})])
    first = clients.register(here, ANN, client_id=ID)
    second = clients.register(here, ANN)
    his = clients.register(here, BOB)
    notices.send(here.table, clock, kind="k", to_user="ann")
    for each in (ID, second.client_id, his.client_id):
        notices.send(here.table, clock, kind="k", to_client=each)
    for _ in range(2):
        clients.remove_all(here, "ann")
        for receiver in (topics.user("ann"), topics.client(ID), topics.client(second.client_id)):
            assert list(here.table.query(notice.partition(receiver), now=0)) == []
        left = item_of(here, ID)
        assert left.keys() == {"pk", "sk", "owner", "validUntil", "expiresAt"}
        assert "ann" not in str(left)
        with pytest.raises(Unauthorized):
            clients.on_client(here, ANN, client_id=ID, lease=first.lease)
        with pytest.raises(Unauthorized):
            clients.register(here, BOB, client_id=ID)
    assert list(here.table.query(client.listing("ann"), now=0, index="GSI1")) == []
    assert len(notices.unread(here, BOB, client_id=his.client_id).items) == 1


def test_who_is_being_deleted_registers_nothing(here: Clients) -> None:
    clients.register(here, ANN, client_id=ID)
    pk, sk = profile.key("ann")
    here.table.write([Put({"pk": pk, "sk": sk, "deletedAt": "2026-11-21T12:00:00.000Z"})])
    for chosen in (ID, UNKNOWN, None):
        with pytest.raises(Unauthorized):
            clients.register(here, ANN, client_id=chosen)
    assert here.table.get(client.key(UNKNOWN), 0) is None


@pytest.mark.parametrize("crash_after", range(9))
def test_a_deletion_that_is_interrupted_is_finished_by_a_repeat(
    here: Clients, clock: JumpingClock, monkeypatch: pytest.MonkeyPatch, crash_after: int
) -> None:
    here.table.write([Put({"pk": "USER#ann", "sk": "PROFILE"})])
    clients.register(here, ANN, client_id=ID)
    notices.send(here.table, clock, kind="k", to_user="ann")
    notices.send(here.table, clock, kind="k", to_client=ID)
    write, left = here.table.write, crash_after

    def dying(writes: Any) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise KeyboardInterrupt
        write(writes)

    with monkeypatch.context() as patch:
        patch.setattr(here.table, "write", dying)
        with contextlib.suppress(KeyboardInterrupt):
            clients.remove_all(here, "ann")
    clients.remove_all(here, "ann")
    for each in (topics.user("ann"), topics.client(ID)):
        assert list(here.table.query(notice.partition(each), now=0)) == []
    assert item_of(here, ID)["owner"] == client.NOBODY


# --- items by any hand ---


@pytest.mark.parametrize(
    "attributes",
    [{}, {"owner": "USER#ann"}, {"owner": ["USER#ann"], "validUntil": 10**12}, {"validUntil": 10**12},
     {"owner": "USER#bob", "validUntil": 10**12}, {"owner": "USER#ann", "validUntil": "tomorrow"}],
)  # fmt: skip
def test_an_item_that_says_nothing_right_lets_nobody_in(here: Clients, attributes: dict[str, Any]) -> None:
    pk, sk = client.key(ID)
    here.table.write([Put({"pk": pk, "sk": sk, **attributes})])
    for lease in ("", "L"):
        with pytest.raises(Unauthorized):
            clients.on_client(here, ANN, client_id=ID, lease=lease)


@pytest.mark.parametrize("lease", [None, "", 7, ["L"]])
def test_an_item_without_a_lease_is_taken_over_and_ends_nothing(here: Clients, lease: Any) -> None:
    pk, sk = client.key(ID)
    here.table.write([Put({"pk": pk, "sk": sk, "owner": "USER#ann", "validUntil": 10**12, "lease": lease})])
    with pytest.raises(TakenOver):
        clients.on_client(here, ANN, client_id=ID, lease="")
    made = clients.register(here, ANN, client_id=ID)
    assert made.ended == ()
    assert clients.on_client(here, ANN, client_id=ID, lease=made.lease)


# --- a busy table ---


def test_a_table_that_is_too_busy_says_so(here: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    def throttled(_: object) -> None:
        raise Throttled("busy")

    monkeypatch.setattr(here.table, "write", throttled)
    with pytest.raises(TryAgain):
        clients.register(here, ANN, client_id=ID)


def test_what_it_costs(here: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    """docs/decisions/own-channels.md has these figures."""
    reads: list[object] = []
    written: list[list[type]] = []
    get, write = here.table.get, here.table.write

    def counted_get(*given: Any) -> Any:
        reads.append(given)
        return get(*given)

    def counted_write(writes: Any) -> None:
        written.append([type(each) for each in writes])
        write(writes)

    monkeypatch.setattr(here.table, "get", counted_get)
    monkeypatch.setattr(here.table, "write", counted_write)

    def cost(register: Callable[[], Registration]) -> tuple[int, list[list[type]]]:
        reads.clear()
        written.clear()
        register()
        return len(reads), list(written)

    assert cost(lambda: clients.register(here, ANONYMOUS)) == (0, [[Put]])
    assert cost(lambda: clients.register(here, ANN, client_id=ID)) == (1, [[Put, Check]])
    assert cost(lambda: clients.register(here, ANN, client_id=ID)) == (1, [[Set, Check]])
    assert cost(lambda: clients.register(here, KEY)) == (0, [[Put]])
    assert Delete not in {kind for kinds in written for kind in kinds}
