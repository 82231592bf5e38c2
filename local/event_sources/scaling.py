"""How many batches of a queue are processed at a time.

"Lambda starts processing five batches at a time ... If messages are still available, Lambda increases the number of
processes that are reading batches by up to 300 more instances per minute", up to 1,000 or the mapping's maximum
concurrency. https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
"""

from __future__ import annotations

from collections.abc import Callable

from local.functions.functions import CONCURRENCY_CAP

FIRST_BATCHES = 5
MORE_PER_SECOND = 5.0
MOST_BATCHES = CONCURRENCY_CAP
"""Messages that wait for a worker of this machine would only become visible again meanwhile."""


class Scaling:
    """The limit of batches at a time. `clock` gives seconds.

    "Lambda gradually backs off, reducing the amount of concurrency" when an invocation fails: here by half, and back by
    one with each batch that succeeds. https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
    """

    def __init__(self, maximum: int | None, clock: Callable[[], float]) -> None:
        self._maximum = min(MOST_BATCHES, maximum or MOST_BATCHES)
        self._clock = clock
        self._since = clock()
        self.limit = min(FIRST_BATCHES, self._maximum)

    def busy(self) -> None:
        """All that are allowed are running, and there are more messages."""
        now = self._clock()
        more = int((now - self._since) * MORE_PER_SECOND)
        if more:
            self._since = now
            self.limit = min(self.limit + more, self._maximum)

    def idle(self) -> None:
        """The queue is empty: back to the beginning."""
        self._since = self._clock()
        self.limit = min(max(self.limit, 1), FIRST_BATCHES, self._maximum)

    def failed(self) -> None:
        """An invocation failed, or was throttled."""
        self._since = self._clock()
        self.limit = max(self.limit // 2, 1)

    def succeeded(self) -> None:
        """An invocation succeeded."""
        self.limit = min(max(self.limit, min(self.limit + 1, FIRST_BATCHES)), self._maximum)
