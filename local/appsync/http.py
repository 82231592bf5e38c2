"""The GraphQL endpoint over HTTP: from a request to the engine and back (sheet section 1).

Order of evaluation: body, API, credentials, schema, then the engine (document, operation, fields). Everything up to the
document is an HTTP error; GraphQL errors are answered with 200.
"""

from __future__ import annotations

import asyncio
import logging
import re
import zlib
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs
from uuid import uuid4

import orjson

from local.appsync import cors, failures, faulty
from local.appsync.apis import Api, Apis
from local.appsync.auth.credentials import Credentials
from local.appsync.http_messages import Request, Response
from local.appsync.rates import Rates
from local.appsync.request import OperationRequest, RequestInfo
from local.functions.tracing import CURRENT, Trace

log = logging.getLogger(__name__)

# What tells clients that AppSync can be reached: amplify-flutter asks it every 30 s while it subscribes, and gives the
# connection up when the body is another (web_socket_bloc.dart, checkPollResponse).
PING_PATH = "/ping"

PATH = re.compile(r"(?:/(?P<api>[A-Za-z0-9_-]+))?/graphql(?P<realtime>/realtime)?")
GZIP_BYTES = range(1_000, 10_000_001)
_GZIP_IN_THREAD_BYTES = 128 * 1024  # from here on compressing takes longer than a thread's hand-over
_GZIP_WINDOW = 31  # zlib's wbits of a gzip container
_CODING = re.compile(r"\s*(?P<name>[^\s;]+)\s*(?:;\s*q=(?P<q>0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*)?", re.IGNORECASE)

# Most operations cost one token (DG, "Monitoring", token counts); what makes AppSync count more is not documented.
_TOKENS_CONSUMED = ("x-amzn-appsync-tokensconsumed", "1")

# aws-sdk-go #3689 shows this body for a wrong path.
_UNKNOWN_OPERATION = b'{"Output":{"__type":"com.amazon.coral.service#UnknownOperationException"},"Version":"1.0"}'


class GraphqlEndpoint:
    """`POST` and `GET` `[/{apiId}]/graphql`."""

    def __init__(self, apis: Apis, rates: Rates, new_request_id: Callable[[], str] = lambda: str(uuid4())) -> None:
        self._apis = apis
        self._rates = rates
        self._new_request_id = new_request_id

    async def respond(self, request: Request) -> Response:
        """The response to any request; never raises."""
        if request.path == PING_PATH and request.method == "GET":
            return Response(200, (("content-type", "text/plain;charset=UTF-8"), *cors.HEADERS), b"healthy")
        path = PATH.fullmatch(request.path)
        if path is None or path["realtime"] or request.method not in {"GET", "POST", "OPTIONS"}:
            return self._unknown_operation()
        if request.method == "OPTIONS":
            return cors.preflight(request)
        request_id = self._new_request_id()
        trace = Trace(request.header("x-amzn-trace-id"))
        CURRENT.set(trace)
        operation = None
        try:
            operation = read_operation(request)
            api = self._api(path["api"], request)
            if self._apis.faults.active:
                faulty.before(self._apis.faults, request)
            body, extra = await self._execute(api, request, operation, request_id)
            if self._apis.faults.active:
                faulty.after(self._apis.faults, request)
            status, error_type = 200, ""
        except Exception as error:  # the edge: whatever happened, the client gets an answer
            refusal = failures.refusal(error)
            if refusal.status == 500 and refusal is not error:
                log.exception("request %s failed", request_id)
            self._apis.journal.refused(request_id, operation, refusal)
            status, error_type, body, extra = refusal.status, refusal.error_type, failures.body(refusal), {}
        headers = [("content-type", "application/json;charset=UTF-8"), *cors.HEADERS, ("x-amzn-requestid", request_id)]
        headers += extra.items()
        headers.append(("x-amzn-errortype", error_type) if error_type else _TOKENS_CONSUMED)
        headers.append(("vary", "accept-encoding"))
        if trace.header is not None:
            headers.append(("x-amzn-trace-id", trace.header))
        if len(body) in GZIP_BYTES and accepts_gzip(request.header("accept-encoding")):
            body = await compress(body)
            headers.append(("content-encoding", "gzip"))
        return Response(status, headers, body)

    def _api(self, api_id: str | None, request: Request) -> Api:
        api = self._apis.find(api_id, request.header("x-appsync-domain") or request.header("host"))
        if api is None:
            raise failures.unknown_api(api_id or "at /graphql")
        return api

    async def _execute(
        self, api: Api, request: Request, operation: OperationRequest, request_id: str
    ) -> tuple[bytes, dict[str, str]]:
        source_ip = source_addresses(request)
        credentials = Credentials(
            request.headers, request.method, (request.path,), request.query, request.body, source_ip, request.secure,
            operation, request_id,
        )  # fmt: skip
        caller = await api.authenticator.authenticate(credentials)
        if not self._rates.request_tokens.take():
            raise failures.too_many_requests()
        if api.engine is None:
            raise failures.no_schema()
        headers = {name: value for name, value in request.headers.items() if name != "cookie"}
        info = RequestInfo(headers | {"x-amzn-requestid": request_id}, request_id, source_ip)
        with api:
            result = await api.engine.execute(operation, caller, info)
        return result.body, dict(result.headers)

    def _unknown_operation(self) -> Response:
        request_id = ("x-amzn-requestid", self._new_request_id())
        return Response(404, (("content-type", "application/json"), *cors.HEADERS, request_id), _UNKNOWN_OPERATION)


def source_addresses(request: Request) -> tuple[str, ...]:
    """`identity.sourceIp`: the addresses of `x-forwarded-for`, then the TCP peer."""
    forwarded = request.header("x-forwarded-for")
    if forwarded is None:
        return (request.peer,)
    return (*(address.strip() for address in forwarded.split(",") if address.strip()), request.peer)


def read_operation(request: Request) -> OperationRequest:
    """The operation in a request: a JSON body whatever its content type says, or GET's query string.

    Raises:
        HttpError: the body is empty or holds no operation.
    """
    if request.method == "GET":
        return operation_from(_query_members(request.query))
    if not request.body:
        raise failures.empty_body()
    try:
        members = orjson.loads(request.body)
    except orjson.JSONDecodeError:
        raise failures.malformed() from None
    return operation_from(members)


def _query_members(query: str) -> dict[str, Any]:
    try:
        fields = parse_qs(query, keep_blank_values=True, max_num_fields=100, errors="strict")
        members: dict[str, Any] = {name: values[-1] for name, values in fields.items()}
        if members.get("variables"):
            members["variables"] = orjson.loads(members["variables"])
        else:
            members.pop("variables", None)
    except ValueError:
        raise failures.malformed() from None
    return members


def operation_from(members: Any) -> OperationRequest:
    """The operation in decoded JSON: `query`, and perhaps `variables` and `operationName`.

    Raises:
        HttpError: it is none.
    """
    if not isinstance(members, dict):
        raise failures.malformed()
    query, variables, name = members.get("query"), members.get("variables"), members.get("operationName")
    if not isinstance(query, str):
        raise failures.malformed()
    if (variables is not None and not isinstance(variables, dict)) or (name is not None and not isinstance(name, str)):
        raise failures.malformed()
    # Clients send "" for an operation without a name.
    return OperationRequest(query, variables or {}, name or None)


def accepts_gzip(accept_encoding: str | None) -> bool:
    """Whether an `Accept-Encoding` value takes gzip (RFC 9110, 12.5.3), and does not prefer the plain text.

    gzip is the only coding here, as on AppSync: a client that takes just deflate or br gets the plain text.
    """
    weights: dict[str, float] = {}
    for item in (accept_encoding or "").split(","):
        coding = _CODING.fullmatch(item)
        if coding is not None:  # what cannot be read is not accepted
            weights[coding["name"].lower().removeprefix("x-")] = float(coding["q"] or 1)
    gzip = weights.get("gzip", weights.get("*", 0.0))
    return gzip > 0 and gzip >= weights.get("identity", 0.0)


async def compress(body: bytes) -> bytes:
    """gzip, off the event loop when it would hold it up."""
    if len(body) < _GZIP_IN_THREAD_BYTES:
        return _gzip(body)
    return await asyncio.to_thread(_gzip, body)


def _gzip(body: bytes) -> bytes:
    # The fastest level: over loopback the time counts, not the last percent.
    return zlib.compress(body, level=1, wbits=_GZIP_WINDOW)
