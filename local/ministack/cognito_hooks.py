"""Where mends come between Cognito's checks of a request and the action: one hook for each action that they touch."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any

from ministack.core.concurrency import run_reentrant
from ministack.services import cognito

from local.ministack import cognito_triggers
from local.ministack.cognito_attributes import AttributeProblem

Response = tuple[int, dict[str, str], bytes]
Request = dict[str, Any]
Action = Callable[[Request], Response]
Hook = Callable[[Action, Request], Response]
"""Answers a request, mostly by what the action answers that it is given."""

_hooks: dict[str, list[Hook]] = {}
_further: dict[str, Action] = {}


def around(*actions: str) -> Callable[[Hook], Hook]:
    """Puts a hook around actions; a later one is around an earlier one."""
    install()

    def add(hook: Hook) -> Hook:
        for action in actions:
            _hooks.setdefault(action, []).append(hook)
        return hook

    return add


def add_action(name: str, action: Action, *, signed: bool) -> None:
    """An action that MiniStack does not have; without signature it is the user's own, by an access token."""
    install()
    _further[name] = action
    if not signed:
        cognito._UNSIGNED_IDP_ACTIONS.add(name)


def error(code: str, message: str) -> Response:
    """An error of Cognito."""
    found: Response = cognito.error_response_json(code, message, 400)
    return found


def answer(content: dict[str, Any]) -> Response:
    """A successful response."""
    found: Response = cognito.json_response(content)
    return found


def content(response: Response) -> dict[str, Any] | None:
    """What a successful response says; None for an error."""
    return json.loads(response[2] or b"{}") if response[0] < 300 else None


def client_of(request: Request) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """The pool and the app client that a request names, by the client or, for administrators, by the pool."""
    if "UserPoolId" in request:
        pool = cognito._user_pools.get(request["UserPoolId"])
    else:
        pool = cognito._pool_for_client(request.get("ClientId"))[0]
    return pool, ((pool or {}).get("_clients") or {}).get(request.get("ClientId"))


def user_of(request: Request) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """The pool and the user that a request names by client or pool, and username or alias; or by access token."""
    if request.get("AccessToken"):
        user, pool = cognito._user_pool_for_access_token(request["AccessToken"])
        return pool, user
    pool, _ = client_of(request)
    return pool, cognito._resolve_user(pool, request.get("Username"))[0] if pool else None


@functools.cache
def install() -> None:
    """Make MiniStack run the hooks. Once is enough."""
    run, dispatch = cognito._run_idp_handler, cognito._dispatch_idp

    def run_with_hooks(action: Action, name: str, request: Request) -> Response:
        for hook in _hooks.get(name, ()):
            action = functools.partial(hook, action)
        token = cognito_triggers.request.set(request)
        try:
            response: Response = run(action, name, request)
        except (cognito_triggers.TriggerError, AttributeProblem) as problem:
            return error(problem.code, str(problem))
        finally:
            cognito_triggers.request.reset(token)
        return response

    async def dispatch_further(name: str, request: Request) -> Any:
        if name in _further:
            return await run_reentrant(
                cognito._run_idp_handler, _further[name], name, request, thread_name="ministack-cognito-trigger"
            )
        return await dispatch(name, request)

    cognito._run_idp_handler, cognito._dispatch_idp = run_with_hooks, dispatch_further
