"""The API cache (reference sheet, section 4.8): results of whole resolvers, kept for a time, evicted by mutations.

https://docs.aws.amazon.com/appsync/latest/devguide/enabling-caching.html; where it is silent, what AppSync's own people
answered: a key that has no value, or no plain one, means no caching (aws-appsync-community #224, #254).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import orjson

from local.appsync.context import ResolverContext
from local.appsync.definition import ApiDefinition, CacheDefinition, CachingBehavior, ResolverDefinition
from local.appsync.encoding import encode
from local.appsync.javascript import HandlerError
from local.appsync.javascript.outcome import CacheEviction
from local.appsync.resolvers import AppendError, Effects, Resolver, ResolverDefinitionError

MAX_BYTES = 64 * 1024 * 1024
MAX_TTL_SECONDS = 3600
MAX_CACHING_KEYS = 25

T = TypeVar("T")

Clock = Callable[[], float]
"""Seconds that never go back."""

Key = tuple[str, ...]
"""A caching key as its path: `("arguments", "id")` for `$context.arguments.id`, one element for a whole map."""

_KEY = re.compile(r"\$?(?:context|ctx)\.(arguments|args|identity|source)((?:\.\w+)*)", re.ASCII)
_DEFAULT_KEYS: tuple[Key, ...] = (("arguments",), ("source",), ("identity",))


class Entries(Generic[T]):
    """Values by key that expire. The least recently used ones go when there are more than `max_bytes`."""

    def __init__(self, clock: Clock, max_bytes: int = MAX_BYTES) -> None:
        self._clock = clock
        self._max_bytes = max_bytes
        self._entries: OrderedDict[bytes, tuple[T, int, float]] = OrderedDict()
        self.held_bytes = 0

    def get(self, key: bytes) -> T | None:
        """A value that is still good."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        value, _, expires_at = entry
        if self._clock() >= expires_at:
            self.delete(key)
            return None
        self._entries.move_to_end(key)
        return value

    def put(self, key: bytes, value: T, size: int, ttl_seconds: float) -> None:
        """Keeps a value of `size` bytes."""
        self.delete(key)
        if size > self._max_bytes:
            return
        self._entries[key] = (value, size, self._clock() + ttl_seconds)
        self.held_bytes += size
        while self.held_bytes > self._max_bytes:
            _, (_, oldest, _) = self._entries.popitem(last=False)
            self.held_bytes -= oldest

    def delete(self, key: bytes) -> bool:
        """Whether there was a value, good or not."""
        entry = self._entries.pop(key, None)
        if entry is None:
            return False
        self.held_bytes -= entry[1]
        return True


@dataclass(frozen=True)
class Rule:
    """How one resolver's results are cached."""

    coordinate: str
    ttl_seconds: float
    keys: tuple[Key, ...] = _DEFAULT_KEYS

    def key(self, context: ResolverContext) -> bytes | None:
        """What a run's result is kept under, or None when it is not cached."""
        maps = {"arguments": context.arguments, "identity": context.identity, "source": context.source}
        return self._digest([_value_at(maps, key) for key in self.keys])

    def key_to_evict(self, given: Mapping[str, Any]) -> bytes | None:
        """The same for the keys of `evictFromApiCache`, which have to be this rule's in this order."""
        if tuple(_path(name) for name in given) != self.keys:
            return None
        return self._digest([_part(key, value) for key, value in zip(self.keys, given.values(), strict=True)])

    def _digest(self, parts: list[Any]) -> bytes | None:
        if None in parts:
            return None
        return digest([self.coordinate, parts])


def rules(api: ApiDefinition) -> dict[str, Rule]:
    """The `CachingConfig`s of an API, which count only with a cache. Raises ResolverDefinitionError."""
    return {name: _rule(each, each.caching) for name, each in api.resolvers.items() if each.caching}


class ResolverCache:
    """The cache of an API whose behaviour is FULL_REQUEST_CACHING or PER_RESOLVER_CACHING."""

    def __init__(
        self, definition: CacheDefinition, configured: Mapping[str, Rule], clock: Clock, max_bytes: int = MAX_BYTES
    ) -> None:
        self._definition = definition
        self._rules = dict(configured)
        self._entries: Entries[bytes] = Entries(clock, max_bytes)

    def wrap(self, resolvers: Mapping[str, Resolver], uncached_types: Collection[str]) -> dict[str, Resolver]:
        """The resolvers with the cache before them. `uncached_types` are those of mutations and subscriptions."""
        if self._definition.behavior is CachingBehavior.FULL_REQUEST_CACHING:
            self._rules = {name: Rule(name, self._definition.ttl_seconds) for name in resolvers}
        self._rules = {name: rule for name, rule in self._rules.items() if name.split(".")[0] not in uncached_types}
        cached = {name: _Cached(resolvers[name], rule, self._entries) for name, rule in self._rules.items()}
        return {**resolvers, **cached}

    def evict(self, eviction: CacheEviction) -> int:
        """How many entries are gone."""
        rule = self._rules.get(f"{eviction.type_name}.{eviction.field_name}")
        key = rule.key_to_evict(eviction.keys) if rule else None
        if key is None or self._entries.get(key) is None:
            return 0
        return int(self._entries.delete(key))


@dataclass(frozen=True)
class _Cached:
    """A resolver with the cache before it: a pipeline is cached as a whole, and only when nothing went wrong."""

    resolver: Resolver
    rule: Rule
    entries: Entries[bytes]

    async def resolve(self, context: ResolverContext, effects: Effects, append_error: AppendError) -> Any:
        """The value as it was, or as it is now."""
        key = self.rule.key(context)
        if key is None:
            return await self.resolver.resolve(context, effects, append_error)
        held = self.entries.get(key)
        if held is not None:
            return orjson.loads(held)
        errors = 0

        def count(error: HandlerError) -> None:
            nonlocal errors
            errors += 1
            append_error(error)

        value = await self.resolver.resolve(context, effects, count)
        if not errors:
            # As text: what is handed out now and later is nobody else's to change, and its size is known.
            text = encode(value)
            self.entries.put(key, text, len(text), self.rule.ttl_seconds)
        return value


def digest(parts: Any) -> bytes:
    """A key of fixed size for JSON values, whatever the order of their members."""
    try:
        text = orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # integers beyond 64 bits
        text = json.dumps(parts, sort_keys=True, default=repr).encode("utf-8", "replace")
    return hashlib.blake2b(text, digest_size=32).digest()


def _rule(definition: ResolverDefinition, config: Mapping[str, Any]) -> Rule:
    name, keys = definition.coordinate, config.get("CachingKeys") or ()
    try:
        ttl = float(config.get("Ttl") or 0)
    except (TypeError, ValueError):
        ttl = 0
    if not 1 <= ttl <= MAX_TTL_SECONDS:
        raise ResolverDefinitionError(f"{name}: CachingConfig needs a Ttl of 1 to {MAX_TTL_SECONDS} seconds")
    if len(keys) > MAX_CACHING_KEYS:
        raise ResolverDefinitionError(f"{name}: {len(keys)} caching keys, the limit is {MAX_CACHING_KEYS}")
    paths = tuple(_path(str(key)) if str(key).startswith("$context.") else None for key in keys)
    found = tuple(path for path in paths if path is not None)
    if len(found) < len(paths):
        # AppSync's words, also for claims with a colon (aws-appsync-community #202).
        raise ResolverDefinitionError(
            f"{name}: Caching keys need to start with $context.args, $context.arguments, $context.identity, "
            f"or $context.source: {', '.join(map(str, keys))}"
        )
    return Rule(name, ttl, found or _DEFAULT_KEYS)


def _path(key: str) -> Key | None:
    """`$context.args.id`, `context.arguments.id` and `ctx.args.id` are the same key."""
    match = _KEY.fullmatch(key)
    if match is None:
        return None
    root = "arguments" if match[1] == "args" else match[1]
    return (root, *match[2].split(".")[1:])


def _value_at(maps: Mapping[str, Any], key: Key) -> Any:
    value: Any = maps
    for name in key:
        value = value.get(name) if isinstance(value, Mapping) else None
    return _part(key, value)


def _part(key: Key, value: Any) -> Any:
    """A whole map as it is; a field as text, and None unless it has a plain value."""
    if len(key) == 1:
        return {} if value is None else value
    if isinstance(value, str):
        return value
    if isinstance(value, bool | int | float):
        # 1 and 1.0 are one number in JavaScript, where evictions come from.
        return orjson.dumps(int(value) if isinstance(value, float) and value.is_integer() else value).decode()
    return None
