"""Cross-origin rules of the GraphQL endpoint: any origin, no cookies, readable error headers (sheet 1.1 and 11.18)."""

from __future__ import annotations

from local.appsync.http_messages import Request, Response

EXPOSED = "x-amzn-RequestId,x-amzn-ErrorType,x-amz-user-agent,x-amzn-ErrorMessage,Date,x-amz-schema-version"

# On every answer, refusals included: without them a browser hides even the status from the client.
HEADERS = (("access-control-allow-origin", "*"), ("access-control-expose-headers", EXPOSED))

MAX_AGE_SECONDS = 7200  # what Chromium keeps at most


def preflight(request: Request) -> Response:
    """The answer to OPTIONS, without credentials. Asked headers are named, since `*` leaves out `authorization`."""
    asked = request.header("access-control-request-headers") or "authorization,content-type,x-amz-user-agent,x-api-key"
    return Response(
        200,
        (
            *HEADERS,
            ("access-control-allow-methods", "GET, POST, OPTIONS"),
            ("access-control-allow-headers", asked),
            ("access-control-max-age", str(MAX_AGE_SECONDS)),
            ("vary", "access-control-request-headers"),
        ),
    )
