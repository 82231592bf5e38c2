"""amplify-android 2.40 (6b8bd6a47c, 2026-08-20), aws-api.

Its files, under `aws-api/src/main/java/com/amplifyframework/api/aws` unless a folder is named:

- URLs, handshake, frames, waiting: `SubscriptionEndpoint.java`, `SubscriptionMessageType.java`, `DomainType.java`
- `data`: `core/src/main/java/com/amplifyframework/api/graphql/GraphQLRequest.java`
- credentials: `SubscriptionAuthorizer.java`, `auth/IamRequestDecorator.java`, `sigv4/AWS4Signer.kt`
- answers: `GsonGraphQLResponseFactory.java`, `GraphQLResponseException.java`, and
  `aws-api-appsync/src/main/java/com/amplifyframework/api/graphql/GsonResponseAdapters.java`
- HTTP: `AppSyncGraphQLOperation.java`
- configuration: `core/src/main/java/com/amplifyframework/core/configuration/AmplifyOutputsData.kt`

OkHttp offers `permessage-deflate` on each handshake and goes on without it.
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
    sha256,
)
from tests.clients.replayed.wire import Upgrade

USER_AGENT = "amplify-android:2.40.0 md/device os/Android#14"
DATE = "20261121T100000Z"

# SubscriptionMessageType: any other value raises IllegalArgumentException.
TYPES = {
    "connection_init", "connection_ack", "connection_error", "ka", "connection_terminate", "start", "start_ack", "data",
    "error", "complete", "stop",
}  # fmt: skip
MODES = {"AMAZON_COGNITO_USER_POOLS", "API_KEY", "AWS_IAM", "AWS_LAMBDA", "OPENID_CONNECT"}


class Android:
    name = "Android"
    ack_seconds = 30.0  # CONNECTION_ACKNOWLEDGEMENT_TIMEOUT
    start_seconds = 10.0  # ACKNOWLEDGEMENT_TIMEOUT
    stop_seconds: float | None = 10.0
    close_code: int | None = 1000

    def realtime_url(self, url: str) -> str:
        # `authority(getHost())`: the port is lost.
        parts = urlsplit(url)
        host = parts.hostname or ""
        if host.endswith(("amazonaws.com", "amazonaws.com.cn")):
            return f"wss://{host.replace('appsync-api', 'appsync-realtime-api')}{parts.path}"
        return f"wss://{host}{parts.path}/realtime"

    def upgrade(self, url: str, credential: Credential) -> Upgrade:
        headers = self._headers(f"{url}/connect", credential, "{}")
        host = headers.pop("host")
        fixed = (
            ("Sec-WebSocket-Protocol", "graphql-ws"),
            ("User-Agent", USER_AGENT),
            ("Host", host),
            ("Accept-Encoding", "gzip"),
            ("Sec-WebSocket-Extensions", "permessage-deflate"),
        )
        return Upgrade(urlsplit(self.realtime_url(url)).path, (*fixed, *headers.items()))

    def connection_init(self) -> str:
        return '{"type":"connection_init"}'

    def data(self, document: str, variables: Mapping[str, Any]) -> str:
        # GraphQLRequest.getContent: put together by hand. Quotes and line feeds are escaped and nothing else, so that a
        # document with a tab or a backslash is no JSON; without variables it says null.
        escaped = document.replace('"', '\\"').replace("\n", "\\n")
        given = _compact(variables) if variables else "null"
        return f'{{"query": "{escaped}", "variables": {given}}}'

    def authorization(self, url: str, credential: Credential, data: str) -> dict[str, str]:
        return self._headers(url, credential, data)

    def start(self, identifier: str, document: str, variables: Mapping[str, Any], authorization: dict[str, str]) -> str:
        payload = {"data": self.data(document, variables), "extensions": {"authorization": authorization}}
        # org.json escapes a slash only after "<".
        return _compact({"id": identifier, "type": "start", "payload": payload})

    def stop(self, identifier: str) -> str:
        return _compact({"type": "stop", "id": identifier})

    def hear(self, text: str, known: Known) -> Heard:
        frame = read(text)
        kind = frame.get("type")
        if kind not in TYPES:
            raise Undecodable(f"No such subscription message type: {kind}")
        match kind:
            case "connection_ack":
                # getString and parseInt: a number or its text.
                timeout = require(frame.get("payload"), dict, "payload").get("connectionTimeoutMs")
                try:
                    timeout_ms = int(str(timeout))
                except ValueError as error:
                    raise Undecodable(f"connectionTimeoutMs is {timeout!r}") from error
                if timeout_ms <= 0:
                    raise Undecodable("timeoutMs must be > 0.")
                return Heard(kind, timeout_ms=timeout_ms)
            case "connection_error":
                # GraphQLResponseException, which needs a list with an entry
                errors = require(require(frame.get("payload"), dict, "payload").get("errors"), list, "errors")
                if not errors:
                    raise Undecodable("Errors array is empty")
                return Heard(
                    kind, errors=tuple(str(require(each, dict, "an error").get("errorType")) for each in errors)
                )
            case "start_ack":
                identifier = _known(frame, known.pending, "Acknowledgement for unknown subscription")
                known.pending.discard(identifier)
                known.live.add(identifier)
                return Heard(kind, identifier)
            case "complete":
                return Heard(kind, _known(frame, known.live, "Got subscription completion for unknown subscription"))
            case "data" | "error":
                identifier = _known(frame, known.live | known.pending, "Got subscription data for unknown subscription")
                return Heard(kind, identifier, *_response(require(frame.get("payload"), dict, "payload")))
            case _:
                return Heard(kind)

    def post(self, url: str, credential: Credential, document: str, variables: Mapping[str, Any]) -> Post:
        body = self.data(document, variables)
        headers = {"accept": "application/json", "content-type": "application/json", "User-Agent": USER_AGENT}
        match credential:
            case ApiKey(key):
                headers["x-api-key"] = key
            case Token(text):
                headers["authorization"] = text
            case Iam():
                host = urlsplit(url).hostname or ""
                fixed = {"accept": "application/json", "content-type": "application/json", "host": host}
                fixed["x-amz-content-sha256"] = sha256(body)
                headers = credential.signed(f"https://{host}{urlsplit(url).path}", fixed, body)
        return Post(tuple(headers.items()), body)

    def answer(self, status: int, text: str) -> Heard:
        members = read(text)
        if 400 <= status < 500:
            errors = require(members.get("errors"), list, "errors")
            if not errors:
                raise Undecodable("Errors array is empty")
            return Heard(
                "answer", errors=tuple(str(require(each, dict, "an error").get("errorType")) for each in errors)
            )
        return Heard("answer", None, *_response(members))

    def configure(self, outputs: Mapping[str, Any]) -> str:
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
            if set(auth.get("username_attributes") or ()) - {"username", "email", "phone_number"}:
                raise Undecodable(f"username_attributes: {auth['username_attributes']}")
        url: str = data["url"]
        return url

    def _headers(self, url: str, credential: Credential, body: str) -> dict[str, str]:
        parts = urlsplit(url)
        host = parts.hostname or ""
        match credential:
            case ApiKey(key):
                return {"host": host, "x-amz-date": DATE, "x-api-key": key}
            case Token(text):
                return {"host": host, "Authorization": text}
            case Iam():
                fixed = {
                    "accept": "application/json, text/javascript",
                    "content-type": "application/json; charset=UTF-8",
                    "host": host,
                    "x-amz-content-sha256": sha256(body),  # AppSyncV4Signer
                }
                signed = credential.signed(f"https://{host}{parts.path}", fixed, body)
                # toMultimap: all names in lower case
                return {name.lower(): value for name, value in signed.items()}


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _known(frame: Mapping[str, Any], ids: set[str], complaint: str) -> str:
    """The id of a frame. For another one than it knows, it tells all subscriptions that they failed."""
    identifier = frame.get("id")
    if identifier is None:
        raise Undecodable("No value for id")
    if identifier not in ids:
        raise Undecodable(f"{complaint}: {identifier}")
    return str(identifier)


def _response(members: dict[str, Any]) -> tuple[Any, tuple[str, ...]]:
    errors = members.get("errors")
    if isinstance(errors, dict):
        # IterableDeserializer: one object in place of the list is an AppSyncDeserializationException.
        return None, ("AppSyncDeserializationException",)
    return members.get("data"), tuple(_error(each) for each in require(errors or [], list, "errors"))


def _error(error: Any) -> str:
    members = require(error, dict, "an error")
    for location in members.get("locations") or ():
        for name in ("line", "column"):
            require(require(location, dict, "a location").get(name), int, name)
    for part in members.get("path") or ():
        if not isinstance(part, str | int):
            raise Undecodable(f"Expected a String or int, but found {part!r}")
    if "extensions" in members:
        require(members["extensions"], dict, "extensions")  # getAsJsonObject: also null raises
    return str(members.get("errorType") or members.get("message"))
