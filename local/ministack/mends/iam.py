"""IAM: policies evaluated as AWS does, denials in AWS's words, and the switch that makes warnings of them."""

from __future__ import annotations

import contextvars
import functools
import json
import logging
from collections.abc import Iterator, Mapping
from typing import Any

from ministack.core import iam_actions, iam_evaluator
from ministack.core.iam_evaluator import EvalContext, EvalResult, ParsedStatement

from local import permissions_used
from local.appsync.auth.conditions import Condition, conditions
from local.appsync.auth.patterns import substitute, wildcard
from local.errors import NotEmulated
from local.ministack import dynamodb_conditions, permissions

logger = logging.getLogger("headwater.iam")

_CHECKS = "headwater:checks"
"""Under which the condition keys of a DynamoDB request's single checks travel from the body to the evaluation."""


class _Keys(Mapping[str, str | list[str]]):
    """MiniStack's request context as the condition keys that it has."""

    def __init__(self, context: EvalContext) -> None:
        self._context = context

    def __getitem__(self, name: str) -> str | list[str]:
        found = iam_evaluator._resolve_condition_key(name, self._context)
        if found is None:
            raise KeyError(name)
        return [str(item) for item in found] if isinstance(found, list) else str(found)

    def __iter__(self) -> Iterator[str]:
        raise TypeError("condition keys are asked for by name")

    def __len__(self) -> int:
        raise TypeError("condition keys are asked for by name")


@functools.lru_cache(maxsize=1024)
def _conditions(element: str) -> tuple[Condition, ...]:
    return conditions(json.loads(element), variables=True)


def _holds(statement: ParsedStatement, keys: _Keys) -> bool:
    if not statement.conditions:
        return True
    try:
        return all(each.holds(keys) for each in _conditions(json.dumps(statement.conditions, sort_keys=True)))
    except NotEmulated as unknown:
        # Whichever is the safe side: an Allow does not count, a Deny does.
        logger.warning("A policy statement is taken as denying: %s", unknown)
        return bool(statement.effect == "Deny")


def _applies(statement: ParsedStatement, context: EvalContext, keys: _Keys) -> bool:
    if not iam_evaluator._action_matches(context.action, statement.actions, statement.not_actions):
        return False
    resources = statement.resources or statement.not_resources
    named = any(wildcard(substitute(each, keys)).fullmatch(context.resource_arn) for each in resources)
    if resources and named is bool(statement.not_resources):
        return False
    return _holds(statement, keys)


def evaluate_policy_variables() -> None:
    """`${aws:PrincipalTag/...}` and other policy variables stand for themselves, and so match nothing.

    A Deny whose condition has an unknown operator is skipped, too. The evaluation of the data plane takes over.
    """

    def first_match(context: EvalContext, statements: list[ParsedStatement], effect: str) -> ParsedStatement | None:
        keys = _Keys(context)
        return next((s for s in statements if s.effect == effect and _applies(s, context, keys)), None)

    iam_evaluator._first_match = first_match


def know_dynamodb_condition_keys() -> None:
    """`dynamodb:LeadingKeys` is unknown, so that no policy restricts partitions; `Attributes` has projections only.

    Nor are ReturnValues and ReturnConsumedCapacity there.
    """
    enforce = iam_evaluator.enforce

    def service_context(body: bytes) -> dict[str, Any]:
        return {_CHECKS: list(dynamodb_conditions.contexts(body))}

    def enforce_with_keys(
        access_key: str, action: str, service: str, region: str, resource_arn: str = "*",
        service_context: dict[str, Any] | None = None,
    ) -> Any:  # fmt: skip
        context = dict(service_context or {})
        checks = (service_context or {}).get(_CHECKS)
        context.pop(_CHECKS, None)
        if checks:
            table = resource_arn.partition(":table/")[2].partition("/")[0]
            mine = next((each for each in checks if each[0].rpartition("/")[2] == table), None)
            if mine is not None:
                context |= mine[1]
                if "dynamodb:EnclosingOperation" in context:
                    checks.remove(mine)  # the next item of the transaction on this table has its own
        return enforce(access_key, action, service, region, resource_arn, context)

    iam_actions.dynamodb_service_context = service_context
    iam_evaluator.enforce = enforce_with_keys


_denial: contextvars.ContextVar[tuple[str, str] | None] = contextvars.ContextVar("headwater_denial", default=None)
"""Resource and reason of the denial that this request is answered with."""


def word_denials() -> None:
    """A denial does not name the resource, nor the boundary that caused it; DynamoDB's and EventBridge's have 403.

    With `HEADWATER_PERMISSIONS=warn` a denied call is let through and told, once.
    """
    evaluate, enforce = iam_evaluator.evaluate, iam_evaluator.enforce
    respond = iam_actions.access_denied_response
    reasons: contextvars.ContextVar[str] = contextvars.ContextVar("headwater_denial_reason", default="")

    def evaluate_with_reason(context: EvalContext, policies: Any, *limits: Any) -> EvalResult:
        result = evaluate(context, policies, *limits)
        if result.decision != "Allow":
            reasons.set(permissions.reason(context, (policies, *limits), result.decision))
        else:
            keys = _Keys(context).get("dynamodb:leadingkeys") or ()
            leading = [keys] if isinstance(keys, str) else keys
            permissions_used.record(context.principal_arn, context.action, context.resource_arn, leading)
        return result

    def enforce_or_warn(
        access_key: str, action: str, service: str, region: str, resource_arn: str = "*",
        service_context: dict[str, Any] | None = None,
    ) -> Any:  # fmt: skip
        denied = enforce(access_key, action, service, region, resource_arn, service_context)
        if isinstance(denied, EvalResult):
            _denial.set((resource_arn, reasons.get()))
            if permissions.let_through(action, resource_arn, denied.principal_arn):
                return None
        return denied

    def respond_with_resource(
        service: str, action: str, principal_arn: str, request_id: str, *, error_code: str = "", message: str = "",
        headers: dict[str, Any] | None = None, resource_arn: str = "*", explicit_deny: bool = False,
        resource_policy_arn: str = "",
    ) -> Any:  # fmt: skip
        denial = _denial.get()
        by_resource = explicit_deny and resource_policy_arn
        if denial and not error_code and not message and not by_resource and service not in ("iot", "iot-data"):
            message = permissions.message(service, action, principal_arn, *denial)
        status, answer, body = respond(
            service, action, principal_arn, request_id, error_code=error_code, message=message, headers=headers,
            resource_arn=denial[0] if denial else resource_arn, explicit_deny=explicit_deny,
            resource_policy_arn=resource_policy_arn,
        )  # fmt: skip
        if service in permissions.BAD_REQUEST and not error_code:
            status = 400
        return status, answer, body

    iam_evaluator.evaluate = evaluate_with_reason
    iam_evaluator.enforce = enforce_or_warn
    iam_actions.access_denied_response = respond_with_resource
