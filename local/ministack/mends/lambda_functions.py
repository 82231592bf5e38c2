"""Lambda: MiniStack keeps the configuration and the code, Headwater's workers run it."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc
from ministack.services.cloudformation import provisioners

from local.ministack import invocation
from local.ministack.mends.unknown_types import Provisioned

_RATE_LIMITED = 429

STREAM_BATCH_SIZE = 100
"""Lambda's default for DynamoDB and Kinesis: https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html"""


_MAPPING_PROPERTIES = (
    "TumblingWindowInSeconds", "StartingPositionTimestamp", "MaximumRecordAgeInSeconds", "ProvisionedPollerConfig",
    "KMSKeyArn", "SelfManagedEventSource", "SourceAccessConfigurations", "Topics", "Queues",
    "AmazonManagedKafkaEventSourceConfig", "SelfManagedKafkaEventSourceConfig", "DocumentDBEventSourceConfig",
)  # fmt: skip
"""What MiniStack does not keep of a mapping. Some is not emulated; it has to be seen to be refused."""


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


def keep_event_source_mapping_properties() -> None:
    """A mapping that the template creates with `Enabled: false` is enabled; other properties are lost, by the API too.

    The batch size of a stream mapping is 10 where it says none, and not AWS's 100.
    """
    handler = provisioners._RESOURCE_HANDLERS["AWS::Lambda::EventSourceMapping"]
    create, update = handler["create"], handler["update"]

    def complete(mapping_id: str, properties: Mapping[str, Any]) -> None:
        mapping = lambda_svc._esms[mapping_id]
        enabled = provisioners._cfn_bool(properties.get("Enabled", True))
        mapping |= {"Enabled": enabled, "State": "Enabled" if enabled else "Disabled"}
        for name in _MAPPING_PROPERTIES:
            if properties.get(name) is not None:
                mapping[name] = properties[name]
        if ":sqs:" in mapping["EventSourceArn"]:
            mapping.pop("StartingPosition", None)
        elif "BatchSize" not in properties:
            mapping["BatchSize"] = STREAM_BATCH_SIZE

    def create_complete(logical_id: str, properties: Mapping[str, Any], stack_name: str) -> Provisioned:
        created: Provisioned = create(logical_id, properties, stack_name)
        complete(created[0], properties)
        return created

    def update_complete(
        physical_id: str, old: Mapping[str, Any], new: Mapping[str, Any], stack_name: str
    ) -> Provisioned:
        updated: Provisioned = update(physical_id, old, new, stack_name)
        mapping = lambda_svc._esms[updated[0]]
        for name in set(old) - set(new):
            mapping.pop(name, None)  # what the template does not say any more
        complete(updated[0], new)
        return updated

    create_by_request, update_by_request = lambda_svc._create_esm, lambda_svc._update_esm

    def answer(response: Any, request: Mapping[str, Any]) -> Any:
        status, headers, body = response
        if status >= 300:
            return response
        kept = {name: request[name] for name in _MAPPING_PROPERTIES if request.get(name) is not None}
        mapping = lambda_svc._esms[json.loads(body)["UUID"]]
        mapping |= kept
        return status, headers, json.dumps(lambda_svc._esm_response(mapping)).encode()

    def create_by_request_complete(request: dict[str, Any]) -> Any:
        stream = ":sqs:" not in request.get("EventSourceArn", "")
        return answer(create_by_request({"BatchSize": STREAM_BATCH_SIZE, **request} if stream else request), request)

    def update_by_request_complete(mapping_id: str, request: dict[str, Any]) -> Any:
        return answer(update_by_request(mapping_id, request), request)

    handler |= {"create": create_complete, "update": update_complete}
    lambda_svc._create_esm, lambda_svc._update_esm = create_by_request_complete, update_by_request_complete


def _environment(variables: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in variables.items()}


def _with_text_environment(properties: Mapping[str, Any]) -> dict[str, Any]:
    variables = (properties.get("Environment") or {}).get("Variables") or {}
    return {**properties, "Environment": {"Variables": _environment(variables)}}


def keep_function_properties() -> None:
    """ReservedConcurrentExecutions and DeadLetterConfig of a template are lost; environment values stay numbers.

    Code that is not in S3 is no error either, and the function answers "no code deployed".
    """
    handler = provisioners._RESOURCE_HANDLERS["AWS::Lambda::Function"]
    create, update = handler["create"], handler["update"]

    def complete(name: str, properties: Mapping[str, Any]) -> None:
        func = lambda_svc._functions[name]
        if not func.get("code_zip") and func["config"]["PackageType"] == "Zip":
            raise ValueError(f"There is no code for {name} at {properties.get('Code')}")
        reserved = properties.get("ReservedConcurrentExecutions")
        func["concurrency"] = None if reserved is None else int(reserved)
        if properties.get("DeadLetterConfig"):
            func["config"]["DeadLetterConfig"] = dict(properties["DeadLetterConfig"])
        else:
            func["config"].pop("DeadLetterConfig", None)

    def create_complete(logical_id: str, properties: Mapping[str, Any], stack_name: str) -> Provisioned:
        created: Provisioned = create(logical_id, _with_text_environment(properties), stack_name)
        complete(created[0], properties)
        return created

    def update_complete(
        physical_id: str, old: Mapping[str, Any], new: Mapping[str, Any], stack_name: str, logical_id: str
    ) -> Provisioned:
        old, new = _with_text_environment(old), _with_text_environment(new)
        updated: Provisioned = update(physical_id, old, new, stack_name, logical_id)
        complete(updated[0], new)
        return updated

    handler |= {"create": create_complete, "update": update_complete}


def serve_the_code_of_versions() -> None:
    """`Code.Location` of a published version or of an alias leads to the code of $LATEST."""
    get_function, serve_code = lambda_svc._get_function, lambda_svc.serve_function_code

    def get_with_location(name: str, qualifier: str | None = None) -> Any:
        status, headers, body = get_function(name, qualifier)
        answer = json.loads(body)
        location = answer.get("Code", {}).get("Location")
        if status != 200 or not location or qualifier in (None, "$LATEST"):
            return status, headers, body
        # Only a name is handed on from the path, so the version goes with it. No name of a function has a colon.
        version = answer["Configuration"]["Version"]
        answer["Code"]["Location"] = location.replace(f"/{name}?", f"/{name}:{version}?", 1)
        return status, headers, json.dumps(answer).encode()

    def serve(name: str, account_id: str | None = None, region: str | None = None) -> Any:
        name, _, version = name.partition(":")
        if version in ("", "$LATEST") or not (account_id and region):
            return serve_code(name, account_id, region)
        function = lambda_svc._functions.get_scoped(account_id, region, name) or {}
        published = function.get("versions", {}).get(version)
        if published is None:
            return 404, {"Content-Type": "text/plain"}, f"No version {version} of {name}".encode()
        return 200, {"Content-Type": "application/zip"}, published.get("code_zip") or b""

    lambda_svc._get_function, lambda_svc.serve_function_code = get_with_location, serve
