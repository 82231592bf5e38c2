"""The fields of auth keys: arguments to the use cases of `domain.auth_keys`."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from domain import auth_keys, endings, fields, validation
from domain.caller import Caller
from domain.clock import SYSTEM
from domain.logs import function_logger
from domain.mutation_limits import rate_limit_here
from domain.parameters import secret
from domain.sessions import Sessions
from domain.settings import settings
from domain.table import Table, dynamodb

# How long a container keeps what keys are hashed with.
PEPPER_SECONDS = 3600

logger = function_logger()


def pepper() -> str:
    """What keys are hashed with. Raises TryAgain, and Powertools' GetParameterError for what will not pass."""
    return secret(settings().auth_key_pepper, PEPPER_SECONDS)


@cache
def keys_here() -> auth_keys.AuthKeys:
    """The keys of this deployment, made at the first event and kept as long as the container lives."""
    return auth_keys.AuthKeys(Table(settings().main_table, dynamodb()), pepper)


def list_keys(caller: Caller, **arguments: Any) -> dict[str, Any]:
    """Query.authKeys"""
    return auth_keys.page(keys_here(), caller, **arguments, now_ms=SYSTEM.now_ms())


def create(caller: Caller, input: Mapping[str, Any]) -> dict[str, Any]:  # noqa: A002 - the schema's name
    """Mutation.createAuthKey"""
    return auth_keys.create(keys_here(), caller, **fields.keywords(input), now_ms=SYSTEM.now_ms())


def revoke(caller: Caller, id: str, client_mutation_id: str | None = None) -> dict[str, Any]:  # noqa: A002
    """Mutation.revokeAuthKey, whose answer ends the key's subscriptions: see `resolvers/appsync/ending.js`."""
    if client_mutation_id is not None:
        validation.client_mutation_id("clientMutationId", client_mutation_id)
    revoked = auth_keys.revoke(keys_here(), caller, id=id, now_ms=SYSTEM.now_ms())
    return endings.with_answer(revoked, revoked["id"])


FIELDS: fields.Fields = {
    "Query.authKeys": list_keys,
    "Mutation.createAuthKey": create,
    "Mutation.revokeAuthKey": revoke,
}


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one field."""
    del context
    return fields.answer(event, FIELDS, logger, Sessions(keys_here().table, SYSTEM).require, rate_limit_here().require)
