"""The index becomes what the products are, whatever happens to whoever keeps it: hundreds of schedules, each a seed.

A schedule that fails prints its seed and what happened; `index_world.run(seed)` runs it again. Each defect below, put
into the real code, is found within some schedules: if one is no longer found, the simulation has become blind to it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from domain.shop import derivations, product, projection_plan, search_index
from domain.shop.derivations import Derived
from domain.shop.dictionary import Dictionary
from domain.shop.projection import Projection, Report
from domain.shop.projection_plan import Plan
from domain.table import Delete, Item, Put, TableError
from tests.simulation import index_world

SCHEDULES = 300
PART = 150

Patch = pytest.MonkeyPatch


@pytest.mark.parametrize("start", range(0, SCHEDULES, PART))
def test_the_index_becomes_what_the_products_are(start: int) -> None:
    invocations = 0
    for seed in range(start, start + PART):
        verdict = index_world.run(seed)
        assert not verdict.problems, verdict.report()
        invocations += verdict.invocations
    assert invocations > PART


def writes_nothing_when_nothing_changes(patch: Patch) -> None:
    """An attempt that read the product before it changed there and back is not kept out."""
    plan = projection_plan.plan

    def lazy(*arguments: Any) -> Plan:
        made = plan(*arguments)
        return replace(made, replaces=bool(made.changes))

    patch.setattr(projection_plan, "plan", lazy)


def replaces_any_record(patch: Patch) -> None:
    """Of two at work on a product the slower one has its way."""
    to_record = derivations.to_record
    patch.setattr(derivations, "to_record", lambda *arguments: Put(to_record(*arguments).item))


def reads_the_product_first(patch: Patch) -> None:
    """What is read of the product may be older than the record."""

    def read(self: Projection, product_ids: Sequence[str]) -> tuple[dict[str, Derived], dict[str, Item]]:
        items = self._main.get_all([product.key(each) for each in product_ids], 0)
        records = self._search.get_all([derivations.key(each) for each in product_ids], now=0)
        before = {each: derivations.of_record(records.get(derivations.key(each))) for each in product_ids}
        return before, {each: items[product.key(each)] for each in product_ids if product.key(each) in items}

    patch.setattr(Projection, "_read", read)


def writes_the_record_last(patch: Patch) -> None:
    """Items are written before the record says so."""

    def write(self: Projection, pack: Sequence[Plan], report: Report) -> None:
        for plan in pack:
            end, items = self._clock.monotonic() + 5.0, plan.changes
            after = Derived(plan.before.revision + 1, plan.after)
            record = derivations.to_record(plan.product_id, after, self._clock.now_ms())
            try:
                self._search.put_all([each.item for each in items if isinstance(each, Put)], end, clock=self._clock)
                self._search.delete_all(
                    [each.key for each in items if isinstance(each, Delete)], end, clock=self._clock
                )
                self._search.write([record])
            except TableError as error:
                report.obstacles[plan.product_id] = error
            else:
                report.outcomes[plan.product_id] = plan.outcome

    patch.setattr(Projection, "_write", write)


def forgets_whom_it_removed(patch: Patch) -> None:
    """The record goes with the items, so that whoever began before the removal finds the place free."""
    write = Projection._write

    def forgetting(self: Projection, pack: Sequence[Plan], report: Report) -> None:
        write(self, pack, report)
        for plan in pack:
            if not plan.after:
                self._search.write([Delete(derivations.key(plan.product_id))])

    patch.setattr(Projection, "_write", forgetting)


def marks_words_first(patch: Patch) -> None:
    """A word counts as known while its grams are still to be written."""

    def learn(self: Dictionary, words: Any, deadline: float) -> None:
        asked = {word: search_index.marker_key(word) for word in words if word not in self._known}
        there = self._search.get_all(asked.values(), now=0)
        items = [search_index.dictionary_items(word) for word in asked if asked[word] not in there]
        self._search.put_all([marker for *_, marker in items], deadline, clock=self._clock)
        self._search.put_all([each for *rest, _ in items for each in rest], deadline, clock=self._clock)

    patch.setattr(Dictionary, "learn", learn)


def believes_that_all_went_well(patch: Patch) -> None:
    """What could not be written is not delivered again."""
    bring = Projection._bring

    def careless(self: Projection, *arguments: Any) -> Report:
        return Report(bring(self, *arguments).outcomes)

    patch.setattr(Projection, "_bring", careless)


def looks_only_at_new_products(patch: Patch) -> None:
    """A change is taken for a sale."""
    patch.setattr(Projection, "_matters", lambda _self, _id, record: record["eventName"] != "MODIFY")


DEFECTS: list[Callable[[Patch], None]] = [
    writes_nothing_when_nothing_changes,
    replaces_any_record,
    reads_the_product_first,
    writes_the_record_last,
    forgets_whom_it_removed,
    marks_words_first,
    believes_that_all_went_well,
    looks_only_at_new_products,
]


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.__name__)
def test_a_defect_is_found(defect: Callable[[Patch], None], monkeypatch: Patch) -> None:
    defect(monkeypatch)
    assert any(index_world.run(seed).problems for seed in range(SCHEDULES)), f"{defect.__name__} was not found"
