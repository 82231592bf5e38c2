"""Live subscriptions, indexed so that an event costs what its own subscribers cost, whoever else listens.

Every group of a filter is kept under its equalities: the paths are the shape, the values the key. An event looks up one
key per shape in use. Under a key, subscribers stand by selection, so that each distinct selection is projected and
encoded once and the bytes shared.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from local.appsync.completion import Fill
from local.appsync.encoding import encode
from local.appsync.errors import path_list
from local.appsync.filters import Group, Key, key_of, value_at
from local.appsync.journal import Publish, Subscriber, scalars
from local.appsync.limits import Limits
from local.appsync.metrics import Metrics

logger = logging.getLogger(__name__)

Shape = tuple[tuple[str, ...], ...]
Deliver = Callable[[bytes], None]


class Selection:
    """What a subscriber selected, shared by all with the same signature."""

    def __init__(self, signature: str, fill: Fill) -> None:
        self.signature = signature
        self._fill = fill

    def encode(self, field_name: str, payload: Any) -> bytes:
        """The `payload` of a data frame. Fields that the mutation did not select are null (sheet 6)."""
        run = _PayloadRun()
        data: dict[str, Any] = {}
        valid = self._fill({field_name: payload}, None, data, None, run)
        body: dict[str, Any] = {"data": data if valid else None}
        if run.errors:
            body["errors"] = [{"message": error["message"], "path": error["path"]} for error in run.errors]
        return encode(body)


class _PayloadRun:
    """What completion needs; payload plans have no resolvers, so nothing is ever special."""

    def __init__(self) -> None:
        self.errors: list[dict[str, Any]] = []
        self.types: dict[int, str] = {}

    def special(self, *args: Any) -> Any:
        raise AssertionError(f"a payload plan has a special field at {path_list(args[2])}")


class Subscription:
    """A live subscription. `cancel` may be called any number of times; nothing is delivered after it."""

    __slots__ = (
        "_registry", "active", "arguments", "deliver", "ended", "field_name", "groups", "invalidation", "selection",
        "subscriber",
    )  # fmt: skip

    def __init__(
        self,
        registry: Subscriptions,
        field_name: str,
        selection: Selection,
        groups: list[Group],
        invalidation: list[Group],
        deliver: Deliver,
        ended: Callable[[], None] | None,
    ) -> None:
        self._registry = registry
        self.field_name = field_name
        self.selection = selection
        self.groups = groups
        self.invalidation = invalidation
        self.deliver = deliver
        self.ended = ended
        self.active = True
        self.arguments: Mapping[str, Any] = {}
        self.subscriber: Subscriber | None = None

    def cancel(self) -> None:
        """Ends it."""
        if self.active:
            self.active = False
            self._registry.remove(self)
            # The journal may know it for long; its connection must not stay for that.
            self.deliver, self.ended = _to_nobody, None


def _to_nobody(_body: bytes) -> None:
    """Takes what comes for a subscription that has ended."""


class _Bucket:
    """The subscriptions under one key: those that the key decides by selection, the others with their group."""

    __slots__ = ("by_selection", "tested")

    def __init__(self) -> None:
        self.by_selection: dict[Selection, dict[int, Subscription]] = {}
        self.tested: dict[tuple[int, int], tuple[Subscription, Group]] = {}


class _FieldIndex:
    """The subscriptions to one field."""

    def __init__(self) -> None:
        self.shapes: dict[Shape, dict[tuple[Key, ...], _Bucket]] = {}
        self.invalidatable: dict[int, Subscription] = {}
        self.several: int = 0  # subscriptions with more than one group, which one event could reach twice

    def add(self, subscription: Subscription) -> None:
        for number, group in enumerate(subscription.groups):
            shape, key = _entry(group)
            bucket = self.shapes.setdefault(shape, {}).setdefault(key, _Bucket())
            if group.tests:
                bucket.tested[id(subscription), number] = (subscription, group)
            else:
                bucket.by_selection.setdefault(subscription.selection, {})[id(subscription)] = subscription
        if subscription.invalidation:
            self.invalidatable[id(subscription)] = subscription
        self.several += len(subscription.groups) > 1

    def remove(self, subscription: Subscription) -> None:
        for number, group in enumerate(subscription.groups):
            shape, key = _entry(group)
            keys = self.shapes.get(shape, {})
            bucket = keys.get(key)
            if bucket is None:
                continue
            bucket.tested.pop((id(subscription), number), None)
            members = bucket.by_selection.get(subscription.selection)
            if members is not None:
                members.pop(id(subscription), None)
                if not members:
                    del bucket.by_selection[subscription.selection]
            if not bucket.tested and not bucket.by_selection:
                del keys[key]
                if not keys:
                    del self.shapes[shape]
        self.invalidatable.pop(id(subscription), None)
        self.several -= len(subscription.groups) > 1

    def matching(self, payload: Any, metrics: Metrics) -> dict[Selection, list[Subscription]]:
        """The subscriptions that an event reaches, by selection."""
        reached: dict[Selection, list[Subscription]] = {}
        seen: set[int] | None = set() if self.several else None
        for subscription in self._candidates(payload, metrics):
            if seen is not None:
                if id(subscription) in seen:
                    continue
                seen.add(id(subscription))
            reached.setdefault(subscription.selection, []).append(subscription)
        return reached

    def _candidates(self, payload: Any, metrics: Metrics) -> Iterator[Subscription]:
        for shape, keys in self.shapes.items():
            values = tuple(key_of(value_at(payload, path)) for path in shape)
            bucket = keys.get(values)  # type: ignore[arg-type]  # a list or object has no key and finds nothing
            if bucket is None:
                continue
            for members in bucket.by_selection.values():
                yield from members.values()
            for subscription, group in bucket.tested.values():
                metrics.filter_evaluations += 1
                if group.holds(payload):
                    yield subscription


def _entry(group: Group) -> tuple[Shape, tuple[Key, ...]]:
    return tuple(path for path, _ in group.equal), tuple(key for _, key in group.equal)


class Subscriptions:
    """The live subscriptions of one API."""

    def __init__(self, limits: Limits, metrics: Metrics) -> None:
        self._limits = limits
        self._metrics = metrics
        self._fields: dict[str, _FieldIndex] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def has(self, field_name: str) -> bool:
        """Whether anyone listens to a subscription field."""
        return field_name in self._fields

    def add(
        self,
        field_name: str,
        selection: Selection,
        groups: list[Group],
        invalidation: list[Group],
        deliver: Deliver,
        ended: Callable[[], None] | None,
    ) -> Subscription:
        """Registers a subscription; it is live when this returns."""
        subscription = Subscription(self, field_name, selection, groups, invalidation, deliver, ended)
        self._fields.setdefault(field_name, _FieldIndex()).add(subscription)
        self._count += 1
        return subscription

    def remove(self, subscription: Subscription) -> None:
        """Takes a cancelled subscription out of the index."""
        self._count -= 1
        index = self._fields.get(subscription.field_name)
        if index is None:  # its filter could match nothing, and the last of the others has gone
            return
        index.remove(subscription)
        if not index.shapes and not index.invalidatable:
            del self._fields[subscription.field_name]

    def publish(self, field_name: str, payload: Any, entry: Publish) -> None:
        """Delivers an event: the result of a mutation by schema field names, as its caller selected it."""
        index = self._fields.get(field_name)
        reached = index.matching(payload, self._metrics) if index else None
        if not reached:
            return
        entry.content = encode(payload)
        if self._is_oversized(field_name, len(entry.content)):
            entry.oversized = True
            entry.arguments = scalars(payload, levels=1) if isinstance(payload, dict) else {}
            return
        self._metrics.published_events += 1
        for selection, subscriptions in reached.items():
            self._metrics.encodings += 1
            body = selection.encode(field_name, payload)
            entry.deliver(field_name, len(body), subscriptions)
            for subscription in subscriptions:
                if subscription.active:
                    self._metrics.deliveries += 1
                    subscription.deliver(body)
                else:  # a callback has ended a subscription that this event still has in its list
                    entry.drop(subscription.subscriber, "it ended while the event was being delivered")

    def invalidate(self, field_name: str, payload: Any) -> None:
        """Ends the subscriptions to a field whose invalidation filter matches."""
        index = self._fields.get(field_name)
        for subscription in list(index.invalidatable.values()) if index else ():
            if any(group.matches(payload) for group in subscription.invalidation):
                ended = subscription.ended
                subscription.cancel()
                if ended:
                    ended()

    def _is_oversized(self, field_name: str, size: int) -> bool:
        if size <= self._limits.published_payload_bytes:
            return False
        self._metrics.oversized_payloads += 1
        logger.warning(
            "dropped an event of %s: its payload of %d bytes is over the limit of %d bytes",
            field_name,
            size,
            self._limits.published_payload_bytes,
        )
        return True
