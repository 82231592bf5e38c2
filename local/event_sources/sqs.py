"""SQS queues: how they are read, and the shape in which Lambda hands their messages to a function.

https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from local.event_sources.filters import Document
from local.event_sources.records import encoded
from local.event_sources.streams import EventSourcesCloud, SourceGone

RECEIVE_LIMIT = 10
_GONE = frozenset({"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"})


class Message(NamedTuple):
    """A message that was received. `text` is its JSON as the function gets it; `group` is None in a standard queue."""

    id: str
    text: str
    size: int
    receipt: str
    group: str | None
    document: Document


class Queue:
    """One queue. Blocking calls run in threads; each raises SourceGone when there is no such queue."""

    def __init__(self, cloud: EventSourcesCloud, arn: str) -> None:
        self._client = cloud.client("sqs")
        self._arn = arn
        self._url = ""
        self.visibility_seconds = 30.0

    async def open(self) -> None:
        """Find the queue and learn how long a received message is hidden."""
        _, _, _, _, account, name = self._arn.split(":")
        found = await self._call(self._client.get_queue_url, QueueName=name, QueueOwnerAWSAccountId=account)
        self._url = found["QueueUrl"]
        names = ["VisibilityTimeout"]
        answer = await self._call(self._client.get_queue_attributes, QueueUrl=self._url, AttributeNames=names)
        self.visibility_seconds = float(answer["Attributes"]["VisibilityTimeout"])

    async def receive(self, limit: int) -> list[Message]:
        """Up to `limit` (at most 10) messages that are visible now."""
        answer = await self._call(
            self._client.receive_message,
            QueueUrl=self._url,
            MaxNumberOfMessages=min(limit, RECEIVE_LIMIT),
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
            WaitTimeSeconds=0,
        )
        return [read(raw, self._arn) for raw in answer.get("Messages", [])]

    async def delete(self, messages: Sequence[Message]) -> None:
        """Delete messages. One whose receipt is no longer good was received again meanwhile, and comes again."""
        for entries in _tens(messages):
            named = [{"Id": str(index), "ReceiptHandle": each.receipt} for index, each in enumerate(entries)]
            await self._call(self._client.delete_message_batch, QueueUrl=self._url, Entries=named)

    async def release(self, messages: Sequence[Message]) -> None:
        """Let others see messages at once."""
        for entries in _tens(messages):
            named = [
                {"Id": str(index), "ReceiptHandle": each.receipt, "VisibilityTimeout": 0}
                for index, each in enumerate(entries)
            ]
            await self._call(self._client.change_message_visibility_batch, QueueUrl=self._url, Entries=named)

    async def _call(self, operation: Any, **arguments: Any) -> Any:
        try:
            return await asyncio.to_thread(operation, **arguments)
        except ClientError as error:
            if error.response["Error"]["Code"] in _GONE:
                raise SourceGone(self._arn) from error
            raise


def _tens(messages: Sequence[Message]) -> list[Sequence[Message]]:
    return [messages[start : start + RECEIVE_LIMIT] for start in range(0, len(messages), RECEIVE_LIMIT)]


def read(raw: Mapping[str, Any], queue_arn: str) -> Message:
    """A message of ReceiveMessage, as Lambda passes it on."""
    attributes = raw.get("Attributes", {})
    event = {
        "messageId": raw["MessageId"],
        "receiptHandle": raw["ReceiptHandle"],
        "body": raw["Body"],
        "attributes": attributes,
        "messageAttributes": {
            name: _attribute(value) for name, value in (raw.get("MessageAttributes") or {}).items()
        },
        "md5OfBody": raw["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": queue_arn.split(":")[3],
    }  # fmt: skip
    if raw.get("MD5OfMessageAttributes"):
        event["md5OfMessageAttributes"] = raw["MD5OfMessageAttributes"]
    text = encoded(event)
    return Message(
        id=raw["MessageId"],
        text=text,
        size=len(text.encode()),
        receipt=raw["ReceiptHandle"],
        group=attributes.get("MessageGroupId") if queue_arn.endswith(".fifo") else None,
        document=Document(event, raw["Body"]),
    )


def _attribute(value: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if "StringValue" in value:
        found["stringValue"] = value["StringValue"]
    if "BinaryValue" in value:
        found["binaryValue"] = base64.b64encode(value["BinaryValue"]).decode()
    return {**found, "stringListValues": [], "binaryListValues": [], "dataType": value["DataType"]}
