"""The `gql` library's AppSync transport, unmodified, against the real-time endpoint."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from botocore.credentials import Credentials
from gql import Client, gql
from gql.transport.appsync_auth import AppSyncApiKeyAuthentication, AppSyncAuthentication, AppSyncIAMAuthentication
from gql.transport.appsync_websockets import AppSyncWebsocketsTransport
from gql.transport.exceptions import TransportQueryError, TransportServerError

from tests.local.appsync.serving import API_KEY, Serving, User, allow, policy, serving, until

SUBSCRIPTION = "subscription OnRoom {\n  onRoom\n}"


@pytest.fixture
async def plane() -> AsyncIterator[Serving]:
    async with serving() as running:
        yield running


def transport(plane: Serving, auth: AppSyncAuthentication) -> AppSyncWebsocketsTransport:
    return AppSyncWebsocketsTransport(url=plane.realtime, auth=auth, connect_args={"proxy": None})


def iam(plane: Serving, access_key: str, secret: str, token: str | None = None) -> AppSyncIAMAuthentication:
    credentials = Credentials(access_key, secret, token)
    return AppSyncIAMAuthentication(host=plane.host, region_name="us-east-1", credentials=credentials)


async def subscribe_once(plane: Serving, auth: AppSyncAuthentication) -> Any:
    """The first event that a subscriber sees."""
    async with asyncio.timeout(10), Client(transport=transport(plane, auth)) as session:
        events = session.subscribe(gql(SUBSCRIPTION))
        first = asyncio.ensure_future(anext(events))
        await until(lambda: plane.engine.live or first.done())
        plane.engine.publish({"onRoom": "hi"})
        try:
            return await first
        finally:
            await events.aclose()


async def test_an_api_key_subscribes(plane: Serving) -> None:
    auth = AppSyncApiKeyAuthentication(host=plane.host, api_key=API_KEY)
    assert await subscribe_once(plane, auth) == {"onRoom": "hi"}


async def test_the_accounts_root_subscribes_with_iam(plane: Serving) -> None:
    assert await subscribe_once(plane, iam(plane, "test", "test")) == {"onRoom": "hi"}


async def test_a_role_session_subscribes_with_iam(plane: Serving) -> None:
    right = policy(allow("arn:aws:appsync:us-east-1:000000000000:apis/*/types/Subscription/fields/onRoom"))
    arn = "arn:aws:sts::000000000000:assumed-role/reader/ann"
    plane.users["ASIAANN/token"] = User("secret", arn, user_id="AROAREADER:ann", policies=(right,))
    assert await subscribe_once(plane, iam(plane, "ASIAANN", "secret", "token")) == {"onRoom": "hi"}


@pytest.mark.parametrize(
    ("access_key", "secret", "error_type"),
    [
        ("test", "wrong", "BadRequestException"),
        ("AKIANOBODY", "test", "UnrecognizedClientException"),
        ("AKIANORIGHTS", "secret", "UnauthorizedException"),
    ],
)
async def test_wrong_iam_credentials_are_told_to_the_client(
    plane: Serving, access_key: str, secret: str, error_type: str
) -> None:
    plane.users["AKIANORIGHTS"] = User()
    with pytest.raises(TransportServerError, match=error_type):
        await subscribe_once(plane, iam(plane, access_key, secret))


async def test_a_wrong_api_key_is_told_to_the_client(plane: Serving) -> None:
    with pytest.raises(TransportServerError, match="You are not authorized to make this call"):
        await subscribe_once(plane, AppSyncApiKeyAuthentication(host=plane.host, api_key="da2-wrong"))


async def test_a_start_that_is_signed_for_other_data_is_told_to_the_subscriber(plane: Serving) -> None:
    class Tampering(AppSyncIAMAuthentication):
        def get_headers(self, data: str | None = None, headers: dict[str, Any] | None = None) -> dict[str, Any]:
            return super().get_headers(data and f"{data} ", headers)

    auth = Tampering(host=plane.host, region_name="us-east-1", credentials=Credentials("test", "test"))
    with pytest.raises(TransportQueryError, match="The request signature we calculated does not match"):
        await subscribe_once(plane, auth)
