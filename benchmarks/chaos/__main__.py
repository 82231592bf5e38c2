"""Claim: nothing is lost, doubled or reordered while everything breaks.

`.venv/bin/python -m benchmarks.chaos --seed N --seconds S`: an instance of its own; writers on 50 topics and 200
subscribers, in processes of their own; every fault of docs/faults.md, restarts and kill -9, as the seed's plan says. A
process that knows nothing of the project judges what was written against what each subscriber was told. Ends with its
status: 0 when there is nothing wrong, 1 when something is, 2 when it could not be carried out.
"""

from __future__ import annotations

import argparse
import json
import queue
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.chaos.plan import Step, plan
from benchmarks.chaos.processes import ChaosError, Child, await_word, flush, serving
from local.control_client import ControlClient, ControlError
from tests.stack.explaining import command
from tests.stack.instance import Instance

SUBSCRIBER_PROCESSES = 4
LIVE_SECONDS = 60.0
REDRIVE_SECONDS = 120.0
QUIET_SECONDS = 3.0


@dataclass(frozen=True)
class Options:
    """The command line."""

    seed: int
    seconds: float
    topics: int
    subscribers: int
    rate: float
    keep: bool


@dataclass
class Director:
    """Carries out the plan, and counts what struck."""

    instance: Instance
    skipped: list[str] = field(default_factory=list)
    struck: Counter[str] = field(default_factory=Counter)

    def run(self, steps: Sequence[Step], seconds: float, say: Callable[[str], None]) -> None:
        """All steps at their times, then the rest of the time. What a restart takes does not count."""
        began = time.monotonic()
        for step in steps:
            time.sleep(max(0.0, began + step.at - time.monotonic()))
            if step.kind == "poison":
                say(step.name)
            elif step.kind == "fault":
                self._try(step)
            else:
                stopped = time.monotonic()
                self._restart(step)
                began += time.monotonic() - stopped
                # A restart forgets all faults; what AppSync refuses, it refuses until the end.
                self._set(steps[0])
        time.sleep(max(0.0, began + seconds - time.monotonic()))
        self.count()

    def count(self) -> None:
        """Note how often the faults struck that are set now; whoever ends the instance or a fault asks before."""
        for fault in self._control.get("/faults")["faults"]:
            if fault["set"]:
                self.struck[fault["name"]] += fault["set"]["struck"]

    def clear(self) -> None:
        """End all faults."""
        self._control.delete("/faults")

    @property
    def _control(self) -> ControlClient:
        return ControlClient(self.instance.state)

    def _try(self, step: Step) -> None:
        try:
            self._set(step)
        except ControlError as error:
            self.skipped.append(f"{step}: {error}")

    def _restart(self, step: Step) -> None:
        self.count()
        if step.kind == "restart":
            self.instance.stop()
        else:
            self.instance.kill()
        self.struck[step.name] += 1
        self.instance.start()

    def _set(self, step: Step) -> None:
        for fault in self._control.get("/faults")["faults"]:
            if fault["name"] == step.name and fault["set"]:
                self.struck[step.name] += fault["set"]["struck"]
        self._control.post(f"/faults/{step.name}", step.options)


def run(options: Options) -> int:
    """One run; the status of the checker.

    Raises:
        ChaosError: it could not be carried out.
    """
    steps = plan(options.seed, options.seconds)
    print(f"seed {options.seed}, {options.seconds:g} s, {options.topics} topics, {options.subscribers} subscribers")
    for step in steps:
        print(f"  {step}")
    with ExitStack() as parts:
        home = Path(tempfile.mkdtemp(prefix="headwater-chaos-"))
        files = home / "files"
        files.mkdir()
        instance = parts.enter_context(serving(home / "state"))
        token = command(instance, "token", "--user", "chaos")
        (home / "token").write_text(token.stdout.strip(), "utf-8")
        director = Director(instance)
        writers, subscribers, news = _start(options, instance, files, parts)
        _wait_live(options.subscribers, files)
        director.run(steps, options.seconds, writers.say)
        print(f"{options.seconds:g} s are over; {len(director.skipped)} faults were not set, for want of an instance")
        director.clear()
        writers.say("over")
        await_word("over", news)
        flush("1", writers, news, options.subscribers)
        _redrive(instance)
        flush("2", writers, news, options.subscribers)
        time.sleep(QUIET_SECONDS)
        for child in (writers, *subscribers):
            child.say("end")
            child.end()
        for name, count in sorted(director.struck.items()):
            print(f"  {name:28} struck {count} times")
        verdict = subprocess.run([sys.executable, "-I", Path(__file__).with_name("checker.py"), files], check=False)
    if verdict.returncode == 0 and not options.keep:
        shutil.rmtree(home)
    else:
        print(f"the files are in {home}")
    return verdict.returncode


def _start(
    options: Options, instance: Instance, files: Path, parts: ExitStack
) -> tuple[Child, list[Child], queue.SimpleQueue[str]]:
    news: queue.SimpleQueue[str] = queue.SimpleQueue()
    log = files.parent / "children.log"
    shares = [
        range(options.subscribers)[number::SUBSCRIBER_PROCESSES]
        for number in range(min(SUBSCRIBER_PROCESSES, options.subscribers))
    ]
    first = 0
    subscribers = []
    for share in shares:
        child = Child(
            "benchmarks.chaos.subscribers", files, instance.state, options.seed, first, len(share), options.topics,
            log=log, news=news,
        )  # fmt: skip
        parts.callback(child.process.kill)
        subscribers.append(child)
        first += len(share)
    writers = Child(
        "benchmarks.chaos.writers", files, instance.state, options.seed, options.topics, options.rate,
        log=log, news=news,
    )  # fmt: skip
    parts.callback(writers.process.kill)
    return writers, subscribers, news


def _wait_live(count: int, files: Path) -> None:
    deadline = time.monotonic() + LIVE_SECONDS
    while time.monotonic() < deadline:
        live = sum('"event":"live"' in path.read_text("utf-8") for path in files.glob("callbacks-*.jsonl"))
        if live == count:
            return
        time.sleep(0.2)
    raise ChaosError(f"{live} of {count} subscribers were live after {LIVE_SECONDS:.0f} s")


def _redrive(instance: Instance) -> None:
    """Replay what is parked until nothing is, with the command that operators use."""
    deadline = time.monotonic() + REDRIVE_SECONDS
    parked = None
    while time.monotonic() < deadline:
        listed = command(instance, "redrive", "list", "--json")
        found: dict[str, Any] = json.loads(listed.stdout) if listed.returncode == 0 else {"items": [], "leftovers": 1}
        if parked is None:
            parked = len(found["items"])
            print(f"{parked} items are parked, {found['leftovers']} batches were given up")
        if not found["items"] and not found["leftovers"]:
            return
        command(instance, "redrive", "replay", "--all", "--json")
    print(f"still parked after {REDRIVE_SECONDS:.0f} s: {listed.stdout or listed.stderr}")


def main(arguments: Sequence[str]) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chaos", description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="of the plan; chance without")
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--topics", type=int, default=50)
    parser.add_argument("--subscribers", type=int, default=200)
    parser.add_argument("--rate", type=float, default=40.0, help="writes per second, of all topics together")
    parser.add_argument("--keep", action="store_true", help="keep the files of a faultless run")
    try:
        return run(Options(**vars(parser.parse_args(arguments))))
    except (ChaosError, AssertionError) as error:
        print(f"chaos: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
