"""What is pushed: the local AppSync's registry of subscriptions, filtered as the project's own JavaScript says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from local.appsync.definition import AuthMode
from local.appsync.filters import enhanced_filter
from local.appsync.javascript import JavaScript
from local.appsync.journal import Journal
from local.appsync.limits import Limits
from local.appsync.metrics import Metrics
from local.appsync.request import Caller
from local.appsync.subscriptions import Selection, Subscription, Subscriptions
from tests.conftest import ROOT

FIELDS = {"room": "onMessages", "user": "onUser", "client": "onClient", "presence": "onPresence", "cart": "onCart"}
FIELDS |= {"product": "onProduct", "category": "onCategory", "order": "onOrder"}
MUTATIONS = {
    "room": "publishMessages", "user": "publishUsers", "client": "publishClients", "presence": "publishPresence",
    "cart": "publishCarts", "product": "publishProducts", "category": "publishCategories",
    "order": "publishOrders",
}  # fmt: skip


class Pushes:
    """Who gets what is published. A subscriber is a name."""

    def __init__(self) -> None:
        code = ROOT / "resolvers/appsync/subscription.js"
        self._code = JavaScript().compile(code.read_text(), code.name)
        self._live = Subscriptions(Limits(), Metrics())
        self._journal = Journal()
        self._selection = Selection("all", _fill)
        self._filters: dict[str, Any] = {}
        self.heard: list[str] = []
        self.ended: list[str] = []

    def subscribe(self, name: str, answer: Mapping[str, Any]) -> Subscription:
        """Start a subscription with what the function answered to `subscription.js`."""
        text = json.dumps(answer, sort_keys=True)
        if text not in self._filters:
            outcome = self._code.run("response", {"result": {"data": dict(answer)}})
            assert outcome.error is None
            assert outcome.subscription_filter
            self._filters[text] = (
                enhanced_filter(outcome.subscription_filter),
                enhanced_filter(outcome.invalidation_filter) if outcome.invalidation_filter else [],
            )
        groups, invalidation = self._filters[text]
        field = FIELDS[answer["topic"].partition(":")[0]]
        return self._live.add(
            field, self._selection, groups, invalidation, lambda _: self.heard.append(name),
            lambda: self.ended.append(name),
        )  # fmt: skip

    def publish(self, topic: str) -> list[str]:
        """Publish a change of a topic; who hears it."""
        kind = topic.partition(":")[0]
        self.heard = []
        entry = self._journal.publish("api", MUTATIONS[kind], [FIELDS[kind]], Caller(AuthMode.AWS_IAM), "request")
        self._live.publish(FIELDS[kind], {"topic": topic, "items": []}, entry)
        return self.heard

    def end(self, user_id: str, topic: str) -> None:
        """End subscriptions as `ending.js` and `endSubscriptions` do."""
        for field in FIELDS.values():
            self._live.invalidate(field, {"userId": user_id, "topic": topic})


def _fill(parent: Any, _arguments: Any, data: dict[str, Any], _path: Any, _run: Any) -> bool:
    data.update(parent)
    return True
