"""The routes of the HTTP API that keep sessions of web applications."""

import json
from functools import cache
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.shared.cookies import Cookie, SameSite
from aws_lambda_powertools.utilities.typing import LambdaContext

from domain import web_sessions
from domain.errors import TryAgain
from domain.logs import function_logger
from domain.pool import TokenExchange, cognito
from domain.settings import settings
from domain.web_sessions import SessionError

logger = function_logger()
app = APIGatewayHttpResolver()


@cache
def exchange_here() -> TokenExchange:
    """Cognito, for the application's users."""
    return TokenExchange(settings().user_pool_client_id, cognito())


@app.post("/session")
def begin() -> Response[str]:
    """A refresh token into the cookie."""
    web_sessions.require_origin(app.current_event.headers, settings().web_origins)
    body, kept = web_sessions.begin(exchange_here(), app.current_event.decoded_body)
    return _answer(200, body, _cookie(kept))


@app.post("/session/refresh")
def refresh() -> Response[str]:
    """New id and access tokens for the cookie's."""
    web_sessions.require_origin(app.current_event.headers, settings().web_origins)
    body, kept = web_sessions.refresh(exchange_here(), app.current_event.get("cookies") or [])
    return _answer(200, body, _cookie(kept) if kept else None)


@app.delete("/session")
def end() -> Response[str]:
    """The end of the session."""
    web_sessions.require_origin(app.current_event.headers, settings().web_origins)
    web_sessions.end(exchange_here(), app.current_event.get("cookies") or [])
    return _answer(204, None, _cookie(None))


@app.exception_handler(SessionError)  # type: ignore[untyped-decorator]
def refused(error: SessionError) -> Response[str]:
    """What a session's request is refused with."""
    logger.info("%s is refused with %d: %s", app.current_event.route_key, error.status, error.message)
    return _answer(error.status, {"message": error.message}, _cookie(None) if error.ends else None)


@app.exception_handler(TryAgain)  # type: ignore[untyped-decorator]
def busy(error: TryAgain) -> Response[str]:
    """Cognito did not answer."""
    logger.warning("%s cannot be answered", app.current_event.route_key, exc_info=error)
    return _answer(503, {"message": TryAgain().message})


def _answer(status: int, body: dict[str, Any] | None, cookie: Cookie | None = None) -> Response[str]:
    """A response that nobody keeps: it has tokens, or is about them."""
    text = "" if body is None else json.dumps(body)
    return Response(status, "application/json", text, {"Cache-Control": "no-store"}, [cookie] if cookie else [])


def _cookie(token: str | None) -> Cookie:
    """The session's cookie; without a token the one that removes it."""
    return Cookie(
        web_sessions.COOKIE,
        token or "",
        path="/",
        secure=True,
        http_only=True,
        same_site=SameSite.STRICT_MODE,
        max_age=web_sessions.COOKIE_SECONDS if token else 0,
    )


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one request."""
    answer: dict[str, Any] = app.resolve(event, context)
    return answer
