"""How many mutations a caller may make: a token bucket each, in a table of its own without a stream.

A bucket is one number, the moment `full` at which it is full again (the generic cell rate algorithm). Taking a token
moves it on by what one token takes to grow back; a token is there as long as `full` is less than a whole bucket away.
So it needs no process that fills buckets up, and one conditional write takes a token, exactly, however many containers
do it at once. Only for a caller whom another container has served within the last seconds it takes two, because an
update expression knows no maximum: the first finds the bucket not full.

`full` never goes back. Whoever was refused is therefore refused again from this container's memory, at no cost, until
there can be a token.

Who is counted as one: a user by `sub`, an auth key by its id, a role whatever its sessions are called. Callers with
the API key have no identity: anybody has the key, so that they share one bucket, a large one. It bounds what all of
them together cost; that one of them does not use up what is there for all is for the web ACL, which counts by address.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from domain.caller import Caller, CallerKind
from domain.clock import Clock
from domain.errors import TooManyRequests
from domain.table import ConditionFailed, Set, Table, TableError, Throttled

logger = logging.getLogger("headwater.rate_limit")

_MUTATION = "Mutation."
_SECOND_US = 1_000_000
# How long a full bucket is kept. That an item is missing means that its bucket is full, so that it may go at once.
_KEPT_SECONDS = 60
# Callers that a container remembers; some hundred bytes each.
_MOST_REMEMBERED = 10_000
# What a caller waits whose own bucket is written more often than DynamoDB takes: 1,000 times a second.
_THROTTLED_MS = 1000
_ATTEMPTS = 3


@dataclass(frozen=True)
class Limit:
    """`per_second` tokens grow back in a second; the bucket holds `burst`."""

    per_second: float
    burst: int

    @property
    def interval_us(self) -> int:
        """What a token takes to grow back."""
        return round(_SECOND_US / self.per_second)


Limits = Mapping[CallerKind, Limit]

# What holds while the parameter cannot be read; `template.yaml` sets the same.
DEFAULT: Limits = {
    CallerKind.USER: Limit(20, 200),
    CallerKind.LAMBDA: Limit(20, 200),
    CallerKind.IAM: Limit(500, 5000),
    CallerKind.API_KEY: Limit(500, 5000),
}


def parse_limits(text: str) -> Limits:
    """The limits that a parameter tells: `{"USER": {"perSecond": 20, "burst": 200}, ...}`.

    0 mutations per second, like a kind that is missing, means that the kind is not counted.

    Raises:
        ValueError: it tells something else. Then nothing of it counts.
    """
    told = json.loads(text)
    if not isinstance(told, dict):
        raise ValueError(f"limits must be an object, not {text[:100]!r}")
    found = {}
    for name, limit in told.items():
        kind = CallerKind(name)
        try:
            rate, burst = float(limit["perSecond"]), int(limit["burst"])
        except (KeyError, TypeError) as error:
            raise ValueError(f"the limit of {name} must have perSecond and burst") from error
        # One in eleven days at the least, so that a bucket's moment stays a time.
        if rate and not (1e-6 <= rate <= 1e6 and 1 <= burst <= 1e6):
            raise ValueError(f"the limit of {name} is out of range: {limit}")
        if rate:
            found[kind] = Limit(rate, burst)
    return found


@dataclass(frozen=True)
class RateLimit:
    """The buckets of all callers. `limits` tells those of the moment; whoever has none there is not counted."""

    table: Table
    limits: Callable[[], Limits]
    clock: Clock
    _known: dict[str, int] = field(default_factory=dict)  # by bucket: `full` is then or later

    def require(self, caller: Caller, coordinate: str) -> None:
        """Take a token, if the field is a mutation.

        A table that does not answer lets everybody pass: the limit must not be what makes the API unavailable.

        Raises:
            TooManyRequests: there is none; says when there will be.
        """
        if not coordinate.startswith(_MUTATION):
            return
        limit = self.limits().get(caller.kind)
        if limit is None:
            return
        try:
            self._take(bucket(caller), limit)
        except Throttled as error:
            raise TooManyRequests(_THROTTLED_MS) from error
        except TableError as error:
            logger.warning("a mutation is not counted", exc_info=error)

    def _take(self, key: str, limit: Limit) -> None:
        now = self.clock.now_ms() * 1000
        latest = now + (limit.burst - 1) * limit.interval_us
        expires_at = now // _SECOND_US + round(limit.burst / limit.per_second) + _KEPT_SECONDS
        for _ in range(_ATTEMPTS):
            known = self._known.get(key, 0)
            if known > latest:
                raise TooManyRequests(-(-(known - latest) // 1000))
            try:
                self.table.write([_token(key, known, now, latest, limit.interval_us, expires_at)])
            except ConditionFailed as error:
                self._remember(key, int(error.item["full"]) if error.item else 0, now)
            else:
                self._remember(key, max(known, now) + limit.interval_us, now)
                return
        # Only clocks that differ by more than a bucket lead here: the item is not as either condition says.
        raise TooManyRequests(-(-limit.interval_us // 1000))

    def _remember(self, key: str, full: int, now: int) -> None:
        if key not in self._known and len(self._known) >= _MOST_REMEMBERED:
            for each in [each for each, moment in self._known.items() if moment <= now]:
                del self._known[each]
            if len(self._known) >= _MOST_REMEMBERED:
                self._known.clear()
        self._known[key] = full


def bucket(caller: Caller) -> str:
    """The key of a caller's bucket.

    A role's session has a name that whoever takes the role chooses: by it they would choose a new bucket.
    """
    named = re.sub(r"^(arn:[^:]*:sts::[^:]*:assumed-role/.+)/[^/]*$", r"\1", caller.id)
    return f"{caller.kind.value}#{named}"


def _token(key: str, known: int, now: int, latest: int, interval_us: int, expires_at: int) -> Set:
    """The write that takes a token from a bucket that is known to be not full, or else thought to be."""
    if known > now:
        return Set(
            (key, 0),
            {"expiresAt": expires_at},
            "#full > :now AND #full <= :latest",
            {":now": now, ":latest": latest},
            add={"full": interval_us},
            tell=True,
        )
    return Set(
        (key, 0),
        {"full": now + interval_us, "expiresAt": expires_at},
        "attribute_not_exists(pk) OR #full <= :now",
        {":now": now},
        tell=True,
    )
