"""Fuzzing runs on the data plane's own event loop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping

import pytest
import uvloop

from local import refusals


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """pytest-asyncio's hook."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(autouse=True)
def forgotten_refusals(caplog: pytest.LogCaptureFixture) -> None:
    """pytest would keep a record of each refusal, which counts as a leak, once another test has turned them on."""
    caplog.set_level(logging.CRITICAL, logger=refusals.NAME)
