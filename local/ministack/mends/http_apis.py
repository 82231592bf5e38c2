"""API Gateway's HTTP APIs: definitions by OpenAPI, events, authorizers and refusals as AWS has them."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import json
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from ministack.core.arn import execute_api_arn
from ministack.core.responses import get_account_id, get_region
from ministack.services import apigateway
from ministack.services.cloudformation import provisioners

from local.ministack import http_api_definitions, http_api_events, permissions
from local.ministack.mends.unknown_types import Provisioned

Response = tuple[int, dict[str, Any], bytes]

SERVICE = "apigateway.amazonaws.com"
LARGEST_BODY_BYTES = 10 * 1024 * 1024
"""https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html"""

_INTEGRATION, _AUTHORIZER = "ministack-apigw-invoke", "ministack-apigw-authorizer"
_UNAUTHORIZED = "Unauthorized"

_calling: contextvars.ContextVar[dict[str, Any] | None] = contextvars.ContextVar(
    "headwater_http_api_call", default=None
)
"""Which integration or authorizer is about to be invoked: `credentials`, `source_arn`, `seconds`; then its `error`."""


def _refusal(status: int, message: str) -> Response:
    return status, {"Content-Type": "application/json"}, json.dumps({"message": message}).encode()


def import_open_api_definitions() -> None:
    """Each route of an API that is defined by `Body`, as SAM's are, answers 404.

    The configuration of CORS is kept, but as the template spells it, which nothing reads.
    """
    handler = provisioners._RESOURCE_HANDLERS["AWS::ApiGatewayV2::Api"]
    create, update = handler["create"], handler["update"]

    def complete(provisioned: Provisioned, properties: Mapping[str, Any]) -> Provisioned:
        api_id, attributes = provisioned
        if properties.get("Body"):
            http_api_definitions.import_body(api_id, properties["Body"])
            title = str((properties["Body"].get("info") or {}).get("title") or "")
            apigateway._apis[api_id]["name"] = properties.get("Name") or title or apigateway._apis[api_id]["name"]
        configured = http_api_definitions.cors(properties)
        if configured:
            apigateway._apis[api_id]["corsConfiguration"] = configured
        else:
            apigateway._apis[api_id].pop("corsConfiguration", None)
        return api_id, attributes

    def create_complete(logical_id: str, properties: Mapping[str, Any], stack_name: str) -> Provisioned:
        return complete(create(logical_id, properties, stack_name), properties)

    def update_complete(
        physical_id: str,
        old: Mapping[str, Any],
        new: Mapping[str, Any],
        stack_name: str,
        logical_id: str | None = None,
    ) -> Provisioned:
        return complete(update(physical_id, old, new, stack_name, logical_id), new)

    handler |= {"create": create_complete, "update": update_complete}


def invoke_as_api_gateway() -> None:
    """Cookies are left among the headers; functions are invoked without permission; failures tell clients their text.

    A function that fails gives 502 with its error, on AWS 500; one that takes longer than the integration gives no
    answer in time, on AWS 503. An authorizer that raises `Unauthorized` gives 500, on AWS 401.
    """
    run = apigateway.run_reentrant
    invoke_integration, invoke_authorizer = (
        apigateway._invoke_lambda_proxy,
        apigateway._invoke_request_authorizer_lambda,
    )
    authorize = apigateway._authorize_request_v2

    async def run_checked(execute: Callable[..., Any], function: Mapping[str, Any], event: Any, **named: Any) -> Any:
        call, thread_name = _calling.get(), named.get("thread_name")  # a WebSocket API names no thread
        if call is None or thread_name not in (_INTEGRATION, _AUTHORIZER):
            return await run(execute, function, event, **named)
        arn = str(function["config"]["FunctionArn"])
        denied = not call["credentials"] and permissions.denial_of_service(
            SERVICE, "lambda:InvokeFunction", arn, call["source_arn"]
        )
        if denied:
            return _failed(500, "Internal Server Error")
        variables = apigateway._get_stage_variables(*call["stage"])
        http_api_events.complete(event, variables)
        task = asyncio.ensure_future(run(execute, function, event, thread_name=thread_name))
        done, _ = await asyncio.wait({task}, timeout=call["seconds"])
        if not done:
            return _failed(503, "Service Unavailable")
        result = task.result()
        if result.get("throttle"):
            return _failed(503, "Service Unavailable")
        if result.get("error"):
            body = result.get("body")
            call["error"] = body.get("errorMessage") if isinstance(body, dict) else body
            return _failed(500, "Internal Server Error")
        return result

    @functools.wraps(invoke_integration)
    async def integrate(
        integration: Mapping[str, Any], api_id: str, stage: str, path: str, method: str, *more: Any, **named: Any
    ) -> Response:
        route_key = named.get("route_key") or (more[3] if len(more) > 3 else "$default")
        route_path = route_key.partition(" ")[2] or "$default"
        arn = execute_api_arn(get_region(), get_account_id(), api_id, stage, method, route_path)
        seconds = min(int(integration.get("timeoutInMillis") or 30_000), 30_000) / 1000
        credentials = integration.get("credentialsArn")
        _calling.set({"credentials": credentials, "source_arn": arn, "stage": (api_id, stage), "seconds": seconds})
        response: Response = await invoke_integration(integration, api_id, stage, path, method, *more, **named)
        if (apigateway._apis.get(api_id) or {}).get("corsConfiguration"):
            for name in [name for name in response[1] if name.lower().startswith("access-control-")]:
                del response[1][name]  # the API's own take their place
        return response

    async def ask(authorizer: Mapping[str, Any], event: dict[str, Any], account_id: str, region: str) -> Any:
        call, context = _calling.get(), event.get("requestContext") or {}
        if call is None:  # a WebSocket API's
            return await invoke_authorizer(authorizer, event, account_id, region)
        api_id, stage = context["apiId"], context["stage"]
        source = f"arn:aws:execute-api:{region}:{account_id}:{api_id}/authorizers/{authorizer['authorizerId']}"
        call |= {
            "credentials": authorizer.get("authorizerCredentialsArn"),
            "source_arn": source,
            "stage": (api_id, stage),
            "seconds": 10.0,  # https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
        }
        answer = await invoke_authorizer(authorizer, event, account_id, region)
        return None if isinstance(answer, dict) and "statusCode" in answer else answer

    @functools.wraps(authorize)
    async def authorize_checked(*arguments: Any, **named: Any) -> tuple[Response | None, Any]:
        call: dict[str, Any] = {}
        token = _calling.set(call)
        try:
            refused, context = await authorize(*arguments, **named)
        finally:
            _calling.reset(token)
        if refused is not None and call.get("error") == _UNAUTHORIZED:
            return _refusal(401, _UNAUTHORIZED), None
        return refused, context

    apigateway.run_reentrant = run_checked
    apigateway._invoke_lambda_proxy, apigateway._invoke_request_authorizer_lambda = integrate, ask
    apigateway._authorize_request_v2 = authorize_checked


def _failed(status: int, message: str) -> dict[str, Any]:
    """A result of an invocation that becomes this answer."""
    status, headers, body = _refusal(status, message)
    return {"error": True, "body": {"statusCode": status, "headers": headers, "body": body.decode()}}


def evaluate_actions_of_authorizers() -> None:
    """A policy that an authorizer returns allows and denies whatever its statements' actions are."""
    evaluate = apigateway._evaluate_authorizer_policy

    def evaluate_invoke(document: Any, route_arn: str) -> str:
        statements = document.get("Statement") or [] if isinstance(document, dict) else []
        statements = [statements] if isinstance(statements, dict) else statements
        found: str = evaluate({"Statement": [each for each in statements if _is_about_invoking(each)]}, route_arn)
        return found

    apigateway._evaluate_authorizer_policy = evaluate_invoke


def _is_about_invoking(statement: Any) -> bool:
    actions = statement.get("Action") if isinstance(statement, dict) else None
    actions = [actions] if isinstance(actions, str) else actions or []
    return any(fnmatchcase("execute-api:invoke", str(action).lower()) for action in actions)


def refuse_what_is_no_jwt() -> None:
    """A JWT whose header or claims are no object, or whose times are no numbers, gives 500 with a Python error.

    A token that names no algorithm, or another than it is signed by, is taken, and so is one that never expires. A
    refresh token is taken for a JWT, which it is here; on AWS it is encrypted and none.
    """
    validate = apigateway._validate_jwt_authorizer

    async def validate_or_refuse(
        route: Mapping[str, Any], authorizer: Mapping[str, Any], headers: Any, query: Any
    ) -> Any:
        try:
            claims, scopes, refusal = await validate(route, authorizer, headers, query)
        except (ValueError, TypeError, AttributeError):
            return None, None, apigateway._jwt_unauthorized()
        if claims is None:
            return claims, scopes, refusal
        token = apigateway._extract_token_from_identity_source(authorizer.get("identitySource", []), headers, query)
        algorithm = json.loads(apigateway._b64url_decode(token.partition(".")[0])).get("alg")
        times = [claims.get("exp"), *(claims[name] for name in ("nbf", "iat") if name in claims)]
        dated = all(isinstance(each, int | float) and not isinstance(each, bool) for each in times)
        if algorithm != "RS256" or not dated or claims.get("token_use") == "refresh":
            return None, None, apigateway._jwt_unauthorized()
        return claims, scopes, refusal

    apigateway._validate_jwt_authorizer = validate_or_refuse


def limit_requests_to_http_apis() -> None:
    """A request may be of any size, where AWS takes 10 MB; one without CORS configuration is told of that with 403."""
    execute, preflight = apigateway._handle_execute_in_scope, apigateway._cors_preflight_response

    async def execute_within_limits(
        api_id: str, stage: str, path: str, method: str, headers: Any, body: bytes, *more: Any, **named: Any
    ) -> Response:
        if body and len(body) > LARGEST_BODY_BYTES:
            return _refusal(413, "Request Entity Too Large")
        response: Response = await execute(api_id, stage, path, method, headers, body, *more, **named)
        return response

    def preflight_if_configured(configuration: Any, origin: str) -> Response:
        response: Response = preflight(configuration, origin) if configuration else apigateway._http_api_not_found()
        return response

    apigateway._handle_execute_in_scope, apigateway._cors_preflight_response = (
        execute_within_limits,
        preflight_if_configured,
    )
