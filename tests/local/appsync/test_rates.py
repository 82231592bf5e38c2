"""Quotas per second: token buckets with a clock of the test's."""

from __future__ import annotations

import pytest

from local.appsync.rates import UNLIMITED, Quotas, Rates, TokenBucket, documented


class Clock:
    """Seconds that only a test lets pass."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def taken(bucket: TokenBucket, attempts: int) -> int:
    return sum(bucket.take() for _ in range(attempts))


def test_a_bucket_allows_a_second_at_once_and_then_its_rate() -> None:
    clock = Clock()
    bucket = TokenBucket(8, clock)
    assert taken(bucket, 100) == 8
    clock.now += 0.5
    assert taken(bucket, 100) == 4
    clock.now += 0.0625
    assert taken(bucket, 100) == 0
    clock.now += 0.0625
    assert taken(bucket, 100) == 1


def test_a_bucket_saves_no_more_than_a_second() -> None:
    clock = Clock()
    bucket = TokenBucket(10, clock)
    clock.now += 3600
    assert taken(bucket, 100) == 10


def test_each_api_has_its_own_buckets_and_keeps_them() -> None:
    rates = Rates(Quotas(connects=1, inbound_messages=1), Clock())
    assert rates.of("one").connects.take()
    assert not rates.of("one").connects.take()
    assert rates.of("one").inbound_messages.take()
    assert rates.of("two").connects.take()


def test_without_quotas_nothing_is_refused() -> None:
    rates = Rates()
    assert rates.request_tokens.take()
    assert all(taken(bucket, 20_000) == 20_000 for bucket in (rates.request_tokens, rates.of("one").connects))
    assert Rates(UNLIMITED).of("one").inbound_messages.take()


@pytest.mark.parametrize(("region", "tokens"), [("us-east-1", 10_000), ("sa-east-1", 5_000)])
def test_the_documented_quotas(region: str, tokens: float) -> None:
    assert documented(region) == Quotas(request_tokens=tokens, connects=2_000, inbound_messages=10_000)
