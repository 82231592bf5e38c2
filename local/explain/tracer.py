"""Follows one change from stage to stage, up to the one where it ended."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from local.explain.facts import Facts, StreamRecord
from local.explain.stages import Stage, Verdict, Way

REDRIVE = "python -m local redrive"


class Tracer:
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
            number=record.number if record else None,
            seq=change.get("seq"),
            kind=change.get("kind") or (str(record.event["eventName"]) if record else None),
            key=change.get("key") or self._routed.get("key") or (record.key_texts[-1] if record else None),
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
        keys = " ".join(record.key_texts)
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
            return Stage("mapping", "ok", "it is done with the record", details=details)
        if not mapping.enabled:
            reason = f" ({mapping.reason})" if mapping.reason else ""
            text = f"{mapping.uuid} is {mapping.state}{reason}: it delivers nothing until it is enabled"
            return Stage("mapping", "stopped", text, details=details)
        if self._invocation is None:
            before = sum(1 for each in self._facts.records if not each.passed and _earlier(each, record))
            last = self._facts.invocations["lastFailure"]
            because = f"; the last invocation failed: {failure(last)}" if last is not None else ""
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
            return Stage("publisher", "ok", f"{text}: {failure(attempt)}", attempt["endedAt"], attempt)
        return Stage("publisher", "stopped", f"{text}: {failure(attempt)}", attempt["endedAt"], attempt)

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
        keys = set(self._record.key_texts if self._record else ())
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
            return Stage("publish", "stopped", failure(attempt), attempt["endedAt"])
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
        about_client = self._facts.asked.client is not None
        missed = Counter(publish["missedVerdicts"])
        others = f"; of the others: {_counted(missed)}" if missed and not about_client else ""
        text = f"{publish['matched']} match {' or '.join(publish['subscriptionFields'])}{others}"
        verdict: Verdict = "ok" if publish["matched"] or about_client else "stopped"
        return Stage(
            "subscriptions", verdict, text, publish["at"], {"missed": [] if about_client else publish["missed"]}
        )

    def _delivery(self) -> Iterator[Stage]:
        if self._facts.asked.client is not None:
            yield self._client()
            return
        if not self._publishes:
            yield Stage("delivery", "unknown", "who got it is forgotten")
            return
        receivers = [each for publish in self._publishes for each in publish["receivers"]]
        verdicts = sum((Counter(publish["verdicts"]) for publish in self._publishes), Counter[str]())
        forgotten = sum(publish["matched"] for publish in self._publishes) - verdicts.total()
        if forgotten:
            verdicts["of clients that are forgotten"] = forgotten
        undelivered = [each for each in receivers if each["verdict"] not in {"delivered", "held"}]
        text = f"frames: {_counted(verdicts)}"
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
            text = (
                f"no connection since {facts.plane.get('since')} is, or has a subscription, called {facts.asked.client}"
            )
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
CLOSEST = (
    "delivered", "held", "unread", "broken", "dropped", "oversized", "failed", "unsubscribed", "disconnected", "ended",
    "too-late", "starting", "refused", "filtered", "other-field", "not-subscribed", "not-connected", "other-api",
)  # fmt: skip


def _rank(verdict: str) -> int:
    return CLOSEST.index(verdict) if verdict in CLOSEST else len(CLOSEST)


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


def failure(attempt: Mapping[str, Any]) -> str:
    text = attempt["error"] or "it failed"
    if attempt["outcome"] == "BEHIND":
        text = "it comes again behind a record of its batch that failed"
    return f"{text}; {attempt['log'][-1]}" if attempt["log"] else str(text)


def _counted(verdicts: Counter[str]) -> str:
    return ", ".join(f"{count} {verdict}" for verdict, count in verdicts.most_common())


def _arguments(arguments: Any) -> str:
    return "" if not arguments else json.dumps(arguments, ensure_ascii=False)
