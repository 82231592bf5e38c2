"""amplify-flutter 2.15 (d8a895daa2, 2026-08-20), amplify_api_dart.

Its files, under `packages/api/amplify_api_dart/lib/src` unless a folder is named:

- URLs, credentials: `decorators/web_socket_auth_utils.dart`, `decorators/authorize_http_request.dart`
- handshake: `graphql/web_socket/services/web_socket_service.dart`
- frames: `graphql/web_socket/types/web_socket_types.dart`
- connection, ping: `graphql/web_socket/blocs/web_socket_bloc.dart`, `graphql/web_socket/state/web_socket_state.dart`
- answers: `graphql/helpers/graphql_response_decoder.dart`,
  `packages/amplify_core/lib/src/types/api/graphql/graphql_response_error.dart`
- HTTP: `graphql/helpers/send_graphql_request.dart`
- signatures: `packages/aws_signature_v4/lib/src/configuration/service_configuration.dart`
- configuration: `packages/amplify_core/lib/src/config/amplify_outputs/**/*.g.dart`

Dart's WebSocket offers `permessage-deflate` on each handshake and goes on without it.
"""

from __future__ import annotations

import base64
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
    sha256,
)
from tests.clients.replayed.wire import Upgrade

# MessageType: `firstWhere` without `orElse` raises a StateError, which ends the connection.
TYPES = {
    "connection_init", "connection_ack", "connection_error", "start", "start_ack", "error", "data", "stop", "ka",
    "complete",
}  # fmt: skip
MODES = {"NONE", "API_KEY", "AWS_IAM", "OPENID_CONNECT", "AMAZON_COGNITO_USER_POOLS", "AWS_LAMBDA"}

PING_SECONDS = 5.0  # _pollResponseTimeout
PING_BODY = b"healthy"  # checkPollResponse


class Flutter:
    name = "Flutter"
    ack_seconds = 30.0  # it has no time-out of its own before the acknowledgement
    start_seconds = 30.0
    stop_seconds: float | None = None
    close_code: int | None = None  # sink.close()

    def realtime_url(self, url: str) -> str:
        # Uri(scheme, host, path): the port is lost, and the path is fixed.
        host = urlsplit(url).hostname or ""
        if "appsync-api" in host and host.endswith("amazonaws.com"):
            return f"wss://{host.replace('appsync-api', 'appsync-realtime-api', 1)}/graphql?payload=e30%3D"
        return f"wss://{host}/graphql/realtime?payload=e30%3D"

    def ping_url(self, url: str) -> str:
        """Asked every 30 s, and before each reconnect: here the port stays."""
        return f"{urlsplit(url).scheme}://{urlsplit(url).netloc}/ping"

    def upgrade(self, url: str, credential: Credential) -> Upgrade:
        realtime = urlsplit(self.realtime_url(url))
        header = json.dumps(self._headers(f"{url}/connect", credential, "{}"), separators=(",", ":"))
        carried = "header-" + base64.urlsafe_b64encode(header.encode()).decode().replace("=", "")
        headers = (
            ("User-Agent", "Dart/3.9 (dart:io)"),
            ("Accept-Encoding", "gzip"),
            ("Cache-Control", "no-cache"),
            ("Host", realtime.hostname or ""),
            ("Sec-WebSocket-Protocol", f"graphql-ws, {carried}"),
            ("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits"),
        )
        return Upgrade(f"{realtime.path}?{realtime.query}", headers)

    def connection_init(self) -> str:
        # WebSocketMessage gives an id to every message.
        return _compact({"id": "c0ffee00-0000-4000-8000-000000000000", "type": "connection_init"})

    def data(self, document: str, variables: Mapping[str, Any]) -> str:
        return _compact({"variables": variables, "query": document})

    def authorization(self, url: str, credential: Credential, data: str) -> dict[str, str]:
        return self._headers(url, credential, data)

    def start(self, identifier: str, document: str, variables: Mapping[str, Any], authorization: dict[str, str]) -> str:
        payload = {"data": self.data(document, variables), "extensions": {"authorization": authorization}}
        return _compact({"id": identifier, "type": "start", "payload": payload})

    def stop(self, identifier: str) -> str:
        return _compact({"id": identifier, "type": "stop"})

    def hear(self, text: str, known: Known) -> Heard:
        frame = read(text)
        identifier = frame.get("id")
        if identifier is not None:
            require(identifier, str, "id")
        kind = require(frame.get("type"), str, "type")
        if kind not in TYPES:
            raise Undecodable(f"Bad state: No element ({kind})")
        payload = frame.get("payload")
        if payload is not None:
            require(payload, dict, "payload")
        if kind in ("start_ack", "data", "complete") and identifier is None:
            raise Undecodable("Null check operator used on a null value: id")
        of_one = identifier is not None and kind in ("start_ack", "data", "complete", "error")
        if of_one and identifier not in known.pending | known.live:
            raise Undecodable(f"Bloc is missing subscription for {identifier}")
        match kind:
            case "connection_ack":
                members = require(payload, dict, "payload")
                return Heard(kind, timeout_ms=require(members.get("connectionTimeoutMs"), int, "connectionTimeoutMs"))
            case "start_ack":
                known.pending.discard(str(identifier))
                known.live.add(str(identifier))
                return Heard(kind, identifier)
            case "data":
                return Heard(kind, identifier, *_response(require(payload, dict, "payload")))
            case "error" | "connection_error":
                errors = require(payload, dict, "payload").get("errors")
                listed = [errors] if isinstance(errors, dict) else require(errors or [], list, "errors")
                # A subscription's errors are decoded further; of a failed connection none is read.
                told = tuple(_error(each) for each in listed) if kind == "error" else ("NetworkException",)
                return Heard(kind, identifier, errors=told)
            case _:
                return Heard(kind, identifier)

    def post(self, url: str, credential: Credential, document: str, variables: Mapping[str, Any]) -> Post:
        body = self.data(document, variables)
        headers = {"Content-Type": "application/json; charset=utf-8"}
        match credential:
            case ApiKey(key):
                headers["X-Api-Key"] = key
            case Token(text):
                headers["Authorization"] = text
            case Iam():
                host = urlsplit(url).hostname or ""
                fixed = {**headers, "Host": host, "X-Amz-Content-Sha256": sha256(body)}
                headers = credential.signed(f"https://{host}{urlsplit(url).path}", fixed, body)
        return Post(tuple(headers.items()), body)

    def answer(self, status: int, text: str) -> Heard:  # noqa: ARG002 - it does not look at the status
        return Heard("answer", None, *_response(read(text)))

    def configure(self, outputs: Mapping[str, Any]) -> str:
        require(outputs["version"], str, "version")
        data = require(outputs["data"], dict, "data")
        for name in ("aws_region", "url"):
            require(data.get(name), str, name)
        modes = [data["default_authorization_type"], *require(data["authorization_types"], list, "authorization_types")]
        if unknown := set(modes) - MODES:
            raise Undecodable(f"{unknown} are no authorization types")
        auth = outputs.get("auth")
        if auth is not None:
            require(auth.get("aws_region"), str, "aws_region")
            # sdk_bridge.dart: a URL, or a host that is asked by HTTPS
            require(auth.get("user_pool_endpoint"), str, "user_pool_endpoint")
            for name in ("standard_required_attributes", "username_attributes", "user_verification_types"):
                for each in require(auth.get(name) or [], list, name):
                    require(each, str, name)
        if outputs.get("custom") is not None:
            require(outputs["custom"], dict, "custom")
        url: str = data["url"]
        return url

    def _headers(self, url: str, credential: Credential, body: str) -> dict[str, str]:
        parts = urlsplit(url)
        host = parts.hostname or ""
        fixed = {
            "Accept": "application/json, text/javascript",
            "Content-Encoding": "amz-1.0",
            "Content-Type": "application/json; charset=utf-8",
        }
        match credential:
            case ApiKey(key):
                return {**fixed, "X-Api-Key": key, "Host": host}
            case Token(text):
                return {**fixed, "Authorization": text, "Host": host}
            case Iam():
                signed = {**fixed, "Host": host, "X-Amz-Content-Sha256": sha256(body)}
                return {
                    **credential.signed(f"https://{host}{parts.path}", signed, body),
                    "User-Agent": "aws-sigv4-dart/0.6.9",
                }


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _response(members: dict[str, Any]) -> tuple[Any, tuple[str, ...]]:
    data, errors = members.get("data"), members.get("errors")
    if data is not None:
        require(data, dict, "data")
    return data, tuple(_error(each) for each in require(errors or [], list, "errors"))


def _error(error: Any) -> str:
    """GraphQLResponseError.fromJson: a cast that fails is a TypeError in the application's stream."""
    members = require(error, dict, "an error")
    require(members.get("message"), str, "message")
    for location in members.get("locations") or ():
        for name in ("line", "column"):
            require(require(location, dict, "a location").get(name), int, name)
    for name, kind in (("path", list), ("extensions", dict), ("errorType", str), ("errorInfo", dict)):
        if members.get(name) is not None:
            require(members[name], kind, name)
    return str(members.get("errorType") or members["message"])
