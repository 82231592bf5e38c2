"""Who an access key is, with the secret to verify its signatures and the policies to evaluate.

Read from MiniStack's IAM and STS at each call and never kept, so that a deleted policy shows at once.
"""

from __future__ import annotations

import json
from typing import Any

from ministack.core import iam_evaluator
from ministack.services import iam, sts

from local.ministack.environment import ACCOUNT_ID

Policy = dict[str, Any]


class UnknownPrincipal(Exception):
    """No such access key, or it is inactive, expired, or the session token does not belong to it.

    `code` is AWS's (`UnrecognizedClientException`, `ExpiredTokenException`, ...).
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def _document(document: Policy | str) -> Policy:
    loaded = json.loads(document) if isinstance(document, str) else document
    return dict(loaded)


def _managed(arns: list[str], account: str) -> list[Policy]:
    documents = (iam_evaluator._resolve_managed_policy_document(arn, account) for arn in arns)
    return [_document(document) for document in documents if document]


def _role_policies(name: str, account: str) -> tuple[list[Policy], str | None]:
    role = iam._roles.get_scoped(account, None, name)
    if role is None:
        return [], None
    inline = [_document(document) for document in (role.get("InlinePolicies") or {}).values()]
    return inline + _managed(role.get("AttachedPolicies") or [], account), role.get("PermissionsBoundary")


def _user_policies(name: str, account: str) -> tuple[list[Policy], str | None]:
    user = iam._users.get_scoped(account, None, name)
    if user is None:
        return [], None
    found = [_document(d) for d in (iam._user_inline_policies.get_scoped(account, None, name) or {}).values()]
    found += _managed(user.get("AttachedPolicies") or [], account)
    for (owner, group_name), group in iam._groups._data.items():
        if owner == account and name in group.get("Users", []):
            inline = iam._group_inline_policies.get_scoped(account, None, group_name) or {}
            found += [_document(document) for document in inline.values()]
            found += _managed(group.get("AttachedPolicies") or [], account)
    return found, user.get("PermissionsBoundary")


def _limits(boundary: str | dict[str, str] | None, session: dict[str, Any], account: str) -> list[list[Policy]]:
    """Sets of policies that must each allow an action too: the permissions boundary, the session's own policies."""
    limits = []
    if boundary:
        arn = boundary if isinstance(boundary, str) else boundary.get("PermissionsBoundaryArn", "")
        limits.append(_managed([arn], account))
    passed = session.get("SessionPolicies")
    if passed is not None:
        own = [_document(passed["Policy"])] if passed.get("Policy") else []
        limits.append(own + _managed(passed.get("PolicyArns") or [], account))
    return limits


def describe(access_key_id: str, session_token: str | None) -> dict[str, Any]:
    """The principal behind an access key, as `POST /_headwater/principal` answers it.

    `policies` are the identity policies, `limits` further sets that must each allow too (empty: no limit).
    Raises UnknownPrincipal.
    """
    session = sts._sessions.get(access_key_id) or {}
    account = session.get("AccountId") or iam_evaluator.find_iam_access_key_account(access_key_id) or ACCOUNT_ID
    credential = iam_evaluator.resolve_credential(access_key_id, account, session_token or "")
    if isinstance(credential, iam_evaluator.CredentialResolutionError):
        raise UnknownPrincipal(credential.code, credential.message)
    root = credential.principal_type == "Root"
    policies: list[Policy] = []
    boundary: str | None = None
    if credential.principal_type == "AssumedRole":
        role = iam_evaluator._role_name_from_assumed_arn(credential.principal_arn)
        policies, boundary = _role_policies(role, account)
    elif not root:
        policies, boundary = _user_policies(credential.principal_name, account)
    return {
        "secretAccessKey": credential.secret_access_key,
        "arn": credential.principal_arn,
        "accountId": credential.account_id,
        "userId": credential.principal_id,
        "root": root,
        "policies": policies,
        "limits": [] if root else _limits(boundary, session, account),
    }
