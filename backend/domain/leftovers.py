"""What the event source mapping leaves in the bucket: batches that the function did not survive, or that grew too old.

An object holds the invocation record with the whole event, as text, in `payload`:
https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from domain import routing
from domain.bucket import Bucket
from domain.clock import Clock
from domain.parking import Parked, Parking, Reason, id_of
from domain.publication import Publication, Subject
from domain.replaying import SUPERSEDED, Outcome, OutOfTime
from domain.routing import ItemKey

PREFIX = "aws/lambda/"

logger = logging.getLogger("headwater.leftovers")


@dataclass(frozen=True)
class _Leftover:
    function_arn: str
    reason: Reason
    records: Sequence[Mapping[str, Any]]

    @staticmethod
    def parse(body: bytes) -> _Leftover:
        """Read an invocation record. Raises ValueError, KeyError or TypeError when it is none."""
        content = json.loads(body)
        context = content["requestContext"]
        attempts = f"the event source mapping gave it up after {context.get('approximateInvokeCount')} invocations"
        records = json.loads(content["payload"])["Records"]
        for record in records:  # what these cannot read has no place in any queue
            routing.key_of(record)
            routing.position_of(record)
        return _Leftover(str(context["functionArn"]), Reason(str(context["condition"]), attempts), records)


class Leftovers:
    """Parks what is left of one function's batches, so that it is replayed like the rest."""

    def __init__(
        self, publication: Publication, parking: Parking, bucket: Bucket, clock: Clock, function_arn: str
    ) -> None:
        self._publication = publication
        self._parking = parking
        self._bucket = bucket
        self._clock = clock
        self._function_arn = function_arn

    def count(self, most: int) -> int:
        """How many there are, up to a number, with objects that are no invocation records. Raises BucketError.

        Other mappings leave theirs in the same bucket, each in a folder of its own: one look into it says whose it is.
        """
        own: dict[str, bool] = {}
        counted = 0
        for name in self._bucket.names(PREFIX):
            folder = name.removeprefix(PREFIX).partition("/")[0]
            if folder not in own and (body := self._bucket.get(name)) is not None:
                with suppress(ValueError, KeyError, TypeError):  # then perhaps the next one says it
                    own[folder] = self._is_own(_Leftover.parse(body))
            counted += own.get(folder, True)
            if counted == most:
                break
        return counted

    def _is_own(self, leftover: _Leftover) -> bool:
        return _without_qualifier(leftover.function_arn) == _without_qualifier(self._function_arn)

    def take_in(self, outcome: Outcome, deadline: float) -> None:
        """Park the records of all leftovers, each at its place in the stream, and remove the leftovers.

        One that is taken in twice, because this was interrupted, is parked once.

        Raises:
            OutOfTime: at `deadline` (`clock.monotonic()`).
            TableError, BucketError: a repeat goes on from there.
        """
        for name in self._bucket.names(PREFIX):
            if self._clock.monotonic() >= deadline:
                raise OutOfTime
            body = self._bucket.get(name)
            if body is None:
                continue  # another call was faster
            try:
                leftover = _Leftover.parse(body)
            except (ValueError, KeyError, TypeError):
                logger.exception("%s is no invocation record", name)
                continue
            # Other mappings may leave theirs in the same bucket.
            if self._is_own(leftover):
                self._park(leftover, outcome, deadline)
                self._bucket.delete(name)

    def _park(self, leftover: _Leftover, outcome: Outcome, deadline: float) -> None:
        queues: dict[ItemKey, list[Parked]] = {}
        topics: dict[ItemKey, set[str]] = {}
        now = self._clock.now_ms()
        for place, record in enumerate(leftover.records):
            if self._publication.concerns(record):
                subject = Subject(place, record, routing.key_of(record))
                self._publication.project(subject)
                topics.setdefault(subject.key, set()).update(subject.topics)
                queues.setdefault(subject.key, []).append(Parked(record, now, leftover.reason, taken_in=True))
        for key, queue in queues.items():
            late = self._parking.take_in(key, queue, topics[key], deadline)
            for parked in late:
                self._parking.discard(parked, SUPERSEDED, id_of(key))
            outcome.superseded += len(late)
            outcome.taken_in += len(queue) - len(late)


def _without_qualifier(function_arn: str) -> list[str]:
    return function_arn.split(":")[:7]
