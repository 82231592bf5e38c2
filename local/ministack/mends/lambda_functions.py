"""Lambda: MiniStack keeps the configuration and the code, Headwater's workers run it."""

from __future__ import annotations

import json
import time
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from local.ministack import invocation

_RATE_LIMITED = 429


def _result(answer: invocation.Answer) -> dict[str, Any]:
    """The workers' answer in the shape that MiniStack's callers read."""
    if answer.status == _RATE_LIMITED:
        reason = "Rate Exceeded."
        throttled: dict[str, Any] = lambda_svc._throttle_response("ConcurrentInvocationLimitExceeded", reason)
        return throttled
    try:
        body = json.loads(answer.payload) if answer.payload else None
    except ValueError:
        body = answer.payload.decode(errors="replace")
    if answer.status >= 300:  # the workers could not run it at all: an error of the service, not of the function
        message = body.get("message", str(body)) if isinstance(body, dict) else str(body)
        body = {"errorType": "ServiceException", "errorMessage": message}
    result: dict[str, Any] = {"body": body, "log": answer.log_tail}
    if answer.function_error or answer.status >= 300:
        result |= {"error": True, "function_error": answer.function_error or "Unhandled"}
    return result


def _qualified_arn(config: dict[str, Any]) -> str:
    """The function's ARN with its version, unless that is $LATEST."""
    arn, version = str(config["FunctionArn"]), config.get("Version", "$LATEST")
    return arn if version == "$LATEST" or arn.endswith(f":{version}") else f"{arn}:{version}"


def _run(config: dict[str, Any], event: Any, request_id: str) -> dict[str, Any]:
    try:
        return _result(invocation.invoke(_qualified_arn(config), event, request_id))
    except invocation.WorkersUnavailable as unavailable:
        body = {"errorType": "ServiceException", "errorMessage": str(unavailable)}
        return {"body": body, "error": True, "function_error": "Unhandled", "log": ""}


def forward_invocations() -> None:
    """Errors lose their type and stack, and each one costs the warm worker; code is not reloaded.

    Every caller (Invoke, Step Functions, EventBridge, S3, SNS, Cognito, IoT, APIs, custom resources) comes through this
    one function, after concurrency was accounted. Logs are written below it, so they are written here.
    """

    def dispatch(
        func: dict[str, Any], config: dict[str, Any], event: Any, request_id: str, started: float
    ) -> dict[str, Any]:
        result = _run(config, event, request_id)
        duration_ms = int((time.time() - started) * 1000)
        lambda_svc._emit_lambda_logs(func, request_id, result["log"], bool(result.get("error")), duration_ms)
        return result

    lambda_svc._execute_function_dispatch = dispatch


class _ForwardingWorker:
    """Stands where API Gateway's WebSocket routes expect a worker process."""

    def __init__(self, config: dict[str, Any]) -> None:
        self._config = config

    def invoke(self, event: Any, request_id: str) -> dict[str, Any]:
        """Run the function; the answer has a worker's shape."""
        func, started = {"config": self._config}, time.time()
        result = lambda_svc._execute_function_dispatch(func, self._config, event, request_id, started)
        if result.get("error"):
            return {"status": "error", "error": json.dumps(result["body"]), "log": result["log"]}
        return {"status": "ok", "result": result["body"], "log": result["log"]}


def forward_websocket_routes() -> None:
    """API Gateway's WebSocket routes start a worker of MiniStack's own instead of going through the dispatcher."""

    def get_or_create_worker(_name: str, config: dict[str, Any], *_: Any, **__: Any) -> _ForwardingWorker:
        return _ForwardingWorker(config)

    lambda_runtime.get_or_create_worker = get_or_create_worker


def turn_event_source_pollers_off() -> None:
    """MiniStack's own poller would invoke too, without partial batches, bisection or a retry limit."""
    lambda_svc._ensure_poller = lambda: None
