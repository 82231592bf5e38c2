"""The only Cognito code: the users of the pool, by the name that they sign in with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionError, HTTPClientError  # noqa: A004 - botocore's name

from domain import times, validation
from domain.errors import InvalidPageToken, TryAgain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient
    from mypy_boto3_cognito_idp.type_defs import (
        AdminGetUserResponseTypeDef,
        AdminListGroupsForUserRequestTypeDef,
        AttributeTypeTypeDef,
        ListUsersRequestTypeDef,
        UserTypeTypeDef,
    )

MAX_PAGE = 60  # of ListUsers

_BUSY = frozenset(
    {"TooManyRequestsException", "ThrottlingException", "LimitExceededException", "InternalErrorException",
     "ConcurrentModificationException"}
)  # fmt: skip


@dataclass(frozen=True)
class PoolUser:
    """A user as the pool knows them. Times are epoch milliseconds."""

    id: str
    name: str
    email: str | None
    status: str
    enabled: bool
    created_ms: int


@dataclass(frozen=True)
class Tokens:
    """What a refresh token gets. It comes with a new one of its kind when the app client rotates them."""

    id_token: str
    access_token: str
    expires_in_seconds: int
    refresh_token: str | None


def cognito(**options: Any) -> CognitoIdentityProviderClient:
    """A client for single requests. Each takes a fraction of a second; AppSync waits 30."""
    config = Config(retries={"mode": "standard", "total_max_attempts": 3}, connect_timeout=2, read_timeout=8)
    return boto3.client("cognito-idp", config=config, **options)


class Pool:
    """One user pool. All methods raise TryAgain when Cognito throttles or does not answer."""

    def __init__(self, pool_id: str, client: CognitoIdentityProviderClient) -> None:
        self._id = pool_id
        self._client = client

    def get(self, name: str) -> PoolUser | None:
        """A user by the name that they sign in with."""
        with _errors():
            try:
                answer = self._client.admin_get_user(UserPoolId=self._id, Username=name)
            except self._client.exceptions.UserNotFoundException:
                return None
        return _user(answer, answer["UserAttributes"])

    def find(self, user_id: str) -> PoolUser | None:
        """A user by `sub`. A search, which Cognito allows 30 times a second: for users whose name is not known."""
        if not validation.is_id(user_id):
            return None  # no sub, and nothing that may stand in a filter
        with _errors():
            answer = self._client.list_users(UserPoolId=self._id, Filter=f'sub = "{user_id}"', Limit=1)
        return next((_user(each, each["Attributes"]) for each in answer["Users"]), None)

    def page(self, limit: int, position: str | None) -> tuple[list[PoolUser], str | None]:
        """Up to `limit` users from a position on, and the position of the next page.

        Raises:
            InvalidPageToken: there is no such position.
        """
        request: ListUsersRequestTypeDef = {"UserPoolId": self._id, "Limit": limit}
        if position is not None:
            request["PaginationToken"] = position
        with _errors():
            try:
                answer = self._client.list_users(**request)
            except self._client.exceptions.InvalidParameterException as error:
                raise InvalidPageToken from error
        return [_user(each, each["Attributes"]) for each in answer["Users"]], answer.get("PaginationToken")

    def groups(self, name: str) -> list[str]:
        """The groups of a user; none of one who does not exist."""
        found: list[str] = []
        request: AdminListGroupsForUserRequestTypeDef = {
            "UserPoolId": self._id, "Username": name, "Limit": MAX_PAGE,
        }  # fmt: skip
        with _errors():
            try:
                while True:
                    answer = self._client.admin_list_groups_for_user(**request)
                    found += [group["GroupName"] for group in answer["Groups"]]
                    if not (token := answer.get("NextToken")):
                        return sorted(found)
                    request["NextToken"] = token
            except self._client.exceptions.UserNotFoundException:
                return []

    def set_groups(self, name: str, wanted: Iterable[str], among: Iterable[str]) -> None:
        """Put a user into the wanted groups, and out of all others of `among`. May be repeated."""
        wanted, present = set(wanted), set(self.groups(name))
        for group in sorted(set(among)):
            request = {"UserPoolId": self._id, "Username": name, "GroupName": group}
            with _errors():
                if group in wanted - present:
                    self._client.admin_add_user_to_group(**request)
                elif group in present - wanted:
                    self._client.admin_remove_user_from_group(**request)

    def sign_out(self, name: str) -> None:
        """Let no refresh token of a user count any more. Nothing happens for one who does not exist."""
        with _errors():
            try:
                self._client.admin_user_global_sign_out(UserPoolId=self._id, Username=name)
            except self._client.exceptions.UserNotFoundException:
                return

    def delete(self, name: str) -> None:
        """Remove a user, if there is one."""
        with _errors():
            try:
                self._client.admin_delete_user(UserPoolId=self._id, Username=name)
            except self._client.exceptions.UserNotFoundException:
                return


class TokenExchange:
    """Refresh tokens of one app client without a secret. All methods raise TryAgain when Cognito does not answer.

    The actions are public: no role needs a right for them. GetTokensFromRefreshToken is the only one that rotates.
    https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-refresh-token.html
    """

    def __init__(self, client_id: str, client: CognitoIdentityProviderClient) -> None:
        self._client_id = client_id
        self._client = client

    def refresh(self, refresh_token: str) -> Tokens | None:
        """New tokens; None when the refresh token is none, foreign, expired, revoked, or rotated away."""
        refused = self._client.exceptions
        with _errors():
            try:
                answer = self._client.get_tokens_from_refresh_token(
                    RefreshToken=refresh_token, ClientId=self._client_id
                )
            except (
                refused.NotAuthorizedException,
                refused.InvalidParameterException,
                refused.RefreshTokenReuseException,
                refused.UserNotFoundException,
            ):
                return None
        found = answer["AuthenticationResult"]
        return Tokens(found["IdToken"], found["AccessToken"], found["ExpiresIn"], found.get("RefreshToken"))

    def revoke(self, refresh_token: str) -> None:
        """Let a refresh token and what was made of it not count any more. Nothing happens for one that is none."""
        refused = self._client.exceptions
        with _errors():
            try:
                self._client.revoke_token(Token=refresh_token, ClientId=self._client_id)
            except (
                refused.InvalidParameterException,
                refused.UnauthorizedException,
                refused.UnsupportedTokenTypeException,
            ):
                return


def _user(
    answer: AdminGetUserResponseTypeDef | UserTypeTypeDef, attributes: Sequence[AttributeTypeTypeDef]
) -> PoolUser:
    held = {each["Name"]: each.get("Value", "") for each in attributes}
    created: datetime = answer["UserCreateDate"]
    return PoolUser(
        id=held["sub"],
        name=answer["Username"],
        email=held.get("email"),
        status=answer["UserStatus"],
        enabled=answer["Enabled"],
        created_ms=times.to_ms(created),
    )


@contextmanager
def _errors() -> Iterator[None]:
    """What may be over soon as TryAgain. Others (a missing right, a missing pool) pass."""
    try:
        yield
    except ClientError as error:
        if error.response["Error"]["Code"] in _BUSY:
            raise TryAgain from error
        raise
    except (ConnectionError, HTTPClientError) as error:
        raise TryAgain from error
