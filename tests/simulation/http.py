"""The way from a container to AppSync: what urllib3's pool is to the real publisher."""

from __future__ import annotations

import json

from domain.publishing import Unreachable
from tests.simulation.appsync import AppSync
from tests.simulation.kernel import Kernel
from tests.simulation.network import Network


class Http:
    """Posts mutations."""

    def __init__(self, kernel: Kernel, network: Network, appsync: AppSync) -> None:
        self._kernel = kernel
        self._network = network
        self._appsync = appsync

    def publish(self, text: str, deadline: float) -> None:
        while self._kernel.now < deadline:
            if self._attempt(text):
                return
            self._kernel.sleep(self._kernel.random.random())
        raise Unreachable("simulated")

    def _attempt(self, text: str) -> bool:
        strikes = self._appsync.weather.strikes
        self._network.point("publish")
        envelope = json.loads(text)
        if strikes("appsync 429") or strikes("appsync error"):
            return False
        if strikes("appsync silence"):
            moment = self._kernel.random.choice([None, 0.0, 1.0, 30.0])
            if moment is not None:
                self._kernel.later(moment * self._kernel.random.random(), self._appsync.publish, envelope)
            self._kernel.sleep(10.0)
            return False
        if strikes("appsync 500"):
            if self._kernel.random.random() < 0.5:
                self._appsync.publish(envelope)
            return False
        self._appsync.publish(envelope)
        self._network.point("publish answered")
        return True
