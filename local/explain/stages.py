"""The way of a change, and its stages.

A stage's `verdict` is `ok`, `stopped` (and here it ended), `waiting` (it goes on by itself), or `unknown` (whoever knew
has forgotten).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Verdict = Literal["ok", "stopped", "waiting", "unknown"]
STAGES = ("write", "stream record", "mapping", "publisher", "change log", "publish", "subscriptions", "delivery")


@dataclass(frozen=True)
class Stage:
    """One step of a change's way. `details` are for programs and long answers."""

    name: str
    verdict: Verdict
    text: str
    at: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Way:
    """How far one change came. `number` is its record's in the stream, `seq` its own in the topic."""

    event_id: str
    number: int | None
    seq: int | None
    kind: str | None
    key: str | None
    trace_id: str | None
    at: str | None
    stages: tuple[Stage, ...]

    @property
    def names(self) -> set[str]:
        """By what a user may ask for it."""
        return {self.event_id, str(self.seq), str(self.key), str(self.trace_id)}

    @property
    def ended(self) -> Stage | None:
        """The stage where it ended or waits."""
        return next((stage for stage in self.stages if stage.verdict in {"stopped", "waiting"}), None)

    def to_json(self) -> dict[str, Any]:
        """The whole, for programs."""
        ended = self.ended
        return asdict(self) | {
            "ended": None if ended is None else {"stage": ended.name, "verdict": ended.verdict, "reason": ended.text}
        }
