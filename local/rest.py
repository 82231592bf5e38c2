"""Where the HTTP API of the deployed stack answers: MiniStack serves it, under a path because names cannot be had."""

from __future__ import annotations

from collections.abc import Sequence

from local.cloud import Stack
from local.stacks import below

_API, _STAGE = "AWS::ApiGatewayV2::Api", "AWS::ApiGatewayV2::Stage"
DEFAULT_STAGE = "$default"


def find(stacks: Sequence[Stack], stack_name: str, aws: str) -> str | None:
    """The URL of the first HTTP API that a stack has, or one below it, as its first stage serves it. None without one.

    Args:
        stacks: all deployed stacks.
        stack_name: where to look first.
        aws: the URL of the local cloud.
    """
    resources = [resource for stack in below(stacks, stack_name) for resource in stack.resources]
    for api in resources:
        if api.type != _API or api.properties.get("ProtocolType", "HTTP") != "HTTP":
            continue
        stages = [
            str(resource.properties.get("StageName", DEFAULT_STAGE))
            for resource in resources
            if resource.type == _STAGE and resource.properties.get("ApiId") == api.physical_id
        ]
        if stages:
            named = "" if stages[0] == DEFAULT_STAGE else f"/{stages[0]}"
            return f"{aws}/_aws/execute-api/{api.physical_id}{named}"
    return None
