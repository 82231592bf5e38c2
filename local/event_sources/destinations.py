"""On-failure destinations: what becomes of a batch that is given up.

https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import logging
import uuid
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from local.errors import NotEmulated
from local.event_sources.mappings import Mapping
from local.event_sources.records import Record, payload

logger = logging.getLogger("headwater.event_sources")

ATTEMPTS = 5


class Discarded(NamedTuple):
    """A batch that is given up. `failed`: the function returned an error (as opposed to never having run)."""

    mapping: Mapping
    shard: str
    records: Sequence[Record]
    condition: str
    invocations: int
    failed: bool


class DestinationCloud(Protocol):
    """What sending needs of `local.cloud.Cloud`."""

    def client(self, service: Any) -> Any: ...


class FailureDestination:
    """A queue or topic takes a description of the batch (its records stay in the stream), a bucket its records too."""

    def __init__(self, cloud: DestinationCloud, arn: str) -> None:
        self._cloud = cloud
        self._arn = arn
        self._service = arn.split(":")[2] if arn.count(":") >= 5 else ""
        if self._service not in {"sqs", "sns", "s3"}:
            raise NotEmulated(f"On-failure destination {arn}", "known are SQS queues, SNS topics and S3 buckets")

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
            body["payload"] = payload(discarded.records).decode()
            now = dt.datetime.now(dt.UTC)
            key = (
                f"aws/lambda/{discarded.mapping.uuid}/{discarded.shard}/"
                f"{now:%Y/%m/%d}/{now:%Y-%m-%dT%H.%M.%S}-{uuid.uuid4()}"
            )
            self._cloud.client("s3").put_object(Bucket=self._arn.split(":")[5], Key=key, Body=json.dumps(body).encode())


def description(discarded: Discarded) -> dict[str, Any]:
    """The message about a discarded batch."""
    mapping, records = discarded.mapping, discarded.records
    message: dict[str, Any] = {
        "requestContext": {
            "requestId": str(uuid.uuid4()),
            "functionArn": mapping.function_arn,
            "condition": discarded.condition,
            "approximateInvokeCount": discarded.invocations,
        }
    }
    if discarded.failed:
        message["responseContext"] = {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"}
    message |= {
        "version": "1.0",
        "timestamp": dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "DDBStreamBatchInfo": {
            "shardId": discarded.shard,
            "startSequenceNumber": records[0].sequence_number,
            "endSequenceNumber": records[-1].sequence_number,
            "approximateArrivalOfFirstRecord": _instant(records[0].created),
            "approximateArrivalOfLastRecord": _instant(records[-1].created),
            "batchSize": len(records),
            "streamArn": mapping.stream_arn,
        },
    }
    return message


def _instant(epoch_seconds: float) -> str:
    return dt.datetime.fromtimestamp(epoch_seconds, dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
