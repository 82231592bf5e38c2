"""The fault kill-worker: where in an invocation the process ends, and what had happened by then."""

from __future__ import annotations

import http.server
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from local.faults import Faults
from tests.local.functions.conftest import Deployed

CODE = """
import time, urllib.request
def handler(event, context):
    for number in range(event["calls"]):
        urllib.request.urlopen(f"{event['url']}/{number}").read()
    time.sleep(event.get("seconds", 0))
    return "done"
"""
EXIT = "Runtime exited with error: signal: killed"


class Killed(Deployed):
    """With faults."""

    def __init__(self, root: Path) -> None:
        self.faults = Faults()
        super().__init__(root, faults=self.faults)

    @property
    def told(self) -> Any:
        return next(fault["set"] for fault in self.faults.listed() if fault["name"] == "kill-worker")


@pytest.fixture
async def killed(tmp_path: Path) -> AsyncIterator[Killed]:
    killed = Killed(tmp_path)
    killed.deploy(CODE)
    await killed.functions.start()
    yield killed
    await killed.functions.stop()


@pytest.fixture
def called() -> Iterator[list[str]]:
    """The paths of the calls that a server got; its URL is the first."""
    calls: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            calls.append(self.path)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    calls.append(f"http://127.0.0.1:{server.server_address[1]}")
    yield calls
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("options", "calls"),
    [
        ({"at": "start"}, []),
        ({"at": "call", "call": 2}, ["/0"]),
        ({"at": "answer", "call": 2}, ["/0", "/1"]),
        ({"at": "end"}, ["/0", "/1", "/2"]),
    ],
)
async def test_it_ends_where_it_was_told(
    killed: Killed, called: list[str], options: dict[str, object], calls: list[str]
) -> None:
    url = called[0]
    killed.faults.set("kill-worker", count=1, function="greet", **options)
    error = await killed.error({"url": url, "calls": 3})
    assert error["errorType"] == "Runtime.ExitError"
    assert error["errorMessage"].endswith(EXIT)
    assert called[1:] == calls
    assert killed.told["struck"] == killed.told["outcomes"] == 1
    assert await killed.call({"url": url, "calls": 1}) == "done"


async def test_it_ends_after_a_time(killed: Killed, called: list[str]) -> None:
    killed.faults.set("kill-worker", count=1, at="time", milliseconds=300)
    error = await killed.error({"url": called[0], "calls": 1, "seconds": 30})
    assert error["errorMessage"].endswith(EXIT)
    assert called[1:] == ["/0"]


async def test_an_invocation_that_ended_before_does_not_count(killed: Killed, called: list[str]) -> None:
    killed.faults.set("kill-worker", count=1, at="call", call=3)
    for _ in range(2):
        assert await killed.call({"url": called[0], "calls": 2}) == "done"
    assert killed.told["struck"] == killed.told["outcomes"] == 0
    await killed.error({"url": called[0], "calls": 3})
    assert killed.told["struck"] == 1
    killed.faults.set("kill-worker", count=1, at="time", milliseconds=30_000)
    assert await killed.call({"url": called[0], "calls": 0}) == "done"
    assert killed.told["struck"] == 0


async def test_other_functions_and_later_invocations_are_spared(killed: Killed, called: list[str]) -> None:
    killed.deploy(CODE, name="other")
    killed.faults.set("kill-worker", at="call", function="greet")
    assert await killed.call({"url": called[0], "calls": 1}, name="other") == "done"
    assert await killed.call({"url": called[0], "calls": 0}) == "done"
    killed.faults.clear()
    assert await killed.call({"url": called[0], "calls": 2}) == "done"  # the same worker
