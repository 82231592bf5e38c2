"""HTTP APIs that a template describes by OpenAPI (`Body`), as SAM does: routes, integrations, authorizers, CORS.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-open-api.html
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from ministack.services import apigateway

_METHODS = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace"})
_ANY = "x-amazon-apigateway-any-method"
_DEFAULT = "$default"

_AUTHORIZER = "x-amazon-apigateway-authorizer"
_AUTHORIZATION_TYPES = {"JWT": "JWT", "REQUEST": "CUSTOM"}

LONGEST_INTEGRATION_MS = 30_000
"""https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html"""


def import_body(api_id: str, body: Mapping[str, Any]) -> None:
    """Make an API what its definition says, in place of what a definition said before. Ids depend on names only.

    Raises:
        ValueError: the definition uses a security scheme that it does not have.
    """
    authorizers = dict(_authorizers(body))
    integrations, routes = {}, {}
    for route_key, operation in _operations(body):
        integration = _integration(operation["x-amazon-apigateway-integration"], _id("integration", route_key))
        integrations[integration["integrationId"]] = integration
        route = _route(route_key, operation, integration["integrationId"], authorizers, body)
        routes[route["routeId"]] = route
    apigateway._authorizers[api_id] = {each["authorizerId"]: each for each in authorizers.values()}
    apigateway._integrations[api_id], apigateway._routes[api_id] = integrations, routes


def cors(properties: Mapping[str, Any]) -> dict[str, Any] | None:
    """The CORS configuration of an `AWS::ApiGatewayV2::Api`, spelled as the service spells it; None without one."""
    given = properties.get("CorsConfiguration") or (properties.get("Body") or {}).get("x-amazon-apigateway-cors")
    if not given:
        return None
    found = {name[0].lower() + name[1:]: value for name, value in given.items()}
    for name, value in found.items():
        if name.endswith("s") and isinstance(value, str):  # a list of one, as `!Ref` of a list parameter may give it
            found[name] = [each.strip() for each in value.split(",")] if name != "allowCredentials" else value
    if "allowCredentials" in found:
        found["allowCredentials"] = str(found["allowCredentials"]).lower() == "true"
    return found


def _operations(body: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The operations that have an integration, by route key."""
    for path, item in (body.get("paths") or {}).items():
        for method, operation in item.items():
            if method.lower() not in _METHODS | {_ANY} or "x-amazon-apigateway-integration" not in (operation or {}):
                continue
            name = "ANY" if method == _ANY else method.upper()
            yield (_DEFAULT if path.strip("/") == _DEFAULT else f"{name} {path}"), operation


def _integration(given: Mapping[str, Any], integration_id: str) -> dict[str, Any]:
    return {
        "integrationId": integration_id,
        "integrationType": str(given.get("type", "")).upper(),
        "integrationUri": given.get("uri", ""),
        "integrationMethod": given.get("httpMethod", "POST"),
        "payloadFormatVersion": str(given.get("payloadFormatVersion", "1.0")),
        "timeoutInMillis": int(given.get("timeoutInMillis", LONGEST_INTEGRATION_MS)),
        "connectionType": given.get("connectionType", "INTERNET"),
        "connectionId": given.get("connectionId", ""),
        "credentialsArn": given.get("credentials", ""),
        "requestParameters": given.get("requestParameters", {}),
        "responseParameters": given.get("responseParameters", {}),
    }


def _route(
    route_key: str,
    operation: Mapping[str, Any],
    integration_id: str,
    authorizers: Mapping[str, Mapping[str, Any]],
    body: Mapping[str, Any],
) -> dict[str, Any]:
    route: dict[str, Any] = {
        "routeId": _id("route", route_key),
        "routeKey": route_key,
        "target": f"integrations/{integration_id}",
        "authorizationType": "NONE",
        "authorizationScopes": [],
        "apiKeyRequired": False,
        "operationName": operation.get("operationId", ""),
    }
    for requirement in operation.get("security", body.get("security")) or []:
        for name, scopes in requirement.items():
            if name not in authorizers:
                scheme = _schemes(body).get(name) or {}
                if scheme.get("x-amazon-apigateway-authtype") != "awsSigv4":
                    raise ValueError(f"{route_key} names the security scheme {name}, which has no authorizer")
                return route | {"authorizationType": "AWS_IAM"}
            kind = _AUTHORIZATION_TYPES[authorizers[name]["authorizerType"]]
            route |= {"authorizationType": kind, "authorizationScopes": list(scopes)}
            return route | {"authorizerId": authorizers[name]["authorizerId"]}
    return route


def _schemes(body: Mapping[str, Any]) -> Mapping[str, Any]:
    return (body.get("components") or {}).get("securitySchemes") or {}


def _authorizers(body: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, scheme in _schemes(body).items():
        given = scheme.get(_AUTHORIZER)
        if given is None:
            continue
        sources = given.get("identitySource") or []
        if isinstance(sources, str):
            sources = [each.strip() for each in sources.split(",")]
        jwt = given.get("jwtConfiguration") or {}
        yield (
            name,
            {
                "authorizerId": _id("authorizer", name),
                "authorizerType": str(given["type"]).upper(),
                "name": name,
                "identitySource": sources,
                "jwtConfiguration": {"audience": jwt.get("audience") or [], "issuer": jwt.get("issuer") or ""},
                "authorizerUri": given.get("authorizerUri", ""),
                "authorizerPayloadFormatVersion": str(given.get("authorizerPayloadFormatVersion", "2.0")),
                "authorizerResultTtlInSeconds": given.get("authorizerResultTtlInSeconds", 0),
                "enableSimpleResponses": str(given.get("enableSimpleResponses", False)).lower() == "true",
                "authorizerCredentialsArn": given.get("authorizerCredentials", ""),
            },
        )


def _id(kind: str, name: str) -> str:
    return hashlib.sha256(f"{kind} {name}".encode()).hexdigest()[:8]
