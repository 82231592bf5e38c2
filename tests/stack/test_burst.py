"""A burst needs a twentieth of the AppSync requests that single publishes need; the benchmark tells the times."""

from __future__ import annotations

import uuid

import pytest

from benchmarks.bursts.measure import one_by_one, through_the_publisher
from benchmarks.bursts.prices import bill
from tests.stack.instance import Instance

pytestmark = pytest.mark.stack

CHANGES, SUBSCRIBERS = 1000, 3


@pytest.mark.parametrize("from_the_first_write", [False, True])
def test_a_burst_needs_at_most_a_twentieth_of_the_requests_and_of_the_messages(
    instance: Instance, from_the_first_write: bool
) -> None:
    burst = through_the_publisher(
        instance, f"burst-{uuid.uuid4()}", CHANGES, SUBSCRIBERS, from_the_first_write=from_the_first_write
    ).usage
    single = one_by_one(instance, f"single-{uuid.uuid4()}", CHANGES, SUBSCRIBERS).usage
    assert single.requests == CHANGES
    assert single.updates == CHANGES * SUBSCRIBERS
    assert burst.requests * 20 <= single.requests
    assert burst.updates * 5 <= single.updates
    assert bill(burst).total * 5 <= bill(single).total


def test_a_batch_of_the_stream_is_one_transaction_and_as_few_pushes_as_its_size_allows(instance: Instance) -> None:
    burst = through_the_publisher(instance, f"burst-{uuid.uuid4()}", CHANGES, SUBSCRIBERS).usage
    assert burst.invocations == 1
    assert burst.requests == -(-sum(burst.pushes) // 240_000)
    # A change has half a kilobyte, and a unit is a kilobyte, but two in a transaction.
    assert burst.write_units < 1.2 * CHANGES
