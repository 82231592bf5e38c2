"""Roles that AWS services assume: Lambda for functions, AppSync for data sources (`POST /_headwater/assume`).

MiniStack's own AssumeRole cannot tell services apart: its callers are IAM principals, and root passes for any service.
"""

from __future__ import annotations

import time
from typing import Any

from ministack.core import iam_evaluator
from ministack.services import iam, sts

from local.ministack import permissions
from local.ministack.environment import ACCESS_KEY_ID, ACCOUNT_ID

SESSION_SECONDS = 3600


class NotTrusted(Exception):
    """There is no such role, or its trust policy does not let the service assume it."""


def assume(role_arn: str, session_name: str, service: str, source_arn: str | None) -> dict[str, Any]:
    """Temporary credentials of a role for a service, such as `lambda.amazonaws.com`.

    `source_arn` is the resource on whose behalf the service acts (`aws:SourceArn` in trust policies).
    Raises NotTrusted.
    """
    account = role_arn.split(":")[4] if role_arn.count(":") >= 5 else ACCOUNT_ID
    assumed_arn, malformed = sts._assumed_role_arn(role_arn, session_name)
    role = None if malformed else iam._roles.get_scoped(account, None, role_arn.rpartition("/")[2])
    if role is None:
        raise NotTrusted(f"there is no role {role_arn}")
    trusted = _trusts(role.get("AssumeRolePolicyDocument", "{}"), role_arn, service, source_arn)
    if not trusted and not permissions.let_through("sts:AssumeRole", role_arn, service):
        raise NotTrusted(f"its trust policy does not let {service} assume it")
    expires_at = time.time() + SESSION_SECONDS
    key, secret, token = sts._gen_session_access_key(), sts._gen_secret(), sts._gen_session_token()
    sts.register_session(
        key,
        {
            "Arn": assumed_arn, "UserId": f"{role['RoleId']}:{session_name}", "SecretAccessKey": secret,
            "SessionToken": token, "Expiration": expires_at, "AccountId": account, "PrincipalType": "AssumedRole",
            "SourceAccessKeyId": ACCESS_KEY_ID, "SourcePrincipalArn": service, "SessionTags": [],
            "SessionPolicies": None,
        },
    )  # fmt: skip
    return {"accessKeyId": key, "secretAccessKey": secret, "sessionToken": token, "expiresAt": expires_at}


def _trusts(document: Any, role_arn: str, service: str, source_arn: str | None) -> bool:
    context = permissions.service_context(service, "sts:AssumeRole", role_arn, source_arn)
    # A trust policy has no Resource, and is else a resource policy of the role.
    decision = iam_evaluator.evaluate_resource_policy(document, context, service=service).decision
    return bool(decision == "Allow")
