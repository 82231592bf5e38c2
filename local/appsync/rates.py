"""How often an account and its APIs may be called: AppSync's quotas per second as token buckets (sheet 7.5 and 8).

Off unless `HEADWATER_RATES=1`: a laptop's demo or benchmark would trip over the quotas of a production account.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

REQUEST_TOKENS_PER_SECOND = 5_000
LARGE_REGION_REQUEST_TOKENS_PER_SECOND = 10_000
LARGE_REGIONS = frozenset({"us-east-1", "us-west-2", "eu-west-1"})  # unverified: AWS names no list that we found
CONNECTS_PER_SECOND = 2_000
INBOUND_MESSAGES_PER_SECOND = 10_000


@dataclass(frozen=True)
class Quotas:
    """Events per second. Request tokens count for the account, the others for each API."""

    request_tokens: float = LARGE_REGION_REQUEST_TOKENS_PER_SECOND
    connects: float = CONNECTS_PER_SECOND
    inbound_messages: float = INBOUND_MESSAGES_PER_SECOND


UNLIMITED = Quotas(math.inf, math.inf, math.inf)


def documented(region: str) -> Quotas:
    """The default quotas of an account in a region."""
    large = region in LARGE_REGIONS
    return Quotas(LARGE_REGION_REQUEST_TOKENS_PER_SECOND if large else REQUEST_TOKENS_PER_SECOND)


class TokenBucket:
    """Allows `rate` events per second and as many at once; `clock` gives seconds. A refusal takes nothing."""

    __slots__ = ("_clock", "_rate", "_since", "_tokens")

    def __init__(self, rate: float, clock: Callable[[], float]) -> None:
        self._rate = rate
        self._clock = clock
        self._tokens = rate
        self._since = clock()

    def take(self) -> bool:
        """Whether one more event is allowed now."""
        if self._rate == math.inf:
            return True
        now = self._clock()
        self._tokens = min(self._rate, self._tokens + (now - self._since) * self._rate)
        self._since = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


@dataclass(frozen=True)
class ApiRates:
    """The buckets of one API."""

    connects: TokenBucket
    inbound_messages: TokenBucket


class Rates:
    """The buckets of an account. They outlive a redeploy of an API, which must not refill them."""

    def __init__(self, quotas: Quotas = UNLIMITED, clock: Callable[[], float] = time.monotonic) -> None:
        self._quotas = quotas
        self._clock = clock
        self._apis: dict[str, ApiRates] = {}
        self.request_tokens = TokenBucket(quotas.request_tokens, clock)

    def of(self, api_id: str) -> ApiRates:
        """The buckets of an API; those of an unknown one are shared by all that are unknown, under the id ``""``."""
        rates = self._apis.get(api_id)
        if rates is None:
            quotas = self._quotas
            rates = ApiRates(
                TokenBucket(quotas.connects, self._clock), TokenBucket(quotas.inbound_messages, self._clock)
            )
            self._apis[api_id] = rates
        return rates
