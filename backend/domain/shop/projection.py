"""Keeps the index (the table Search) as the products are: what `streams/project` does with each batch.

A record of the stream only says which product to look at. What is then written depends on the state alone: the product
as it is, and the record of what the index has of it. So it does not matter how often, in which order or by how many at
once the records are delivered, nor where somebody stops.

- The product's record in the index is read **before** the product, and everything is written in transactions that
  replace the record on the condition that it is still the one that was read. So whoever comes second looks again, and
  what an interrupted attempt still has under way fails when a later one has been there.
- Record and items are written together: what the record says is there, is there, and nothing else is.
- Also when nothing is to be changed the record is replaced, if the stream told of a change: an attempt that read the
  product earlier may be under way. A change that concerns nothing that is derived, such as a sale, is not looked at.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any

from domain import backoff, routing
from domain.clock import Clock
from domain.shop import derivations, product, projection_plan, search_index
from domain.shop.derivations import DERIVATIONS, Derivation, Derived
from domain.shop.dictionary import Dictionary
from domain.shop.projection_plan import Outcome, Plan
from domain.table import ConditionFailed, Conflict, Item, Key, Rejected, Table, TableError, Write
from domain.threads import Threads

# Products that are read together: a batch of a thousand still keeps all threads busy.
_TOGETHER = 25

logger = logging.getLogger("headwater.projection")


class OutOfTime(Exception):
    """Not all products have had their turn."""


@dataclass
class Report:
    """What became of several products: their outcomes, or what kept them from one until now.

    Attributes:
        refused: those of which DynamoDB does not take something, and that must be out of the index therefore.
    """

    outcomes: dict[str, Outcome] = field(default_factory=dict)
    obstacles: dict[str, Exception] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)

    def refuse(self, product_id: str, reason: Rejected) -> None:
        """Note that DynamoDB does not take something of a product."""
        logger.error("DynamoDB does not take what is derived from product %s: %s", product_id, reason)
        self.refused.add(product_id)
        self.obstacles[product_id] = reason


class Projection:
    """Keeps the index of one deployment. A container has one, with its memory of the words in the dictionary."""

    def __init__(
        self,
        main: Table,
        search: Table,
        dictionary: Dictionary,
        threads: Threads,
        clock: Clock,
        count: Callable[[str, int], None],
        derive: Sequence[Derivation] = DERIVATIONS,
    ) -> None:
        """
        Args:
            main: the main table, which is only read.
            search: the table of the index.
            dictionary: the index's, which all products share.
            threads: for groups of products, which are looked after side by side.
            clock: tells the time.
            count: is told the name of a metric and how much to add to it.
            derive: the table of what is derived.
        """
        self._main = main
        self._search = search
        self._dictionary = dictionary
        self._threads = threads
        self._clock = clock
        self._count = count
        self._derive = derive

    def run(self, records: Sequence[Mapping[str, Any]], deadline: float) -> list[int]:
        """Bring the index up to date with a batch of the stream.

        Args:
            records: as Lambda delivers them.
            deadline: `clock.monotonic()` until which to try.

        Returns:
            The places in the batch of those that failed for now, in order.
        """
        places: dict[str, list[int]] = {}
        outcomes: Counter[Outcome] = Counter()
        for place, record in enumerate(records):
            product_id = derivations.product_of(*routing.key_of(record))
            if product_id is None:
                continue
            if self._matters(product_id, record):
                places.setdefault(product_id, []).append(place)
            else:
                outcomes[Outcome.UNCHANGED] += 1
        report = self.project(places, deadline, told_by_stream=True)
        outcomes.update(report.outcomes.values())
        for outcome, number in outcomes.items():
            self._count(outcome.value, number)
        return sorted(place for product_id in report.obstacles for place in places[product_id])

    def project(
        self, product_ids: Iterable[str], deadline: float, *, told_by_stream: bool = False, anew: bool = False
    ) -> Report:
        """Bring the index up to date with some products.

        Args:
            product_ids: which.
            deadline: `clock.monotonic()` until which to try.
            told_by_stream: they have changed, and perhaps somebody is at work with what they were before.
            anew: write all their items, also those that are there by the record.
        """
        waiting = iter(dict.fromkeys(product_ids))
        groups = list(iter(lambda: list(islice(waiting, _TOGETHER)), []))
        total = Report()
        for report in self._threads(lambda group: self._bring(group, deadline, told_by_stream, anew), groups):
            total.outcomes |= report.outcomes
            total.obstacles |= report.obstacles
        return total

    def behind(self, product_ids: Iterable[str]) -> list[str]:
        """Those of some products of which the index has something else than it must have.

        Raises:
            TableError: they could not be read.
        """
        ids = list(dict.fromkeys(product_ids))
        before, items = self._read(ids)
        return [each for each in ids if derivations.changes(before[each], self._wanted(each, items.get(each)).items)[0]]

    def _matters(self, product_id: str, record: Mapping[str, Any]) -> bool:
        """Whether a record tells of something that is derived."""
        try:
            change = routing.from_stream(record)
            if change.old is None or change.new is None:
                return True
            old, new = (derivations.wanted(product_id, image, self._derive) for image in (change.old, change.new))
        except Exception:  # noqa: BLE001 - whatever is wrong with an image, the product is there to be looked at
            return True
        return old != new

    def _bring(self, product_ids: Sequence[str], deadline: float, told_by_stream: bool, anew: bool) -> Report:
        report = Report()
        waiting = list(product_ids)
        for _ in backoff.attempts(deadline, first_seconds=0.02, longest_seconds=1.0, clock=self._clock):
            try:
                self._attempt(waiting, deadline, told_by_stream, anew, report)
            except Exception as error:
                # The edge: a table that does not answer, or a missing right, is no product's fault.
                if not isinstance(error, TableError | OutOfTime):
                    logger.exception("Could not read or write the index")
                report.obstacles |= dict.fromkeys(waiting, error)
            waiting = [each for each in waiting if each not in report.outcomes]
            if not waiting:
                break
        if waiting:
            logger.warning("Could not project %s for now: %s", waiting[0], report.obstacles[waiting[0]])
        report.obstacles = {each: report.obstacles[each] for each in waiting}
        return report

    def _attempt(
        self, product_ids: Sequence[str], deadline: float, told_by_stream: bool, anew: bool, report: Report
    ) -> None:
        before, items = self._read(product_ids)
        wanted = {each: self._wanted(each, items.get(each)) for each in product_ids}
        self._learn({each: wanted[each].words for each in product_ids}, deadline, report)
        wanted |= dict.fromkeys(report.refused, _NOTHING)
        plans = [
            projection_plan.plan(each, before[each], wanted[each].items, wanted[each].projectable, told_by_stream, anew)
            for each in product_ids
        ]
        report.outcomes |= {plan.product_id: plan.outcome for plan in plans if not plan.writes}
        for pack in projection_plan.packs([plan for plan in plans if plan.writes]):
            if self._clock.monotonic() >= deadline:
                raise OutOfTime
            self._write(pack, report)

    def _learn(self, words: Mapping[str, Sequence[str]], deadline: float, report: Report) -> None:
        """See to it that the dictionary has the words of products. Notes whose words DynamoDB does not take."""
        try:
            self._dictionary.learn(chain.from_iterable(words.values()), deadline)
        except Rejected as error:
            for each, own in words.items():
                if len(words) > 1:
                    self._learn({each: own}, deadline, report)
                else:
                    report.refuse(each, error)

    def _write(self, pack: Sequence[Plan], report: Report) -> None:
        """Write what is planned for products, in one transaction if it is for several. Notes what became of it."""
        try:
            for step in pack[0].steps(self._clock.now_ms()) if len(pack) == 1 else [self._together(pack)]:
                self._search.write(step)
        except (TableError, Rejected) as error:
            if len(pack) > 1 and isinstance(error, ConditionFailed | Conflict | Rejected):
                # One of them is to blame.
                for plan in pack:
                    self._write([plan], report)
                return
            for plan in pack:
                if isinstance(error, Rejected):
                    report.refuse(plan.product_id, error)
                else:
                    # Perhaps somebody else is at work on it: then what was read is no longer so.
                    report.obstacles[plan.product_id] = error
        else:
            report.outcomes |= {plan.product_id: plan.outcome for plan in pack}

    def _together(self, pack: Sequence[Plan]) -> list[Write]:
        now_ms = self._clock.now_ms()
        return [write for plan in pack for step in plan.steps(now_ms) for write in step]

    def _read(self, product_ids: Sequence[str]) -> tuple[dict[str, Derived], dict[str, Item]]:
        """What the index has of products, and then what they are: never the other way round.

        Each item of a BatchGetItem is as a GetItem would have it; a record without items counts until it is removed.
        https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html#transaction-isolation
        """
        records = self._search.get_all([derivations.key(each) for each in product_ids], now=0)
        items = self._main.get_all([product.key(each) for each in product_ids], self._clock.now_ms() // 1000)
        before = {each: derivations.of_record(records.get(derivations.key(each))) for each in product_ids}
        return before, {each: items[product.key(each)] for each in product_ids if product.key(each) in items}

    def _wanted(self, product_id: str, item: Item | None) -> _Wanted:
        """What the index must have of a product, and whether that can be said."""
        try:
            items = derivations.wanted(product_id, item, self._derive)
            return _Wanted(items, search_index.words_of(product_id, item) if item else [])
        except Exception:
            # The edge: whatever is wrong with one product must not stop the others.
            logger.exception("Nothing can be derived from product %s", product_id)
            return _NOTHING


@dataclass(frozen=True)
class _Wanted:
    items: Mapping[Key, Item]
    words: Sequence[str]
    projectable: bool = True


_NOTHING = _Wanted({}, [], projectable=False)


def lag_ms(records: Iterable[Mapping[str, Any]], now_ms: int) -> int:
    """How long ago the oldest of some stream records was made, which tell that in whole seconds."""
    made = (int(each["dynamodb"].get("ApproximateCreationDateTime", now_ms // 1000)) for each in records)
    return max(0, now_ms - 1000 * min(made, default=now_ms))
