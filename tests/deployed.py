"""Functions as Lambda has them: the handler's module, loaded in an environment of its own, with MiniStack as AWS."""

from __future__ import annotations

import importlib.util
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import boto3
import pytest

from domain import mutation_limits, parameters
from domain.settings import settings
from tests.conftest import CREDENTIALS, ROOT


class Context:
    """What handlers and Powertools' logger read of Lambda's context object; `seconds` are left of the invocation."""

    memory_limit_in_mb = 512
    aws_request_id = "8476a536-e9f4-11e8-9739-2dfe598c3fcd"

    def __init__(self, function: str, seconds: float = 30.0) -> None:
        self.function_name = function
        self.invoked_function_arn = f"arn:aws:lambda:us-east-1:000000000000:function:{function}"
        self._end = time.monotonic() + seconds

    def get_remaining_time_in_millis(self) -> int:
        return max(0, round((self._end - time.monotonic()) * 1000))


@contextmanager
def deployed(
    folder: str, endpoint: str, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]
) -> Iterator[ModuleType]:
    """The handler's module of a function, as a new container has it.

    Args:
        folder: of the function, such as `resolvers/shop`.
        endpoint: of MiniStack.
        monkeypatch: sets the environment.
        environment: the function's own variables.
    """
    name = Path(folder).name
    lambdas = {
        "POWERTOOLS_SERVICE_NAME": name,
        "AWS_REGION": CREDENTIALS["region_name"],
        "AWS_DEFAULT_REGION": CREDENTIALS["region_name"],
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": CREDENTIALS["aws_access_key_id"],
        "AWS_SECRET_ACCESS_KEY": CREDENTIALS["aws_secret_access_key"],
    }
    for variable, value in (lambdas | environment).items():
        monkeypatch.setenv(variable, value)
    _forget()
    spec = importlib.util.spec_from_file_location(f"{name}_handler", ROOT / folder / "handler.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    try:
        yield module
    finally:
        _forget()


def limits_of_mutations(endpoint: str, value: str) -> str:
    """A new parameter with limits of mutations, as JSON; its name, for the variable MUTATION_LIMITS."""
    name = f"limits-{uuid.uuid4()}"
    ssm = boto3.client("ssm", endpoint_url=endpoint, **CREDENTIALS)  # type: ignore[call-overload]
    ssm.put_parameter(Name=name, Type="String", Value=value)
    return name


def _forget() -> None:
    """Drop what a container keeps between invocations, in modules that tests share."""
    for kept in (settings, mutation_limits.rate_limit_here, parameters._parameters):
        kept.cache_clear()
