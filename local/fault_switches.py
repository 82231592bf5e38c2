"""What can be broken on purpose: every switch with its options. docs/faults.md says the same at length."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Value = str | int | float
Target = Literal["equal", "within"]


class FaultError(Exception):
    """A switch or an option that there is not, or a value that it does not take; the message says what it takes."""


@dataclass(frozen=True)
class Option:
    """`target`: the fault strikes only where the value equals what is at hand, or is within it."""

    name: str
    kind: type[str] | type[int] | type[float]
    about: str
    default: Value | None = None
    minimum: float = -math.inf
    maximum: float = math.inf
    choices: tuple[Value, ...] = ()
    required: bool = False
    target: Target | None = None

    def read(self, given: object) -> Value:
        """A value from the command line (text) or from JSON. Raises FaultError."""
        try:
            if isinstance(given, bool) or not isinstance(given, str | int | float):
                raise ValueError
            value: Value = str(given) if self.kind is str else self.kind(given)
            if isinstance(given, float) and value != given:
                raise ValueError
        except ValueError:
            raise FaultError(f"{self.name}={given!r}: it takes {self._form()}") from None
        if self.choices and value not in self.choices:
            raise FaultError(f"{self.name}={given}: it takes {self._form()}")
        if isinstance(value, str):
            if not value:
                raise FaultError(f"{self.name} is empty: it takes {self._form()}")
        elif not self.minimum <= value <= self.maximum:
            raise FaultError(f"{self.name}={given}: it takes {self._form()}")
        return value

    def _form(self) -> str:
        if self.choices:
            return "one of " + ", ".join(map(str, self.choices))
        if self.kind is str:
            return "a text"
        bounds = [f"from {self.minimum:g} on"] if self.minimum > -math.inf else []
        if self.maximum < math.inf:
            bounds = [f"from {self.minimum:g} to {self.maximum:g}"]
        return " ".join(["a whole number" if self.kind is int else "a number", *bounds])


@dataclass(frozen=True)
class Switch:
    """One fault. `imitates` says in a few words what it does; docs/faults.md has the source."""

    name: str
    imitates: str
    options: tuple[Option, ...] = ()

    @property
    def all_options(self) -> tuple[Option, ...]:
        """Its own, then those of every switch."""
        return (*self.options, *COMMON)

    def read(self, given: Mapping[str, object]) -> dict[str, Value | None]:
        """All options with their values; None for what was not given and has no default. Raises FaultError."""
        options = {option.name: option for option in self.all_options}
        for name in given:
            if name not in options:
                raise FaultError(f"{self.name} has no option {name!r}; it has {', '.join(options)}")
        values: dict[str, Value | None] = {
            name: options[name].read(given[name]) if name in given else option.default
            for name, option in options.items()
        }
        missing = [option.name for option in self.options if option.required and values[option.name] is None]
        if missing:
            raise FaultError(f"{self.name} needs {' and '.join(missing)}")
        return values


COMMON = (
    Option("count", int, "how often it strikes, then no more", minimum=1),
    Option("probability", float, "of each time that it could strike", 1.0, minimum=0, maximum=1),
    Option("seed", int, "of the chances; chosen and told when not given"),
    Option("duration", float, "seconds until it is over", minimum=0),
)

_SUBSCRIPTION = Option("subscription", str, "only this subscription field", target="equal")
_SUBSCRIBER = Option("subscriber", str, "only subscriptions whose start contains this text", target="within")
_PUSH = Option("containing", str, "only pushes that contain this text", target="within")
_REQUEST = Option("containing", str, "only requests whose body contains this text", target="within")
_FUNCTION = Option("function", str, "only functions whose name contains this text", target="within")
_FIELD = Option("field", str, "`Type.field` of the resolver", required=True, target="equal")

SWITCHES: dict[str, Switch] = {
    switch.name: switch
    for switch in (
        Switch(
            "drop-after-start-ack",
            "pushes right after a start_ack do not arrive",
            (
                Option("seconds", float, "for how long after it; 1 unless `pushes` is given", minimum=0),
                Option("pushes", int, "how many pushes of each subscription at most", minimum=1),
                _SUBSCRIPTION,
                _SUBSCRIBER,
            ),
        ),
        Switch("drop-push", "a push does not arrive", (_SUBSCRIPTION, _SUBSCRIBER, _PUSH)),
        Switch("duplicate-push", "a push arrives twice", (_SUBSCRIPTION, _SUBSCRIBER, _PUSH)),
        Switch("half-open", "a socket's frames go nowhere in both directions, and nobody closes it", (_SUBSCRIBER,)),
        Switch(
            "slow-socket",
            "a socket takes few bytes per second",
            (Option("bytes_per_second", int, "what it takes", 1000, minimum=1), _SUBSCRIBER),
        ),
        Switch(
            "expired-token",
            "a valid token is refused as an expired one",
            (
                Option(
                    "at", str, "only at a real-time connect, or at requests and starts",
                    choices=("connect", "operation"), target="equal",
                ),
                Option("user", str, "only this user: `sub` or user name", target="equal"),
            ),
        ),
        Switch("appsync-429", "AppSync answers 429 TooManyRequestsException", (_REQUEST,)),
        Switch(
            "appsync-5xx",
            "AppSync answers a status of 5xx",
            (
                Option("status", int, "the status", 500, choices=(500, 502, 503, 504)),
                Option(
                    "when", str, "before the operation runs, or after its effect", "before",
                    choices=("before", "after"), target="equal",
                ),
                _REQUEST,
            ),
        ),
        Switch(
            "refuse-publish",
            "AppSync answers a GraphQL error to a mutation, which has no effect",
            (
                Option("containing", str, "mutations whose body contains this text", required=True, target="within"),
                Option("type", str, "the errorType", "BadRequestException"),
            ),
        ),
        Switch(
            "slow-resolver",
            "a resolver answers late",
            (_FIELD, Option("seconds", float, "how much later", required=True, minimum=0)),
        ),
        Switch(
            "stand-in",
            "a service that the local instance stands in for answers late, or something else",
            (
                Option("parameter", str, "only the stand-in of this parameter of the template", target="equal"),
                Option("seconds", float, "how much later", 0.0, minimum=0),
                Option("status", int, "the status, in place of the file", minimum=200, maximum=599),
                Option("body", str, "the body, in place of the file"),
            ),
        ),
        Switch(
            "duplicate-batch",
            "an event source mapping delivers a batch twice",
            (
                Option(
                    "when", str, "once more before the delivery that counts, or beside it", "before",
                    choices=("before", "beside"),
                ),
                _FUNCTION,
            ),
        ),
        Switch(
            "reorder-keys",
            "the records of a batch come in another order across keys; each key's own order is kept",
            (_FUNCTION,),
        ),
        Switch(
            "kill-worker",
            "a function's process is killed inside an invocation",
            (
                Option(
                    "at", str,
                    "before the handler, before a call leaves, after its answer came, after the handler, after a time",
                    "start", choices=("start", "call", "answer", "end", "time"),
                ),
                Option("call", int, "which HTTP call of the invocation, the SDK's too", 1, minimum=1),
                Option("milliseconds", float, "after which time", 100.0, minimum=0),
                _FUNCTION,
            ),
        ),
        Switch(
            "kill-ministack",
            "the local cloud is killed and started again with what it had saved",
            (
                Option("after", float, "seconds until the first time", 0.0, minimum=0),
                Option("every", float, "seconds between the times; without it, once", minimum=1),
            ),
        ),
    )
}  # fmt: skip


def switch(name: str) -> Switch:
    """The switch of a name. Raises FaultError."""
    if name not in SWITCHES:
        raise FaultError(f"there is no fault {name!r}; there are {', '.join(SWITCHES)}")
    return SWITCHES[name]


def as_json(one: Switch) -> dict[str, Any]:
    """A switch for those who list them."""
    options = [
        {"name": option.name, "about": option.about, "default": option.default, "choices": list(option.choices)}
        for option in one.all_options
    ]
    return {"name": one.name, "imitates": one.imitates, "options": options}
