"""The engine: one JavaScript realm that all resolver code of a data plane runs in.

The realm is QuickJS (`docs/decisions/javascript-engine.md`). Its built-in objects are frozen before any code runs and
each run evaluates its module anew, so that nothing is left over between runs. It belongs to the thread that made it: a
data plane compiles and runs on its event loop's thread, where a call takes some tens of microseconds.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping
from importlib import resources
from typing import Any, Literal

import orjson
import quickjs

from local.appsync.javascript import outcomes
from local.appsync.javascript.context_use import mutates, reads
from local.appsync.javascript.errors import CodeError
from local.appsync.javascript.outcome import HandlerError, Outcome
from local.appsync.javascript.restrictions import check
from local.appsync.javascript.syntax import Module
from local.appsync.javascript.transformation import FIRST_LINE, Script, transform
from local.appsync.javascript.zones import periods
from local.appsync.nesting import MAX_LEVELS, deeper_than, text_deeper_than

Handler = Literal["request", "response"]

TIME_LIMIT_SECONDS = 1.0  # of CPU; a handler takes well under a millisecond
MEMORY_LIMIT_BYTES = 128 << 20
MAX_RESULT_BYTES = 5 << 20  # AppSync's limit of an evaluated handler's result
STACK_BYTES = 1 << 20

_RUNTIME = (
    *("core", "control", "attribute_values", "transform", "dynamodb", "text", "java_regex", "time", "xml"),
    "realm",
)
# The runtime's files keep the globals that user code does not get.
_WRAPPER = (
    "(function ($, realm) { 'use strict'; const { BigInt, Date, Error, Proxy, RangeError, ReferenceError, Reflect, "
    "RegExp, Set, Symbol, SyntaxError, TypeError } = realm; %s\n})"
)
_ENTROPY_BYTES = 256
_MAX_RESTARTS = 64


class Code:
    """A module's handlers."""

    def __init__(self, javascript: JavaScript, index: int, module: Module, script: Script) -> None:
        self.name = module.name
        self.has_request = "request" in script.handlers
        self.has_response = "response" in script.handlers
        self._javascript = javascript
        self._index = index
        self._script = script
        self._draws = b"auto" in module.source
        self._reads: dict[str, frozenset[str]] = {}
        self._keeps: dict[str, list[str]] = {}  # what may be changed and has to come back
        changes = {"stash", "arguments"} if mutates(module) else set()
        for handler in ("request", "response"):
            binding = module.scope.bindings.get(script.handlers.get(handler, ""))
            self._reads[handler] = reads(module, binding.function if binding is not None else None)
            self._keeps[handler] = sorted(self._reads[handler] & changes)
        self._selection_sets = b"selectionSet" in module.source

    def __del__(self) -> None:
        # May be called on any thread; the realm lets go of the module when it next compiles one.
        self._javascript.discarded.append(self._index)

    def reads(self, handler: Handler) -> frozenset[str]:
        """The members of the context that a handler can read; `run` asks the context for these only."""
        return self._reads[handler]

    @property
    def reads_selection_sets(self) -> bool:
        """Whether the code names `selectionSetList` or `selectionSetGraphQL`; without it `info` needs neither."""
        return self._selection_sets

    def run(self, handler: Handler, context: Mapping[str, Any], *, auth_type: str | None = None) -> Outcome:
        """Runs a handler on a context of plain JSON values; never raises for what the code does.

        `context` has AppSync's members: arguments, identity, source, stash, result, prev, error, request, info, env
        (absent ones are null). `auth_type` is what `util.authType()` answers.
        """
        message: dict[str, Any] = {
            "context": {name: value for name in self._reads[handler] if (value := context.get(name)) is not None}
        }
        if auth_type is not None:
            message["authType"] = auth_type
        if self._keeps[handler]:
            message["keep"] = self._keeps[handler]
        entropy = _ENTROPY_BYTES if self._draws else 0
        for _ in range(_MAX_RESTARTS):
            if entropy:
                message["entropy"] = os.urandom(entropy).hex()
            text = _encode(message)
            if text is None:
                return _unusable("The context of the handler is nested too deeply.")
            answer = self._javascript.start(self._index, handler, text)
            if isinstance(answer, HandlerError):
                return Outcome(error=answer)
            if len(answer) > MAX_RESULT_BYTES:
                return _unusable("The result of the handler is larger than 5 MB.")
            result = _decode(answer)
            if result is None:
                return _unusable("The result of the handler is nested too deeply.")
            signal = result.get("signal")
            if signal == "entropy":
                entropy = 4 * max(entropy, _ENTROPY_BYTES)
            elif signal == "zone":
                self._javascript.add_zone(result["detail"])
            else:
                return outcomes.read(result, self._script)
        return Outcome(error=HandlerError(f"The code asks for more than {entropy} random bytes.", "Code"))


class JavaScript:
    """Compiles code and holds the realm; make one per data plane, on the thread that will run the code."""

    def __init__(self) -> None:
        self.discarded: list[int] = []  # modules that nobody holds any more
        self._thread = threading.get_ident()
        self._context = quickjs.Context()
        self._context.set_memory_limit(MEMORY_LIMIT_BYTES)
        self._context.set_max_stack_size(STACK_BYTES)
        if not self._context.eval("typeof Object.hasOwn === 'function'"):
            # The unmaintained package `quickjs` has the same modules; where both are installed its older engine wins.
            raise RuntimeError("the engine is not quickjs-ng: uninstall `quickjs` and install `quickjs-ng` again")
        shared = self._context.eval("({})")
        realm = self._context.eval("globalThis")
        folder = resources.files(__package__) / "runtime"
        for name in _RUNTIME:
            self._context.eval(_WRAPPER % (folder / f"{name}.js").read_text("utf-8"))(shared, realm)
        take = self._context.eval("(function ($, name) { return $[name]; })")
        names = ("start", "addCode", "dropCode", "addZone")
        self._start, self._add_code, self._drop_code, self._add_zone = (take(shared, name) for name in names)
        self._context.set_time_limit(TIME_LIMIT_SECONDS)

    def compile(self, code: str, name: str) -> Code:
        """Checks and loads a module; `name` is its file in messages. Raises CodeError, NotEmulated."""
        self._own_thread()
        while self.discarded:
            self._drop_code(self.discarded.pop())
        module = Module(code, name)
        check(module)
        script = transform(module)
        try:
            factory = self._context.eval(script.text)
        except quickjs.JSException as error:
            # Early errors that the grammar allows, such as a name declared twice.
            first, line, column = outcomes.position(str(error))
            line, column = script.position(line, column) if line >= FIRST_LINE else (1, 1)
            raise CodeError(first, file=name, line=line, column=column, rule="syntax") from error
        return Code(self, int(self._add_code(factory)), module, script)

    def start(self, index: int, handler: str, message: str) -> str | HandlerError:
        """Runs a loaded module's handler; the answer is JSON text, or the error of what cannot be caught inside."""
        self._own_thread()
        try:
            return str(self._start(index, handler, message))
        except quickjs.JSException as error:
            first, _, _ = outcomes.position(str(error))
            if "interrupted" in first:
                first = f"The handler ran for more than {TIME_LIMIT_SECONDS:g} s"
            return HandlerError(f"code.js: {first}", "Code")

    def add_zone(self, name: str) -> None:
        """Gives the realm a time zone's offsets; null for a name that is none."""
        self._add_zone(name, json.dumps(periods(name)))

    def memory_bytes(self) -> int:
        """What the realm holds."""
        return int(self._context.memory()["memory_used_size"])

    def _own_thread(self) -> None:
        if threading.get_ident() != self._thread:
            raise RuntimeError("a JavaScript realm belongs to the thread that made it")


def _unusable(message: str) -> Outcome:
    return Outcome(error=HandlerError(message, "MappingTemplate"))


def _encode(message: dict[str, Any]) -> str | None:
    """The JSON text of what goes in; None when it is nested too deeply."""
    try:
        return orjson.dumps(message).decode()
    except TypeError:
        if deeper_than(message, MAX_LEVELS):
            return None
        # Integers beyond 64 bits, which JavaScript rounds anyway.
        return json.dumps(message)


def _decode(answer: str) -> dict[str, Any] | None:
    """What came out; None when it is nested too deeply."""
    try:
        decoded: dict[str, Any] = orjson.loads(answer)
    except orjson.JSONDecodeError:
        if text_deeper_than(answer, MAX_LEVELS):
            return None
        # A string cut inside a surrogate pair; Java writes '?' for what UTF-8 has no form for.
        decoded = orjson.loads(json.dumps(json.loads(answer), ensure_ascii=False).encode("utf-8", "replace"))
    return decoded
