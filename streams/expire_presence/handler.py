"""Queue of delayed questions -> who has said nothing for too long is shown as absent, then is gone.

A thin adapter of `domain.presence_chain`.
"""

import json
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from domain import presence_chain
from domain.clock import SYSTEM
from domain.logs import function_logger
from domain.presence import Rhythm
from domain.presence_chain import Chains
from domain.queue import Queue, sqs
from domain.settings import settings
from domain.table import Table, dynamodb

logger = function_logger()


@cache
def chains_here() -> Chains:
    """The chains of this deployment, made at the first event and kept as long as the container lives."""
    here = settings()
    table, queue = Table(here.main_table, dynamodb()), Queue(here.presence_queue_url, sqs())
    return Chains(table, queue, SYSTEM, Rhythm(here.heartbeat_seconds))


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Deal with a batch of the queue.

    Answers with the messages that failed, which the queue delivers again.
    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
    """
    del context
    failed = []
    for record in event["Records"]:
        try:
            question = presence_chain.from_message(json.loads(record["body"]))
        except (KeyError, TypeError, ValueError):
            logger.exception("A message of another kind is dropped: %s", record["messageId"])
            continue
        try:
            chains_here().ask(question, record["messageId"])
        except Exception:
            # The edge: one question that cannot be dealt with now must not make the others come again.
            logger.exception("Could not ask about %s", question.place)
            failed.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failed}
