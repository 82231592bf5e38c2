"""What the projection is to write for a product, as transactions: plain data, from what is there and what must be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from domain.shop import derivations
from domain.shop.derivations import Derived
from domain.table import MAX_TRANSACTION_ITEMS, Item, Key, Write


class Outcome(Enum):
    """What became of a product; the name of the metric that counts it."""

    PROJECTED = "Projected"
    UNCHANGED = "Unchanged"
    REMOVED = "Removed"
    UNPROJECTABLE = "Unprojectable"  # and out of the index therefore


@dataclass(frozen=True)
class Plan:
    """What is to be written for a product.

    Attributes:
        product_id: which.
        before: what the index has of it.
        changes: the items to put and delete.
        after: the digests of what the index must have.
        replaces: whether the record is to be replaced; it is with any change.
        projectable: whether it could be said what the index must have.
    """

    product_id: str
    before: Derived
    changes: Sequence[Write]
    after: Mapping[Key, str]
    replaces: bool
    projectable: bool

    @property
    def writes(self) -> int:
        """How many writes it takes, in one transaction if there are not too many."""
        return len(self.changes) + 1 if self.replaces else 0

    @property
    def outcome(self) -> Outcome:
        """What has become of the product when all is written."""
        if not self.projectable:
            return Outcome.UNPROJECTABLE
        return Outcome.UNCHANGED if not self.changes else Outcome.PROJECTED if self.after else Outcome.REMOVED

    def steps(self, now_ms: int) -> Iterator[list[Write]]:
        """Transactions, each with the record as it is then. After any of them the record and the items agree."""
        digests = dict(self.before.digests)
        most = MAX_TRANSACTION_ITEMS - 1
        for step, start in enumerate(range(0, len(self.changes) or 1, most), 1):
            part = self.changes[start : start + most]
            for place in map(derivations.key_of, part):
                if place in self.after:
                    digests[place] = self.after[place]
                else:
                    del digests[place]
            derived = Derived(self.before.revision + step, dict(digests))
            yield [derivations.to_record(self.product_id, derived, now_ms), *part]


def plan(
    product_id: str, before: Derived, items: Mapping[Key, Item], projectable: bool, told_by_stream: bool, anew: bool
) -> Plan:
    """The plan for a product.

    Args:
        product_id: which.
        before: what the index has of it.
        items: what the index must have of it.
        projectable: whether that could be said.
        told_by_stream: it has changed, and perhaps somebody is at work with what it was before.
        anew: put all items, also those that are there by the record.
    """
    known = derivations.doubted(before) if anew else before
    changes, after = derivations.changes(known, items)
    return Plan(product_id, known, changes, after, bool(changes) or told_by_stream, projectable)


def packs(plans: Iterable[Plan]) -> Iterator[list[Plan]]:
    """Plans that go into one transaction: a request costs more than what is in it."""
    pack: list[Plan] = []
    size = 0
    for plan in plans:
        if pack and size + plan.writes > MAX_TRANSACTION_ITEMS:
            yield pack
            pack, size = [], 0
        pack.append(plan)
        size += plan.writes
    if pack:
        yield pack
