"""Claim: running a function costs under a millisecond warm and under 50 ms cold, errors included. No cloud, no network.

`.venv/bin/python -m benchmarks.invoke`: milliseconds from `Functions.invoke` to its return, on uvloop.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import uvloop
from rich.console import Console
from rich.table import Table

from local.functions import FunctionConfiguration, FunctionReference, Functions

CODE = """
import os
def trivial(event, context): return event
def prints(event, context): print("a line")
def fails(event, context): raise ValueError("no")
def exits(event, context): os._exit(1)
"""
SDK = """
import boto3
client = boto3.client("dynamodb", region_name="us-east-1")
def handler(event, context): return client.meta.region_name
"""
WARM, COLD, CONCURRENT = 2000, 20, 8


class Folder:
    """Functions named by their handlers, in one folder of code."""

    def __init__(self, code: Path) -> None:
        self._code = code

    async def read(self, reference: FunctionReference) -> FunctionConfiguration:
        """See `local.functions.Configurations`."""
        module = "sdk" if reference.name.startswith("handler") else "index"
        handler = reference.name.partition("-")[0]
        arn = f"arn:aws:lambda:us-east-1:000000000000:function:{reference.name}"
        return FunctionConfiguration(
            name=reference.name, arn=arn, handler=f"{module}.{handler}", code=self._code, timeout_seconds=30
        )


async def timed(times: int, run: Callable[[int], Awaitable[object]]) -> list[float]:
    """Milliseconds of each run, sorted."""
    taken = []
    for number in range(times):
        began = time.perf_counter()
        await run(number)
        taken.append((time.perf_counter() - began) * 1000)
    return sorted(taken)


async def main() -> None:
    """Measure and print."""
    table = Table("invocation", "p50 ms", "p99 ms", "max ms", title="Functions.invoke")

    def row(name: str, taken: list[float]) -> None:
        points = (taken[len(taken) // 2], taken[len(taken) * 99 // 100], taken[-1])
        table.add_row(name, *(f"{value:.2f}" for value in points))

    with tempfile.TemporaryDirectory() as folder:
        code = Path(folder) / "code"
        code.mkdir()
        (code / "index.py").write_text(CODE)
        (code / "sdk.py").write_text(SDK)
        functions = Functions(cloud=None, state=Path(folder) / "state", configurations=Folder(code), concurrency=64)
        await functions.start()
        try:
            await functions.invoke("trivial", b"{}")
            await functions.invoke("handler", b"{}")
            row("cold, trivial", await timed(COLD, lambda number: functions.invoke(f"trivial-{number}", b"{}")))
            row("cold, with a DynamoDB client", await timed(COLD, lambda n: functions.invoke(f"handler-{n}", b"{}")))
            row("warm, trivial", await timed(WARM, lambda _: functions.invoke("trivial", b'{"a": 1}')))
            event = b'"' + b"x" * 100_000 + b'"'
            row("warm, 100 kB in and out", await timed(WARM // 4, lambda _: functions.invoke("trivial", event)))
            row("warm, one line printed", await timed(WARM, lambda _: functions.invoke("prints", b"{}")))
            row("warm, raises", await timed(WARM, lambda _: functions.invoke("fails", b"{}")))
            row("the process ends", await timed(COLD, lambda _: functions.invoke("exits", b"{}")))
            began = time.perf_counter()
            await asyncio.gather(*(_repeat(functions) for _ in range(CONCURRENT)))
            rate = CONCURRENT * WARM / (time.perf_counter() - began)
        finally:
            await functions.stop()
    console = Console()
    console.print(table)
    console.print(f"{CONCURRENT} at once: {rate:.0f} invocations per second")


async def _repeat(functions: Functions) -> None:
    for _ in range(WARM):
        await functions.invoke("trivial", b"{}")


if __name__ == "__main__":
    uvloop.run(main())
