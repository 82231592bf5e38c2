"""Messages in a queue: to operators, and to functions that are to act later."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_MOST = 10  # of one ReceiveMessage


class QueueError(Exception):
    """SQS did not do it: an outage, a missing right, a missing queue."""


def sqs(**options: Any) -> SQSClient:
    """A client for single messages."""
    config = Config(retries={"mode": "standard", "total_max_attempts": 3}, connect_timeout=2, read_timeout=5)
    return boto3.client("sqs", config=config, **options)


class Queue:
    """One queue."""

    def __init__(self, url: str, client: SQSClient) -> None:
        self._url = url
        self._client = client

    def send(self, message: Mapping[str, Any], delay_seconds: int = 0) -> None:
        """Send a message, which nobody gets before a delay of up to 900 seconds is over. Raises QueueError."""
        body = json.dumps(message, ensure_ascii=False)
        with _errors():
            self._client.send_message(QueueUrl=self._url, MessageBody=body, DelaySeconds=delay_seconds)

    def take(self, seconds: int) -> dict[str, str]:
        """Up to ten messages by the handles that `delete` and `release` take. Nobody else gets them for a while.

        Raises:
            QueueError: SQS did not answer.
        """
        with _errors():
            answer = self._client.receive_message(
                QueueUrl=self._url, MaxNumberOfMessages=_MOST, VisibilityTimeout=seconds
            )
        return {message["ReceiptHandle"]: message["Body"] for message in answer.get("Messages", [])}

    def release(self, handle: str) -> None:
        """Show a message again that was taken. Raises QueueError."""
        with _errors():
            self._client.change_message_visibility(QueueUrl=self._url, ReceiptHandle=handle, VisibilityTimeout=0)

    def delete(self, handle: str) -> None:
        """Remove a message that was taken. Raises QueueError."""
        with _errors():
            self._client.delete_message(QueueUrl=self._url, ReceiptHandle=handle)


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise QueueError(str(error)) from error
