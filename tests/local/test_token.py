"""What `python -m local token` says when there is no token; tests/stack has those that there are."""

from __future__ import annotations

import pytest

from local.token import TokenError, token
from tests.local.ministack.servers import free_port


async def test_a_stack_without_a_pool_has_no_tokens() -> None:
    with pytest.raises(TokenError, match="the stack headwater has no user pool with an app client"):
        await token({"stack": "headwater"}, "ann", [], kind="id", seconds=None)


async def test_a_cloud_that_does_not_answer_is_named() -> None:
    aws = f"http://127.0.0.1:{free_port()}"
    outputs = {"aws": aws, "region": "us-east-1", "userPoolId": "us-east-1_a", "userPoolClientId": "c"}
    with pytest.raises(TokenError, match=f"the local cloud at {aws} does not answer"):
        await token(outputs, "ann", [], kind="id", seconds=None)
