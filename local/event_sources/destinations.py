"""On-failure destinations: what becomes of a batch that is given up.

https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html and
https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import logging
import time
import uuid
from collections.abc import Sequence
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from local.errors import NotEmulated
from local.event_sources.mappings import StreamMapping
from local.event_sources.records import Record
from local.event_sources.streams import EventSourcesCloud

logger = logging.getLogger("headwater.event_sources")

ATTEMPTS = 5


class Discarded(NamedTuple):
    """A batch that is given up.

    `event` is the invocation's. `reached`: the function ran at least once (else its records were too old before).
    """

    mapping: StreamMapping
    shard: str
    records: Sequence[Record]
    condition: str
    event: bytes
    invocations: int
    request_id: str
    reached: bool
    function_error: str | None


class FailureDestination:
    """A queue or topic takes a description of the batch (its records stay in the stream), a bucket its records too."""

    def __init__(self, cloud: EventSourcesCloud, arn: str) -> None:
        self._cloud = cloud
        self._arn = arn
        self._service = arn.split(":")[2] if arn.count(":") >= 5 else ""
        if self._service not in {"sqs", "sns", "s3"}:
            raise NotEmulated(f"On-failure destination {arn}", "known are SQS queues, SNS topics and S3 buckets")
        if self._arn.endswith(".fifo"):
            raise NotEmulated(f"On-failure destination {arn}", "AWS takes no FIFO queue or topic")

    async def send(self, discarded: Discarded) -> None:
        """Send it. When that fails again and again, the batch's description goes to the log: the stream must go on."""
        for attempt in range(ATTEMPTS):
            try:
                await asyncio.to_thread(self._send, discarded)
            except (ClientError, BotoCoreError) as error:
                logger.warning("%s does not take a discarded batch: %s", self._arn, error)
                await asyncio.sleep(0.1 * 2**attempt)
            else:
                return
        logger.error("lost for %s: %s", self._arn, json.dumps(description(discarded)))

    def _send(self, discarded: Discarded) -> None:
        body = description(discarded)
        if self._service == "sqs":
            queue = self._arn.split(":")
            sqs = self._cloud.client("sqs")
            url = sqs.get_queue_url(QueueName=queue[5], QueueOwnerAWSAccountId=queue[4])["QueueUrl"]
            sqs.send_message(QueueUrl=url, MessageBody=json.dumps(body))
        elif self._service == "sns":
            self._cloud.client("sns").publish(TopicArn=self._arn, Message=json.dumps(body))
        else:
            # "The payload field contains the whole invocation record as an escaped JSON string", in S3 only.
            body["payload"] = discarded.event.decode()
            key = object_name(discarded, dt.datetime.now(dt.UTC))
            self._cloud.client("s3").put_object(Bucket=self._arn.split(":")[5], Key=key, Body=json.dumps(body).encode())


def object_name(discarded: Discarded, now: dt.datetime) -> str:
    """aws/lambda/<ESM-UUID>/<shardID>/YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS-<Random UUID>"""
    day = f"aws/lambda/{discarded.mapping.uuid}/{discarded.shard}/{now:%Y/%m/%d}"
    return f"{day}/{now:%Y-%m-%dT%H.%M.%S}-{uuid.uuid4()}"


def description(discarded: Discarded) -> dict[str, Any]:
    """The message about a discarded batch."""
    mapping, records = discarded.mapping, discarded.records
    message: dict[str, Any] = {
        "requestContext": {
            "requestId": discarded.request_id,
            "functionArn": mapping.function_arn,
            "condition": discarded.condition,
            "approximateInvokeCount": discarded.invocations,
        }
    }
    if discarded.reached:
        message["responseContext"] = {"statusCode": 200, "executedVersion": _version(mapping.function_arn)}
        if discarded.function_error:
            message["responseContext"]["functionError"] = discarded.function_error
    kinesis = mapping.service == "kinesis"
    message |= {
        "version": "1.0",
        "timestamp": _instant(time.time(), "milliseconds"),
        "KinesisBatchInfo" if kinesis else "DDBStreamBatchInfo": {
            "shardId": discarded.shard,
            "startSequenceNumber": records[0].sequence_number,
            "endSequenceNumber": records[-1].sequence_number,
            "approximateArrivalOfFirstRecord": _arrival(records[0], kinesis),
            "approximateArrivalOfLastRecord": _arrival(records[-1], kinesis),
            "batchSize": len(records),
            "streamArn": mapping.source,
        },
    }
    return message


def _version(function_arn: str) -> str:
    """The version that an ARN asks for. (An alias stands here under its own name.)"""
    parts = function_arn.split(":")
    return parts[7] if len(parts) > 7 else "$LATEST"


def _arrival(record: Record, kinesis: bool) -> str:
    return _instant(record.created, "milliseconds" if kinesis else "seconds")


def _instant(epoch_seconds: float, precision: str) -> str:
    instant = dt.datetime.fromtimestamp(epoch_seconds, dt.UTC)
    return instant.isoformat(timespec=precision).replace("+00:00", "Z")
