"""What `streams/project` does with batches: afterwards the index is as the products are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest

from domain.clock import SYSTEM
from domain.shop import derivations, projection, reprojection, search_index
from domain.shop.dictionary import Dictionary
from domain.shop.projection import Projection
from domain.shop.projection_plan import Outcome
from domain.table import Delete, Item, Put, Table
from tests.backend.domain.shop.streamed import book, expected, own_items, record, records_of


@dataclass
class World:
    """Both tables, and one container that keeps the index."""

    main: Table
    search: Table
    scan: Callable[[Table], list[Item]]
    counts: Counter[str] = field(default_factory=Counter)

    def container(self, derive: Any = derivations.DERIVATIONS) -> Projection:
        def count(name: str, number: int) -> None:
            self.counts[name] += number

        return Projection(self.main, self.search, Dictionary(self.search, SYSTEM), map, SYSTEM, count, derive)

    def put(self, item: Item, before: Item | None = None) -> dict[str, Any]:
        self.main.write([Put(item)])
        return record(before, item)

    def remove(self, item: Item) -> dict[str, Any]:
        self.main.write([Delete((item["pk"], item["sk"]))])
        return record(item, None)

    def indexed(self) -> dict[Any, Item]:
        return own_items(self.scan(self.search))


@pytest.fixture
def world(main_table: Table, search_table: Table, all_items: Callable[[Table], list[Item]]) -> World:
    return World(main_table, search_table, all_items)


def deadline(seconds: float = 20.0) -> float:
    return SYSTEM.monotonic() + seconds


def test_a_product_appears_moves_and_goes(world: World) -> None:
    container = world.container()
    first, second = book("p1"), book("p2", title="Rocannon's World", path=["books", "scifi"])
    assert container.run([world.put(first), world.put(second)], deadline()) == []
    assert world.indexed() == expected([first, second])

    moved = first | {"path": ["games"], "title": "Planet of Exile"}
    assert container.run([world.put(moved, first), world.remove(second)], deadline()) == []
    assert world.indexed() == expected([moved])
    assert world.counts == {"Projected": 3, "Removed": 1}


def test_what_is_removed_leaves_a_record_that_ends(world: World) -> None:
    container = world.container()
    item = book("p1")
    container.run([world.put(item)], deadline())
    assert "expiresAt" not in records_of(world.scan(world.search))["p1"]
    container.run([world.remove(item)], deadline())
    tombstone = records_of(world.scan(world.search))["p1"]
    assert tombstone["items"] == "[]"
    assert tombstone["expiresAt"] > SYSTEM.now_ms() // 1000 + 24 * 3600
    container.run([world.put(item)], deadline())
    assert "expiresAt" not in records_of(world.scan(world.search))["p1"]
    assert world.indexed() == expected([item])


def test_a_sale_is_not_even_looked_at(world: World) -> None:
    container = world.container()
    item = book("p1")
    container.run([world.put(item)], deadline())
    revision = records_of(world.scan(world.search))["p1"]["revision"]
    sold = item | {"stock": 2}
    assert container.run([world.put(sold, item)], deadline()) == []
    assert records_of(world.scan(world.search))["p1"]["revision"] == revision
    assert world.counts["Unchanged"] == 1


def test_a_batch_that_comes_again_late_changes_nothing(world: World) -> None:
    container = world.container()
    item, dearer = book("p1"), book("p1", price=1999)
    batch = [world.put(item), world.put(dearer, item)]
    later = [world.remove(dearer)]
    for each in (later, batch, batch[::-1], later):
        assert world.container().run(each, deadline()) == []
        assert world.indexed() == {}
    assert container.run(batch, deadline()) == []


def test_many_products_side_by_side(world: World) -> None:
    items = [book(f"p{number}", title=f"Volume {number % 9} of {number}", price=number) for number in range(120)]
    batch = [world.put(item) for item in items]
    with ThreadPoolExecutor(8) as pool:
        container = world.container()
        container._threads = pool.map
        assert container.run(batch, deadline()) == []
    assert world.indexed() == expected(items)


def test_more_items_than_one_transaction_takes(world: World) -> None:
    def many(product_id: str, item: Mapping[str, Any]) -> list[Item]:
        return [{"pk": f"SORT#{number}", "sk": product_id, "p": item["price"]} for number in range(int(item["stock"]))]

    container = world.container([many])
    for before, stock in ((None, 250), (250, 40), (40, 350), (350, 0)):
        old, new = (None if count is None else book("p1", stock=count) for count in (before, stock))
        assert new is not None
        assert container.run([world.put(new, old)], deadline()) == []
        assert len(world.indexed()) == stock


def test_what_cannot_be_derived_is_out_of_the_index_and_stops_nobody(world: World) -> None:
    def picky(product_id: str, item: Mapping[str, Any]) -> list[Item]:
        return [{"pk": "SORT#ALL", "sk": product_id, "t": item["title"].upper()}]

    container = world.container([picky])
    good, other = book("p1"), book("p2")
    assert container.run([world.put(good), world.put(other)], deadline()) == []
    spoilt = other | {"title": 7}
    assert container.run([world.put(spoilt, other), world.put(book("p3"))], deadline()) == []
    assert {sk for _, sk in world.indexed()} == {"p1", "p3"}
    assert world.counts["Unprojectable"] == 1
    assert container.run([world.put(other, spoilt)], deadline()) == []
    assert {sk for _, sk in world.indexed()} == {"p1", "p2", "p3"}


def test_what_dynamodb_does_not_take_is_out_of_the_index_and_stops_nobody(world: World) -> None:
    def long(product_id: str, item: Mapping[str, Any]) -> list[Item]:
        return [{"pk": "SORT#ALL", "sk": item["title"] + product_id}]

    container = world.container([long])
    batch = [world.put(book("p1")), world.put(book("p2", title="x" * 2000)), world.put(book("p3"))]
    assert container.run(batch, deadline()) == []
    assert {sk[-2:] for _, sk in world.indexed()} == {"p1", "p3"}
    assert world.counts == {"Projected": 2, "Unprojectable": 1}


def test_words_that_dynamodb_does_not_take_put_only_their_product_out_of_the_index(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    words_of = search_index.words_of
    too_long = ["x" * 3000]
    monkeypatch.setattr(search_index, "words_of", lambda name, item: too_long if name == "p2" else words_of(name, item))
    batch = [world.put(book(each)) for each in ("p1", "p2", "p3")]
    assert world.container().run(batch, deadline()) == []
    assert world.counts == {"Projected": 2, "Unprojectable": 1}
    assert world.indexed() == expected([book("p1"), book("p3")])


@pytest.mark.parametrize(
    "wrong",
    [
        {"title": 7, "authors": "x", "price": "cheap"}, {"path": ["#", ""]}, {"path": 3, "rating": 77}, {"rating": "x"},
        {"createdAt": "yesterday"}, {"title": "\ud7ff\U0010ffff" * 600, "authors": [""]}, {"title": {"a": [None]}},
        {"authors": ["x" * 9000] * 20}, {"title": ""}, {"year": 10**30},
    ],
)  # fmt: skip
def test_attributes_of_wrong_types_are_shown_as_the_api_shows_them(world: World, wrong: Item) -> None:
    container = world.container()
    batch = [world.put(book("p1") | wrong), world.put(book("p2"))]
    assert container.run(batch, deadline()) == []
    assert world.counts == {"Projected": 2}
    assert container.behind(["p1", "p2", "p3"]) == []


def test_only_products_that_the_api_can_name_are_looked_at(world: World) -> None:
    strange = [book("p1") | {"sk": "STOCK"}, book("p#1"), book("") | {"pk": "PRODUCT#"}, book("x" * 65)]
    assert world.container().run([world.put(item) for item in strange], deadline()) == []
    assert world.scan(world.search) == []


def test_an_expired_product_is_gone(world: World) -> None:
    item = book("p1") | {"expiresAt": 1}
    world.container().run([world.put(item)], deadline())
    assert world.indexed() == {}


def test_a_table_that_does_not_answer_fails_the_records_of_its_products(world: World) -> None:
    container = Projection(
        world.main,
        Table("nobody", world.search._client),
        Dictionary(world.search, SYSTEM),
        map,
        SYSTEM,
        lambda *_: None,
    )
    batch = [record(None, book("p1") | {"pk": "PRODUCT#"}), world.put(book("p1")), world.put(book("p2"))]
    assert container.run(batch, deadline(0.2)) == [1, 2]


def test_nothing_is_begun_when_the_time_is_over(world: World) -> None:
    assert world.container().run([world.put(book("p1"))], deadline(-1)) == [0]


def test_the_lag_is_that_of_the_oldest_record() -> None:
    made = [record(None, book("p1"), created=at) for at in (1000, 997, 999)]
    assert projection.lag_ms(made, 1_000_250) == 3250
    assert projection.lag_ms([], 1_000_250) == 0


def test_asked_for_products_are_checked_and_brought_up_to_date(world: World) -> None:
    container = world.container()
    item, unknown = book("p1"), "p9"
    world.put(item)
    ask = {"operation": "project.check", "productIds": ["p1", unknown]}
    assert reprojection.answer(ask, container, deadline()) == {"checked": 2, "behind": ["p1"]}
    done = reprojection.answer({"operation": "project", "productIds": ["p1", unknown]}, container, deadline())
    assert done == {"projected": 1, "unchanged": 1, "removed": 0, "unprojectable": 0, "failed": []}
    assert reprojection.answer(ask, container, deadline()) == {"checked": 2, "behind": []}
    assert world.indexed() == expected([item])
    assert world.counts == {}, "the metrics are of the stream"


def test_what_somebody_took_out_of_the_index_comes_back_anew(world: World) -> None:
    container = world.container()
    container.run([world.put(book("p1"))], deadline())
    lost = next(iter(world.indexed()))
    world.search.write([Delete(lost)])
    assert container.project(["p1"], deadline()).outcomes == {"p1": Outcome.UNCHANGED}
    assert lost not in world.indexed()
    assert container.project(["p1"], deadline(), anew=True).outcomes == {"p1": Outcome.PROJECTED}
    assert world.indexed() == expected([book("p1")])


@pytest.mark.parametrize(
    "event",
    [
        {"operation": "scan"}, {"operation": "project"}, {"operation": "project", "productIds": []},
        {"operation": "project", "productIds": ["a#b"]}, {"operation": "project.check", "productIds": ["p"] * 1001},
        {"operation": "project", "productIds": [7]}, {"operation": "project", "productIds": "p1"},
    ],
)  # fmt: skip
def test_bad_questions_are_refused(world: World, event: dict[str, Any]) -> None:
    answer = reprojection.answer(event, world.container(), deadline())
    assert answer["error"]["type"] == "InvalidInput"
