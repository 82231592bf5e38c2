"""Write `resolvers/rest/openapi.json`, which describes the routes of the HTTP API, from their table.

Powertools' generator reads the functions' signatures. It needs pydantic, which the functions on AWS do not have: so the
document is made here, and served as a file.

    python -m tools.openapi            write the document
    python -m tools.openapi --check    only say whether it is current
"""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints, is_typeddict

import typing_extensions

ROOT = Path(__file__).resolve().parent.parent
OUTPUT = ROOT / "resolvers" / "rest" / "openapi.json"

VERSION = "1.0"
# What a route may answer besides 200, by its authorizer, and when.
_REFUSALS = {
    400: "A parameter breaks a rule; `info.field` names it.",
    401: "No credentials, or they count no more.",
    403: "The credentials are not for this.",
    404: "There is nothing of this name.",
    429: "Too many requests.",
    503: "Too busy at the moment; the same again later.",
}
_SCHEMES = {
    "Keys": {"type": "apiKey", "in": "header", "name": "x-auth-key", "description": "An auth key with the scope READ."},
    "Users": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "A token of the user pool."},
}


def document() -> dict[str, Any]:
    """The OpenAPI document."""
    from aws_lambda_powertools.event_handler import APIGatewayHttpResolver

    from rest.routes import CALLERS, SHOP
    from rest.shapes import Error

    routes = (*SHOP, *CALLERS)
    app, kinds = APIGatewayHttpResolver(), _Kinds()
    refusals: dict[int, Any] = {
        status: {"description": words, "content": {"application/json": {"model": kinds.of(Error)}}}
        for status, words in _REFUSALS.items()
    }
    for route in routes:
        answers: dict[int, Any] = {200: {"description": "The answer."}, **refusals}
        register = app.get(
            route.path, summary=route.summary, responses=answers, operation_id=_camel(route.call.__name__),
        )  # fmt: skip
        register(_as_powertools_reads_it(route.call, kinds))
    found: dict[str, Any] = json.loads(
        app.get_openapi_json_schema(
            title="Headwater", version=VERSION, openapi_version="3.1.0",
            description="What plain HTTP offers of the shop and of users; GraphQL has the rest.",
        )
    )  # fmt: skip
    components = found.setdefault("components", {})
    for name in ("HTTPValidationError", "ValidationError"):  # of Powertools' validation, which is not used
        components.get("schemas", {}).pop(name, None)
    components["securitySchemes"] = _SCHEMES
    found["servers"] = [{"url": "/"}]
    for schema in components["schemas"].values():
        for member in schema["properties"].values():
            member.pop("title", None)  # its name in other letters
    paths = found.pop("paths")
    found["paths"] = {}
    for route in routes:
        path = route.path.replace("<", "{").replace(">", "}")
        found["paths"][path] = paths[path]
        operation = paths[path]["get"]
        operation["responses"].pop("422", None)
        if route.authorizer:
            operation["security"] = [{route.authorizer: []}]
        for parameter in operation.get("parameters", ()):
            parameter["description"] = route.parameters[parameter["name"]]
            schema = parameter["schema"]
            schema.pop("title", None)
            if "anyOf" in schema:  # a parameter is there, or is not; it is never null
                parameter["schema"] = next(each for each in schema["anyOf"] if each["type"] != "null")
    return found


class _Kinds:
    """Typed dictionaries as pydantic takes them: before Python 3.12 only those of typing_extensions."""

    def __init__(self) -> None:
        self._made: dict[Any, Any] = {}

    def of(self, hint: Any) -> Any:
        """A type with all typed dictionaries in it replaced."""
        if is_typeddict(hint):
            if hint not in self._made:
                members: dict[str, Any] = {}
                # Known before its members are, because one of them may be of its own kind.
                made = _typed_dict(hint.__name__, members)
                self._made[hint] = made
                made.__doc__ = inspect.cleandoc(hint.__doc__ or "")
                made.__annotations__ = {name: self.of(each) for name, each in get_type_hints(hint).items()}
                made.__required_keys__ = hint.__required_keys__
            return self._made[hint]
        arguments = get_args(hint)
        if not arguments or get_origin(hint) is None:
            return hint
        replaced = tuple(self.of(each) for each in arguments)
        return hint if replaced == arguments else hint.copy_with(replaced) if hasattr(hint, "copy_with") else _rebuilt(
            hint, replaced
        )  # fmt: skip


# A name for mypy, which wants to know all typed dictionaries before they are made.
_typed_dict: Any = typing_extensions.TypedDict


def _rebuilt(hint: Any, arguments: tuple[Any, ...]) -> Any:
    from types import UnionType
    from typing import Union

    origin = get_origin(hint)
    return Union[arguments] if origin in (Union, UnionType) else origin[arguments]  # noqa: UP007


def _as_powertools_reads_it(call: Callable[..., Any], kinds: _Kinds) -> Callable[..., Any]:
    """A function with those parameters of a route's that clients know, and its types."""
    hints = get_type_hints(call)
    known = [each for each in inspect.signature(call).parameters.values() if each.kind is each.KEYWORD_ONLY]

    def described(**given: Any) -> None:
        del given

    described.__name__, described.__doc__ = call.__name__, None
    described.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [each.replace(annotation=hints[each.name]) for each in known], return_annotation=kinds.of(hints["return"])
    )
    return described


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(each.capitalize() for each in rest)


def problems() -> Iterator[str]:
    """Why the committed document is not what the routes are."""
    if not OUTPUT.exists() or OUTPUT.read_text() != text():
        yield f"{OUTPUT.relative_to(ROOT)} is not what backend/rest/routes.py says: run `python -m tools.openapi`"


def text() -> str:
    """The file's content."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


def main() -> int:
    """Write, or compare."""
    sys.path[:0] = [str(ROOT / "backend")]
    if "--check" in sys.argv[1:]:
        found = list(problems())
        print("\n".join(found), file=sys.stderr)
        return 1 if found else 0
    OUTPUT.write_text(text())
    return 0


if __name__ == "__main__":
    sys.exit(main())
