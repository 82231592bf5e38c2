"""Routes as a table of functions: query strings in, JSON out, errors typed.

Powertools' resolver finds the route. What a function takes is read from its signature, here at run time and by
Powertools' generator of OpenAPI when `tools/openapi.py` asks it: so the document cannot say something else. Powertools'
own validation is not used, because it would put pydantic into the layer of all functions.
"""

from __future__ import annotations

import hashlib
import inspect
import logging
import math
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import UnionType
from typing import Any, Literal, Union, cast, get_args, get_origin, get_type_hints
from urllib.parse import parse_qsl

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from domain.caller import Caller
from domain.errors import DomainError, InvalidInput, TryAgain, Unauthorized
from domain.table import TableError
from rest import answers, callers
from rest.answers import Answer

logger = logging.getLogger("headwater.rest")

# The authorizers of stacks/rest.yaml.
USERS, KEYS = "Users", "Keys"

MAX_QUERY = 16_384
MAX_PARAMETERS = 64
# Where an auth key may stand; the authorizer has read it.
_CREDENTIAL = "auth_key"
_WHOLE = re.compile(r"-?[0-9]{1,15}", re.ASCII)
_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?", re.ASCII)
_BOOLEANS = {"true": True, "false": False}


@dataclass(frozen=True)
class Route:
    """One route.

    Attributes:
        path: as Powertools writes it: `/products/<product_id>`.
        call: answers it. After what it stands on and the caller it takes parameters of the path and of the query.
        summary: what it is for.
        authorizer: which of the API's lets callers in; None where everybody may ask.
        parameters: what each of the query's is, for the document.
        kept: whether clients may keep the answer, and ask whether it still holds.
    """

    path: str
    call: Callable[..., object]
    summary: str
    authorizer: str | None
    parameters: Mapping[str, str] = field(default_factory=dict)
    kept: bool = False


# Routes, and what makes that which each of their functions gets first, when it is first needed.
Group = tuple[Sequence[Route], Callable[[], object]]


class Face:
    """Some routes.

    Args:
        admit: lets only those users pass whose token still counts; raises Unauthorized.
        groups: the routes.
    """

    def __init__(self, admit: Callable[[Caller], None], *groups: Group) -> None:
        self._app = APIGatewayHttpResolver()
        self._admit = admit
        self._found: _Found | None = None
        for routes, stands_on in groups:
            for route in routes:
                self._app.get(route.path)(self._finder(route, stands_on))
        self._app.not_found(_nothing)

    def answer(self, event: Mapping[str, Any]) -> Answer:
        """The answer to a request of format 2.0. Never raises. May run in several threads at once."""
        method = str(event["requestContext"]["http"]["method"])
        asked = event
        if method == "HEAD":  # as GET, without the body
            http = {**event["requestContext"]["http"], "method": "GET"}
            asked = {**event, "requestContext": {**event["requestContext"], "http": http}}
        # Powertools keeps the request in attributes of classes, so only the finding is left to it, one at a time: what
        # one caller asked must not be answered to another.
        with _FINDING:
            self._found = None
            not_found: Answer = self._app.resolve(dict(asked), cast("LambdaContext", None))
            found = self._found
        answer = not_found if found is None else self._answered(found, asked)
        return {**answer, "body": "", "isBase64Encoded": False} if method == "HEAD" else answer

    def _finder(self, route: Route, stands_on: Callable[[], object]) -> Callable[..., Response[str]]:
        readers = query_parameters(route)

        def find(**path: str) -> Response[str]:
            self._found = _Found(route, stands_on, readers, path)
            return Response(200)

        return find

    def _answered(self, found: _Found, event: Mapping[str, Any]) -> Answer:
        route = found.route
        try:
            who = (callers.of(event),) if route.authorizer else ()
            if route.authorizer == USERS:
                try:
                    self._admit(*who)
                except Unauthorized:
                    return answers.unauthenticated()
            given = _query(event, found.readers, is_key=route.authorizer == KEYS) if found.readers else {}
            return _kept(route.call(found.stands_on(), *who, **found.path, **given), event, kept=route.kept)
        except (DomainError, TableError) as error:
            if isinstance(error, TryAgain | TableError):
                logger.warning("%s cannot be answered", route.path, exc_info=error)
            return answers.failed(error)
        except Exception as error:
            logger.exception("%s failed", route.path)
            return answers.failed(error)


@dataclass(frozen=True)
class _Found:
    """A route that a request has, and what its path says."""

    route: Route
    stands_on: Callable[[], object]
    readers: Mapping[str, Callable[[str, str], Any]]
    path: Mapping[str, str]


_FINDING = threading.Lock()


def _nothing(error: Exception) -> Response[str]:
    del error
    found = answers.answered(404, {"type": "NotFound", "message": "There is no such route."})
    return Response(found["statusCode"], None, found["body"], found["headers"])


def query_parameters(route: Route) -> dict[str, Callable[[str, str], Any]]:
    """What reads each parameter of a route's query, by its name."""
    hints = get_type_hints(route.call)
    return {
        name: _reader(hints[name])
        for name, each in inspect.signature(route.call).parameters.items()
        if each.kind is inspect.Parameter.KEYWORD_ONLY and f"<{name}>" not in route.path
    }


def _query(
    event: Mapping[str, Any], readers: Mapping[str, Callable[[str, str], Any]], *, is_key: bool
) -> dict[str, Any]:
    """The parameters of a request's query. Raises InvalidInput: one is unknown, doubled, or of another kind."""
    raw = str(event.get("rawQueryString") or "")
    if len(raw) > MAX_QUERY:
        raise InvalidInput("query", f"must have at most {MAX_QUERY} characters, not {len(raw)}.")
    try:
        pairs = parse_qsl(raw, keep_blank_values=True, max_num_fields=MAX_PARAMETERS, errors="strict")
    except ValueError as error:
        raise InvalidInput("query", f"must be UTF-8 with at most {MAX_PARAMETERS} parameters.") from error
    given: dict[str, Any] = {}
    for name, text in pairs:
        if name == _CREDENTIAL and is_key:
            continue
        if name not in readers:
            raise InvalidInput("query", f"has an unknown parameter {name[:64]!r}; there are: {', '.join(readers)}.")
        if name in given:
            raise InvalidInput(name, "is there twice.")
        given[name] = readers[name](name, text)
    return given


def _reader(hint: Any) -> Callable[[str, str], Any]:
    """What makes a value of a parameter's text, by its annotation. Raises InvalidInput, naming the parameter."""
    if get_origin(hint) in (Union, UnionType):
        (hint,) = [each for each in get_args(hint) if each is not type(None)]
    if get_origin(hint) is Literal:
        choices = get_args(hint)
        return lambda name, text: _one_of(name, text, choices)
    return {str: _text, int: _whole, float: _number, bool: _boolean}[hint]


def _text(name: str, text: str) -> str:
    if not text:
        raise InvalidInput(name, "must not be empty.")
    return text


def _whole(name: str, text: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise InvalidInput(name, "must be a whole number.")
    return int(text)


def _number(name: str, text: str) -> float:
    if not _NUMBER.fullmatch(text) or not math.isfinite(float(text)):
        raise InvalidInput(name, "must be a number.")
    return float(text)


def _boolean(name: str, text: str) -> bool:
    if text not in _BOOLEANS:
        raise InvalidInput(name, "must be true or false.")
    return _BOOLEANS[text]


def _one_of(name: str, text: str, choices: Sequence[str]) -> str:
    if text not in choices:
        raise InvalidInput(name, f"must be one of {', '.join(choices)}.")
    return text


def _kept(value: object, event: Mapping[str, Any], *, kept: bool) -> Answer:
    """200; or 304 when the client has just this already."""
    if not kept:
        return answers.answered(200, value)
    # Who may see it is asked anew each time.
    answer = answers.answered(200, value, {"cache-control": "private, no-cache"})
    tag = f'"{hashlib.sha256(answer["body"].encode()).hexdigest()[:32]}"'
    answer["headers"]["etag"] = tag
    asked = str((event.get("headers") or {}).get("if-none-match") or "")
    known = [each.strip().removeprefix("W/") for each in asked.split(",")]
    if tag in known or asked.strip() == "*":
        del answer["headers"]["content-type"]
        return answer | {"statusCode": 304, "body": ""}
    return answer
