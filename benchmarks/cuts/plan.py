"""What happens to network, clients and server in a run, drawn from its seed: the same seed, the same plan."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["cut", "stall", "dead", "stop", "restart", "kill"]

LENGTHS = (0.1, 0.3, 1.0, 3.0, 8.0, 20.0, 45.0, 100.0, 200.0, 400.0)
"""Of cuts, stalls and stopped processes, in seconds."""

KINDS: Sequence[Kind] = ("cut", "cut", "stall", "dead", "stop")

CALM_SECONDS = (0.5, 6.0)
"""Between two troubles of one client."""


@dataclass(frozen=True)
class Trouble:
    """What happens `at` seconds after the beginning to one client, or to the server (`client` None).

    Attributes:
        at: seconds.
        kind: `cut`, `stall` and `dead` as proxy.py has them; `stop`: the client's process is suspended; `restart` and
            `kill`: the server is stopped or killed, and started again.
        client: its number.
        seconds: how long.
    """

    at: float
    kind: Kind
    client: int | None
    seconds: float

    def __str__(self) -> str:
        who = "the server" if self.client is None else f"client {self.client}"
        return f"{self.at:7.1f} s  {self.kind} {who}" + (f" for {self.seconds:g} s" if self.seconds else "")


def plan(seed: int, seconds: float, clients: int) -> Sequence[Trouble]:
    """The troubles of a seed, in their order. Each client has the longest length that fits once, and any others."""
    troubles = [Trouble(0.4 * seconds, "restart", None, 0.0), Trouble(0.75 * seconds, "kill", None, 0.0)]
    fitting = [length for length in LENGTHS if length <= 0.5 * seconds]
    for client in range(clients):
        chance = random.Random(f"{seed}-{client}")
        longest = chance.uniform(0.1, 0.3) * seconds
        at = chance.uniform(1.0, 5.0)
        told = False
        while at < seconds:
            length = chance.choice(fitting)
            if not told and at >= longest:
                told, length = True, fitting[-1]
            kind = chance.choice(KINDS)
            length = min(length, 0.95 * seconds - at)
            if length <= 0:
                break
            troubles.append(Trouble(round(at, 1), kind, client, 0.0 if kind == "dead" else round(length, 2)))
            at += (0.0 if kind == "dead" else length) + chance.uniform(*CALM_SECONDS)
    return sorted(troubles, key=lambda trouble: trouble.at)
