"""Who the caller is: an API key or IAM, in the form in which gql signs HTTP requests and WebSocket frames."""

from __future__ import annotations

from collections.abc import Callable

from botocore.credentials import Credentials
from botocore.session import Session, get_session
from gql.transport.appsync_auth import (
    AppSyncApiKeyAuthentication,
    AppSyncAuthentication,
    AppSyncIAMAuthentication,
)

from headwater.endpoint import Endpoint

Credential = Callable[[Endpoint], AppSyncAuthentication]


def api_key(key: str) -> Credential:
    """The caller that an AppSync API key stands for."""
    return lambda endpoint: AppSyncApiKeyAuthentication(endpoint.host, key)


def iam(
    *, session: Session | None = None, credentials: Credentials | None = None, region: str | None = None
) -> Credential:
    """An IAM caller: by default whoever botocore finds (environment, profile, role), each request signed anew.

    The region is the argument, else the endpoint's, else the one in AppSync's host name or in the AWS configuration.
    """

    def sign_for(endpoint: Endpoint) -> AppSyncAuthentication:
        return AppSyncIAMAuthentication(
            endpoint.host,
            region_name=region or endpoint.region,
            credentials=credentials,
            session=session or get_session(),
        )

    return sign_for
