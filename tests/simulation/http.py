"""The way from a container to AppSync: stands for urllib3's pool in the publisher."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from urllib3.exceptions import ProtocolError, ReadTimeoutError

from tests.simulation.appsync import AppSync
from tests.simulation.kernel import Kernel
from tests.simulation.network import Network

_SILENCE_SECONDS = 10.0
_TRANSIENT = [
    (200, {"errors": [{"errorType": "ExecutionTimeout", "message": "Execution timed out."}]}),
    (200, {"errors": [{"errorType": "Lambda:TooManyRequestsException", "message": "x"}]}),
    (200, {"errors": [{"message": "Validation error of type FieldUndefined: a deployment is under way"}]}),
    (401, {"errors": [{"errorType": "UnauthorizedException", "message": "Permission denied"}]}),
    (403, {"message": "Missing Authentication Token"}),
]


@dataclass(frozen=True)
class Answer:
    """An HTTP answer."""

    status: int
    data: bytes


class Http:
    """Posts publish mutations, whose effect may come although no answer does."""

    def __init__(self, kernel: Kernel, network: Network, appsync: AppSync) -> None:
        self._kernel = kernel
        self._network = network
        self._appsync = appsync

    def request(self, method: str, url: str, *, body: bytes, **_: Any) -> Answer:
        """One attempt. Raises urllib3's errors."""
        assert method == "POST"
        strikes, chance = self._appsync.weather.strikes, self._kernel.random
        self._network.point("publish")
        self._kernel.sleep(self._network.latency())
        envelope = json.loads(body)["variables"]["input"]

        def effect() -> None:
            if not self._appsync.refuses(envelope):
                self._appsync.publish(envelope)

        if strikes("appsync 429"):
            return self._answer(429, {"errors": [{"errorType": "TooManyRequestsException", "message": "slow down"}]})
        if strikes("appsync error"):
            return self._answer(*chance.choice(_TRANSIENT))
        if strikes("appsync silence"):
            return self._silence(effect, chance.choice([None, 0.0, 1.0, 30.0]), url)
        if strikes("appsync 500"):
            if chance.random() < 0.5:
                effect()
            return self._answer(chance.choice([500, 502, 503, 504]), "the service is ill")
        if self._appsync.refuses(envelope):
            message = "Variable 'input' has an invalid value."
            return self._answer(200, {"data": None, "errors": [{"message": message, "locations": None}]})
        effect()
        return self._answer(200, {"data": {"publishMessages": {"topic": envelope["topic"]}}})

    def _silence(self, effect: Callable[[], None], moment: float | None, url: str) -> Answer:
        self._kernel.current().note(f"publish: silence, effect {moment}")
        if moment is not None:
            self._kernel.later(moment * self._kernel.random.random(), effect)
        if self._kernel.random.random() < 0.3:
            raise ProtocolError("Connection aborted.")
        self._kernel.sleep(_SILENCE_SECONDS)
        raise ReadTimeoutError(None, url, "Read timed out.")  # type: ignore[arg-type]

    def _answer(self, status: int, content: object) -> Answer:
        self._kernel.sleep(self._network.latency())
        self._network.point("publish answered")
        return Answer(status, json.dumps(content).encode())
