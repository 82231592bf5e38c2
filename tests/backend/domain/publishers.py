"""A publisher on a real table, bucket and queue, with an AppSync in memory that can be told what to refuse."""

from __future__ import annotations

import json
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from domain import routing
from domain.bucket import Bucket, s3
from domain.changes import ChangeLog
from domain.clock import SYSTEM, Clock
from domain.envelopes import Envelope
from domain.leftovers import Leftovers
from domain.parking import Parking
from domain.publication import Ends, Publication
from domain.publishing import Refused, Unreachable
from domain.queue import Queue, sqs
from domain.redrive import Redrive
from domain.replaying import Replaying
from domain.routing import Route
from domain.table import Table, dynamodb
from tests.conftest import CREDENTIALS, table_definition

FUNCTION_ARN = "arn:aws:lambda:us-east-1:000000000000:function:publish"
CREATED = 1_795_236_682

Change = dict[str, Any]
Raw = dict[str, Any]


def record(number: int, key: str = "", text: object = None, *, room: str = "lobby", kind: str = "INSERT") -> Raw:
    """A stream record as Lambda delivers it. `text` is the attribute's value, as JSON has it or in DynamoDB's form."""
    keys = {"pk": {"S": f"MESSAGES#{room}#2026112104#0"}, "sk": {"S": f"1795236682123#{key or number}"}}
    shown = text if isinstance(text, dict) else {"S": f"text {number}" if text is None else text}
    image = {**keys, "text": shown, "author": {"S": "ann"}, "version": {"N": "1"}}
    before = image | {"text": {"S": "before"}}
    images = {
        "INSERT": {"NewImage": image}, "MODIFY": {"NewImage": image, "OldImage": before}, "REMOVE": {"OldImage": image},
    }[kind]  # fmt: skip
    return {
        "eventID": f"{number:032x}",
        "eventName": kind,
        "dynamodb": {
            "ApproximateCreationDateTime": float(CREATED),
            "Keys": keys,
            "SequenceNumber": str(10**20 + number),
            **images,
        },
    }


def never(_: object) -> bool:
    return False


POISON = {"M": {"no": {"S": "text"}}}


class AppSync:
    """Takes envelopes like the real one, and keeps the changes in the order in which they came."""

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self.requests = 0
        self.refuses: Callable[[Change], bool] = never
        self.is_down: Callable[[Envelope], bool] = never
        self._lock = threading.Lock()

    def publish(self, envelope: Envelope, deadline: float) -> None:
        del deadline
        with self._lock:
            self.requests += 1
            content = json.loads(envelope.text)
            if self.is_down(envelope):
                raise Unreachable("down")
            changes = [{"topic": content["topic"], **item} for item in content["items"]]
            if any(map(self.refuses, changes)):
                raise Refused([{"message": "Variable 'text' has an invalid value."}])
            self.changes += changes

    def told(self, topic: str = "room:lobby") -> list[tuple[int, str]]:
        """Number and key of a topic's changes, each once, in the order in which they came first."""
        first: dict[int, str] = {}
        for change in self.changes:
            if change["topic"] == topic:
                assert first.setdefault(change["seq"], change["key"]) == change["key"], "a number is one change's"
        return list(first.items())

    def texts(self, key: str, topic: str = "room:lobby") -> list[str]:
        """What subscribers see of an item who drop what they have seen, in the order of the numbers."""
        by_seq = {change["seq"]: change for change in self.changes if change["topic"] == topic and change["key"] == key}
        return [by_seq[seq]["message"]["text"] for seq in sorted(by_seq)]


class Killed(BaseException):
    """Ends a publisher where it stands; no code of ours catches it."""


class Deployment:
    """A table, a bucket and a queue, and containers on them."""

    def __init__(self, endpoint: str, routes: Sequence[Route] = routing.ROUTES) -> None:
        self._options = {"endpoint_url": endpoint, **CREDENTIALS}
        self.routes = routes
        self.appsync = AppSync()
        self.counted: Counter[str] = Counter()
        self.dynamodb, self.s3, self.sqs = dynamodb(**self._options), s3(**self._options), sqs(**self._options)
        self.table_name = f"ChangeLog-{uuid.uuid4()}"
        self.dynamodb.create_table(TableName=self.table_name, **table_definition("ChangeLog"))
        self.bucket_name = f"failures-{uuid.uuid4()}"
        self.s3.create_bucket(Bucket=self.bucket_name)
        self.queue_url = self.sqs.create_queue(QueueName=f"parked-{uuid.uuid4()}")["QueueUrl"]
        self._steps_left: float = float("inf")
        self.steps = 0
        for client, service in ((self.dynamodb, "dynamodb"), (self.s3, "s3"), (self.sqs, "sqs")):
            for moment in ("before-call", "after-call"):
                client.meta.events.register(f"{moment}.{service}", self._step)

    def close(self) -> None:
        for client in (self.dynamodb, self.s3, self.sqs):
            client.close()

    def _step(self, **_: Any) -> None:
        self.steps += 1
        self._steps_left -= 1
        if self._steps_left < 0:
            raise Killed

    @contextmanager
    def killed_after(self, steps: float) -> Iterator[None]:
        """End whoever calls AWS, before a request or after its answer, so many steps from now."""
        self._steps_left = steps
        try:
            yield
        except Killed:
            pass
        finally:
            self._steps_left = float("inf")

    def container(self, clock: Clock = SYSTEM, threads: int = 0, ends: Ends | None = None) -> Container:
        return Container(self, clock, threads, ends)

    def objects(self, prefix: str = "") -> list[str]:
        answer = self.s3.list_objects_v2(Bucket=self.bucket_name, Prefix=prefix)
        return [each["Key"] for each in answer.get("Contents", [])]

    def messages(self) -> int:
        attributes = self.sqs.get_queue_attributes(
            QueueUrl=self.queue_url,
            AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
        )["Attributes"]
        return sum(map(int, attributes.values()))

    def leave(self, records: Sequence[Raw], function_arn: str = FUNCTION_ARN) -> str:
        """What the event source mapping does with a batch that it gives up."""
        name = f"aws/lambda/{uuid.uuid4()}/shardId-1/2026/11/21/2026-11-21T04.51.22-{uuid.uuid4()}"
        body = {
            "requestContext": {
                "requestId": "x", "functionArn": function_arn, "condition": "RetryAttemptsExhausted",
                "approximateInvokeCount": 31,
            },
            "payload": json.dumps({"Records": list(records)}),
        }  # fmt: skip
        self.s3.put_object(Bucket=self.bucket_name, Key=name, Body=json.dumps(body).encode())
        return name


class Container:
    """One process of the publisher's function, with its own memory of the log."""

    def __init__(self, deployment: Deployment, clock: Clock, threads: int, ends: Ends | None = None) -> None:
        self._deployment = deployment
        self._clock = clock
        table = Table(deployment.table_name, deployment.dynamodb)
        bucket = Bucket(deployment.bucket_name, deployment.s3)
        queue = Queue(deployment.queue_url, deployment.sqs)
        self.log = ChangeLog(table, 86_400, clock)
        self.parking = Parking(table, bucket, queue, clock)
        self.pool = ThreadPoolExecutor(threads) if threads else None
        self.publication = Publication(
            self.log, deployment.appsync, self.parking, self.pool.map if self.pool else map, clock, self._count,
            deployment.routes, ends,
        )  # fmt: skip
        leftovers = Leftovers(self.publication, self.parking, bucket, clock, FUNCTION_ARN)
        replaying = Replaying(self.log, self.publication, self.parking, clock)
        self.redrive = Redrive(replaying, leftovers, self.parking, queue, clock)

    def _count(self, name: str, number: int) -> None:
        self._deployment.counted[name] += number

    def run(self, records: Iterable[Raw], seconds: float = 30) -> list[int]:
        return self.publication.run(list(records), self._clock.monotonic() + seconds)

    def replay(self, ids: list[str] | None = None, seconds: float = 30) -> dict[str, Any]:
        """All pages of a replay, added up."""
        total: dict[str, Any] = {}
        token: str | None = None
        while True:
            answer: Mapping[str, Any] = self.redrive.replay(ids, token, self._clock.monotonic() + seconds)
            for name, value in answer.items():
                if name != "nextToken":
                    total[name] = total[name] + value if name in total else value
            total["pages"] = total.get("pages", 0) + 1
            token = answer["nextToken"]
            if token is None:
                return total

    def parked(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.redrive.list(1000, None)["items"]
        return found
