"""Claim: whatever happens to the network, clients miss nothing, are told nothing twice, and never say `live` wrongly.

`.venv/bin/python -m benchmarks.cuts --seed N --seconds S`: an instance; a writer that reaches it directly; clients in
Python and in Node, each a process behind a port of its own, whose network is cut, stalls or falls silent for 0.1 to
400 s, which are suspended (SIGSTOP), whose tokens expire in mid-stream; a restart and a kill -9 of the server. Two
processes that know nothing of the project judge what was told (`benchmarks/chaos/checker.py`) and what was said of
it (`states.py`). Then a client that missed 1,000 changes: how long after the network's return it has them. Ends with 0
when nothing is wrong, 1 when something is, 2 when it could not be carried out.
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from benchmarks.chaos.processes import ChaosError, Child, await_word, flush, serving
from benchmarks.chaos.records import Records, now
from benchmarks.chaos.subscribers import topic
from benchmarks.cuts.plan import Trouble, plan
from tests.stack.instance import PROJECT, Instance
from tests.web.conftest import built

JUDGES = (PROJECT / "benchmarks/chaos/checker.py", Path(__file__).with_name("states.py"))
TOKEN_SECONDS = 40
MISSED = 1000
RETURN_SECONDS = 1.0
"""After the network's return, for the changes that were missed."""


@dataclass(frozen=True)
class Options:
    """The command line."""

    seed: int
    seconds: float
    python: int
    node: int
    rate: float
    keep: bool


@dataclass
class Clients:
    """The clients and the network before each."""

    children: list[Child]
    names: list[str]
    proxy: Child
    news: queue.SimpleQueue[str]
    troubles: Records
    _turns: defaultdict[int, threading.Lock] = field(default_factory=lambda: defaultdict(threading.Lock))

    def carry_out(self, trouble: Trouble) -> None:
        """One trouble of one client, to its end. Runs beside those of others, after an earlier one of its own."""
        assert trouble.client is not None
        with self._turns[trouble.client]:
            self._carry_out(trouble, trouble.client)

    def _carry_out(self, trouble: Trouble, number: int) -> None:
        begun = now()
        if trouble.kind == "stop":
            os.kill(self.children[number].process.pid, signal.SIGSTOP)
            time.sleep(trouble.seconds)
            os.kill(self.children[number].process.pid, signal.SIGCONT)
            ended = now()
        else:
            self.proxy.say(f"{number} {trouble.kind}")
            if trouble.kind == "dead":
                return  # new connections work
            time.sleep(trouble.seconds)
            ended = now()
            self.proxy.say(f"{number} open")
        self.troubles.write(subscriber=self.names[number], kind=trouble.kind, begun=begun, ended=ended)


def run(options: Options) -> int:
    """One run; 0 or 1. Raises ChaosError when it could not be carried out."""
    print(f"seed {options.seed}, {options.seconds:g} s, {options.python} clients in Python, {options.node} in Node")
    troubles = plan(options.seed, options.seconds, options.python + options.node)
    for trouble in troubles:
        print(f"  {trouble}")
    with ExitStack() as parts:
        home = Path(tempfile.mkdtemp(prefix="headwater-cuts-"))
        files = home / "files"
        files.mkdir()
        package = built(home / "web") if options.node else None
        instance = parts.enter_context(serving(home / "state"))
        clients, writers = _start(options, instance, files, package, parts)
        _await_live(clients, files)
        _trouble(troubles, options.seconds, clients, instance)
        writers.say("over")
        await_word("over", clients.news)
        for number in range(len(clients.names)):
            clients.proxy.say(f"{number} open")
        flush("1", writers, clients.news, len(clients.names), clients.children)
        for child in (writers, *clients.children):
            child.end()
        clean = [subprocess.run([sys.executable, "-I", judge, files], check=False).returncode == 0 for judge in JUDGES]
        kinds = [kind for kind, count in (("python", options.python), ("node", options.node)) if count]
        returned = [_return(kind, instance, home, package, parts) for kind in kinds]
    if all(clean) and not options.keep:
        shutil.rmtree(home)
    else:
        print(f"the files are in {home}")
    return 0 if all(clean) and all(returned) else 1


def _start(
    options: Options, instance: Instance, files: Path, package: Path | None, parts: ExitStack
) -> tuple[Clients, Child]:
    news: queue.SimpleQueue[str] = queue.SimpleQueue()
    log = files.parent / "children.log"
    count = options.python + options.node
    proxy, ports = _proxy(instance, count, log, parts)
    names, children = [], []
    for number in range(count):
        kind = "python" if number < options.python else "node"
        names.append(f"{kind}-{number}")
        # Every third is a signed-in user whose tokens expire all the time.
        life = TOKEN_SECONDS if number % 3 == 2 else None
        children.append(
            _client(kind, names[-1], topic(number), ports[number], life, instance, files, package, log, news)
        )
        parts.callback(children[-1].process.kill)
    writers = Child(
        "benchmarks.chaos.writers", files, instance.state, options.seed, count, options.rate, log=log, news=news
    )
    parts.callback(writers.process.kill)
    troubles = parts.enter_context(Records(files / "troubles.jsonl"))
    return Clients(children, names, proxy, news, troubles), writers


def _proxy(instance: Instance, count: int, log: Path, parts: ExitStack) -> tuple[Child, list[int]]:
    answers: queue.SimpleQueue[str] = queue.SimpleQueue()
    proxy = Child("benchmarks.cuts.proxy", instance.state, count, log=log, news=answers)
    parts.callback(proxy.process.kill)
    ports: list[int] = json.loads(answers.get(timeout=30))
    return proxy, ports


def _client(
    kind: str, name: str, room: str, port: int, life: int | None, instance: Instance, files: Path,
    package: Path | None, log: Path, news: queue.SimpleQueue[str],
) -> Child:  # fmt: skip
    what = [files, instance.state, name, f"room:{room}", f"http://127.0.0.1:{port}/graphql"]
    lives = [] if life is None else [life]
    if kind == "python":
        return Child("benchmarks.cuts.subscriber", *what, *lives, log=log, news=news)
    script = Path(__file__).with_name("subscriber.mjs")
    command = [shutil.which("node") or "node", script, package, *what, sys.executable, *lives]
    return Child(None, *command, log=log, news=news)


def _await_live(clients: Clients, files: Path, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        paths = [files / f"callbacks-{name}.jsonl" for name in clients.names]
        if all(path.exists() and '"event":"live"' in path.read_text("utf-8") for path in paths):
            return
        time.sleep(0.2)
    raise ChaosError(f"not all clients were live after {seconds:.0f} s")


def _trouble(troubles: Sequence[Trouble], seconds: float, clients: Clients, instance: Instance) -> None:
    """All troubles at their times; those of the clients beside each other, those of the server in between."""
    began = time.monotonic()
    threads = []
    for trouble in troubles:
        time.sleep(max(0.0, began + trouble.at - time.monotonic()))
        if trouble.client is None:
            (instance.stop if trouble.kind == "restart" else instance.kill)()
            instance.start()
            continue
        threads.append(threading.Thread(target=clients.carry_out, args=(trouble,)))
        threads[-1].start()
    time.sleep(max(0.0, began + seconds - time.monotonic()))
    for thread in threads:
        thread.join()


def _return(kind: str, instance: Instance, home: Path, package: Path | None, parts: ExitStack) -> bool:
    """How long a client needs for 1,000 changes that it missed. In processes and a room of its own."""
    files = home / f"return-{kind}"
    files.mkdir()
    log = home / "children.log"
    news: queue.SimpleQueue[str] = queue.SimpleQueue()
    room = f"returned-{kind}"
    proxy, [port] = _proxy(instance, 1, log, parts)
    client = _client(kind, kind, room, port, None, instance, files, package, log, news)
    parts.callback(client.process.kill)
    _await_live(Clients([client], [kind], proxy, news, Records(files / "troubles.jsonl")), files)
    proxy.say("0 cut")
    for first in range(0, MISSED, 50):
        texts = ", ".join(f'{{text: "missed {number}"}}' for number in range(first, first + 50))
        answer = instance.graphql(
            f'mutation {{ sendMessages(input: {{roomId: "{room}", messages: [{texts}]}}) {{ messages {{ id }} }} }}'
        )
        if "errors" in answer:
            raise ChaosError(f"cannot write: {answer['errors']}")
    _await_head(instance, room)
    time.sleep(5.0)  # so that it waits between two attempts
    opened = now()
    proxy.say("0 open")
    callbacks = _callbacks(files / f"callbacks-{kind}.jsonl", MISSED)
    client.end()
    begun, done = (float(each["at"] - opened) / 1e9 for each in (callbacks[0], callbacks[-1]))
    print(f"{kind}: {MISSED} missed changes, the first {begun:.2f} s and the last {done:.2f} s after the return")
    return done <= RETURN_SECONDS


def _await_head(instance: Instance, room: str, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    head = 0
    while time.monotonic() < deadline:
        answer = instance.graphql(f'{{ messageChanges(roomId: "{room}", after: 0, limit: 1) {{ headSeq }} }}')
        head = answer["data"]["messageChanges"]["headSeq"]
        if head == MISSED:
            return
        time.sleep(0.1)
    raise ChaosError(f"the log of {room} has {head} changes after {seconds:.0f} s")


def _callbacks(path: Path, count: int, seconds: float = 60.0) -> list[dict[str, Any]]:
    deadline = time.monotonic() + seconds
    found: list[dict[str, Any]] = []
    while time.monotonic() < deadline:
        lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        found = [line for line in lines if line["event"] == "callback"]
        if len(found) >= count:
            return found
        time.sleep(0.1)
    raise ChaosError(f"{path.name}: {len(found)} of {count} callbacks after {seconds:.0f} s")


def main(arguments: Sequence[str]) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cuts", description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="of the plan; chance without")
    parser.add_argument("--seconds", type=float, default=120.0, help="800 for cuts of up to 400 s")
    parser.add_argument("--python", type=int, default=6, help="clients in Python")
    parser.add_argument("--node", type=int, default=6, help="clients in Node")
    parser.add_argument("--rate", type=float, default=20.0, help="writes per second, of all topics together")
    parser.add_argument("--keep", action="store_true", help="keep the files of a faultless run")
    try:
        return run(Options(**vars(parser.parse_args(arguments))))
    except (ChaosError, AssertionError, pytest.skip.Exception) as error:
        print(f"cuts: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
