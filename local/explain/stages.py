"""From the facts to the stages of each change, and where it ended.

A stage's `verdict` is `ok`, `stopped` (and here it ended), `waiting` (it goes on by itself), or `unknown` (whoever knew
has forgotten). A later stage than the one where it ended is left out.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from local.explain.facts import Facts, StreamRecord

Verdict = Literal["ok", "stopped", "waiting", "unknown"]
STAGES = ("write", "stream record", "mapping", "publisher", "change log", "publish", "subscriptions", "delivery")
REDRIVE = "python -m local redrive"


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
    """How far one change came. `ended` names the stage where it ended or waits; None when it was delivered."""

    event_id: str
    seq: int | None
    kind: str | None
    key: str | None
    trace_id: str | None
    at: str | None
    stages: tuple[Stage, ...]

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


def ways(facts: Facts) -> list[Way]:
    """The ways of the topic's last changes, the newest first."""
    changes = {each["eventId"]: each for each in (facts.publisher or {}).get("changes", [])}
    records = {each.event_id: each for each in facts.records if _concerns(facts, each)}
    first = min((each["at"] for each in changes.values()), default=None)
    whole = first is None or (facts.publisher or {}).get("headSeq") == len(changes)
    found = []
    for event_id in dict.fromkeys([*changes, *records]):
        record, change = records.get(event_id), changes.get(event_id)
        # A record that the publisher is done with, from before the changes that it told of, is one of those before.
        gone = record is not None and record.passed and facts.routed[event_id]["outcome"] not in {"PARKED", "POISON"}
        if change is None and record is not None and gone and not whole and first and record.created < first:
            continue
        found.append(_Tracer(facts, event_id, record, change).way())
    found.sort(key=lambda way: (way.at or "", way.seq or 0), reverse=True)
    return found[: facts.limit]


def _concerns(facts: Facts, record: StreamRecord) -> bool:
    routed = facts.routed.get(record.event_id)
    return routed is not None and facts.topic in routed["topics"]


class _Tracer:
    """Follows one change."""

    def __init__(
        self, facts: Facts, event_id: str, record: StreamRecord | None, change: Mapping[str, Any] | None
    ) -> None:
        self._facts = facts
        self._event_id = event_id
        self._record = record
        self._change = change
        self._routed = facts.routed.get(event_id, {})
        self._invocation = facts.invocations["records"].get(event_id)
        self._publishes = [each for each in facts.plane.get("publishes", []) if event_id in each["eventIds"]]

    def way(self) -> Way:
        """All stages up to the one where it ended."""
        stages: list[Stage] = []
        for stage in self._stages():
            stages.append(stage)
            if stage.verdict in {"stopped", "waiting"}:
                break
        record, change = self._record, self._change or {}
        return Way(
            event_id=self._event_id,
            seq=change.get("seq"),
            kind=change.get("kind") or (str(record.event["eventName"]) if record else None),
            key=change.get("key") or self._routed.get("key"),
            trace_id=change.get("traceId"),
            at=record.created if record else change.get("at"),
            stages=tuple(stages),
        )

    def _stages(self) -> Iterator[Stage]:
        yield self._write()
        yield self._stream()
        yield self._mapping()
        yield self._publisher()
        yield self._log()
        yield self._publish()
        yield self._subscriptions()
        yield from self._delivery()

    def _write(self) -> Stage:
        record = self._record
        if record is None:
            return Stage("write", "unknown", "its stream record is gone, and with it who wrote", self._change_at())
        image = record.event["dynamodb"].get("NewImage") or {}
        now = record.item
        if now is None:
            state = "the table has no such item now"
        elif record.event["eventName"] == "REMOVE":
            state = "the item is there again"
        else:
            state = "the item is still as written" if now == image else "the item has been changed since"
        keys = " ".join(str(next(iter(value.values()))) for value in record.keys.values())
        return Stage(
            "write",
            "ok",
            f"{record.event['eventName']} of {keys} by {_who(record)}; {state}",
            record.created,
            {"item": now},
        )

    def _stream(self) -> Stage:
        record = self._record
        if record is None:
            oldest = self._facts.oldest
            return Stage("stream record", "unknown", f"{self._event_id}: the oldest one read is of {oldest or 'none'}")
        number = record.event["dynamodb"]["SequenceNumber"]
        text = f"{record.event_id}, number {number}"
        return Stage("stream record", "ok", text, record.created, {"record": record.event})

    def _mapping(self) -> Stage:
        mapping, record = self._facts.mapping, self._record
        details = {"uuid": mapping.uuid, "state": mapping.state, "lastResult": mapping.last_result}
        if self._change is not None or record is None:
            return Stage("mapping", "ok", "it passed", details=details)
        if not record.matches:
            patterns = " or ".join(mapping.patterns)
            text = f"the filters of {mapping.uuid} leave it out: {patterns}"
            return Stage("mapping", "stopped", text, details=details | {"patterns": mapping.patterns})
        if record.passed:
            return Stage("mapping", "ok", "it is done with it", details=details)
        if not mapping.enabled:
            reason = f" ({mapping.reason})" if mapping.reason else ""
            text = f"{mapping.uuid} is {mapping.state}{reason}: it delivers nothing until it is enabled"
            return Stage("mapping", "stopped", text, details=details)
        if self._invocation is None:
            before = sum(1 for each in self._facts.records if not each.passed and _earlier(each, record))
            last = self._facts.invocations["lastFailure"]
            because = f"; the last invocation failed: {_failure(last)}" if last is not None else ""
            return Stage("mapping", "waiting", f"{before} records wait before it{because}", details=details)
        return Stage("mapping", "ok", "it delivers it", details=details)

    def _publisher(self) -> Stage:
        attempt = self._invocation
        if self._facts.publisher is None and attempt is None:
            return Stage("publisher", "stopped", f"it cannot be asked: {self._facts.publisher_error}")
        if attempt is None:
            return Stage("publisher", "unknown", "it was invoked before this instance started")
        tries = f", attempt {attempt['attempts']}" if attempt["attempts"] > 1 else ""
        text = f"request {attempt['requestId']}, record {attempt['position'] + 1} of {attempt['records']}{tries}"
        done = self._change is not None or self._routed.get("outcome") == "PARKED"
        if attempt["outcome"] == "OK" or (done and self._publishes):
            return Stage("publisher", "ok", text, attempt["startedAt"], attempt)
        refusal = self._refusal()
        if attempt["outcome"] == "RUNNING":
            because = f"; AppSync answers {refusal}" if refusal else ""
            verdict: Verdict = "ok" if self._change is not None else "waiting"
            return Stage("publisher", verdict, f"{text}: it is at it{because}", attempt["startedAt"], attempt)
        if self._change is not None:  # it came as far as the log
            return Stage("publisher", "ok", f"{text}: {_failure(attempt)}", attempt["endedAt"], attempt)
        return Stage("publisher", "stopped", f"{text}: {_failure(attempt)}", attempt["endedAt"], attempt)

    def _log(self) -> Stage:
        change, outcome = self._change, self._routed.get("outcome")
        if change is not None:
            large = ", too large for a push: a pointer" if change.get("truncated") else ""
            return Stage("change log", "ok", f"number {change['seq']}{large}", change["at"], dict(change))
        reason = self._routed.get("reason")
        why = f": {reason['type']}: {reason['message']}" if reason else ""
        match outcome:
            case "UNCHANGED":
                return Stage("change log", "stopped", "nothing changed that the API shows, so there is no change")
            case "PARKED":
                return self._parked(why)
            case "POISON":
                return Stage("change log", "stopped", f"it cannot be shown as a change of the API{why}")
            case "NO_TOPIC":
                return Stage("change log", "stopped", "it belongs to no topic")
            case _:
                return self._unnumbered()

    def _parked(self, why: str) -> Stage:
        keys = {str(next(iter(value.values()))) for value in (self._record.keys.values() if self._record else ())}
        for parked in (self._facts.publisher or {}).get("parked", []):
            if set(parked["key"].values()) == keys:
                first = parked["eventId"]
                reason = f"{parked['reason']['type']}: {parked['reason']['message']}"
                who = "it is parked" if first == self._event_id else f"it is parked behind event {first}"
                text = f"{who} as {parked['id']} ({reason}); {REDRIVE} replay {parked['id']}"
                return Stage("change log", "stopped", text, parked["parkedAt"], dict(parked))
        return Stage("change log", "stopped", f"it is parked{why}; {REDRIVE} list")

    def _unnumbered(self) -> Stage:
        key, record = self._routed.get("key"), self._record
        later = [
            each for each in (self._facts.publisher or {}).get("changes", [])
            if key is not None and each["key"] == key and record is not None and each["at"] >= record.created
        ]  # fmt: skip
        if later:
            return Stage(
                "change log", "stopped", f"a later change of the same item stands for it: number {later[0]['seq']}"
            )
        if self._invocation is not None and self._invocation["outcome"] == "OK":
            return Stage("change log", "stopped", "the publisher took it and made no change of it")
        if self._invocation is not None:
            return Stage("change log", "waiting", "it has no number yet")
        return Stage(
            "change log", "stopped", f"the mapping gave up on it: {REDRIVE} replay --all takes in what it left"
        )

    def _publish(self) -> Stage:
        for publish in self._publishes:
            if not publish["errors"] and publish["arguments"]:
                text = f"{publish['mutation']}, {publish['size']} bytes, request {publish['requestId']}"
                if publish["oversized"]:
                    return Stage("publish", "stopped", f"{text}: larger than AppSync pushes", publish["at"], publish)
                return Stage("publish", "ok", text, publish["at"], publish)
        refusal, at = self._refusal(), self._change_at()
        if refusal is not None:
            return Stage("publish", "stopped", f"AppSync answers {refusal}")
        attempt = self._invocation
        if attempt is not None and attempt["outcome"] == "RUNNING":
            return Stage("publish", "waiting", "the publisher is at it", attempt["startedAt"])
        if attempt is not None and attempt["outcome"] != "OK":
            return Stage("publish", "stopped", _failure(attempt), attempt["endedAt"])
        since = self._facts.plane.get("since")
        if at and since and at < since:
            return Stage("publish", "unknown", f"before this instance started, at {since}", at)
        return Stage("publish", "unknown", "no longer in the journal of the data plane", at)

    def _refusal(self) -> str | None:
        """How AppSync refused the topic's publishes since this change was numbered, or written."""
        since = self._change_at() or (self._record.created if self._record else "")
        failed = [each for each in self._facts.plane.get("publishes", []) if each["errors"] and each["at"] >= since]
        refused = [each for each in self._facts.plane.get("refusals", []) if each["at"] >= since]
        if failed:
            error = failed[0]["errors"][0]
            return f"{error.get('errorType')}: {error.get('message')} (request {failed[0]['requestId']})"
        if refused:
            last = refused[-1]
            times = f"{len(refused)} times, request {last['requestId']}"
            return f"{last['status']} {last['errorType']}: {last['message']} ({times})"
        return None

    def _subscriptions(self) -> Stage:
        if not self._publishes:
            return Stage("subscriptions", "unknown", "who subscribed then is forgotten")
        publish = self._publishes[0]
        missed = Counter(each["verdict"] for each in publish["missed"])
        others = f"; of others {_counted(missed)}" if missed and self._facts.client is None else ""
        text = f"{publish['matched']} match {' or '.join(publish['subscriptionFields'])}{others}"
        verdict: Verdict = "ok" if publish["matched"] or self._facts.client is not None else "stopped"
        return Stage("subscriptions", verdict, text, publish["at"], {"missed": publish["missed"]})

    def _delivery(self) -> Iterator[Stage]:
        if self._facts.client is not None:
            yield self._client()
            return
        if not self._publishes:
            yield Stage("delivery", "unknown", "who got it is forgotten")
            return
        receivers = [each for publish in self._publishes for each in publish["receivers"]]
        verdicts = Counter(each["verdict"] for each in receivers)
        undelivered = [each for each in receivers if each["verdict"] not in {"delivered", "held"}]
        text = f"frames of {_counted(verdicts)}"
        if undelivered:
            first = undelivered[0]
            text += f"; {first['connection']} {first['subscription']}: {first['reason']}"
        written = self._publishes[0]["writtenAt"]
        yield Stage("delivery", "stopped" if undelivered else "ok", text, written, {"receivers": receivers})

    def _client(self) -> Stage:
        """What became of it at the client that was asked about."""
        facts = self._facts
        clients = facts.plane.get("clients") or []
        if not clients:
            text = f"no connection since {facts.plane.get('since')} is, or has a subscription, called {facts.client}"
            return Stage("delivery", "stopped", f"it never connected: {text}")
        if not self._publishes:
            return Stage("delivery", "unknown", "what was published then is forgotten")
        outcomes = [each for publish in self._publishes for each in (*publish["receivers"], *publish["missed"])]
        if not outcomes:
            return Stage("delivery", "unknown", "its subscriptions are no longer known")
        best = min(outcomes, key=lambda each: _rank(each["verdict"]))
        about = f"{best.get('field') or 'subscription'} {_arguments(best.get('arguments'))}".rstrip()
        name = f"{best['connection']} {best.get('subscription') or ''}".rstrip()
        size = f", {best['bytes']} bytes" if "bytes" in best else ""
        text = f"{best['verdict']}: {best['reason']}{size} ({name}, {about})"
        verdict: Verdict = (
            "ok" if best["verdict"] == "delivered" else "waiting" if best["verdict"] == "held" else "stopped"
        )
        return Stage("delivery", verdict, text, best["at"], {"outcomes": outcomes})

    def _change_at(self) -> str | None:
        return self._change["at"] if self._change is not None else None


# The one that came closest to the client is the one that explains: the first of these.
_ORDER = (
    "delivered", "held", "unread", "broken", "dropped", "oversized", "failed", "unsubscribed", "disconnected", "ended",
    "too-late", "starting", "refused", "filtered", "other-field", "not-subscribed", "not-connected", "other-api",
)  # fmt: skip


def _rank(verdict: str) -> int:
    return _ORDER.index(verdict) if verdict in _ORDER else len(_ORDER)


def _who(record: StreamRecord) -> str:
    """Who wrote: DynamoDB's time to live, a request of the API (by its trace), or anyone else."""
    identity = record.event.get("userIdentity")
    if identity:
        ttl = identity.get("principalId") == "dynamodb.amazonaws.com"
        return "DynamoDB's time to live" if ttl else str(identity.get("principalId"))
    images = record.event["dynamodb"]
    new, old = ((images.get(name) or {}).get("traceId", {}).get("S") for name in ("NewImage", "OldImage"))
    if new and new != old:
        return f"a request of the API (trace {new})"
    return (
        "someone without a trace (a console, an import, put_item)"
        if record.event["eventName"] != "REMOVE"
        else "someone"
    )


def _earlier(one: StreamRecord, other: StreamRecord) -> bool:
    return one.number < other.number


def _failure(attempt: Mapping[str, Any]) -> str:
    text = attempt["error"] or "it failed"
    if attempt["outcome"] == "BEHIND":
        text = "it comes again behind a record of its batch that failed"
    return f"{text}; {attempt['log'][-1]}" if attempt["log"] else str(text)


def _counted(verdicts: Counter[str]) -> str:
    return ", ".join(f"{count} {verdict}" for verdict, count in verdicts.most_common()) or "nobody"


def _arguments(arguments: Any) -> str:
    return "" if not arguments else json.dumps(arguments, ensure_ascii=False)


def problems(facts: Facts) -> Sequence[str]:
    """What is wrong with the whole of it, whatever the single change."""
    found = []
    if facts.publisher is None:
        found.append(f"The publisher cannot be asked: {facts.publisher_error}")
    elif facts.publisher["mutation"] is None:
        found.append(f"There is no such kind of topic: nothing is ever published as {facts.topic}.")
    if not facts.mapping.enabled:
        found.append(f"The event source mapping {facts.mapping.uuid} is {facts.mapping.state}.")
    waiting = sum(1 for each in facts.records if each.matches and not each.passed)
    if waiting:
        found.append(f"{waiting} records of the stream wait for the publisher.")
    failure = facts.invocations["lastFailure"]
    if failure is not None:
        found.append(f"The publisher's last invocation failed at {failure['endedAt']}: {_failure(failure)}")
    return found
