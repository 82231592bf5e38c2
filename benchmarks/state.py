"""Claim: stop, crash and start hold their promises however large the state is. Messages in a table with a stream.

For each size: MiniStack is filled, written to under kill -9, started, stopped and started again. What was acknowledged
and is not there after the kill is lost.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.local.ministack.servers import Server, free_port, wait_until

SIZES = (10_000, 200_000)
TEXT = "What one says in a room of some people is about this long, and often enough longer than one would think. "
SAMPLES = 2_000
STOP_LIMIT_SECONDS = 5.0
LOST_LIMIT_SECONDS = 2.0


def message(number: int) -> dict[str, Any]:
    """An item as the chat stores one, about 500 bytes."""
    return {
        "pk": {"S": f"ROOM#lobby#2026-11-21T{number // 1000:05d}#0"},
        "sk": {"S": f"MESSAGE#{number:012d}"},
        "type": {"S": "Message"},
        "id": {"S": f"01JD{number:022d}"},
        "roomId": {"S": "lobby"},
        "author": {"S": f"user-{number % 50}"},
        "text": {"S": TEXT * 2},
        "sentAt": {"S": "2026-11-21T07:00:00.000Z"},
        "version": {"N": "1"},
        "traceId": {"S": f"1-67000000-{number:024x}"},
    }


@dataclass
class Result:
    """What one size costs; times in seconds, puts in milliseconds."""

    messages: int
    fill_seconds: float = 0.0
    put_p50_ms: float = 0.0
    put_p99_ms: float = 0.0
    put_max_ms: float = 0.0
    resident_mib: float = 0.0
    lost_writes: int = 0
    lost_seconds: float = 0.0
    start_after_kill: float = 0.0
    save_seconds: float = 0.0
    stop_seconds: float = 0.0
    start_seconds: float = 0.0
    disk_mib: float = 0.0


def fill(server: Server, count: int) -> None:
    """Create the table and write `count` messages."""
    table = server.client("dynamodb")
    table.create_table(
        TableName="messages",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )

    def write(start: int) -> None:
        requests = [{"PutRequest": {"Item": message(number)}} for number in range(start, min(start + 25, count))]
        table.batch_write_item(RequestItems={"messages": requests})

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(0, count, 25)))


def measure_puts(server: Server, result: Result) -> None:
    """Sequential puts, one after another, while whatever saves goes on."""
    table = server.client("dynamodb")
    times = []
    for number in range(SAMPLES):
        began = time.perf_counter()
        table.put_item(TableName="messages", Item=message(10_000_000 + number))
        times.append((time.perf_counter() - began) * 1000)
    result.put_p50_ms = statistics.median(times)
    result.put_p99_ms = sorted(times)[int(len(times) * 0.99)]
    result.put_max_ms = max(times)


def crash(server: Server, result: Result, seconds: float) -> None:
    """Write for a while, kill -9 in the middle, start, and count what is not there."""
    table = server.client("dynamodb")
    acknowledged: list[tuple[int, float]] = []

    def write() -> None:
        number = 20_000_000
        while True:
            try:
                table.put_item(TableName="messages", Item=message(number))
            except Exception:  # noqa: BLE001 - it was killed: that is the end of the writing
                return
            acknowledged.append((number, time.monotonic()))
            number += 1

    writer = threading.Thread(target=write)
    writer.start()
    time.sleep(seconds)
    killed = time.monotonic()
    server.kill()
    writer.join()
    began = time.monotonic()
    server.start()
    result.start_after_kill = time.monotonic() - began
    table = server.client("dynamodb")

    def there(number: int) -> bool:
        item = message(number)
        return "Item" in table.get_item(TableName="messages", Key={"pk": item["pk"], "sk": item["sk"]})

    lost = [at for number, at in acknowledged if not there(number)]
    result.lost_writes = len(lost)
    result.lost_seconds = killed - min(lost) if lost else 0.0


def saved(state: Path) -> int:
    """The number of the current save."""
    return int((state / "current").readlink().name)


def measure_save(server: Server, result: Result) -> None:
    """From a change to the end of the save that holds it. The first one only ends what was under way."""
    for name in ("first", "second"):
        before, began = saved(server.state), time.monotonic()
        server.client("sqs").create_queue(QueueName=name)
        wait_until(lambda last=before: saved(server.state) > last, "a save", 120)  # type: ignore[misc]
        result.save_seconds = time.monotonic() - began


def resident_mib(server: Server) -> float:
    """The memory of the process."""
    assert server.process is not None
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def measure(size: int) -> Result:
    """All figures of one size."""
    result = Result(size)
    with tempfile.TemporaryDirectory() as folder:
        server = Server(free_port(), Path(folder) / "state", mended=True)
        server.start()
        try:
            began = time.monotonic()
            fill(server, size)
            result.fill_seconds = time.monotonic() - began
            measure_puts(server, result)
            result.resident_mib = resident_mib(server)
            crash(server, result, 5.0)
            measure_save(server, result)
            server.client("dynamodb").put_item(TableName="messages", Item=message(30_000_000))
            began = time.monotonic()
            assert server.process is not None
            server.process.terminate()
            server.process.wait(120)
            result.stop_seconds = time.monotonic() - began
            result.disk_mib = sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file()) / 2**20
            began = time.monotonic()
            server.start()
            result.start_seconds = time.monotonic() - began
        finally:
            if server.process is not None and server.process.poll() is None:
                server.kill()
    return result


def main() -> int:
    """Print the table; the status says whether the claim held."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    results = [measure(size) for size in parser.parse_args().sizes]
    table = Table("", *(f"{result.messages:,}" for result in results), title="messages in a table with a stream")
    for column in fields(Result)[1:]:
        values = (getattr(result, column.name) for result in results)
        table.add_row(column.name, *(f"{value:,.2f}".removesuffix(".00") for value in values))
    Console().print(table)
    held = all(r.stop_seconds < STOP_LIMIT_SECONDS and r.lost_seconds <= LOST_LIMIT_SECONDS for r in results)
    return int(not held)


if __name__ == "__main__":
    raise SystemExit(main())
