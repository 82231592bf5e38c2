"""The post-confirmation trigger as Cognito calls it."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from domain import profile
from domain.table import Table
from tests.deployed import Context, deployed

SUB = "c81809c9-7b5b-4f61-a326-305bd2591e1f"


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
        "_X_AMZN_TRACE_ID": "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1",
    }
    with deployed("streams/create_profile", aws_endpoint, monkeypatch, environment) as module:
        yield module


def test_whoever_confirms_gets_a_profile_without_an_address(function: ModuleType, main_table: Table) -> None:
    assert function.handler(event(), Context("create_profile")) == event()
    item = main_table.get(profile.key(SUB), 0)
    assert item is not None
    assert (item["name"], item["displayName"], item["version"]) == ("ann", "ann", 1)
    assert item["traceId"] == "1-5759e988-bd862e3fe1be46a994272793"
    assert "ann@example.com" not in str(item)


@pytest.mark.parametrize("source", ["PostConfirmation_ConfirmSignUp", "PostConfirmation_ConfirmForgotPassword"])
def test_a_second_event_changes_nothing(function: ModuleType, main_table: Table, source: str) -> None:
    function.handler(event(), Context("create_profile"))
    before = main_table.get(profile.key(SUB), 0)
    assert function.handler(event(source), Context("create_profile")) == event(source)
    assert main_table.get(profile.key(SUB), 0) == before


def test_a_table_that_does_not_answer_stops_no_sign_up(function: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert function.handler(event(), Context("create_profile")) == event()
