"""`python -m local token`: a signed-in user's JWT, as Cognito makes it; user and groups are made when missing."""

from __future__ import annotations

import asyncio
import json
import secrets
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from local.ministack.environment import ACCESS_KEY_ID, SECRET_ACCESS_KEY


class TokenError(Exception):
    """There is no token to be had; the message says why."""


async def token(outputs: Mapping[str, Any], user: str, groups: Sequence[str], *, kind: str, seconds: int | None) -> str:
    """A token of `kind` "id" or "access" for a user of the running instance, who is in all of `groups` afterwards.

    `outputs` is outputs.json. `seconds` is how long it lives, negative for one that has expired; None as the app
    client says. Raises TokenError.
    """
    return await asyncio.to_thread(_token, outputs, user, groups, kind, seconds)


def _token(outputs: Mapping[str, Any], user: str, groups: Sequence[str], kind: str, seconds: int | None) -> str:
    pool, client = outputs.get("userPoolId"), outputs.get("userPoolClientId")
    if not pool or not client:
        raise TokenError(f"the stack {outputs.get('stack')} has no user pool with an app client")
    cognito = boto3.client(
        "cognito-idp",
        endpoint_url=outputs["aws"],
        region_name=outputs["region"],
        aws_access_key_id=ACCESS_KEY_ID,
        aws_secret_access_key=SECRET_ACCESS_KEY,
        config=Config(retries={"total_max_attempts": 1}),
    )
    try:
        _make_user(cognito, pool, user)
        for group in groups:
            _join(cognito, pool, user, group)
    except cognito.exceptions.ClientError as error:
        raise TokenError(f"{user}: {error.response['Error']['Message']}") from error
    except BotoCoreError as error:
        raise TokenError(f"the local cloud at {outputs['aws']} does not answer: {error}") from error
    question = {"userPoolId": pool, "clientId": client, "username": user, "seconds": seconds}
    found: str = _ask(outputs["aws"], question)[f"{kind}Token"]
    return found


def _make_user(cognito: Any, pool: str, user: str) -> None:
    """A confirmed user with a password that nobody knows; one who exists is left as he is."""
    try:
        cognito.admin_get_user(UserPoolId=pool, Username=user)
    except cognito.exceptions.UserNotFoundException:
        mail = [{"Name": "email", "Value": user}, {"Name": "email_verified", "Value": "true"}] if "@" in user else []
        cognito.admin_create_user(UserPoolId=pool, Username=user, UserAttributes=mail, MessageAction="SUPPRESS")
        password = f"Aa1!{secrets.token_urlsafe(18)}"
        cognito.admin_set_user_password(UserPoolId=pool, Username=user, Password=password, Permanent=True)


def _join(cognito: Any, pool: str, user: str, group: str) -> None:
    try:
        cognito.get_group(UserPoolId=pool, GroupName=group)
    except cognito.exceptions.ResourceNotFoundException:
        cognito.create_group(UserPoolId=pool, GroupName=group)
    cognito.admin_add_user_to_group(UserPoolId=pool, Username=user, GroupName=group)


def _ask(aws: str, question: Mapping[str, Any]) -> dict[str, Any]:
    request = urllib.request.Request(f"{aws}/_headwater/token", data=json.dumps(question).encode())  # noqa: S310 - ours
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=30) as response:
            found: dict[str, Any] = json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            raise TokenError(json.load(error)["message"]) from None
    except OSError as error:
        raise TokenError(f"the local cloud at {aws} does not answer: {error}") from error
    return found
