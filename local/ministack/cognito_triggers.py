"""Lambda triggers of user pools: permission, event, and what their failures mean for the call that caused them.

https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-working-with-lambda-triggers.html
"""

from __future__ import annotations

import contextvars
import json
from collections.abc import Mapping
from typing import Any

from ministack.services import cognito, lambda_svc

from local.ministack import permissions

SERVICE = "cognito-idp.amazonaws.com"
NO_CLIENT = "CLIENT_ID_NOT_APPLICABLE"

request: contextvars.ContextVar[Mapping[str, Any]] = contextvars.ContextVar("headwater_cognito_request", default={})  # noqa: B039 - never changed
"""The call that is being answered, whose metadata triggers are given."""


class TriggerError(Exception):
    """A trigger failed, and with it the call. `code` is Cognito's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def is_trigger(event: Any) -> bool:
    """Whether an event that is about to invoke a function is a user pool's."""
    return isinstance(event, dict) and "triggerSource" in event and "userPoolId" in event


def check_permission(function: Mapping[str, Any], event: Mapping[str, Any]) -> None:
    """Raises TriggerError unless the function's `AWS::Lambda::Permission` lets the user pool invoke it."""
    arn, pool = str(function["config"]["FunctionArn"]), cognito._pool_arn(event["userPoolId"])
    if permissions.denial_of_service(SERVICE, "lambda:InvokeFunction", arn, pool) is not None:
        text = f"{_name(event)} invocation failed due to error AccessDeniedException."
        raise TriggerError("UnexpectedLambdaException", text)


def complete(event: dict[str, Any]) -> None:
    """Adds what the call brings for triggers: `clientMetadata`, and `validationData` of a sign-up."""
    call = request.get()
    if call.get("ClientMetadata"):
        event["request"]["clientMetadata"] = dict(call["ClientMetadata"])
    if event["triggerSource"].startswith("PreSignUp_") and call.get("ValidationData"):
        event["request"]["validationData"] = {each["Name"]: each.get("Value") for each in call["ValidationData"]}


def check_result(event: Mapping[str, Any], result: Mapping[str, Any]) -> None:
    """Raises TriggerError for a function that failed, or that does not return its event."""
    body = result.get("body")
    if result.get("error"):
        reason = body.get("errorMessage") if isinstance(body, dict) else body
        raise TriggerError("UserLambdaValidationException", f"{_name(event)} failed with error {reason}.")
    if isinstance(body, str | bytes):
        try:
            body = json.loads(body)
        except ValueError:
            body = None
    if not isinstance(body, dict):
        raise TriggerError("InvalidLambdaResponseException", "Unrecognizable lambda output")


def fire(
    pool: Mapping[str, Any], trigger: str, source: str, user: Mapping[str, Any], client_id: str, **members: Any
) -> None:
    """Invoke a trigger that the pool may have (a name in `LambdaConfig`) and whose answer nobody reads.

    Raises TriggerError.
    """
    arn = (pool.get("LambdaConfig") or {}).get(trigger)
    if not arn:
        return
    attributes = cognito._attr_list_to_dict(user.get("Attributes", []))
    event = {
        "version": "1",
        "region": cognito._pool_region(pool["Id"]),
        "userPoolId": pool["Id"],
        "userName": user["Username"],
        "callerContext": {"awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": client_id},
        "triggerSource": source,
        "request": {"userAttributes": attributes | {"cognito:user_status": user["UserStatus"]}, **members},
        "response": {},
    }
    record, config, _ = lambda_svc._get_func_record_for_ref(arn)
    if record is None or config is None:
        text = f"{trigger} invocation failed due to error ResourceNotFoundException."
        raise TriggerError("UnexpectedLambdaException", text)
    lambda_svc._execute_function_with_config_scope(lambda_svc._execution_record_for_config(record, config), event)


def _name(event: Mapping[str, Any]) -> str:
    """The trigger's name in messages: `PreSignUp` of `PreSignUp_SignUp`."""
    source = str(event["triggerSource"]).partition("_")[0]
    return {"TokenGeneration": "PreTokenGeneration"}.get(source, source)
