"""What is derived from a product, as pure functions of its item: how `streams/project` knows what the index must have.

A row of `DERIVATIONS` is a kind of items that a product has for itself; they change and go with it. The words of
`search_index` are shared: they are put when they are new, and no product ever removes one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from domain.shop import product, search_index, sort_items
from domain.table import Delete, Item, Key, Put, Write

Derivation = Callable[[str, Mapping[str, Any]], Iterable[Item]]

DERIVATIONS: Sequence[Derivation] = (sort_items.items_of, search_index.items_of)

PREFIX = "DERIVED#"
SORT_KEY = "DERIVED"

# Longer than a stream keeps records: nobody is at work any more for a change that was before the removal.
TOMBSTONE_SECONDS = 48 * 3600


@dataclass(frozen=True)
class Derived:
    """What the index has of a product, as the product's record in it says.

    Attributes:
        revision: how often the record was written; 0 when there is none.
        digests: of each item of the product, by its key.
    """

    revision: int
    digests: Mapping[Key, str]


def key(product_id: str) -> Key:
    """The key of a product's record."""
    return f"{PREFIX}{product_id}", SORT_KEY


def product_of(pk: str, sk: str) -> str | None:
    """The product that is at a key of the main table; None for what is no product, or none that the API can name."""
    product_id = product.id_of(pk)
    is_one = pk.startswith(product.PREFIX) and sk == product.SORT_KEY and product.is_id(product_id)
    return product_id if is_one else None


def wanted(
    product_id: str, item: Mapping[str, Any] | None, derivations: Sequence[Derivation] = DERIVATIONS
) -> dict[Key, Item]:
    """What the index must have of a product, by key; nothing of one that is not there.

    Raises:
        Exception: of any type, when something cannot be derived.
    """
    if item is None:
        return {}
    items = (each for derive in derivations for each in derive(product_id, item))
    return {(each["pk"], each["sk"]): each for each in items}


def of_record(record: Mapping[str, Any] | None) -> Derived:
    """A record as it is stored."""
    if record is None:
        return Derived(0, {})
    digests = {(pk, sk): digest for pk, sk, digest in json.loads(record["items"])}
    return Derived(int(record["revision"]), digests)


def doubted(derived: Derived) -> Derived:
    """The same without trust in the contents of the items."""
    return Derived(derived.revision, dict.fromkeys(derived.digests, ""))


def to_record(product_id: str, derived: Derived, now_ms: int) -> Put:
    """The write of a record in place of the one before it; it fails when that is not there any more.

    The record of a product without items only keeps writers out that began before: it goes in time.
    """
    pk, sk = key(product_id)
    items = json.dumps([[*place, digest] for place, digest in derived.digests.items()], ensure_ascii=False)
    expires_at = None if derived.digests else now_ms // 1000 + TOMBSTONE_SECONDS
    item = {"pk": pk, "sk": sk, "revision": derived.revision, "items": items, "expiresAt": expires_at}
    if derived.revision == 1:
        return Put(item, "attribute_not_exists(pk)")
    return Put(item, "#revision = :before", {":before": derived.revision - 1})


def changes(before: Derived, items: Mapping[Key, Item]) -> tuple[list[Write], dict[Key, str]]:
    """The writes that make what the index has into what it must have, and the digests of that."""
    after = {place: digest(item) for place, item in items.items()}
    puts = [Put(item) for place, item in items.items() if before.digests.get(place) != after[place]]
    return [*puts, *(Delete(place) for place in before.digests if place not in after)], after


def key_of(write: Write) -> Key:
    """Which item a write is of."""
    return (write.item["pk"], write.item["sk"]) if isinstance(write, Put) else write.key


def digest(item: Mapping[str, Any]) -> str:
    """Tells contents apart, by 48 bits: there are only a few of one key."""
    text = json.dumps(item, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()
