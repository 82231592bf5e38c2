"""SQS: whoever polls a queue from outside this process is told when there is something to receive."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ministack.core.concurrency import esm_wake
from ministack.services import lambda_svc, sqs

from local.ministack.process import notifier
from local.ministack.queue_watch import QueueWatch


def _polled_queues() -> Iterator[tuple[str, dict[str, Any]]]:
    for _account, _region, mapping in lambda_svc._iter_all_esms():
        arn = mapping.get("EventSourceArn", "")
        queue = sqs._queue_by_arn(arn) if ":sqs:" in arn and mapping.get("Enabled", True) else None
        if queue is not None:
            yield arn, queue


def announce_messages() -> None:
    """A consumer of a queue outside this process can only poll it, and is late for what becomes visible again.

    Every producer (SQS itself, SNS, S3, EventBridge, failed invocations) sets this event after it has put a message
    into a queue's list. What changes visibility comes through the dispatcher.
    """
    watch = QueueWatch(_polled_queues, notifier.source)
    wake, dispatch = esm_wake.set, sqs._dispatch

    def wake_and_look() -> None:
        wake()
        watch.look_soon()

    async def dispatch_and_look(action: str, *arguments: Any) -> Any:
        try:
            return await dispatch(action, *arguments)
        finally:
            if action in _CHANGING:
                watch.look_soon(anew=True)

    esm_wake.set = wake_and_look
    sqs._dispatch = dispatch_and_look


_CHANGING = frozenset({
    "SendMessage", "SendMessageBatch", "ReceiveMessage", "DeleteMessage", "DeleteMessageBatch",
    "ChangeMessageVisibility", "ChangeMessageVisibilityBatch",
})  # fmt: skip
