"""Cognito user pools: tokens, the resources of templates, and the actions that are missing."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping
from typing import Any

from ministack.services import cognito
from ministack.services.cloudformation import provisioners

from local.ministack import cognito_attributes, cognito_codes, cognito_tokens
from local.ministack.cognito_hooks import Request, Response, add_action, answer, error, user_of
from local.ministack.mends.unknown_types import Provisioned

Properties = Mapping[str, Any]


def date_tokens() -> None:
    """A refresh token never expires, and refreshed tokens claim that their user has signed in again.

    Nor is there an `event_id`, and an address without `email_verified` counts as verified.
    """
    validity, sign = cognito._token_validity, cognito._signed_jwt
    owner, refresh = cognito._refresh_auth_user, cognito._refresh_auth_result
    build = cognito._build_auth_result

    def token_validity(pool_id: str, client_id: str, token_type: str) -> int:
        seconds = cognito_tokens.lifetime.get() if token_type != "refresh" else None  # noqa: S105 - a kind of token
        stock: int = validity(pool_id, client_id, token_type)
        return stock if seconds is None else seconds

    def signed(claims: dict[str, Any], pool_id: str = "", use: str = "") -> Any:
        at = cognito_tokens.signed_in_at.get()
        claims |= {"auth_time": at} if at is not None else {}  # of a refresh token too, which tells it later
        if claims.get("token_use") in ("id", "access"):
            claims.setdefault("event_id", str(uuid.uuid4()))
        return sign(claims, pool_id, use)

    def built(*arguments: Any, **named: Any) -> Any:
        with cognito_tokens.signed_in():
            return build(*arguments, **named)

    def refresh_user(pool: Any, pool_id: str, client_id: str, token: str) -> Any:
        user, problem = owner(pool, pool_id, client_id, token)
        if problem is None and time.time() >= cognito._token_claims(token).get("exp", 0):
            return None, error("NotAuthorizedException", "Refresh Token has expired")
        return user, problem

    def refresh_result(pool: Any, pool_id: str, client_id: str, token: str) -> Any:
        with cognito_tokens.refreshed(cognito._token_claims(token)):
            return refresh(pool, pool_id, client_id, token)

    cognito._token_validity, cognito._signed_jwt = token_validity, signed
    cognito._refresh_auth_user, cognito._refresh_auth_result = refresh_user, refresh_result
    cognito._build_auth_result = built


# --- actions ---


def add_missing_actions() -> None:
    """There is no way to verify a new address, to delete an attribute, or to change a group."""
    add_action("GetUserAttributeVerificationCode", _send_attribute_code, signed=False)
    add_action("VerifyUserAttribute", _verify_attribute, signed=False)
    add_action("DeleteUserAttributes", _delete_attributes, signed=False)
    add_action("AdminDeleteUserAttributes", _delete_attributes, signed=True)
    add_action("UpdateGroup", _update_group, signed=True)


def _send_attribute_code(request: Request) -> Response:
    _, user = user_of(request)
    name = str(request.get("AttributeName"))
    if user is None:
        return error("NotAuthorizedException", "Invalid Access Token")
    if name not in ("email", "phone_number") or name not in cognito._attr_list_to_dict(user["Attributes"]):
        return error("InvalidParameterException", f"Invalid attribute name: {name}")
    cognito_codes.issue(user, f"_code_of_{name}", f"verify {name}")
    return answer({"CodeDeliveryDetails": cognito_codes.delivery(user, name)})


def _verify_attribute(request: Request) -> Response:
    _, user = user_of(request)
    name = str(request.get("AttributeName"))
    if user is None:
        return error("NotAuthorizedException", "Invalid Access Token")
    kind = f"_code_of_{name}"
    cognito_codes.drop_expired(user, kind)
    issued = user.get(kind)
    problem: Response | None = cognito._code_error(issued, request.get("Code"))
    if problem is not None:
        return (cognito_codes.limit_guesses(user, kind) if issued else None) or problem
    del user[kind]
    updates = [{"Name": f"{name}_verified", "Value": "true"}]
    user["Attributes"] = cognito._merge_attributes(user["Attributes"], updates)
    return answer({})


def _delete_attributes(request: Request) -> Response:
    pool, user = user_of(request)
    if pool is None or user is None:
        return error("UserNotFoundException", "User does not exist.")
    names = request.get("UserAttributeNames") or []
    cognito_attributes.check(pool, dict.fromkeys(names, ""))
    user["Attributes"] = [each for each in user["Attributes"] if each["Name"] not in names]
    user["UserLastModifiedDate"] = cognito._now_epoch()
    return answer({})


def _update_group(request: Request) -> Response:
    pool, problem = cognito._resolve_pool(request.get("UserPoolId"))
    if problem:
        refused: Response = problem
        return refused
    group = pool["_groups"].get(request.get("GroupName"))
    if group is None:
        return error("ResourceNotFoundException", "Group not found.")
    group |= {name: request[name] for name in ("Description", "Precedence", "RoleArn") if name in request}
    group["LastModifiedDate"] = cognito._now_epoch()
    return answer({"Group": cognito._group_out(group)})


# --- resources of templates ---


def provision_users() -> None:
    """UserPoolUser, UserPoolUserToGroupAttachment and UserPoolIdentityProvider of a template make nothing."""
    provisioners._RESOURCE_HANDLERS |= {
        "AWS::Cognito::UserPoolUser": _handler(_create_user, _delete_user),
        "AWS::Cognito::UserPoolUserToGroupAttachment": _handler(_attach, _detach),
        "AWS::Cognito::UserPoolIdentityProvider": {
            "create": _create_provider,
            "update": _update_provider,
            "delete": _delete_provider,
        },
    }


def _handler(create: Any, delete: Any) -> dict[str, Any]:
    """Handlers of a type of which every property but tags replaces the resource."""

    def update(physical_id: str, old: Properties, new: Properties, stack_name: str) -> Provisioned:
        if old == new:
            return physical_id, {}
        delete(physical_id, old)
        found: Provisioned = create(physical_id, new, stack_name)
        return found

    return {"create": create, "update": update, "delete": delete}


def _checked(kind: str, response: Response) -> dict[str, Any]:
    status, _, body = response
    found: dict[str, Any] = json.loads(body or b"{}")
    if status >= 300:
        raise ValueError(f"{kind}: {found.get('message') or found}")
    return found


def _create_user(logical_id: str, properties: Properties, stack_name: str) -> Provisioned:
    del stack_name
    username = str(properties.get("Username") or logical_id)
    names = ("UserPoolId", "UserAttributes", "MessageAction", "DesiredDeliveryMediums", "ForceAliasCreation")
    request = {name: properties[name] for name in names if name in properties}
    user = _checked("AWS::Cognito::UserPoolUser", cognito._admin_create_user(request | {"Username": username}))
    return str(user["User"]["Username"]), {}


def _delete_user(physical_id: str, properties: Properties) -> None:
    cognito._admin_delete_user({"UserPoolId": properties.get("UserPoolId"), "Username": physical_id})


def _attach(logical_id: str, properties: Properties, stack_name: str) -> Provisioned:
    del logical_id, stack_name
    request = {name: properties.get(name) for name in ("UserPoolId", "Username", "GroupName")}
    _checked("AWS::Cognito::UserPoolUserToGroupAttachment", cognito._admin_add_user_to_group(request))
    return f"UserToGroupAttachment-{uuid.uuid4().hex[:12]}", {}


def _detach(physical_id: str, properties: Properties) -> None:
    del physical_id
    cognito._admin_remove_user_from_group(dict(properties))


_PROVIDER = ("UserPoolId", "ProviderName", "ProviderType", "ProviderDetails", "AttributeMapping", "IdpIdentifiers")


def _create_provider(logical_id: str, properties: Properties, stack_name: str) -> Provisioned:
    del logical_id, stack_name
    request = {name: properties[name] for name in _PROVIDER if name in properties}
    _checked("AWS::Cognito::UserPoolIdentityProvider", cognito._create_identity_provider(request))
    return str(properties["ProviderName"]), {}


def _update_provider(physical_id: str, old: Properties, new: Properties, stack_name: str) -> Provisioned:
    replaced = any(old.get(name) != new.get(name) for name in ("UserPoolId", "ProviderName", "ProviderType"))
    if replaced:
        _delete_provider(physical_id, old)
        return _create_provider(physical_id, new, stack_name)
    request = {name: new[name] for name in _PROVIDER if name in new}
    _checked("AWS::Cognito::UserPoolIdentityProvider", cognito._update_identity_provider(request))
    return physical_id, {}


def _delete_provider(physical_id: str, properties: Properties) -> None:
    cognito._delete_identity_provider({"UserPoolId": properties.get("UserPoolId"), "ProviderName": physical_id})
