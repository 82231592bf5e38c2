"""Where the HTTP API of what is deployed answers."""

from __future__ import annotations

from typing import Any

from local.cloud import Resource, Stack
from local.rest import find

AWS = "http://127.0.0.1:4566"


def resource(kind: str, physical_id: str, **properties: Any) -> Resource:
    return Resource(physical_id, f"AWS::ApiGatewayV2::{kind}", physical_id, properties, {}, "CREATE_COMPLETE")


def stack(name: str, *resources: Resource, parent: str | None = None) -> Stack:
    return Stack(name, name, parent, "CREATE_COMPLETE", resources=resources)


SOCKETS = resource("Api", "0000", ProtocolType="WEBSOCKET")
API = resource("Api", "1234")
DEFAULT = resource("Stage", "$default", ApiId="1234", StageName="$default")


def test_the_default_stage_is_at_the_root_of_an_api_in_a_nested_stack() -> None:
    stacks = [stack("app"), stack("app-rest", SOCKETS, DEFAULT, API, parent="app")]
    assert find(stacks, "app", AWS) == f"{AWS}/_aws/execute-api/1234"


def test_a_named_stage_is_in_the_path() -> None:
    assert find([stack("app", API, resource("Stage", "v1", ApiId="1234", StageName="v1"))], "app", AWS) == (
        f"{AWS}/_aws/execute-api/1234/v1"
    )


def test_others_apis_and_apis_without_a_stage_do_not_count() -> None:
    assert find([stack("app"), stack("another", API, DEFAULT)], "app", AWS) is None
    assert find([stack("app", API, resource("Stage", "$default", ApiId="5678"))], "app", AWS) is None
