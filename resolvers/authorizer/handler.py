"""Lets the holders of auth keys in: AppSync's AWS_LAMBDA mode and the HTTP API's REQUEST authorizer, by the event.

For AppSync the key is the whole `Authorization` header, for the HTTP API `x-auth-key`, `Authorization` or `?auth_key=`.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from domain import auth_keys
from domain.caller import to_claims
from domain.clock import SYSTEM
from domain.logs import function_logger
from domain.parameters import secret
from domain.settings import settings
from domain.table import Table, dynamodb

# How long a container keeps what keys are hashed with.
PEPPER_SECONDS = 3600

logger = function_logger()


class Unauthorized(Exception):
    """API Gateway answers 401 for an authorizer that fails with exactly this text."""

    def __init__(self) -> None:
        super().__init__("Unauthorized")


def pepper() -> str:
    """What keys are hashed with. Raises TryAgain, and Powertools' GetParameterError for what will not pass."""
    return secret(settings().auth_key_pepper, PEPPER_SECONDS)


@cache
def keys_here() -> auth_keys.AuthKeys:
    """The keys of this deployment, made at the first event and kept as long as the container lives."""
    return auth_keys.AuthKeys(Table(settings().main_table, dynamodb()), pepper)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Decide about one request.

    Raises:
        Unauthorized: a request to the HTTP API brings no key at all.
        TableError, TryAgain: the key could not be looked up. Both services refuse the request then.
    """
    del context
    return for_http_api(event) if "routeArn" in event else for_appsync(event)


def for_appsync(event: Mapping[str, Any]) -> dict[str, Any]:
    """AppSync's event and answer.

    https://docs.aws.amazon.com/appsync/latest/devguide/security-authz.html#aws-lambda-authorization
    """
    caller = auth_keys.caller_of(keys_here(), str(event["authorizationToken"]), SYSTEM.now_ms() // 1000)
    if caller is None:
        return {"isAuthorized": False}
    return {
        "isAuthorized": True,
        "resolverContext": to_claims(caller),
        "deniedFields": auth_keys.denied_fields(caller),
    }


def for_http_api(event: Mapping[str, Any]) -> dict[str, Any]:
    """The HTTP API's event in format 2.0, and a policy for the route that was asked for.

    The authorizer has no identity sources, because all that are named must be there, and a key has several places. So
    answers are not cached, a revoked key ends at once, and a missing one is refused here.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html
    """
    headers, query = event.get("headers") or {}, event.get("queryStringParameters") or {}
    token = headers.get("x-auth-key") or headers.get("authorization") or query.get("auth_key")
    if not token:
        raise Unauthorized
    caller = auth_keys.caller_of(keys_here(), str(token), SYSTEM.now_ms() // 1000)
    statement = {
        "Effect": "Deny" if caller is None else "Allow",
        "Action": "execute-api:Invoke",
        "Resource": event["routeArn"],
    }
    return {
        "principalId": "nobody" if caller is None else caller.id,
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "context": {} if caller is None else to_claims(caller),
    }
