"""AWS_IAM authorization: a verified signature, the principal's policies, and `ctx.identity` of sheet 2.3."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache

from graphql import (
    GraphQLError,
    ObjectTypeDefinitionNode,
    ObjectTypeExtensionNode,
    SchemaDefinitionNode,
    SchemaExtensionNode,
    parse,
)

from local import permissions_used
from local.appsync.auth import sigv4
from local.appsync.auth.credentials import Credentials, unauthorized
from local.appsync.auth.patterns import Context
from local.appsync.auth.policies import ACTION, field_arn
from local.appsync.auth.principals import KnownPrincipal, Principals
from local.appsync.definition import ApiDefinition, AuthMode
from local.appsync.request import Caller


async def authenticate(credentials: Credentials, api: ApiDefinition, principals: Principals, now: float) -> Caller:
    """The IAM caller of a signed request. `now` is in epoch seconds.

    Raises:
        AuthenticationError: the signature is not valid, or the principal has no right to any root field.
        PolicyError, NotEmulated: a policy of the principal cannot be evaluated.
    """
    signature = sigv4.parse(credentials, api.region, datetime.fromtimestamp(now, UTC))
    known = await principals.find(signature.access_key_id, signature.session_token)
    if known is None:
        raise sigv4.unknown_principal()
    sigv4.verify(signature, credentials, known.principal.secret_access_key)
    may_call = _rights(known, api, _context(known, credentials, api.region, now))
    if not any(may_call(type_name, field_name) for type_name, field_name in root_fields(api.schema)):
        raise unauthorized("Permission denied")

    def call(type_name: str, field_name: str) -> bool:
        allowed = may_call(type_name, field_name)
        if allowed:
            permissions_used.record(known.principal.arn, ACTION, field_arn(api.arn, type_name, field_name))
        return allowed

    return Caller(AuthMode.AWS_IAM, _identity(known, credentials.source_ip), may_call=call)


@lru_cache(maxsize=64)
def root_fields(schema: str) -> tuple[tuple[str, str], ...]:
    """`(type, field)` of all root fields in a schema's text; empty when it does not parse (the engine reports that)."""
    try:
        definitions = parse(schema, no_location=True).definitions
    except GraphQLError:
        return ()
    roots = {"Query", "Mutation", "Subscription"}
    for node in definitions:
        if isinstance(node, SchemaDefinitionNode | SchemaExtensionNode):
            roots |= {operation.type.name.value for operation in node.operation_types}
    return tuple(
        (node.name.value, field.name.value)
        for node in definitions
        if isinstance(node, ObjectTypeDefinitionNode | ObjectTypeExtensionNode) and node.name.value in roots
        for field in node.fields or ()
    )


def _rights(known: KnownPrincipal, api: ApiDefinition, context: Context) -> Callable[[str, str], bool]:
    return lambda type_name, field_name: known.may(ACTION, field_arn(api.arn, type_name, field_name), context)


def _context(known: KnownPrincipal, credentials: Credentials, region: str, now: float) -> Context:
    """The condition keys that the data plane knows ("AWS global condition context keys")."""
    principal = known.principal
    kind = principal.arn.rpartition(":")[2].partition("/")[0]
    context: dict[str, str] = {
        "aws:currenttime": datetime.fromtimestamp(now, UTC).isoformat(),
        "aws:epochtime": str(int(now)),
        "aws:principalaccount": principal.account_id,
        "aws:principalarn": principal.arn,
        "aws:principaltype": {"root": "Account", "user": "User"}.get(kind, "AssumedRole"),
        "aws:requestedregion": region,
        "aws:securetransport": "true" if credentials.secure else "false",
        "aws:sourceip": credentials.source_ip[-1],
        "aws:userid": principal.user_id,
    }
    if kind == "user":
        context["aws:username"] = principal.arn.rpartition("/")[2]
    for key, header in (("aws:useragent", "user-agent"), ("aws:referer", "referer")):
        value = credentials.header(header)
        if value is not None:
            context[key] = value
    return context


def _identity(known: KnownPrincipal, source_ip: Sequence[str]) -> dict[str, object]:
    principal = known.principal
    return {
        "accountId": principal.account_id,
        "cognitoIdentityPoolId": None,
        "cognitoIdentityId": None,
        "sourceIp": list(source_ip),
        "username": principal.user_id,
        "userArn": principal.arn,
        "cognitoIdentityAuthType": None,
        "cognitoIdentityAuthProvider": None,
    }
