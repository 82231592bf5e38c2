"""Which live subscriptions end with the answer of a mutation, as `resolvers/appsync/ending.js` takes it.

What is taken away by a write to the table is the publisher's: `domain.routing` has the table of such rights.
"""

from __future__ import annotations

from typing import Any

from domain import topics
from domain.topics import Topic


def with_answer(answer: Any, subscriber: str, *lost: Topic) -> dict[str, Any]:
    """An answer after which a subscriber's subscriptions end: to the topics, or all of them when none is named.

    Of those of all kinds AppSync ends as many as it takes; `domain.routing` has the publisher end the others.

    Args:
        answer: the field's value.
        subscriber: a user by `sub`, or an auth key by its id.
        lost: the topics to which the right is gone. AppSync ends five kinds of subscriptions with an answer at most.
    """
    named = [(each.kind, str(each)) for each in lost] or [(kind, topics.EVERY) for kind in topics.ENDED_AT_ONCE]
    ends = [
        {"subscriptionField": kind.subscription, "topic": topic, "userId": subscriber}
        for kind, topic in named
        if kind.subscription
    ]
    return {"answer": answer, "ends": ends}
