"""One schedule of the index from its seed to its verdict: products change, and `streams/project` follows them.

The real projection on simulated services: containers die, freeze and overlap, batches come doubled and in any order,
requests take effect late or never, operators have products projected again in the middle of it.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from domain.shop import derivations, product, projection, projection_plan, reprojection, search_index
from domain.shop.dictionary import Dictionary
from domain.shop.projection import Projection
from domain.table import Item, Key, Table, from_attributes, to_attributes
from tests.simulation.clock import SimulatedClock
from tests.simulation.dynamodb import Client, DynamoDB
from tests.simulation.kernel import Host, Kernel, Stuck, Threads
from tests.simulation.mapping import Function, Lane
from tests.simulation.mapping import Mapping as EventSourceMapping
from tests.simulation.network import Network
from tests.simulation.storage import Storage
from tests.simulation.stream import Stream
from tests.simulation.weather import draw

MAIN, SEARCH = "Main", "Search"
FUNCTION_ARN = "arn:aws:lambda:us-east-1:000000000000:function:project"
WORDS = ("dispossessed", "rocannon", "world", "exile", "planet", "illusions", "hainish")
# What the record's revision is for: attempts that end long after others began.
OVERLAPPING = {"overlap": 0.8, "suspend": 0.1, "slow": 0.5, "table silence": 0.2, "kill": 0.05}
OUTAGE = {"throttle": 0.97, "function time-out": 0.9}
MOST_ATTEMPTS = 5
CALM_SECONDS = 7200.0
# What is under way when its sender is gone still arrives, but not later than this.
UNDER_WAY_SECONDS = 30.0


@dataclass(frozen=True)
class Shape:
    """The sizes of a schedule. Transactions are small, so that few items need several."""

    products: int
    shards: int
    lanes: int
    writers: int
    writes: int
    batch_size: int
    bisects: bool
    maximum_retries: float
    transaction_items: int
    together: int
    longest_pause_seconds: float
    asked: bool
    values: int


def shape(chance: random.Random) -> Shape:
    """A schedule's sizes."""
    return Shape(
        products=chance.choice([1, 1, 1, 4]),
        shards=chance.choice([1, 2]),
        lanes=chance.choice([1, 2]),
        writers=chance.randint(1, 3),
        writes=chance.choice([3, 8, 20]),
        batch_size=chance.choice([1, 1, 4, 20]),
        bisects=chance.random() < 0.7,
        maximum_retries=chance.choice([1e9, 1e9, 2]),
        transaction_items=chance.choice([2, 4, 100]),
        together=chance.choice([1, 25]),
        longest_pause_seconds=chance.choice([0.1, 0.5, 2.0, 10.0]),
        asked=chance.random() < 0.3,
        values=chance.choice([1, 1, 3, 7]),
    )


def places_of(product_id: str, item: Mapping[str, Any]) -> list[Item]:
    """What is derived here: a few values, so that products come back to what they were."""
    value = int(item["price"])
    return [
        {"pk": f"SORT#{place}", "sk": f"{value}#{product_id}", "t": str(item["title"])} for place in range(value % 4)
    ]


class ProjectFunction:
    """What `streams/project/handler.py` puts together."""

    def __init__(self, world: World, host: Host) -> None:
        clock, main, search = SimulatedClock(world.kernel, host), world.table(MAIN), world.table(SEARCH)
        self._projection = Projection(
            main, search, Dictionary(search, clock), Threads(world.kernel), clock, lambda *_: None, [places_of]
        )

    def run(self, records: Sequence[dict[str, Any]], deadline: float) -> Sequence[int]:
        """Project a batch; the places of those that must come again."""
        return self._projection.run(records, deadline)

    def operate(self, event: dict[str, Any], deadline: float) -> dict[str, Any]:
        """Answer an operation."""
        return reprojection.answer(event, self._projection, deadline)


class World:
    """Everything of one schedule."""

    def __init__(self, seed: int) -> None:
        self.kernel = Kernel(seed)
        chance = self.kernel.random
        self.shape = shape(chance)
        self.weather = draw(chance)
        kind = chance.random()
        if kind < 0.6:
            chances = OVERLAPPING.items()
            self.weather.chances |= {name: chance.random() * highest for name, highest in chances}
        elif kind < 0.7:
            self.weather.chances |= OUTAGE
        self.network = Network(self.kernel, self.weather)
        self.dynamodb = DynamoDB(self.kernel, self.weather)
        self.stream = Stream(self.kernel, self.shape.shards)
        self.dynamodb.listen(MAIN, self.stream.changed)
        self.function = Function(self.kernel, self.weather, lambda host: ProjectFunction(self, host))
        mapping = EventSourceMapping(
            self.shape.lanes, self.shape.batch_size, self.shape.bisects, self.shape.maximum_retries
        )
        storage = Storage()
        self.lanes = [
            Lane(
                shard, number, mapping, kernel=self.kernel, weather=self.weather, function=self.function,
                storage=storage, function_arn=FUNCTION_ARN,
            )
            for shard in self.stream.shards
            for number in range(self.shape.lanes)
        ]  # fmt: skip
        self.ids = [f"p{number}" for number in range(self.shape.products)]

    def table(self, name: str) -> Table:
        """A table as a process sees it."""
        return Table(name, Client(self.dynamodb, self.network, self.kernel, self.weather))  # type: ignore[arg-type]

    def items(self, table: str) -> dict[Key, Item]:
        """What a table holds."""
        found = map(from_attributes, self.dynamodb.items(table))
        return {(item["pk"], item["sk"]): item for item in found}

    async def main(self) -> None:
        """Storm, then calm until the index has followed."""
        background = [asyncio.ensure_future(each.run()) for each in self.lanes]
        asking = asyncio.ensure_future(self._ask())
        await asyncio.gather(*(self._write() for _ in range(self.shape.writers)))
        self.weather.storm = False
        asking.cancel()
        self.kernel.trace("world", "the storm is over")
        await self._until(lambda: all(not each.behind for each in self.lanes) and not self.function.busy, background)
        await asyncio.sleep(UNDER_WAY_SECONDS)
        if any(lane.exhausted for lane in self.lanes):
            # What an operator does with a batch that was given up.
            for _ in range(MOST_ATTEMPTS):
                if (answer := await self._project(self.ids)) and not answer["failed"]:
                    break
        for each in background:
            each.cancel()
        await asyncio.gather(*background, return_exceptions=True)

    async def _write(self) -> None:
        chance = self.kernel.random
        for _ in range(self.shape.writes):
            await asyncio.sleep(chance.random() * self.shape.longest_pause_seconds)
            pk, sk = product.key(chance.choice(self.ids))
            title, price = WORDS[chance.randrange(self.shape.values)], chance.randint(0, self.shape.values)
            item = {"pk": pk, "sk": sk, "title": title, "price": price, "stock": 1}
            if chance.random() < 0.2:
                request = {"TableName": MAIN, "Key": to_attributes({"pk": pk, "sk": sk})}
                self.dynamodb.execute("delete_item", request, "", None)
            else:
                self.dynamodb.execute("put_item", {"TableName": MAIN, "Item": to_attributes(item)}, "", None)

    async def _ask(self) -> None:
        while self.shape.asked:
            await asyncio.sleep(self.kernel.random.random() * 5.0)
            await self._project([self.kernel.random.choice(self.ids)])

    async def _project(self, product_ids: list[str]) -> dict[str, Any] | None:
        event = {"operation": "project", "productIds": product_ids, "anew": self.kernel.random.random() < 0.3}
        answer = await self.function.operate(event)
        return None if answer is None or "error" in answer else answer

    async def _until(self, holds: Callable[[], bool], background: Sequence[asyncio.Future[None]]) -> None:
        end = self.kernel.now + CALM_SECONDS
        while not holds():
            for each in background:
                if each.done():
                    each.result()
            if self.kernel.now > end:
                raise Stuck("the index does not follow")
            await asyncio.sleep(1.0)

    def problems(self) -> list[str]:
        """In what the index differs from the products."""
        index, records = self.items(SEARCH), {}
        found: list[str] = []
        for (pk, _), record in index.items():
            if pk.startswith(derivations.PREFIX):
                records[pk.removeprefix(derivations.PREFIX)] = derivations.of_record(record).digests
                if (record["items"] == "[]") != ("expiresAt" in record):
                    found.append(f"{pk} must go when it is empty, and only then: {record}")
        truth = self.items(MAIN)
        wanted: dict[Key, Item] = {}
        for product_id in self.ids:
            item = truth.get(product.key(product_id))
            own = derivations.wanted(product_id, item, [places_of])
            wanted |= own
            digests = {place: derivations.digest(each) for place, each in own.items()}
            if records.get(product_id, {}) != digests:
                found.append(f"the record of {product_id} has {records.get(product_id)} instead of {digests}")
            for word in search_index.words_of(product_id, item) if own and item else ():
                found += [
                    f"{each['pk']} {each['sk']} is not in the dictionary"
                    for each in search_index.dictionary_items(word)
                    if (each["pk"], each["sk"]) not in index
                ]
        held = {place: item for place, item in index.items() if place[0].startswith("SORT#")}
        found += [f"{place} is {held.get(place)} instead of {wanted.get(place)}"
                  for place in sorted(held.keys() | wanted.keys()) if held.get(place) != wanted.get(place)]  # fmt: skip
        return found


@dataclass(frozen=True)
class Verdict:
    """How a schedule ended. `trace` is empty unless something is wrong."""

    seed: int
    problems: Sequence[str]
    trace: str
    invocations: int

    def report(self) -> str:
        """For a reader who wants to know why."""
        return "\n".join([f"seed {self.seed}", *self.problems[:20], "", self.trace])


def run(seed: int) -> Verdict:
    """Run the schedule of a seed."""
    world = World(seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(projection_plan, "MAX_TRANSACTION_ITEMS", world.shape.transaction_items)
        patch.setattr(projection, "_TOGETHER", world.shape.together)
        logging.disable(logging.CRITICAL)
        try:
            world.kernel.run(world.main())
            found: list[str] = []
        except Stuck as error:
            found = [f"stuck: {error}"]
        finally:
            logging.disable(logging.NOTSET)
    found += world.problems()
    trace = f"{world.shape}\n{world.weather.chances}\n{world.kernel.trace.text()}" if found else ""
    return Verdict(seed, found, trace, world.function.invocations)
