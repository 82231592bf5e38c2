"""The faults and restarts of a run, drawn from its seed: the same seed, the same plan."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

Options = dict[str, str | int | float]
Kind = Literal["fault", "poison", "restart", "kill instance"]

POISON = "POISON"
"""What AppSync refuses in a text, until all is over."""

EVERY_SECONDS = 1.5
LONGEST_FAULT_SECONDS = 8.0

_PUBLISHER, _RESOLVER = "PublishFunction", "ChatFunction"

# Draws the options of a fault. `kill-ministack` comes at fixed times, like the restarts.
_FAULTS: dict[str, Callable[[random.Random], Options]] = {
    "drop-after-start-ack": lambda chance: {"seconds": chance.choice([0.5, 2.0])},
    "drop-push": lambda chance: {"probability": chance.choice([0.05, 0.3, 1.0])},
    "duplicate-push": lambda chance: {"probability": chance.choice([0.1, 0.5])},
    "half-open": lambda chance: {"count": chance.randint(1, 5), "probability": 0.05},
    "slow-socket": lambda chance: {"probability": 0.1, "bytes_per_second": chance.choice([2000, 20_000])},
    "appsync-429": lambda chance: {"probability": chance.choice([0.1, 0.5])},
    "appsync-5xx": lambda chance: {
        "probability": chance.choice([0.1, 0.3]),
        "when": chance.choice(["before", "after"]),
        "status": chance.choice([500, 502, 503, 504]),
    },
    "expired-token": lambda chance: {"at": chance.choice(["connect", "operation"])},
    "stand-in": lambda chance: {"status": chance.choice([429, 503])},
    "slow-resolver": lambda chance: {"field": "Query.messageChanges", "seconds": chance.choice([0.5, 3.0])},
    "duplicate-batch": lambda chance: {
        "function": _PUBLISHER,
        "when": chance.choice(["before", "beside"]),
        "probability": 0.5,
    },
    "reorder-keys": lambda chance: {"function": _PUBLISHER, "probability": chance.choice([0.5, 1.0])},
    "kill-worker": lambda chance: {
        "function": chance.choice([_PUBLISHER, _PUBLISHER, _RESOLVER]),
        "at": chance.choice(["start", "call", "answer", "end", "time"]),
        "call": chance.randint(1, 4),
        "milliseconds": chance.choice([5.0, 50.0]),
        "probability": 0.3,
    },
}

FAULTS: Sequence[str] = (*_FAULTS, "kill-ministack", "refuse-publish")


@dataclass(frozen=True)
class Step:
    """What happens `at` seconds after the beginning."""

    at: float
    kind: Kind
    name: str
    options: Options

    def __str__(self) -> str:
        options = " ".join(f"{name}={value}" for name, value in self.options.items())
        return f"{self.at:6.1f} s  {self.name} {options}".rstrip()


def plan(seed: int, seconds: float) -> Sequence[Step]:
    """The steps of a seed, in their order.

    What is parked lies in the local cloud's bucket, whose last two seconds a kill -9 may undo (its tables lose
    nothing). Hence poison is not written shortly before one.
    """
    chance = random.Random(seed)
    steps = [Step(0.0, "fault", "refuse-publish", {"containing": POISON})]
    at = 2.0
    while at < seconds - LONGEST_FAULT_SECONDS:
        name = chance.choice(list(_FAULTS))
        options = _FAULTS[name](chance)
        options |= {"duration": round(chance.uniform(1.0, LONGEST_FAULT_SECONDS), 1), "seed": chance.randint(0, 10**6)}
        steps.append(Step(round(at, 1), "fault", name, options))
        at += chance.uniform(0.2, 2 * EVERY_SECONDS)
    steps += [
        Step(0.25 * seconds, "fault", "kill-ministack", {}),
        Step(0.40 * seconds, "restart", "SIGTERM to the instance", {}),
        Step(0.60 * seconds, "kill instance", "kill -9 of the instance", {}),
        Step(0.80 * seconds, "fault", "kill-ministack", {}),
    ]
    for begin, end in ((0.02, 0.10), (0.42, 0.45), (0.85, 0.95)):
        steps += [Step(begin * seconds, "poison", "poison on", {}), Step(end * seconds, "poison", "poison off", {})]
    return sorted(steps, key=lambda step: step.at)
