"""The post-confirmation trigger as Cognito calls it."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from domain import profile
from domain.settings import settings
from domain.table import Table
from tests.conftest import CREDENTIALS, ROOT

SUB = "c81809c9-7b5b-4f61-a326-305bd2591e1f"


class Context:
    """What Powertools' logger reads of Lambda's context object."""

    function_name = "create_profile"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:us-east-1:000000000000:function:create_profile"
    aws_request_id = "8476a536-e9f4-11e8-9739-2dfe598c3fcd"


def event(source: str = "PostConfirmation_ConfirmSignUp") -> dict[str, Any]:
    """As the developer guide shows it."""
    return {
        "version": "1", "triggerSource": source, "region": "us-east-1", "userPoolId": "us-east-1_x", "userName": "ann",
        "callerContext": {"awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": "web"},
        "request": {"userAttributes": {"sub": SUB, "email": "ann@example.com", "email_verified": "true"}},
        "response": {},
    }  # fmt: skip


@pytest.fixture
def function(main_table: Table, aws_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The handler's module in the environment of its function."""
    environment = {
        "MAIN_TABLE": main_table.name,
        "POWERTOOLS_SERVICE_NAME": "create_profile",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": aws_endpoint,
        "AWS_ACCESS_KEY_ID": CREDENTIALS["aws_access_key_id"],
        "AWS_SECRET_ACCESS_KEY": CREDENTIALS["aws_secret_access_key"],
        "_X_AMZN_TRACE_ID": "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    spec = importlib.util.spec_from_file_location(
        "create_profile_handler", ROOT / "streams/create_profile/handler.py"
    )  # fmt: skip
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    settings.cache_clear()


def test_whoever_confirms_gets_a_profile_without_an_address(function: ModuleType, main_table: Table) -> None:
    assert function.handler(event(), Context()) == event()
    item = main_table.get(profile.key(SUB), 0)
    assert item is not None
    assert (item["name"], item["displayName"], item["version"]) == ("ann", "ann", 1)
    assert item["traceId"] == "1-5759e988-bd862e3fe1be46a994272793"
    assert "ann@example.com" not in str(item)


@pytest.mark.parametrize("source", ["PostConfirmation_ConfirmSignUp", "PostConfirmation_ConfirmForgotPassword"])
def test_a_second_event_changes_nothing(function: ModuleType, main_table: Table, source: str) -> None:
    function.handler(event(), Context())
    before = main_table.get(profile.key(SUB), 0)
    assert function.handler(event(source), Context()) == event(source)
    assert main_table.get(profile.key(SUB), 0) == before


def test_a_table_that_does_not_answer_stops_no_sign_up(function: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert function.handler(event(), Context()) == event()
