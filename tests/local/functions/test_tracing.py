"""One trace for a request and all that it invokes."""

from __future__ import annotations

import re

import pytest

from local.functions import tracing
from local.functions.tracing import Trace

ROOT = "1-6b01525d-2610baafc3e9e7a924f409f5"
SEGMENT = re.compile(r"Root=(1-[0-9a-f]{8}-[0-9a-f]{24});Parent=[0-9a-f]{16};Sampled=0")


def root(segment: str) -> str:
    found = SEGMENT.fullmatch(segment)
    assert found
    return found[1]


def test_all_invocations_of_a_trace_have_one_root_and_parents_of_their_own() -> None:
    trace = Trace()
    first, second = trace.segment(), trace.segment()
    assert root(first) == root(second)
    assert first != second


def test_a_trace_that_nobody_asked_for_is_not_told() -> None:
    trace = Trace(f"Root={ROOT}")
    assert trace.header is None
    trace.segment()
    assert trace.header == f"Root={ROOT}"


@pytest.mark.parametrize("given", [f"Root={ROOT}", f"Self=1-a-b; root={ROOT};Parent=53995c3f42cd8ad8;Sampled=1"])
def test_a_client_may_bring_its_own(given: str) -> None:
    assert root(Trace(given).segment()) == ROOT


@pytest.mark.parametrize("given", ["", "Root=", "Root=1-2-3", f"Root={ROOT}0", "Parent=53995c3f42cd8ad8"])
def test_what_is_no_trace_is_not_taken_over(given: str) -> None:
    assert root(Trace(given).segment()) != ROOT


def test_without_a_request_each_invocation_has_a_trace_of_its_own() -> None:
    assert root(tracing.segment()) != root(tracing.segment())


def test_the_current_request_s_is_taken() -> None:
    token = tracing.CURRENT.set(Trace(f"Root={ROOT}"))
    assert root(tracing.segment()) == ROOT
    tracing.CURRENT.reset(token)
