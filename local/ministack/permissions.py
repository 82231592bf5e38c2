"""Questions about permissions that other parts ask (`POST /_headwater/permission`), and what a denial means.

`HEADWATER_PERMISSIONS=warn` lets denied calls through and tells each missing permission once; `enforce`, the default,
denies them. Wrong signatures and unknown keys are refused either way.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.iam_evaluator import AuthError, EvalContext, EvalResult
from ministack.core.responses import get_region

from local.ministack import process
from local.ministack.environment import ACCOUNT_ID

logger = logging.getLogger("headwater.iam")

VARIABLE = "HEADWATER_PERMISSIONS"

BAD_REQUEST = frozenset({"cognito-idp", "dynamodb", "events", "kms", "logs", "secretsmanager", "ssm", "states"})
"""Services with a JSON protocol that answer a denial with 400; the others say 403."""

_LIMITS = ("permissions boundary", "session policy")
_told: set[tuple[str, str, str]] = set()


def let_through(action: str, resource: str, principal_arn: str) -> bool:
    """Whether a denied call may go on, because warnings are enough. Each is told once in the life of the process."""
    if os.environ.get(VARIABLE, "enforce") != "warn":
        return False
    # The sessions of a role are one principal here: each worker of a function has its own.
    principal = principal_arn.rpartition("/")[0] if ":assumed-role/" in principal_arn else principal_arn
    if (action, resource, principal) not in _told:
        _told.add((action, resource, principal))
        text = f"{VARIABLE}=warn: {principal} is not allowed {action} on {resource}; AWS would refuse this call"
        logger.warning("%s", text)
        process.notifier.notice(text)
    return True


def message(service: str, action: str, principal_arn: str, resource: str, reason: str) -> str:
    """The text of a denial; S3 quotes the resource, SQS and SNS spell their actions in their own way."""
    prefix, _, name = action.partition(":")
    spelled = {"sqs": f"{prefix}:{name.lower()}", "sns": f"SNS:{name}"}.get(service, action)
    named = f'"{resource}"' if service == "s3" else resource
    return f"User: {principal_arn} is not authorized to perform: {spelled} on resource: {named} {reason}"


def reason(context: EvalContext, layers: Sequence[Any], decision: str) -> str:
    """Which kind of policy decided, in AWS's words (IAM User Guide, "Troubleshoot access denied error messages").

    `layers` are the identity policies, then what limits them: a boundary, the session's own policies.
    """
    effect = "Deny" if decision == "Deny" else "Allow"
    for layer, kind in zip(layers, ("identity-based policy", *_LIMITS), strict=False):
        statements = [statement for document in layer for statement in document]
        found = iam_evaluator._first_match(context, statements, effect)
        if effect == "Deny" and found:
            return f"with an explicit deny in {'an' if kind[0] == 'i' else 'a'} {kind}"
        if effect == "Allow" and not found:
            return f"because no {kind} allows the {context.action} action"
    return f"because no identity-based policy allows the {context.action} action"


def denial_of_role(access_key_id: str, action: str, resource: str) -> str | None:
    """Why the principal of an access key may not do something, in AWS's words; None when it may."""
    service = action.partition(":")[0]
    account = iam_evaluator.find_iam_access_key_account(access_key_id) or ACCOUNT_ID
    principal = iam_evaluator.resolve_principal(access_key_id, account)
    if isinstance(principal, AuthError):
        return str(principal.message)
    if principal.policies is None:
        return None
    context = _context(principal.arn, principal.type, principal.account, action, resource, principal.keys)
    result = iam_evaluator.evaluate(context, principal.policies, *principal.limits)
    found = iam_evaluator._resource_policy(service, resource)
    if found is not None:
        result = iam_evaluator.combine_resource_policy(result, context, *found, limits=principal.limits)
    if result.decision == "Allow" or let_through(action, resource, principal.arn):
        return None
    why = reason(context, (principal.policies, *principal.limits), result.decision)
    return message(service, action, principal.arn, resource, why)


def denial_of_service(service_principal: str, action: str, resource: str, source_arn: str | None) -> str | None:
    """Why an AWS service may not do something: only the resource's own policy can allow it."""
    context = service_context(service_principal, action, resource, source_arn)
    found = iam_evaluator._resource_policy(action.partition(":")[0], resource)
    result: EvalResult = iam_evaluator.evaluate_resource_policy(
        found[0] if found else None, context, service=service_principal
    )
    if result.decision == "Allow" or let_through(action, resource, service_principal):
        return None
    return f"{service_principal} is not authorized to perform: {action} on resource: {resource}"


def service_context(service_principal: str, action: str, resource: str, source_arn: str | None) -> EvalContext:
    """The request context of a call by an AWS service, on behalf of the resource `source_arn`."""
    keys: dict[str, Any] = {"aws:principalisawsservice": "true", "aws:principalservicename": service_principal}
    if source_arn:
        keys |= {"aws:sourcearn": source_arn, "aws:sourceaccount": source_arn.split(":")[4] or ACCOUNT_ID}
    return _context(service_principal, "AWSService", ACCOUNT_ID, action, resource, keys)


def _context(arn: str, kind: str, account: str, action: str, resource: str, keys: dict[str, Any]) -> EvalContext:
    return EvalContext(
        principal_arn=arn, principal_type=kind, principal_account=account, action=action, resource_arn=resource,
        region=get_region(), principal_keys=keys,
    )  # fmt: skip
