"""JavaScript engines from PyPI on the work of one resolver handler: the measurement behind
docs/decisions/javascript-engine.md.

    python -m benchmarks.javascript_engines [--rounds 3] [--calls 3000]

`quickjs` and `quickjs-ng` install the same modules, so each candidate is installed into a throwaway folder of its own
(uv, from PyPI) and measured in a process of its own. A call takes a context of about 1 kB as JSON text, reads two of
its members and answers a request object as JSON text: what a handler does. `headwater` is this project's own engine
with its built-in modules, on the same handler and context, of which only what the handler reads crosses.
Memory and threads are read from /proc, so they are 0 on other systems than Linux.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Column, Table

CANDIDATES = ("quickjs", "quickjs-ng", "mini-racer")
ROOT = Path(__file__).resolve().parent.parent

# Runs in the candidate's process, which need not be able to import this project. Arguments: the candidate, the calls.
CHILD = r"""
import json, os, sys, time
candidate, calls = sys.argv[1], int(sys.argv[2])
MODULE = '''
const run = (text) => {
  const ctx = JSON.parse(text);
  const { roomId, limit } = ctx.arguments;
  return JSON.stringify({ operation: 'Query', query: { expression: 'pk = :pk', expressionValues: {
    ':pk': { S: 'room#' + roomId } } }, limit: limit, scanIndexForward: false });
};
'''
HANDLER = '''
import { util } from '@aws-appsync/utils';
export function request(ctx) {
  const { roomId, limit } = ctx.args;
  return { operation: 'Query', query: { expression: 'pk = :pk', expressionValues: {
    ':pk': util.dynamodb.toDynamoDB('room#' + roomId) } }, limit, scanIndexForward: false };
}
'''
context = {
    "arguments": {"roomId": "lobby", "limit": 50},
    "identity": {"sub": "u", "claims": {f"c{n}": "x" * 24 for n in range(20)}},
    "source": None, "stash": {}, "prev": None, "request": {"headers": {f"h{n}": "y" * 24 for n in range(8)}},
    "info": {"fieldName": "messages", "parentTypeName": "Query", "variables": {}}, "env": {},
}

def resident_kib():
    try:
        return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1024
    except OSError:
        return 0

before = resident_kib()
started = time.perf_counter()
if candidate == "headwater":
    from local.appsync.javascript import JavaScript
    imported = time.perf_counter()
    javascript = JavaScript()
    code = javascript.compile(HANDLER, "Query.messages.js")
    call = lambda: code.run("request", context).value
    realms = lambda: JavaScript()
elif candidate == "mini-racer":
    from py_mini_racer import MiniRacer
    imported = time.perf_counter()
    engine = MiniRacer()
    engine.eval(MODULE)
    call = lambda: json.loads(engine.call("run", json.dumps(context)))
    realms = lambda: MiniRacer()
else:
    import quickjs
    imported = time.perf_counter()
    engine = quickjs.Context()
    engine.eval(MODULE)
    run = engine.eval("run")
    call = lambda: json.loads(run(json.dumps(context)))
    realms = lambda: quickjs.Context()
first = call()
ready = time.perf_counter()
after = resident_kib()
threads = len(os.listdir("/proc/self/task")) if os.path.isdir("/proc/self/task") else 0
assert first["query"]["expressionValues"][":pk"]["S"] == "room#lobby", first

times = []
for _ in range(calls):
    begin = time.perf_counter()
    call()
    times.append(time.perf_counter() - begin)
times.sort()

after_calls = resident_kib()
begin = time.perf_counter()
held = [realms() for _ in range(20)]
realm_ms = (time.perf_counter() - begin) * 1000 / 20
realm_kib = (resident_kib() - after_calls) / 20

print(json.dumps({
    "bytes": len(json.dumps(context)),
    "import_ms": (imported - started) * 1000, "ready_ms": (ready - imported) * 1000,
    "p50_us": times[len(times) // 2] * 1e6, "p99_us": times[len(times) * 99 // 100] * 1e6,
    "mib": (after - before) / 1024, "realm_ms": realm_ms, "realm_kib": realm_kib, "threads": threads,
}))
sys.stdout.flush()
os._exit(0)
"""


def install(candidate: str, folder: Path) -> Path:
    """A folder to put on PYTHONPATH with the candidate in it."""
    target = folder / candidate
    uv = Path(sys.executable).with_name("uv")
    command = [str(uv), "pip", "install", "--quiet", "--python", sys.executable, "--target", str(target), candidate]
    subprocess.run(command, check=True)
    return target


def measure(candidate: str, path: Path, calls: int) -> dict[str, Any]:
    """One round in a fresh process."""
    environment = {**os.environ, "PYTHONPATH": str(path)}
    command = [sys.executable, "-c", CHILD, candidate, str(calls)]
    answer = subprocess.run(command, check=True, capture_output=True, env=environment, cwd=path)
    measured: dict[str, Any] = json.loads(answer.stdout)
    return measured


def main() -> None:
    """Prints the table; medians over the rounds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--calls", type=int, default=3000)
    options = parser.parse_args()
    columns = {
        "import\nms": "import_ms",
        "ready\nms": "ready_ms",
        "call p50\nus": "p50_us",
        "call p99\nus": "p99_us",
        "memory\nMiB": "mib",
        "threads": "threads",
        "one more\nrealm ms": "realm_ms",
        "one more\nrealm KiB": "realm_kib",
    }
    title = f"Python {sys.version.split()[0]}, {options.rounds} rounds, {options.calls} calls"
    table = Table("engine", *(Column(name, justify="right", no_wrap=True) for name in columns), title=title)
    with tempfile.TemporaryDirectory() as folder:
        paths = {candidate: install(candidate, Path(folder)) for candidate in CANDIDATES}
        paths["headwater"] = ROOT
        for candidate, path in paths.items():
            rounds = [measure(candidate, path, options.calls) for _ in range(options.rounds)]
            medians = [statistics.median(one[key] for one in rounds) for key in columns.values()]
            table.add_row(candidate, *(f"{value:,.1f}" if value < 100 else f"{value:,.0f}" for value in medians))
        table.caption = f"context: {rounds[0]['bytes']:,} bytes as JSON"
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
