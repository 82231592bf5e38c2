"""Token buckets: exact under concurrency, one write for a token, none for a repeated refusal."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError
from samcli.yamlhelper import yaml_parse

from domain.caller import ANONYMOUS, Caller, CallerKind
from domain.clock import SYSTEM
from domain.errors import TooManyRequests
from domain.rate_limit import DEFAULT, Limit, RateLimit, bucket, parse_limits
from domain.table import Table
from tests.backend.domain.clocks import SetClock
from tests.conftest import ROOT

NOW = 1_795_236_682_123
SEND = "Mutation.sendMessage"
ANN = Caller(CallerKind.USER, "ann-sub", "ann")
BOB = Caller(CallerKind.USER, "bob-sub", "bob")
LIMITS = {CallerKind.USER: Limit(10, 30)}


class Counting:
    """A client that counts its calls, and fails them while `failure` is set."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.calls: Counter[str] = Counter()
        self.failure: Exception | None = None

    def update_item(self, **request: Any) -> Any:
        self.calls["update_item"] += 1
        if self.failure:
            raise self.failure
        return self.client.update_item(**request)


@pytest.fixture
def counting(dynamodb_client: Any) -> Counting:
    return Counting(dynamodb_client)


@pytest.fixture
def clock() -> SetClock:
    return SetClock(NOW)


@pytest.fixture
def container(
    new_table: Callable[[str], Table], counting: Counting, clock: SetClock
) -> Iterator[Callable[[], RateLimit]]:
    """Makes limits of one deployment, as a container has them that remembers nobody."""
    name = new_table("RateLimits").name
    return lambda: RateLimit(Table(name, counting), lambda: LIMITS, clock)  # type: ignore[arg-type, return-value]


def granted(limit: RateLimit, caller: Caller, times: int) -> int:
    """How many of so many mutations pass."""
    return times - sum(refusal(limit, caller) is not None for _ in range(times))


def refusal(limit: RateLimit, caller: Caller) -> TooManyRequests | None:
    try:
        limit.require(caller, SEND)
    except TooManyRequests as error:
        return error
    return None


def test_a_bucket_holds_its_burst_and_grows_at_its_rate(container: Callable[[], RateLimit], clock: SetClock) -> None:
    limit = container()
    assert granted(limit, ANN, 50) == 30
    clock.ms += 1000
    assert granted(limit, ANN, 50) == 10
    clock.ms += 99
    assert granted(limit, ANN, 5) == 0
    clock.ms += 1
    assert granted(limit, ANN, 5) == 1
    clock.ms += 3_600_000
    assert granted(limit, ANN, 50) == 30


def test_containers_that_ask_at_once_grant_exactly_the_burst(
    container: Callable[[], RateLimit], clock: SetClock
) -> None:
    with ThreadPoolExecutor(8) as threads:
        counts = threads.map(lambda limit: granted(limit, ANN, 20), [container() for _ in range(8)])
        assert sum(counts) == 30
        clock.ms += 500
        counts = threads.map(lambda limit: granted(limit, ANN, 20), [container() for _ in range(8)])
        assert sum(counts) == 5


def test_a_token_takes_one_write_and_a_repeated_refusal_none(
    container: Callable[[], RateLimit], counting: Counting, clock: SetClock
) -> None:
    limit = container()
    granted(limit, ANN, 30)
    assert counting.calls == {"update_item": 30}
    granted(limit, ANN, 100)
    assert counting.calls == {"update_item": 30}
    clock.ms += 2000
    granted(limit, ANN, 1)
    assert counting.calls == {"update_item": 31}


def test_whom_another_container_served_takes_a_second_write_once(
    container: Callable[[], RateLimit], counting: Counting
) -> None:
    granted(container(), ANN, 5)
    counting.calls.clear()
    limit = container()
    granted(limit, ANN, 1)
    assert counting.calls == {"update_item": 2}
    granted(limit, ANN, 4)
    assert counting.calls == {"update_item": 6}


def test_callers_do_not_share(container: Callable[[], RateLimit]) -> None:
    limit = container()
    assert granted(limit, ANN, 31) == 30
    assert granted(limit, BOB, 31) == 30


def test_reads_and_kinds_without_a_limit_are_not_counted(
    container: Callable[[], RateLimit], counting: Counting
) -> None:
    limit = container()
    for _ in range(100):
        limit.require(ANN, "Query.messages")
        limit.require(ANN, "Subscription.onMessages")
        limit.require(ANONYMOUS, SEND)
    assert counting.calls == {}


def test_a_refusal_says_when_there_will_be_a_token(container: Callable[[], RateLimit], clock: SetClock) -> None:
    limit = container()
    granted(limit, ANN, 30)
    clock.ms += 30
    error = refusal(limit, ANN)
    assert error is not None
    assert error.info == {"retryAfterMs": 70}
    clock.ms += 69
    assert refusal(limit, ANN) is not None
    clock.ms += 1
    assert refusal(limit, ANN) is None


def test_limits_are_those_of_the_moment(new_table: Callable[[str], Table], clock: SetClock) -> None:
    limits = dict(LIMITS)
    limit = RateLimit(new_table("RateLimits"), lambda: limits, clock)
    assert granted(limit, ANN, 50) == 30
    limits[CallerKind.USER] = Limit(1000, 5000)
    clock.ms += 100
    assert granted(limit, ANN, 50) == 50


def test_items_go_when_their_bucket_is_full(container: Callable[[], RateLimit]) -> None:
    limit = container()
    granted(limit, ANN, 30)
    item = limit.table._client.client.get_item(  # type: ignore[attr-defined]
        TableName=limit.table.name, Key={"pk": {"S": "USER#ann-sub"}, "sk": {"N": "0"}}
    )["Item"]
    full_ms = int(item["full"]["N"]) / 1000
    assert full_ms == NOW + 3000
    assert full_ms / 1000 < int(item["expiresAt"]["N"]) < full_ms / 1000 + 120


@pytest.mark.parametrize(
    ("code", "refused"),
    [("ProvisionedThroughputExceededException", True), ("InternalServerError", False), ("ServiceUnavailable", False)],
)
def test_a_table_that_fails_lets_pass_but_a_hot_bucket_does_not(
    container: Callable[[], RateLimit], counting: Counting, caplog: pytest.LogCaptureFixture, code: str, refused: bool
) -> None:
    counting.failure = ClientError({"Error": {"Code": code, "Message": "?"}}, "UpdateItem")
    with caplog.at_level(logging.WARNING):
        assert (refusal(container(), ANN) is not None) == refused
    assert len(caplog.records) == (0 if refused else 1)


def test_a_missing_right_is_no_outage(container: Callable[[], RateLimit], counting: Counting) -> None:
    counting.failure = ClientError({"Error": {"Code": "AccessDeniedException", "Message": "?"}}, "UpdateItem")
    with pytest.raises(ClientError):
        container().require(ANN, SEND)


@pytest.mark.parametrize(
    ("caller", "expected"),
    [
        (ANN, "USER#ann-sub"),
        (ANONYMOUS, "API_KEY#api-key"),
        (Caller(CallerKind.IAM, "arn:aws:iam::1:user/ann", "ann"), "IAM#arn:aws:iam::1:user/ann"),
        (
            Caller(CallerKind.IAM, "arn:aws:sts::1:assumed-role/importer/a-session", "a-session"),
            "IAM#arn:aws:sts::1:assumed-role/importer",
        ),
    ],
)
def test_sessions_of_a_role_are_one_caller(caller: Caller, expected: str) -> None:
    assert bucket(caller) == expected


def test_memory_is_bounded(container: Callable[[], RateLimit], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("domain.rate_limit._MOST_REMEMBERED", 5)
    limit = container()
    for number in range(23):
        granted(limit, Caller(CallerKind.USER, str(number), "x"), 1)
        assert len(limit._known) <= 5


def test_it_works_with_this_machines_clock(new_table: Callable[[str], Table]) -> None:
    limit = RateLimit(new_table("RateLimits"), lambda: {CallerKind.USER: Limit(0.01, 3)}, SYSTEM)
    assert granted(limit, ANN, 5) == 3


def test_limits_are_parsed() -> None:
    text = '{"USER": {"perSecond": 0.5, "burst": 3}, "API_KEY": {"perSecond": 0, "burst": 0}}'
    assert parse_limits(text) == {CallerKind.USER: Limit(0.5, 3)}


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "{", '{"USER": 3}', '{"USER": {"perSecond": 3}}', '{"NOBODY": {"perSecond": 1, "burst": 1}}',
        '{"USER": {"perSecond": -1, "burst": 1}}', '{"USER": {"perSecond": 1, "burst": 0}}',
        '{"USER": {"perSecond": 1e99, "burst": 1}}', '{"USER": {"perSecond": "x", "burst": 1}}',
        '{"USER": {"perSecond": NaN, "burst": 1}}',
    ],
)  # fmt: skip
def test_limits_that_make_no_sense_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_limits(text)


def test_the_templates_defaults_are_the_codes() -> None:
    """What holds while the parameter cannot be read is what an unchanged deployment sets."""
    root = yaml_parse((ROOT / "template.yaml").read_text())["Parameters"]
    stack = yaml_parse((ROOT / "stacks/api.yaml").read_text())["Resources"]["MutationLimits"]["Properties"]["Value"]
    text = re.sub(r"\$\{(\w+)\}", lambda found: str(root[found[1]]["Default"]), stack["Fn::Sub"])
    assert parse_limits(text) == DEFAULT
