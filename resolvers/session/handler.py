"""The routes of the HTTP API that are about who calls: sessions of web applications, `GET /user`, `GET /whoami`."""

import json
from functools import cache
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.shared.cookies import Cookie, SameSite
from aws_lambda_powertools.utilities.typing import LambdaContext

from domain import web_sessions
from domain.caller import from_claims, from_jwt
from domain.clock import SYSTEM
from domain.errors import TryAgain, Unauthorized
from domain.logs import function_logger
from domain.pool import TokenExchange, cognito
from domain.sessions import Sessions
from domain.settings import settings
from domain.table import Table, TableError, dynamodb
from domain.web_sessions import SessionError

logger = function_logger()
app = APIGatewayHttpResolver()


@cache
def exchange_here() -> TokenExchange:
    """Cognito, for the application's users."""
    return TokenExchange(settings().user_pool_client_id, cognito())


@cache
def sessions_here() -> Sessions:
    """Whose tokens still count."""
    return Sessions(Table(settings().main_table, dynamodb()), SYSTEM)


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


@app.get("/user")
def user() -> Response[str]:
    """The user of the JWT, whose signature, issuer, audience and expiry the authorizer has checked."""
    caller = from_jwt(app.current_event["requestContext"]["authorizer"]["jwt"]["claims"])
    sessions_here().require(caller, "Query.me")
    return _answer(200, {"id": caller.id, "name": caller.name, "groups": sorted(caller.groups)})


@app.get("/whoami")
def whoami() -> Response[str]:
    """The holder of the auth key, which the authorizer has checked."""
    caller = from_claims(app.current_event["requestContext"]["authorizer"]["lambda"])
    scopes = sorted(scope.value for scope in caller.scopes)
    return _answer(200, {"keyId": caller.id, "name": caller.name, "scopes": scopes})


@app.exception_handler(SessionError)  # type: ignore[untyped-decorator]
def refused(error: SessionError) -> Response[str]:
    """What a session's request is refused with."""
    logger.info("%s is refused with %d: %s", app.current_event.route_key, error.status, error.message)
    return _answer(error.status, {"message": error.message}, _cookie(None) if error.ends else None)


@app.exception_handler(Unauthorized)  # type: ignore[untyped-decorator]
def unauthorized(error: Unauthorized) -> Response[str]:
    """A token of before a sign-out, worded as the authorizer words its own refusals."""
    logger.info("%s is refused with 401: %s", app.current_event.route_key, error.message)
    return _answer(401, {"message": "Unauthorized"})


@app.exception_handler([TryAgain, TableError])  # type: ignore[untyped-decorator]
def busy(error: Exception) -> Response[str]:
    """Cognito or the table did not answer."""
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
