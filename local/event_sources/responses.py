"""What a function's answer says about its batch.

A batch is a complete success for: an empty or null list, an empty or null answer. It is a complete failure for: no
JSON, an `itemIdentifier` that is empty, null or has a bad key name. The same for streams
(https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html) and for queues, whose page adds
an id that is not in the batch (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html). That the
latter holds for streams too is our choice.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any


def failures(answer: bytes, known: Collection[str]) -> set[str] | None:
    """The ids that an answer reports as failed; None for the whole batch."""
    try:
        response = json.loads(answer or b"null")
    except ValueError:
        return None
    if response is None:
        return set()
    if not isinstance(response, dict):
        return None
    reported = response.get("batchItemFailures")
    if reported is None:
        return set()
    if not isinstance(reported, list):
        return None
    found = set()
    for failure in reported:
        identifier = failure.get("itemIdentifier") if isinstance(failure, dict) else None
        if not isinstance(identifier, str) or identifier not in known:
            return None
        found.add(identifier)
    return found


class NoState(ValueError):
    """An answer lacks the `state` that a tumbling window needs: "Lambda considers this a failed invocation"."""


def state(answer: bytes) -> dict[str, Any]:
    """The state that an answer carries. Raises NoState."""
    try:
        response = json.loads(answer or b"null")
    except ValueError as error:
        raise NoState("the answer is no JSON") from error
    found = response.get("state") if isinstance(response, dict) else None
    if not isinstance(found, dict):
        raise NoState("the answer has no state")
    return found
