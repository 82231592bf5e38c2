"""Clients that register at once, through whatever DynamoDB and the containers do: one owner, one lease that counts.

The code is the deployed one; the table, the clocks and the faults are the simulation's, all of a seed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest

from domain import client, clients, notice, notices, routing, topics
from domain.caller import ANONYMOUS, Caller, CallerKind, Scope
from domain.clients import Clients, Registration
from domain.errors import NotFound, TakenOver, TryAgain, Unauthorized
from domain.table import Check, Delete, Put, Table, TableError, from_attributes
from tests.simulation.clock import SimulatedClock
from tests.simulation.dynamodb import Client, DynamoDB
from tests.simulation.kernel import Host, Kernel, ProcessKilled
from tests.simulation.network import Network
from tests.simulation.weather import Weather

ID = "0123456789abcdef"
ANN, BOB = (Caller(CallerKind.USER, name, name) for name in ("ann", "bob"))
KEY = Caller(CallerKind.LAMBDA, "k", "k", scopes=frozenset(Scope))
ROLE = Caller(CallerKind.IAM, "arn:aws:iam::1:role/jobs", "jobs")
PROFILE = {"pk": "USER#ann", "sk": "PROFILE", "name": "ann"}
DAY = 24 * 3600
CHANCES = {
    "kill": 0.03, "skew": 1.0, "slow": 0.05, "throttle": 0.1, "table 500": 0.1, "table silence": 0.05, "conflict": 0.1,
}  # fmt: skip
SEEDS = 150


class Simulated:
    """A main table in memory, its stream, and containers on it."""

    def __init__(self, seed: int) -> None:
        self.kernel = Kernel(seed)
        self.weather = Weather(self.kernel.random, CHANCES)
        self.service = DynamoDB(self.kernel, self.weather)
        self.network = Network(self.kernel, self.weather)
        self.images: list[tuple[Any, Any]] = []
        self.service.listen("MainTable", self._note)
        self.outcomes: list[tuple[Caller, object]] = []

    def _note(self, keys: Any, old: Any, new: Any) -> None:
        if keys["pk"]["S"] == client.key(ID)[0]:
            self.images.append((old and from_attributes(old), new and from_attributes(new)))

    def here(self, host: Host) -> Clients:
        api = cast("Any", Client(self.service, self.network, self.kernel, self.weather))
        return Clients(Table("MainTable", api), cast("Any", None), SimulatedClock(self.kernel, host), DAY)

    def register(self, number: int, caller: Caller) -> Any:
        """A container that registers the id, sometimes twice, after a moment."""
        host = Host(f"c{number}", skew_ms=self.kernel.random.randint(-600_000, 600_000))
        here = self.here(host)

        def work() -> None:
            self.kernel.sleep(self.kernel.random.random() * 0.2)
            lease = None
            for _ in range(self.kernel.random.randint(1, 3)):
                try:
                    made = clients.register(here, caller, client_id=ID, lease=lease)
                except (Unauthorized, TakenOver, TryAgain) as error:
                    self.outcomes.append((caller, error))
                    lease = None
                else:
                    self.outcomes.append((caller, made))
                    lease = self.kernel.random.choice([None, made.lease])

        return self.kernel.process(host, f"p{number}", work)

    def run(self, callers: list[Caller]) -> None:
        async def main() -> None:
            processes = [self.register(number, caller) for number, caller in enumerate(callers)]
            await asyncio.wait({process.done for process in processes})
            for process in processes:
                error = process.done.exception()
                assert error is None or isinstance(error, ProcessKilled), error
            self.weather.storm = False
            await asyncio.sleep(30)  # requests that nobody waits for take effect, or do not

        self.kernel.run(main())

    def ask(self, question: Any) -> Any:
        """What a container finds when all is quiet."""
        host = Host("quiet", perishable=False)

        async def main() -> Any:
            process = self.kernel.process(host, "quiet", lambda: question(self.here(host)))
            await asyncio.wait({process.done})
            return process.done.result()

        return self.kernel.run(main())


def record(old: Any, new: Any) -> routing.Record:
    return routing.Record("e", "MODIFY" if old else "INSERT", f"{client.PREFIX}{ID}", client.SORT_KEY, old, new, "1", 0)


def judge(simulated: Simulated) -> None:
    owners = {new["owner"] for _, new in simulated.images if new}
    assert len(owners) <= 1, "an id has one owner for good"
    made = [(caller, found) for caller, found in simulated.outcomes if isinstance(found, Registration)]
    assert {client.owner_of(caller) for caller, _ in made} <= owners
    leases = [new["lease"] for _, new in simulated.images if new]
    assert {found.lease for _, found in made} <= set(leases), "who was told of a lease had it"
    ended = [end.topic_name for old, new in simulated.images for end in routing.ends_of(record(old, new))]
    lost = [
        f"{kind}client:{ID}#{lease}"  # the right to the client's notices, and that to its cart
        for lease in dict.fromkeys(leases)
        if lease != leases[-1]
        for kind in ("", "cart:")
    ]
    assert ended == lost, "each lease ends once, when the next one counts, and the last one not at all"


@pytest.mark.parametrize("start", range(0, SEEDS, 50))
def test_an_id_has_one_owner_and_one_lease_that_counts(start: int) -> None:
    winners, killed = set(), 0
    for seed in range(start, start + 50):
        simulated = Simulated(seed)
        callers = [simulated.kernel.random.choice([ANN, ANN, BOB, KEY]) for _ in range(5)]
        simulated.run(callers)
        judge(simulated)
        winners |= {new["owner"] for _, new in simulated.images if new}
        killed += simulated.weather.struck.get("kill", 0)
    assert len(winners) == 3, "each of them is first now and then"
    assert killed


def test_the_judge_sees_when_a_condition_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the conditions two identities have an id, one after the other."""
    write = Table.write

    def careless(table: Table, writes: Any) -> None:
        write(table, [Put(each.item) if isinstance(each, Put) else each for each in writes])

    monkeypatch.setattr(Table, "write", careless)
    caught = 0
    for seed in range(30):
        simulated = Simulated(seed)
        simulated.run([ANN, BOB, ANN, BOB])
        try:
            judge(simulated)
        except AssertionError:
            caught += 1
    assert caught > 3


class Sending(Simulated):
    """Senders that repeat a mutation each until they are told; a user who may be deleted meanwhile."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.deleted = self.kernel.random.random() < 0.5
        self.sent: dict[int, set[str]] = {}

    def send(self, number: int) -> None:
        here = self.here(Host(f"s{number}", perishable=False))
        for attempt in range(3):
            try:
                made = notices.notify(
                    here.table, here.clock, ROLE, kind="k", data={"n": number}, user_id="ann",
                    client_mutation_id=f"once-{number}",
                )  # fmt: skip
            except (TryAgain, NotFound):
                continue
            self.sent.setdefault(number, set()).add(made["id"])
            if attempt and self.kernel.random.random() < 0.5:
                return

    def delete(self) -> None:
        """The steps of a deletion that matter here, each until it succeeds."""
        table = self.here(Host("d", perishable=False)).table
        self.kernel.sleep(self.kernel.random.random() * 0.3)
        self.until_done(lambda: table.write([Put({**PROFILE, "deletedAt": "now"})]))
        self.until_done(lambda: self.clear(table))

    def clear(self, table: Table) -> None:
        for item in list(table.query(notice.partition(topics.user("ann")), now=0)):
            table.write([Delete((item["pk"], item["sk"]))])

    def until_done(self, step: Callable[[], None]) -> None:
        while True:
            try:
                return step()
            except TableError:
                self.kernel.sleep(0.1)

    def judged(self) -> tuple[bool, bool]:
        works = [lambda number=number: self.send(number) for number in range(3)] + [self.delete] * self.deleted

        async def main() -> None:
            host = Host("h", perishable=False)
            self.weather.storm = False
            begin = self.kernel.process(host, "begin", lambda: self.here(host).table.write([Put(PROFILE)]))
            await asyncio.wait({begin.done})
            self.weather.storm = True
            running = [self.kernel.process(host, f"w{number}", work) for number, work in enumerate(works)]
            await asyncio.wait({process.done for process in running})
            for process in running:
                process.done.result()
            self.weather.storm = False
            await asyncio.sleep(30)

        self.kernel.run(main())
        prefix = notice.partition(topics.user("ann"))
        left = [from_attributes(each) for each in self.service.items("MainTable") if each["pk"]["S"] == prefix]
        assert all(len(ids) == 1 for ids in self.sent.values()), "a repeat is answered as the first time"
        assert len({each["data"] for each in left}) == len(left) <= 3, "no mutation is done twice"
        if self.deleted:
            assert left == [], "nothing arrives behind a deletion"
        else:
            assert {next(iter(ids)) for ids in self.sent.values()} <= {each["sk"] for each in left}
        return self.deleted, bool(self.sent)


@pytest.mark.parametrize("start", range(0, 100, 50))
def test_a_notice_is_sent_once_and_never_to_who_is_gone(start: int) -> None:
    outcomes = {Sending(seed).judged() for seed in range(start, start + 50)}
    assert {(True, True), (False, True)} <= outcomes


def test_the_judge_sees_when_nobody_looks_whether_the_user_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    write = Table.write
    monkeypatch.setattr(
        Table, "write", lambda table, writes: write(table, [each for each in writes if not isinstance(each, Check)])
    )
    with pytest.raises(AssertionError, match="nothing arrives behind a deletion"):
        [Sending(seed).judged() for seed in range(100)]


def test_guests_who_register_at_once_get_ids_of_their_own() -> None:
    simulated = Simulated(1)
    made: list[Registration] = []

    async def main() -> None:
        host = Host("x", perishable=False)
        works = [
            simulated.kernel.process(
                host, f"g{number}", lambda: made.append(clients.register(simulated.here(host), ANONYMOUS))
            )
            for number in range(20)
        ]
        await asyncio.wait({process.done for process in works})

    simulated.kernel.run(main())
    assert len({each.client_id for each in made}) == len(made) > 10
