"""Settings of the Parameter Store and secrets, and what holds when they cannot be read."""

from __future__ import annotations

import logging
import socket
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError

from domain import parameters
from domain.clock import SystemClock
from domain.errors import TryAgain
from domain.parameters import RunTimeSetting
from tests.conftest import CREDENTIALS


@pytest.fixture
def cloud(aws_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Any]]:
    """Makes clients of the cloud that the getters ask too."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws_endpoint)
    monkeypatch.setenv("AWS_DEFAULT_REGION", CREDENTIALS["region_name"])
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", CREDENTIALS["aws_access_key_id"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", CREDENTIALS["aws_secret_access_key"])
    parameters._parameters.cache_clear()
    parameters._secrets.cache_clear()
    yield lambda service: boto3.client(service)  # type: ignore[call-overload]  # the name is a variable
    parameters._parameters.cache_clear()
    parameters._secrets.cache_clear()


def test_a_parameter_is_kept_and_then_read_again(cloud: Callable[[str], Any]) -> None:
    name = f"/headwater/{uuid.uuid4()}"
    cloud("ssm").put_parameter(Name=name, Value="one", Type="String")
    assert parameters.parameter(name, 60) == "one"
    cloud("ssm").put_parameter(Name=name, Value="two", Type="String", Overwrite=True)
    assert parameters.parameter(name, 60) == "one"
    parameters._parameters().store.clear()
    assert parameters.parameter(name, 60) == "two"


def test_a_secret_is_kept(cloud: Callable[[str], Any]) -> None:
    name = f"headwater/{uuid.uuid4()}"
    cloud("secretsmanager").create_secret(Name=name, SecretString="pepper")
    assert parameters.secret(name, 60) == "pepper"
    cloud("secretsmanager").delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    assert parameters.secret(name, 60) == "pepper"


def test_what_is_missing_is_an_error(cloud: Callable[[str], Any]) -> None:
    with pytest.raises(GetParameterError):
        parameters.parameter("/headwater/nothing", 60)
    with pytest.raises(GetParameterError):
        parameters.secret("headwater/nothing", 60)


def test_a_secret_that_cannot_be_read_now_is_asked_for_again(
    cloud: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A container begins while Secrets Manager is busy: the caller is to try again, nothing of ours has failed."""
    name = f"headwater/{uuid.uuid4()}"
    cloud("secretsmanager").create_secret(Name=name, SecretString="pepper")
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and does not listen
        with monkeypatch.context() as unreachable:
            unreachable.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{nobody.getsockname()[1]}")
            with pytest.raises(TryAgain):
                parameters.secret(name, 60)
    parameters._secrets.cache_clear()
    assert parameters.secret(name, 60) == "pepper"


class Clock(SystemClock):
    seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds


def test_a_setting_stays_as_it_was_when_it_cannot_be_read(caplog: pytest.LogCaptureFixture) -> None:
    answers: list[str | Exception] = [
        GetParameterError("down"), "1", "1", "no number", GetParameterError("down"), "2"
    ]  # fmt: skip

    def read() -> str:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    clock = Clock()
    setting = RunTimeSetting(read, int, 7, 60, clock)
    with caplog.at_level(logging.WARNING):
        assert [setting(), setting()] == [7, 7]  # the second does not ask
        clock.seconds += 60
        assert [setting(), setting()] == [1, 1]
        assert setting() == 1  # no number
        clock.seconds += 60
        assert setting() == 1  # down
        clock.seconds += 60
        assert setting() == 2
    assert answers == []
    assert len(caplog.records) == 3
