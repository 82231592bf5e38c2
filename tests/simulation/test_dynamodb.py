"""The DynamoDB in memory answers as a DynamoDB API does, request for request; and shows what only AWS's clients see."""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import pytest
from botocore.exceptions import ClientError

from domain.table import ConditionFailed, Conflict, Delete, Put, Rejected, Set, Table, TableError, dynamodb
from tests.conftest import CREDENTIALS, table_definition
from tests.simulation.dynamodb import Client, DynamoDB
from tests.simulation.kernel import Host, Kernel
from tests.simulation.network import Network
from tests.simulation.weather import Weather

T = TypeVar("T")

FREE = "attribute_not_exists(pk) OR #expiresAt <= :now"


class Simulated:
    """A table in memory, used by one process at a time."""

    def __init__(self, **chances: float) -> None:
        self.kernel = Kernel(0)
        self.weather = Weather(self.kernel.random, chances)
        self.service = DynamoDB(self.kernel, self.weather)
        client: Any = Client(self.service, Network(self.kernel, self.weather), self.kernel, self.weather)
        self.table = Table("T", client)

    def run(self, *works: Callable[[], T]) -> list[T]:
        """Run functions side by side."""
        host = Host("host")

        async def main() -> list[T]:
            processes = [self.kernel.process(host, f"p{number}", work) for number, work in enumerate(works)]
            await asyncio.wait({process.done for process in processes})
            return [process.done.result() for process in processes]

        return self.kernel.run(main())


def requests(chance: random.Random) -> list[Callable[[Table], object]]:
    """Some requests of all kinds that the project makes."""

    def key() -> tuple[str, int]:
        return chance.choice("ab"), chance.randint(0, 3)

    def write() -> Put | Set | Delete:
        pk, sk = key()
        number, now = chance.randint(0, 9), chance.randint(0, 9)
        kind = chance.randint(0, 5)
        if kind == 0:
            return Put({"pk": pk, "sk": sk, "n": number, "expiresAt": number}, FREE, {":now": now})
        if kind == 1:
            return Put({"pk": pk, "sk": sk, "n": number}, "#n = :n", {":n": now})
        if kind == 2:
            return Set((pk, sk), {"n": number, "text": "é"}, "attribute_exists(pk) AND #n < :n", {":n": now})
        if kind == 3:
            return Set((pk, sk), {"n": number})
        if kind == 4:
            return Delete((pk, sk), "#n > :n", {":n": now})
        return Put({"pk": pk, "sk": sk, "n": number, "text": "x" * number})

    def one() -> Callable[[Table], object]:
        kind = chance.randint(0, 7)
        if kind <= 2:
            single = write()
            return lambda table: table.write([single])
        if kind == 3:
            several = {(each.item["pk"], each.item["sk"]) if isinstance(each, Put) else each.key: each
                       for each in (write() for _ in range(3))}  # fmt: skip
            return lambda table: table.write(list(several.values()))
        if kind == 4:
            keys = [key() for _ in range(3)]
            return lambda table: table.get_all(keys, 5)
        if kind == 5:
            pk, low, high = chance.choice("ab"), chance.randint(0, 2), chance.randint(1, 4)
            forward, size = chance.random() < 0.5, chance.randint(1, 3)
            where, values = "sk BETWEEN :low AND :high", {":low": low, ":high": max(low, high)}
            return lambda table: list(table.query(pk, where, values, now=0, forward=forward, page_size=size))
        if kind == 6:
            keys, end = [key() for _ in range(3)], time.monotonic() + 60
            if chance.random() < 0.5:
                return lambda table: table.delete_all(keys, end)
            number = chance.randint(0, 9)
            return lambda table: table.put_all([{"pk": pk, "sk": sk, "n": number} for pk, sk in keys], end)
        wanted = [("a", 0), ("b", 1)]
        return lambda table: table.get_together(wanted, 0)

    return [one() for _ in range(60)]


def answers(table: Table, made: Sequence[Callable[[Table], object]]) -> list[object]:
    found: list[object] = []
    for request in made:
        try:
            found.append(request(table))
        except ConditionFailed as error:
            found.append(("condition", error.writes))
        except (TableError, Rejected) as error:
            found.append(type(error))
    return found


@pytest.mark.parametrize("seed", range(5))
def test_it_answers_as_a_dynamodb_api_does(seed: int, aws_endpoint: str) -> None:
    made = requests(random.Random(seed))
    client = dynamodb(endpoint_url=aws_endpoint, **CREDENTIALS)
    name = f"T-{uuid.uuid4()}"
    client.create_table(TableName=name, **table_definition("ChangeLog"))
    real = answers(Table(name, client), made)
    client.close()
    simulated = Simulated()
    [found] = simulated.run(lambda: answers(simulated.table, made))
    assert found == real


def test_transactions_on_one_item_conflict_and_one_wins() -> None:
    simulated = Simulated()
    head = {"pk": {"S": "head"}, "sk": {"N": "0"}, "n": {"N": "1"}}
    simulated.service.execute("put_item", {"TableName": "T", "Item": head}, "", None)

    def raise_head() -> str:
        writes = [Put({"pk": "head", "sk": 0, "n": 2}, "#n = :n", {":n": 1}), Put({"pk": "entry", "sk": 2})]
        try:
            simulated.table.write(writes)
        except (ConditionFailed, Conflict) as error:
            return type(error).__name__
        return "written"

    def raise_late() -> str:
        simulated.kernel.sleep(1.0)
        return raise_head()

    outcomes = simulated.run(*[raise_head] * 8, raise_late)
    assert outcomes.count("written") == 1
    assert set(outcomes) == {"ConditionFailed", "Conflict", "written"}
    assert outcomes[-1] == "ConditionFailed"


def test_a_write_without_an_answer_may_have_happened() -> None:
    outcomes: set[tuple[bool, bool]] = set()
    for seed in range(600):
        simulated = Simulated(**{"table silence": 1.0 if seed % 2 else 0.5})
        simulated.weather.random.seed(seed)

        def write(simulated: Simulated = simulated) -> bool:
            try:
                simulated.table.write([Put({"pk": "a", "sk": 0}), Put({"pk": "a", "sk": 1})])
            except TableError:
                return False
            return True

        [answered] = simulated.run(write)
        stored = len(simulated.service.items("T"))
        assert stored in {0, 2}, "all or nothing"
        outcomes.add((answered, stored == 2))
    assert outcomes == {(True, True), (False, True), (False, False)}


def test_a_query_may_miss_what_a_get_saw() -> None:
    missed = False
    for seed in range(20):
        simulated = Simulated(**{"query lag": 1.0})
        simulated.weather.random.seed(seed)

        def write(simulated: Simulated = simulated) -> bool:
            simulated.table.write([Put({"pk": "head", "sk": 0}), Put({"pk": "a", "sk": 1})])
            return False

        def look(simulated: Simulated = simulated) -> bool:
            while simulated.table.get(("head", 0), 0) is None:
                simulated.kernel.sleep(0.01)
            return not list(simulated.table.query("a", now=0))

        missed |= any(simulated.run(write, look))
    assert missed


def test_what_it_does_not_know_it_refuses() -> None:
    simulated = Simulated()
    with pytest.raises(NotImplementedError):
        simulated.run(lambda: simulated.table.write([Put({"pk": "a", "sk": 0}, "contains(#n, :n)", {":n": 1})]))


def test_an_item_that_is_too_large_is_refused() -> None:
    simulated = Simulated()

    def write() -> str:
        try:
            simulated.table.write([Put({"pk": "a", "sk": 0, "text": "x" * 410_000})])
        except (Rejected, ClientError) as error:
            return str(error)
        return ""

    assert "Item size" in simulated.run(write)[0]
