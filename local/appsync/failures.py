"""Refusals of whole requests: HTTP status, `x-amzn-errortype`, and a body as Jackson pretty-prints it (sheet 1.3)."""

from __future__ import annotations

import json

from local.appsync import cors
from local.appsync.errors import RequestError
from local.appsync.http_messages import Response
from local.errors import NotEmulated


class HttpError(RequestError):
    """A request that is refused with a status and error type of its own."""

    def __init__(self, status: int, error_type: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.error_type = error_type


def refusal(error: Exception) -> RequestError:
    """The refusal that an exception stands for; what nobody expected is AppSync's `InternalFailure`, status 500."""
    if isinstance(error, RequestError):
        return error
    if isinstance(error, NotEmulated):
        return HttpError(501, "NotEmulated", str(error))
    return HttpError(500, "InternalFailure", "The local AppSync failed; its log has the reason.")


def body(error: RequestError) -> bytes:
    """The body of a refusal, `errorType` first; one without a message has no such member."""
    members = {"errorType": error.error_type} | ({"message": error.message} if error.message else {})
    lines = ",\n".join(f'    "{name}" : {json.dumps(value, ensure_ascii=False)}' for name, value in members.items())
    text = f'{{\n  "errors" : [ {{\n{lines}\n  }} ]\n}}'
    return text.encode("utf-8", "replace")


_UNREAD = {408: "RequestTimeoutException", 413: "RequestEntityTooLargeException"}


def unread(status: int, reason: str) -> Response:
    """The answer to a request that is not read to its end, after which the connection is closed.

    Also in AppSync's form, and readable by browsers. The names are those of other AWS services (unverified).
    """
    error = HttpError(status, _UNREAD.get(status, "BadRequestException"), reason)
    headers = (("content-type", "application/json;charset=UTF-8"), ("x-amzn-errortype", error.error_type))
    return Response(status, (*cors.HEADERS, *headers), body(error), close=True)


def empty_body() -> RequestError:
    """A POST without a body."""
    return HttpError(400, "MalformedHttpRequestException", "Request body is empty.")


def malformed() -> RequestError:
    """A body that is not JSON, not an object, or has no query."""
    return HttpError(400, "MalformedHttpRequestException", "Unable to parse GraphQL query.")


def too_many_requests() -> RequestError:
    """The account has used up its request tokens of this second; clients try again."""
    return HttpError(429, "TooManyRequestsException", "Rate exceeded")


def no_schema() -> RequestError:
    """The API exists but has no schema."""
    return HttpError(502, "GraphQLSchemaException", "No schema definition exists.")


def unknown_api(api_id: str) -> RequestError:
    """No API has this id. On AWS its host name would not resolve."""
    return HttpError(404, "NotFoundException", f"GraphQL API {api_id} not found.")
