"""What a stage of an HTTP API is for besides its routes: access logs and throttling."""

from __future__ import annotations

import contextvars
import time
import uuid
from collections.abc import Mapping
from typing import Any

from ministack.services import apigateway

from local.ministack import access_log, process
from local.ministack.mends.http_apis import Response

_TOO_MANY = (429, {"Content-Type": "application/json"}, b'{"message":"Too Many Requests"}')
_REFUSED_BY_GATEWAY = {401: "Unauthorized", 403: "Forbidden", 429: "Too Many Requests", 404: "Not Found"}

_request: contextvars.ContextVar[dict[str, Any] | None] = contextvars.ContextVar("headwater_http_request", default=None)
"""What is known of the request that is being answered: `route`, `integrated`, `authorizer_error`."""


def _stage(api_id: str, stage: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = apigateway._stages.get(api_id, {}).get(stage) or {}
    return found


def write_access_logs() -> None:
    """The `AccessLogSettings` of a stage are kept, and no line is ever written.

    A line goes to a file with the log group's name, beside the functions' logs. `$context` has what HTTP APIs tell of
    request, route, status, times and refusals; what else a format asks for is `-`.
    """
    execute, match = apigateway._handle_execute_in_scope, apigateway._match_route
    integrate, authorize = apigateway._invoke_lambda_proxy, apigateway._authorize_request_v2

    def match_and_note(*arguments: Any) -> Any:
        route, request = match(*arguments), _request.get()
        if route and request is not None:
            request["route"] = route.get("routeKey")
        return route

    async def integrate_and_note(*arguments: Any, **named: Any) -> Response:
        request = _request.get()
        if request is not None:
            request["integrated"] = True
        response: Response = await integrate(*arguments, **named)
        return response

    async def authorize_and_note(*arguments: Any, **named: Any) -> Any:
        refused, context = await authorize(*arguments, **named)
        request = _request.get()
        if refused is not None and request is not None and refused[0] != 403:
            request["authorizer_error"] = _REFUSED_BY_GATEWAY.get(refused[0], "Internal Server Error")
        return refused, context

    async def execute_logged(
        api_id: str, stage: str, path: str, method: str, headers: Any, *more: Any, **named: Any
    ) -> Response:
        settings = _stage(api_id, stage).get("accessLogSettings") or {}
        file = access_log.path_of(str(settings.get("destinationArn") or ""), process.state.parent / "logs")
        if file is None or not settings.get("format"):
            response: Response = await execute(api_id, stage, path, method, headers, *more, **named)
            return response
        request: dict[str, Any] = {}
        token, began = _request.set(request), time.time()
        try:
            response = await execute(api_id, stage, path, method, headers, *more, **named)
        finally:
            _request.reset(token)
        status, refused = response[0], not request.get("integrated") and response[0] >= 400
        values = {
            "requestId": uuid.uuid4(),
            "requestTime": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(began)),
            "requestTimeEpoch": int(began),
            "httpMethod": method,
            "path": path,
            "stage": stage,
            "apiId": api_id,
            "routeKey": request.get("route"),
            "status": status,
            "responseLength": len(response[2]),
            "responseLatency": round((time.time() - began) * 1000),
            "authorizer.error": request.get("authorizer_error"),
            "error.message": _REFUSED_BY_GATEWAY.get(status, "Internal Server Error") if refused else None,
            "integrationErrorMessage": "the integration failed" if not refused and status in (500, 503) else None,
            "identity.sourceIp": "127.0.0.1",
            "identity.userAgent": (headers or {}).get("user-agent"),
        }
        access_log.append(file, access_log.line(str(settings["format"]), values))
        return response

    apigateway._match_route = match_and_note
    apigateway._invoke_lambda_proxy, apigateway._authorize_request_v2 = integrate_and_note, authorize_and_note
    apigateway._handle_execute_in_scope = execute_logged


class _Bucket:
    """What may still be asked of a stage: `rate` more each second, `burst` at most."""

    def __init__(self, rate: float, burst: float) -> None:
        self.limits = rate, burst
        self._left, self._since = burst, time.monotonic()

    def take(self) -> bool:
        """Whether one more request may pass now."""
        rate, burst = self.limits
        now = time.monotonic()
        self._left, self._since = min(burst, self._left + (now - self._since) * rate), now
        if self._left < 1:
            return False
        self._left -= 1
        return True


def throttle_stages() -> None:
    """A stage's `DefaultRouteSettings` are kept, and any number of requests passes at any rate.

    All routes of a stage share one bucket here. Preflights count too.
    """
    execute = apigateway._handle_execute_in_scope
    buckets: dict[tuple[str, str], _Bucket] = {}

    async def execute_throttled(api_id: str, stage: str, *more: Any, **named: Any) -> Response:
        given = {name[0].lower() + name[1:]: value for name, value in _settings(api_id, stage).items()}
        rate, burst = given.get("throttlingRateLimit"), given.get("throttlingBurstLimit")
        if rate is not None and burst is not None:
            limits = float(rate), float(burst)
            bucket = buckets.get((api_id, stage))
            if bucket is None or bucket.limits != limits:
                bucket = buckets[api_id, stage] = _Bucket(*limits)
            if not bucket.take():
                return _TOO_MANY[0], dict(_TOO_MANY[1]), _TOO_MANY[2]
        response: Response = await execute(api_id, stage, *more, **named)
        return response

    apigateway._handle_execute_in_scope = execute_throttled


def _settings(api_id: str, stage: str) -> Mapping[str, Any]:
    return _stage(api_id, stage).get("defaultRouteSettings") or {}
