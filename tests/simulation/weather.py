"""The faults of a schedule: which of them happen, and how often, is drawn from its seed.

Each schedule has some of the faults only, some rare and some frequent: all at once would hide what two of them do
together ("swarm testing").
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

FAULTS: dict[str, tuple[float, str]] = {
    # name: (the highest chance each time it could happen, what it is)
    "kill": (0.02, "the container ends at an I/O point"),
    "suspend": (0.02, "the container stands still at an I/O point, for seconds or minutes"),
    "skew": (0.5, "a container's clock is up to ten minutes off"),
    "clock back": (0.05, "a container's clock jumps, also back"),
    "slow": (0.05, "a call takes seconds"),
    "throttle": (0.2, "DynamoDB takes no request"),
    "table 500": (0.1, "DynamoDB answers 500, before or after the effect"),
    "table silence": (0.05, "DynamoDB does not answer in time; the request takes effect earlier, later or never"),
    "conflict": (0.1, "another transaction has one of the items"),
    "query lag": (0.5, "a query does not see a transaction yet that a GetItem saw"),
    "unprocessed": (0.2, "BatchGetItem leaves some keys unprocessed"),
    "storage 500": (0.1, "S3 or SQS answers 500, before or after the effect"),
    "storage silence": (0.05, "S3 or SQS does not answer; the request takes effect earlier, later or never"),
    "appsync 429": (0.3, "AppSync refuses a request for its rate"),
    "appsync 500": (0.2, "AppSync answers 500, before or after it published"),
    "appsync silence": (0.05, "AppSync does not answer; the publish happens earlier, later or never"),
    "appsync error": (0.1, "AppSync answers with a transient error, or that a right is missing"),
    "push dropped": (0.2, "a subscriber does not get a push"),
    "push doubled": (0.2, "a subscriber gets a push twice"),
    "push late": (0.2, "a push overtakes another"),
    "push broken": (0.05, "a subscriber gets a push without its data"),
    "deaf start": (0.3, "a subscription is acknowledged seconds before it is live"),
    "no ack": (0.1, "a subscription is not acknowledged"),
    "hang up": (0.02, "a connection ends"),
    "half-open": (0.02, "a connection is silent for ever, and says nothing"),
    "refused": (0.2, "a connection cannot be made"),
    "query 500": (0.2, "a catch-up query fails"),
    "query slow": (0.2, "a catch-up query takes seconds"),
    "leave": (0.1, "a client goes away and comes back, soon or a day later"),
    "impatient": (0.3, "a client gives up waiting for the next change, and asks again"),
    "crash": (0.1, "a program with a cursor store ends in the middle of a callback, and is started again"),
    "busy": (0.1, "a client's callback takes up to 30 seconds"),
    "blocked": (0.3, "a client cannot open WebSockets"),
    "old token": (0.5, "an application renews a token only when it has expired"),
    "network returns": (0.3, "a client notices that the network is back"),
    "operator replays": (1.0, "what is parked is replayed in the middle of it all"),
    "operator discards": (0.1, "a parked record is given up"),
    "redeliver": (0.15, "a batch that succeeded is delivered again"),
    "borders": (0.5, "a batch that failed is delivered with other borders"),
    "new container": (0.3, "an invocation gets a cold container"),
    "overlap": (0.1, "a batch is delivered again while its first invocation goes on"),
    "function time-out": (0.15, "an invocation has only little time"),
    "deployment": (0.5, "what was poison can be told from now on"),
}


# Of what clients do by themselves there is no more than this in a schedule, however many days it lasts.
RESTLESS = frozenset({"leave", "impatient", "crash", "busy", "refused", "no ack", "hang up", "half-open"})
MOST_RESTLESS = 25


@dataclass
class Weather:
    """The chance of each fault in one schedule. `storm` ends when the schedule's writes are over."""

    random: random.Random
    chances: dict[str, float]
    storm: bool = True
    struck: dict[str, int] = field(default_factory=dict)

    def strikes(self, fault: str) -> bool:
        """Whether a fault happens now."""
        chance = self.chances.get(fault)
        if chance is None or not self.storm or self.random.random() >= chance:
            return False
        if fault in RESTLESS and self.struck.get(fault, 0) >= MOST_RESTLESS:
            return False
        self.struck[fault] = self.struck.get(fault, 0) + 1
        return True


def draw(chance: random.Random) -> Weather:
    """The faults of a schedule: a random part of them, each with a random chance."""
    share = chance.choice([0.0, 0.15, 0.4, 0.7, 1.0])
    chances = {
        name: highest * chance.choice([0.1, 0.3, 1.0])
        for name, (highest, _) in FAULTS.items()
        if chance.random() < share
    }
    # No faults, but what all the trouble is for; each schedule has them.
    chances |= {"operator replays": chance.choice([0.3, 1.0]), "deployment": chance.choice([0.1, 0.5])}
    return Weather(chance, chances)
