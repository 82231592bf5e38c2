"""amplify-swift 2.60 (197334587a, 2026-08-20), the API plugin.

Its files, under `AmplifyPlugins/API/Sources/AWSAPIPlugin` unless a folder is named:

- URLs: `SubscriptionFactory/AppSyncRealTimeClientFactory.swift`
- handshake: `AmplifyPlugins/Core/AWSPluginsCore/WebSocket/WebSocketClient.swift`,
  `Support/Utils/URLRequest+AppSyncAuth.swift`, `Interceptor/SubscriptionInterceptor/*.swift`
- frames: `AppSyncRealTimeClient/AppSyncRealTimeRequest.swift`, `AppSyncRealTimeRequestAuth.swift`,
  `AppSyncRealTimeResponse.swift`
- waiting: `AppSyncRealTimeClient/AppSyncRealTimeClient+HandleRequest.swift`
- answers: `Support/Internal/AWSAppSyncGraphQLResponse.swift`, `Support/Decode/GraphQLErrorDecoder.swift`,
  `Amplify/Categories/API/Response/GraphQLError.swift`
- HTTP: `Support/Utils/GraphQLOperationRequestUtils.swift`, `Interceptor/RequestInterceptor/*.swift`
- configuration: `Amplify/Core/Configuration/AmplifyOutputsData.swift`
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from tests.clients.replayed.library import (
    ApiKey,
    Credential,
    Heard,
    Iam,
    Known,
    Post,
    Token,
    Undecodable,
    read,
    require,
)
from tests.clients.replayed.wire import Upgrade

USER_AGENT = "amplify-swift/2.60.1 api/1.0"
DATE = "20261121T100000Z"

# AppSyncRealTimeResponse.EventType: a frame of any other type is not decoded at all.
TYPES = {"connection_ack", "start_ack", "complete", "data", "error", "connection_error", "ka", "starting"}
# AmplifyOutputsData.AWSAppSyncAuthorizationType
MODES = {"AMAZON_COGNITO_USER_POOLS", "API_KEY", "AWS_IAM", "AWS_LAMBDA", "OPENID_CONNECT"}


class Swift:
    name = "Swift"
    ack_seconds = 5.0  # sendRequest(timeout: 5), for each of its requests
    start_seconds = 5.0
    stop_seconds: float | None = 5.0
    close_code: int | None = 1001  # cancel(with: .goingAway)

    def realtime_url(self, url: str) -> str:
        host = urlsplit(url).hostname or ""
        if not host.endswith(("amazonaws.com", "amazonaws.com.cn")):
            return f"{url}/realtime"
        return url.replace("appsync-api", "appsync-realtime-api").replace("https://", "wss://")

    def upgrade(self, url: str, credential: Credential) -> Upgrade:
        headers = self._headers(f"{url}/connect", credential, "{}")
        # URLSession replaces its own Host by the one that is set: the host without its port.
        host = headers.pop("host")
        fixed = (("Host", host), ("Sec-WebSocket-Protocol", "graphql-ws"), ("User-Agent", USER_AGENT))
        return Upgrade(urlsplit(self.realtime_url(url)).path, (*fixed, *headers.items()))

    def connection_init(self) -> str:
        return '{"type":"connection_init"}'

    def data(self, document: str, variables: Mapping[str, Any]) -> str:
        # JSONSerialization escapes each slash.
        return _compact({"query": document, "variables": variables}).replace("/", "\\/")

    def authorization(self, url: str, credential: Credential, data: str) -> dict[str, str]:
        return self._headers(url, credential, data)

    def start(self, identifier: str, document: str, variables: Mapping[str, Any], authorization: dict[str, str]) -> str:
        payload = {"data": self.data(document, variables), "extensions": {"authorization": authorization}}
        return _compact({"type": "start", "id": identifier, "payload": payload})

    def stop(self, identifier: str) -> str:
        return _compact({"type": "stop", "id": identifier})

    def hear(self, text: str, known: Known) -> Heard:  # noqa: ARG002 - it ignores what it does not know
        frame = read(text)
        kind = require(frame.get("type"), str, "type")
        if kind not in TYPES:
            raise Undecodable(f"type {kind} is none of EventType's")
        identifier = frame.get("id")
        if identifier is not None:
            require(identifier, str, "id")
        payload = frame.get("payload")
        match kind:
            case "connection_ack":
                # `?.connectionTimeoutMs?.intValue ?? 0`: without it, it would reconnect at once and for ever.
                members = require(payload, dict, "payload")
                return Heard(kind, timeout_ms=require(members.get("connectionTimeoutMs"), int, "connectionTimeoutMs"))
            case "data":
                return Heard(kind, identifier, *_response(require(payload, dict, "payload")))
            case "error" | "connection_error":
                members = require(payload, dict, "payload")
                if "errors" not in members:
                    raise Undecodable("payload has no errors")
                listed = members["errors"] if isinstance(members["errors"], list) else [members["errors"]]
                return Heard(kind, identifier, errors=tuple(_request_error(each) for each in listed))
            case _:
                return Heard(kind, identifier)

    def post(self, url: str, credential: Credential, document: str, variables: Mapping[str, Any]) -> Post:
        body = self.data(document, variables)
        headers = {"Content-Type": "application/json", "Cache-Control": "no-store", "User-Agent": USER_AGENT}
        match credential:
            case ApiKey(key):
                headers["x-api-key"] = key
            case Token(text):
                headers["Authorization"] = text
            case Iam():
                # All headers that are set by then are signed; the signer leaves out the user agent.
                headers = credential.signed(_without_port(url), {"Host": urlsplit(url).hostname or "", **headers}, body)
        return Post(tuple(headers.items()), body)

    def answer(self, status: int, text: str) -> Heard:  # noqa: ARG002 - it does not look at the status
        data, errors = _response(read(text))
        if data is None and not errors:
            raise Undecodable("neither data nor errors: `invalidResponse`")
        return Heard("answer", data=data, errors=errors)

    def configure(self, outputs: Mapping[str, Any]) -> str:
        assert require(outputs["version"], str, "version").startswith("1")
        data = require(outputs["data"], dict, "data")
        for name in ("aws_region", "url"):
            require(data.get(name), str, name)
        modes = [data["default_authorization_type"], *require(data["authorization_types"], list, "authorization_types")]
        if unknown := set(modes) - MODES:
            raise Undecodable(f"{unknown} are no authorization types")
        auth = outputs.get("auth")
        if auth is not None:
            for name in ("aws_region", "user_pool_id", "user_pool_client_id"):
                require(auth.get(name), str, name)
            policy = auth.get("password_policy")
            if policy is not None:
                require(policy.get("min_length"), int, "min_length")
                for name in ("numbers", "lowercase", "uppercase", "symbols"):
                    require(policy.get(f"require_{name}"), bool, name)
            for name in ("username_attributes", "user_verification_types"):
                if set(auth.get(name) or ()) - {"email", "phone_number"}:
                    raise Undecodable(f"{name}: {auth[name]}")
        url: str = data["url"]
        return url

    def _headers(self, url: str, credential: Credential, body: str) -> dict[str, str]:
        host = urlsplit(url).hostname or ""
        match credential:
            case ApiKey(key):
                return {"host": host, "x-api-key": key, "x-amz-date": DATE}
            case Token(text):
                return {"host": host, "Authorization": text}
            case Iam():
                fixed = {
                    "accept": "application/json, text/javascript",
                    "content-encoding": "amz-1.0",
                    "content-type": "application/json; charset=UTF-8",
                    "host": host,
                }
                signed = credential.signed(_without_port(url), fixed, body)
                return {
                    **fixed,
                    "X-Amz-Security-Token": "",  # sent also when there is none
                    "Authorization": signed["Authorization"],
                    "x-amz-date": signed["X-Amz-Date"],
                }


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _without_port(url: str) -> str:
    """withPort(443): what it signs has no port, whatever the endpoint's is."""
    parts = urlsplit(url)
    return f"https://{parts.hostname}{parts.path}"


def _request_error(error: Any) -> str:
    """parseResponseError, then GraphQLErrorDecoder for what that does not know."""
    members = require(error, dict, "an error")
    kind = members.get("errorType")
    for part in ("LimitExceededError", "MaxSubscriptionsReachedError", "Unauthorized"):
        if isinstance(kind, str) and part in kind:
            return kind
    return _graphql_error(members)


def _graphql_error(error: Any) -> str:
    members = require(error, dict, "an error")
    require(members.get("message"), str, "message")
    for location in members.get("locations") or ():
        for name in ("line", "column"):
            require(require(location, dict, "a location").get(name), int, name)
    if members.get("path") is not None:
        require(members["path"], list, "path")
    if members.get("extensions") is not None:
        require(members["extensions"], dict, "extensions")
    return str(members.get("errorType") or members["message"])


def _response(members: dict[str, Any]) -> tuple[Any, tuple[str, ...]]:
    data, errors = members.get("data"), members.get("errors")
    if "errors" in members:
        require(errors, list, "errors")
    if data is not None:
        require(data, dict, "data")
    return data, tuple(_graphql_error(each) for each in errors or ())
