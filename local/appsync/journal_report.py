"""What the journal answers: a topic's publishes, and for each what became of it at every subscriber, with the reason.

Everything here is JSON with times as ISO texts in UTC. A verdict is one of

    delivered       its frame was written to the socket
    unread          its frame waits: the client does not read what it was sent
    held            the subscription is not acknowledged yet; the event follows the acknowledgement
    dropped         by an injected fault, or because the subscription ended in that moment
    broken          the socket was closing when the frame was to be written
    oversized       the payload was over AppSync's limit, nobody got it
    failed          the mutation failed or returned null, so there was nothing to push
    filtered        the subscription's arguments or filter ask for something else
    other-field     the subscription field does not hang on this mutation
    other-api       the client is connected to another API
    too-late        the subscription was registered after the publish
    unsubscribed    the client had ended the subscription
    disconnected    the connection had ended
    ended           the API had ended the subscription
    refused         the subscription was refused
    starting        the subscription is being authorized
    not-subscribed  the connection has no subscription
    not-connected   the connection was refused
    unexplained     it matches, and was not delivered: a fault of the data plane itself
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from local.appsync.filters import Group, Rule, value_at
from local.appsync.journal import Journal, Publish, scalars
from local.appsync.journal_clients import Client, Subscriber, name_of
from local.appsync.realtime.outbox import text_header

MOST_RECEIVERS = 50  # of one publish in an answer, unless it is about one client
MOST_VERDICTS = 50_000  # in an answer; what is left of it has none
_IDS = {"seq": "seqs", "eventId": "eventIds", "traceId": "traceIds"}
_MOST_IDS = 1000
_SHORT_ID = 8


def iso(seconds: float | None) -> str | None:
    """Epoch seconds as AWS writes times, to the millisecond."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class JournalReport:
    """Answers about one journal, as it is now."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    async def publishes(
        self, topic: str, limit: int, client: str | None = None, containing: Sequence[str] | None = None
    ) -> dict[str, Any]:
        """The last publishes of a topic, newest first, with their receivers or those of one client.

        A topic's are those with a scalar at the top of their result (or, if they failed, in their arguments) that
        equals it. With `containing`, of those that succeeded only the ones with one of these texts in their result.
        """
        clients = list(self._clients(client)) if client is not None else None
        wanted = None if containing is None else [orjson.dumps(text) for text in containing]
        found: list[dict[str, Any]] = []
        budget = iter(range(MOST_VERDICTS))
        for entry in reversed(list(self._journal.publishes)):
            payload = self._payload(entry, topic, wanted)
            if payload is not None:
                found.append(self._publish(entry, payload, clients, budget))
                if len(found) == limit:
                    break
                await asyncio.sleep(0)  # the data plane goes on meanwhile
        return {
            "since": iso(self._journal.began_at),
            "forgotten": self._journal.forgotten,
            "publishes": found,
            "refusals": [_refusal(each) for each in self._journal.refusals if topic in each.variables.values()],
            "clients": None if clients is None else [self._client(each) for each in clients],
        }

    def clients(self) -> list[dict[str, Any]]:
        """Every connection that is known, the newest first."""
        known = sorted(self._everyone(), key=lambda each: each.connected_at, reverse=True)
        return [self._client(each) for each in known]

    def _everyone(self) -> Iterator[Client]:
        yield from self._journal.gone
        yield from self._journal.clients.values()

    def _clients(self, wanted: str) -> Iterator[Client]:
        """Those that a user may mean: by connection or subscription id, identity or library."""
        for client in self._everyone():
            ids = [client.id, *(each.id for each in client.subscribers)]
            begins = len(wanted) >= _SHORT_ID and any(each.startswith(wanted) for each in ids)
            about = [client.library, *(each.who for each in client.subscribers)]
            if wanted in ids or begins or any(wanted in text for text in about):
                yield client

    def _payload(self, entry: Publish, topic: str, wanted: Sequence[bytes] | None) -> dict[str, Any] | None:
        """A publish's result, or what is known of it without one, if it is of the topic."""
        if entry.content == b"null":
            return dict(entry.arguments) if topic in entry.arguments.values() else None
        if entry.content is None or orjson.dumps(topic)[1:-1] not in entry.content:
            return None
        if wanted is not None and not any(text in entry.content for text in wanted):
            return None
        value = orjson.loads(entry.content)
        if entry.key is not None:
            value = value["data"][entry.key]
        return value if isinstance(value, dict) and topic in value.values() else None

    def _publish(
        self, entry: Publish, payload: dict[str, Any], clients: list[Client] | None, budget: Iterator[int]
    ) -> dict[str, Any]:
        failed = entry.content == b"null" and not entry.oversized
        reached = {
            subscription.subscriber: size
            for _, size, subscriptions in entry.reached
            for subscription in subscriptions
            if subscription.subscriber is not None
        }
        count = sum(len(subscriptions) for _, _, subscriptions in entry.reached)
        receivers: list[dict[str, Any]] = []
        missed: list[dict[str, Any]] = []
        for subscriber, _ in zip(self._subscribers(entry, clients), budget, strict=False):
            verdict = self._verdict(entry, payload, subscriber, reached.get(subscriber), failed=failed)
            (receivers if subscriber in reached else missed).append(_named(subscriber) | verdict)
        bare = [
            {"connection": each.id, "identity": None, "library": each.library} | self._without_subscription(each)
            for each in clients or ()
            if not list(each.subscribers)
        ]
        receivers.sort(key=lambda each: each["verdict"] == "delivered")  # those that did not get it are the news
        most = MOST_RECEIVERS if clients is None else None
        return {
            "at": iso(entry.at),
            "api": entry.api_id,
            "mutation": entry.mutation,
            "subscriptionFields": list(entry.fields),
            "arguments": scalars(payload, levels=1),
            "requestId": entry.request_id,
            "caller": name_of(entry.caller),
            "size": entry.size,
            "errors": list(entry.errors),
            "oversized": entry.oversized,
            "writtenAt": iso(entry.flushed_at) if entry.reached else None,
            "matched": count,
            "dropped": len(entry.dropped or ()),
            "verdicts": dict(Counter(each["verdict"] for each in receivers)),
            "receivers": receivers[:most],
            "missedVerdicts": dict(Counter(each["verdict"] for each in missed)),
            "missed": (missed + bare)[:most],
            **_ids(payload),
        }

    def _subscribers(self, entry: Publish, clients: list[Client] | None) -> Iterator[Subscriber]:
        """Those of the clients; else everyone who asked for one of the publish's subscription fields."""
        for client in self._everyone() if clients is None else clients:
            for subscriber in client.subscribers:
                if clients is not None or _fields(subscriber) & set(entry.fields):
                    yield subscriber

    def _verdict(
        self, entry: Publish, payload: Mapping[str, Any], subscriber: Subscriber, size: int | None, *, failed: bool
    ) -> dict[str, Any]:
        if size is not None:
            return self._delivery(entry, subscriber, size)
        client = subscriber.client
        if subscriber.refused and not subscriber.registrations:
            return _because("refused", _problems(subscriber.refused), subscriber.ended_at)
        if not subscriber.registrations:
            if subscriber.ended_at is None:
                return _because("starting", "it is being authorized", subscriber.started_at)
            return _because("ended", f"before it was registered: {subscriber.why}", subscriber.ended_at)
        if client.api_id != entry.api_id:
            return _because("other-api", f"the connection is to API {client.api_id}", client.connected_at)
        if not _fields(subscriber) & set(entry.fields):
            text = f"{_field(subscriber)} does not hang on {entry.mutation}"
            return _because("other-field", text, subscriber.registered_at)
        if entry.order < subscriber.since:
            return _because("too-late", "it was registered after the publish", subscriber.registered_at)
        if subscriber.until is not None and entry.order >= subscriber.until:
            return _because(_ending(subscriber), subscriber.why, subscriber.ended_at)
        if failed:
            return _because("failed", "the mutation failed" if entry.errors else "the mutation returned null", entry.at)
        groups = subscriber.registrations[-1].groups
        if not groups:
            return _because("filtered", "an argument is a list or an object, which nothing equals", None)
        broken = [group.broken(payload) for group in groups]
        if all(broken):
            return _because("filtered", "; or ".join(_filtered(rules, payload) for rules in broken), None)
        if entry.oversized:
            return _because("oversized", f"{entry.size} bytes", entry.at)
        return _because("unexplained", "it matches, and was not delivered", None)

    def _delivery(self, entry: Publish, subscriber: Subscriber, size: int) -> dict[str, Any]:
        client = subscriber.client
        prefix = len(b'{"id":,"type":"data","payload":}') + len(orjson.dumps(subscriber.id))
        about = {"bytes": len(text_header(prefix + size)) + prefix + size}
        dropped = (entry.dropped or {}).get(subscriber)
        if dropped is not None:
            return _because("dropped", dropped, entry.at)
        if subscriber.live_at is None:
            if subscriber.ended_at is None:
                return _because("held", "it is sent after the acknowledgement", entry.at) | about
            return _because(_ending(subscriber), f"before the acknowledgement: {subscriber.why}", subscriber.ended_at)
        if entry.order < subscriber.deaf_until:
            return _because("dropped", "the fault drop-after-start-ack", subscriber.live_at)
        if client.broken_turn is not None and entry.turn >= client.broken_turn:
            return _because("broken", f"the socket was closing: {client.why}", client.ended_at)
        waiting = client.unread() or client.unsent
        if waiting and waiting > self._written_after(entry, client):
            text = f"{waiting} bytes wait for the client to read" if client.ended_at is None else "it was never read"
            return _because("unread", text, entry.flushed_at) | about
        at = max(filter(None, (entry.flushed_at or entry.at, subscriber.live_at)))
        return _because("delivered", "its frame was written", at) | about

    def _written_after(self, entry: Publish, client: Client) -> int:
        """The bytes of the events that a connection was sent after this one, about."""
        total = 0
        for later in reversed(self._journal.publishes):
            if later.order <= entry.order:
                break
            for _, size, subscriptions in later.reached:
                total += size * sum(
                    each.subscriber is not None and each.subscriber.client is client for each in subscriptions
                )
        return total

    def _without_subscription(self, client: Client) -> dict[str, Any]:
        if client.refused is not None:
            return _because("not-connected", f"it was refused: {_problems([client.refused])}", client.connected_at)
        told = [_told(orjson.loads(frame)) for _, frame in client.problems]
        because = f"; it was told {told[-1]}" if told else ""
        if client.ended_at is not None:
            return _because("not-subscribed", f"it never subscribed{because}; {client.why}", client.ended_at)
        return _because("not-subscribed", f"it has not subscribed to anything{because}", client.connected_at)

    def _client(self, client: Client) -> dict[str, Any]:
        return {
            "connection": client.id,
            "api": client.api_id,
            "protocol": client.protocol,
            "library": client.library,
            "sourceIp": client.source_ip,
            "connectedAt": iso(client.connected_at),
            "refused": client.refused,
            "endedAt": iso(client.ended_at),
            "why": client.why or None,
            "unreadBytes": client.unread() or client.unsent,
            "errorFrames": [{"at": iso(at), "frame": orjson.loads(frame)} for at, frame in client.problems],
            "subscriptions": [_subscription(each) for each in client.subscribers],
        }


def _subscription(subscriber: Subscriber) -> dict[str, Any]:
    registration = subscriber.registrations[-1] if subscriber.registrations else None
    return {
        "subscription": subscriber.id,
        "identity": subscriber.who or None,
        "field": registration.field_name if registration else None,
        "arguments": dict(registration.arguments) if registration else None,
        "filter": _filter(registration.groups) if registration else None,
        "startedAt": iso(subscriber.started_at),
        "liveAt": iso(subscriber.live_at),
        "endedAt": iso(subscriber.ended_at),
        "why": subscriber.why or None,
        "refused": list(subscriber.refused) or None,
    }


def _named(subscriber: Subscriber) -> dict[str, Any]:
    registration = subscriber.registrations[-1] if subscriber.registrations else None
    return {
        "connection": subscriber.client.id,
        "subscription": subscriber.id,
        "identity": subscriber.who or None,
        "library": subscriber.client.library,
        "field": registration.field_name if registration else None,
        "arguments": dict(registration.arguments) if registration else None,
    }


def _refusal(refusal: Any) -> dict[str, Any]:
    return {
        "at": iso(refusal.at),
        "requestId": refusal.request_id,
        "status": refusal.status,
        "errorType": refusal.error_type,
        "message": refusal.message,
        "query": refusal.query,
    }


def _because(verdict: str, reason: str, at: float | None) -> dict[str, Any]:
    return {"verdict": verdict, "reason": reason, "at": iso(at)}


def _ending(subscriber: Subscriber) -> str:
    if subscriber.refused:
        return "refused"
    if subscriber.why == subscriber.client.why:
        return "disconnected"
    return "unsubscribed" if subscriber.by_client else "ended"


def _fields(subscriber: Subscriber) -> set[str]:
    return {registration.field_name for registration in subscriber.registrations}


def _field(subscriber: Subscriber) -> str:
    return subscriber.registrations[-1].field_name


def _problems(problems: Sequence[Mapping[str, Any]]) -> str:
    texts = (f"{each.get('errorType') or ''}: {each.get('message')}".removeprefix(": ") for each in problems)
    return "; ".join(texts)


def _told(frame: Mapping[str, Any]) -> str:
    """The errors in an error frame of either protocol."""
    payload: Any = frame.get("payload")
    errors = payload.get("errors", payload) if isinstance(payload, dict) else payload
    return _problems(errors if isinstance(errors, list) else [errors])


def _filter(groups: Iterable[Group]) -> list[list[dict[str, Any]]]:
    return [
        [{"field": ".".join(rule.path), "operator": rule.operator, "value": rule.value} for rule in group.all_rules]
        for group in groups
    ]


def _filtered(rules: Iterable[Rule], payload: Mapping[str, Any]) -> str:
    return " and ".join(
        f"{'.'.join(rule.path)} is {_text(value_at(payload, rule.path))}, wanted {_operator(rule)}{_text(rule.value)}"
        for rule in rules
    )


def _operator(rule: Rule) -> str:
    return "" if rule.operator == "eq" else f"{rule.operator} "


def _text(value: Any) -> str:
    text = orjson.dumps(value, default=str).decode()
    return text if len(text) <= 80 else f"{text[:77]}..."


def _ids(payload: Mapping[str, Any]) -> dict[str, list[Any]]:
    """What the payload calls seq, eventId and traceId, wherever it is: only shown, never relied on."""
    found: dict[str, list[Any]] = {name: [] for name in _IDS.values()}
    waiting: list[Any] = [payload]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting += reversed(value)
        elif isinstance(value, dict):
            for name, item in value.items():
                if name in _IDS and item is not None and len(found[_IDS[name]]) < _MOST_IDS:
                    found[_IDS[name]].append(item)
            waiting += reversed([item for item in value.values() if isinstance(item, dict | list)])
    return found
