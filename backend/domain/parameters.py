"""Settings that change while functions run (SSM Parameter Store) and secrets (Secrets Manager), both kept for a while.

A function's environment is for what a deployment decides. What an operator changes at run time is a parameter, and what
nobody may read in a template or in the console is a secret: a container reads either again when `max_age` is over.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cache
from typing import Generic, TypeVar

from aws_lambda_powertools.utilities.parameters import SecretsProvider, SSMProvider
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionError, HTTPClientError  # noqa: A004 - botocore's name

from domain.clock import Clock
from domain.errors import TryAgain

logger = logging.getLogger("headwater.parameters")

T = TypeVar("T")

_BUSY = frozenset(
    {"InternalFailure", "InternalServiceError", "InternalServiceErrorException", "RequestLimitExceeded",
     "ServiceUnavailable", "Throttling", "ThrottlingException", "TooManyRequestsException"}
)  # fmt: skip

# Whoever waits for a parameter has a caller waiting.
_CONFIG = Config(retries={"mode": "standard", "total_max_attempts": 3}, connect_timeout=1, read_timeout=2)


@cache
def _parameters() -> SSMProvider:
    return SSMProvider(boto_config=_CONFIG)


@cache
def _secrets() -> SecretsProvider:
    return SecretsProvider(boto_config=_CONFIG)


def parameter(name: str, max_age: int) -> str:
    """A parameter's text, at most `max_age` seconds old.

    Raises:
        GetParameterError: it cannot be read.
    """
    return str(_parameters().get(name, max_age=max_age))


def secret(name: str, max_age: int) -> str:
    """A secret's text, at most `max_age` seconds old.

    Raises:
        TryAgain: Secrets Manager throttled, failed, or did not answer. There is no value to fall back on.
        GetParameterError: it cannot be read, and will not be: there is none, or the right is missing.
    """
    try:
        return str(_secrets().get(name, max_age=max_age))
    except GetParameterError as error:
        if _passes(error.__context__):
            raise TryAgain from error
        raise


def _passes(error: BaseException | None) -> bool:
    """Whether what Powertools has put into its one exception may be over soon."""
    if isinstance(error, ClientError):
        return error.response["Error"]["Code"] in _BUSY
    return isinstance(error, ConnectionError | HTTPClientError)


class RunTimeSetting(Generic[T]):
    """A setting by its parameter; what cannot be read, or makes no sense, leaves it as it was.

    Args:
        read: fetches its text, from a cache as a rule; raises GetParameterError.
        parse: makes the value of it; raises ValueError.
        first: what holds until it could be read once.
        pause: seconds until it is tried again after a failure.
        clock: tells the time.
    """

    def __init__(
        self, read: Callable[[], str], parse: Callable[[str], T], first: T, pause: float, clock: Clock
    ) -> None:
        self._read = read
        self._parse = parse
        self._value = first
        self._pause = pause
        self._clock = clock
        self._text: str | None = None
        self._not_before: float | None = None

    def __call__(self) -> T:
        """The value."""
        now = self._clock.monotonic()
        if self._not_before is not None and now < self._not_before:
            return self._value
        try:
            text = self._read()
            if text != self._text:
                self._text = text
                self._value = self._parse(text)
        except (GetParameterError, ValueError) as error:
            # The function works without it, with what was before: it must not stop for this.
            logger.warning("a setting stays as it was", exc_info=error)
            self._not_before = now + self._pause
        return self._value
