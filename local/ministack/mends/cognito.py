"""Cognito user pools: triggers, codes, challenges and attributes as AWS has them."""

from __future__ import annotations

import time
from typing import Any

from ministack.services import cognito, lambda_svc

from local.ministack import cognito_attributes, cognito_codes, cognito_triggers
from local.ministack.cognito_hooks import Action, Request, Response, answer, around, client_of, content, error, user_of

_PASSWORD_FLOWS = frozenset({"USER_PASSWORD_AUTH", "USER_SRP_AUTH", "ADMIN_USER_PASSWORD_AUTH", "ADMIN_NO_SRP_AUTH"})


# --- triggers ---


def report_failing_triggers() -> None:
    """A failing trigger of token generation is ignored, others answer with a Python dictionary as the reason.

    Permissions of the function are not asked for, and `validationData` and `clientMetadata` of a sign-up are lost.
    """
    execute = lambda_svc._execute_function

    def execute_trigger(function: dict[str, Any], event: Any, *more: Any, **named: Any) -> Any:
        if not cognito_triggers.is_trigger(event):
            return execute(function, event, *more, **named)
        cognito_triggers.check_permission(function, event)
        cognito_triggers.complete(event)
        result = execute(function, event, *more, **named)
        cognito_triggers.check_result(event, result)
        return result

    lambda_svc._execute_function = execute_trigger
    apply = cognito._apply_presignup_trigger

    def apply_pre_sign_up(*arguments: Any, **named: Any) -> Any:
        try:
            return apply(*arguments, **named)
        except cognito._PreSignUpRejected as rejected:
            if isinstance(rejected.__cause__, cognito_triggers.TriggerError):
                raise rejected.__cause__ from None  # with its own code
            raise

    cognito._apply_presignup_trigger = apply_pre_sign_up


def fire_missing_triggers() -> None:
    """PostConfirmation, PreAuthentication, PostAuthentication never fire; nor does PreSignUp for administrators."""

    @around("ConfirmSignUp", "AdminConfirmSignUp", "ConfirmForgotPassword")
    def confirm(proceed: Action, request: Request) -> Response:
        pool, user = user_of(request)
        if "UserPoolId" in request and user and user["UserStatus"] != "UNCONFIRMED":
            text = f"User cannot be confirmed. Current status is {user['UserStatus']}"
            return error("NotAuthorizedException", text)
        response = proceed(request)
        if response[0] < 300 and pool and user:
            kind = "ConfirmForgotPassword" if "Password" in request else "ConfirmSignUp"
            _confirmed(pool, user, request, f"PostConfirmation_{kind}")
        return response

    @around("SignUp")
    def sign_up(proceed: Action, request: Request) -> Response:
        response = proceed(request)
        pool, user = user_of(request)
        if pool and user and (content(response) or {}).get("UserConfirmed"):
            _confirmed(pool, user, request, "PostConfirmation_ConfirmSignUp")
        return response

    @around("AdminCreateUser")
    def create(proceed: Action, request: Request) -> Response:
        if request.get("MessageAction") != "RESEND":
            attributes = cognito._attr_list_to_dict(request.get("UserAttributes") or [])
            cognito._apply_presignup_trigger(
                request.get("UserPoolId"), cognito_triggers.NO_CLIENT, request.get("Username"), attributes,
                trigger_source="PreSignUp_AdminCreateUser",
            )  # fmt: skip
        return proceed(request)

    @around("InitiateAuth", "AdminInitiateAuth")
    def initiate(proceed: Action, request: Request) -> Response:
        pool, user = _signing_in(request)
        if pool and user and user.get("Enabled", True) and request.get("AuthFlow") in _PASSWORD_FLOWS:
            _authentication("Pre", pool, user, request)
        response = proceed(request)
        if pool and user and request.get("AuthFlow") in _PASSWORD_FLOWS:
            _signed_in(response, pool, user, request)
        return response

    @around("RespondToAuthChallenge", "AdminRespondToAuthChallenge")
    def respond(proceed: Action, request: Request) -> Response:
        response = proceed(request)
        pool, user = _signing_in(request)
        if pool and user:
            _signed_in(response, pool, user, request)
        return response


def _confirmed(pool: dict[str, Any], user: dict[str, Any], request: Request, source: str) -> None:
    client = request.get("ClientId") or cognito_triggers.NO_CLIENT
    cognito_triggers.fire(pool, "PostConfirmation", source, user, client)


def _signing_in(request: Request) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    pool, _ = client_of(request)
    parameters = request.get("AuthParameters") or request.get("ChallengeResponses") or {}
    return pool, cognito._resolve_user(pool, parameters.get("USERNAME"))[0] if pool else None


def _signed_in(response: Response, pool: dict[str, Any], user: dict[str, Any], request: Request) -> None:
    if (content(response) or {}).get("AuthenticationResult"):
        _authentication("Post", pool, user, request, newDeviceUsed=False)


def _authentication(when: str, pool: dict[str, Any], user: dict[str, Any], request: Request, **members: Any) -> None:
    source = f"{when}Authentication_Authentication"
    cognito_triggers.fire(pool, f"{when}Authentication", source, user, str(request.get("ClientId")), **members)


# --- codes ---


def issue_codes() -> None:
    """Every code is 123456 or 654321, never expires and may be guessed forever; nobody is told of it.

    A confirmation verifies neither mail address nor phone number, and a reset needs neither.
    """
    send, check = cognito._send_verification_email, cognito._confirmation_code_error

    def send_new(pool: dict[str, Any], username: str, attributes: Any, code: str, attribute_name: str = "email") -> Any:
        user = cognito._resolve_user(pool, username)[0]
        resets = attribute_name == "password"
        if user is None or not (resets or "email" in (pool.get("AutoVerifiedAttributes") or ())):
            return None  # no code is sent for an address that is not verified
        kind, purpose = ("_reset_code", "set a new password") if resets else ("_confirmation_code", "confirm it")
        code = cognito_codes.issue(user, kind, purpose)
        return send(pool, username, attributes, code, attribute_name)

    def check_code(action: str, request: Request) -> Response | None:
        kind = cognito_codes.KINDS.get(action)
        _, user = user_of(request) if kind else (None, None)
        if kind is None or user is None:
            unchanged: Response | None = check(action, request)
            return unchanged
        cognito_codes.drop_expired(user, kind)
        issued = user.get(kind)
        problem: Response | None = check(action, request)
        wrong = problem is not None and issued and request.get("ConfirmationCode") != issued
        return (cognito_codes.limit_guesses(user, kind) if wrong else None) or problem

    cognito._send_verification_email, cognito._confirmation_code_error = send_new, check_code

    @around("SignUp")
    def sign_up(proceed: Action, request: Request) -> Response:
        response = proceed(request)
        found = content(response)
        pool, user = user_of(request)
        if found is None or pool is None or user is None:
            return response
        attributes = cognito._attr_list_to_dict(user["Attributes"])
        verified = pool.get("AutoVerifiedAttributes") or ()
        found.pop("CodeDeliveryDetails", None)
        if not found["UserConfirmed"] and "phone_number" in verified and attributes.get("phone_number"):
            cognito_codes.issue(user, "_confirmation_code", "confirm it")
            found["CodeDeliveryDetails"] = cognito_codes.delivery(user, "phone_number")
        elif not found["UserConfirmed"] and "email" in verified and attributes.get("email"):
            found["CodeDeliveryDetails"] = cognito_codes.delivery(user, "email")
        else:
            user.pop("_confirmation_code", None)  # only an administrator can confirm this one
        return answer(found)

    @around("ResendConfirmationCode")
    def resend(proceed: Action, request: Request) -> Response:
        _, user = user_of(request)
        if user is not None and user["UserStatus"] != "UNCONFIRMED":
            return error("InvalidParameterException", "User is already confirmed.")
        return proceed(request)

    @around("ForgotPassword")
    def forgot(proceed: Action, request: Request) -> Response:
        _, user = user_of(request)
        attributes = cognito._attr_list_to_dict(user["Attributes"]) if user else {}
        if user is not None and user["UserStatus"] == "FORCE_CHANGE_PASSWORD":
            return error("NotAuthorizedException", "User password cannot be reset in the current state.")
        if user is not None and "true" not in (
            attributes.get("email_verified"),
            attributes.get("phone_number_verified"),
        ):
            text = "Cannot reset password for the user as there is no registered/verified email or phone_number"
            return error("InvalidParameterException", text)
        return proceed(request)

    @around("ConfirmSignUp", "ConfirmForgotPassword")
    def confirm(proceed: Action, request: Request) -> Response:
        response = proceed(request)
        pool, user = user_of(request)
        if response[0] < 300 and pool and user:
            verified = pool.get("AutoVerifiedAttributes") or ()
            held = cognito._attr_list_to_dict(user["Attributes"])
            name = next((each for each in ("phone_number", "email") if each in verified and held.get(each)), None)
            if name is not None:
                _set(user, {f"{name}_verified": "true"})
        return response

    @around("AdminCreateUser")
    def create(proceed: Action, request: Request) -> Response:
        if not request.get("TemporaryPassword"):
            request["TemporaryPassword"] = cognito._generate_temp_password()
        response = proceed(request)
        _, user = user_of(request)
        if response[0] < 300 and user and request.get("MessageAction") != "SUPPRESS":
            password = user.get("_password", "")
            cognito_codes.tell(user, f"the temporary password of {user['Username']} is {password}")
        return response


def _set(user: dict[str, Any], attributes: dict[str, str]) -> None:
    updates = cognito._dict_to_attr_list(attributes)
    user["Attributes"] = cognito._merge_attributes(user["Attributes"], updates)


# --- challenges ---

_CHALLENGES = frozenset({"NEW_PASSWORD_REQUIRED", "SOFTWARE_TOKEN_MFA", "SMS_MFA", "MFA_SETUP"})


def bind_challenges_to_their_sessions() -> None:
    """Whoever knows a user's name may answer a challenge for a new password or a second factor, without the first.

    The new password need not fit the pool's policy.
    """
    proven: dict[str, tuple[str, str, float]] = {}  # session: client, user, end

    @around("InitiateAuth", "AdminInitiateAuth", "RespondToAuthChallenge", "AdminRespondToAuthChallenge")
    def remember(proceed: Action, request: Request) -> Response:
        name = request.get("ChallengeName")
        pool, user = _signing_in(request)
        if name in _CHALLENGES and pool is not None:
            client, username, end = proven.get(str(request.get("Session")), ("", "", 0.0))
            if user is None or (client, username) != (request.get("ClientId"), user["Username"]):
                return error("NotAuthorizedException", "Invalid session for the user.")
            if time.time() >= end:
                return error("NotAuthorizedException", "Invalid session for the user, session is expired.")
            problem = cognito._validate_password(pool, request["ChallengeResponses"].get("NEW_PASSWORD") or "")
            if name == "NEW_PASSWORD_REQUIRED" and problem is not None:
                refused: Response = problem
                return refused
        response = proceed(request)
        found = content(response)
        if found and found.get("ChallengeName") in _CHALLENGES and pool and user:
            minutes = pool["_clients"][request["ClientId"]].get("AuthSessionValidity") or 3
            proven[found["Session"]] = (request["ClientId"], user["Username"], time.time() + 60 * minutes)
        elif found is not None:
            proven.pop(str(request.get("Session")), None)
        return response

    @around("AssociateSoftwareToken", "VerifySoftwareToken")
    def hand_on(proceed: Action, request: Request) -> Response:
        response = proceed(request)
        session = (content(response) or {}).get("Session")
        if session and request.get("Session") in proven:
            proven[session] = proven[request["Session"]]
        return response


# --- attributes ---


def check_user_attributes() -> None:
    """Attributes that the pool's schema does not have are stored, required ones may be missing, fixed ones change.

    A pool that only administrators add users to takes sign-ups, and a new mail address counts as verified.
    """

    @around("SignUp")
    def sign_up(proceed: Action, request: Request) -> Response:
        pool, client = client_of(request)
        if pool is None:
            return proceed(request)
        if (pool.get("AdminCreateUserConfig") or {}).get("AllowAdminCreateUserOnly"):
            return error("NotAuthorizedException", "SignUp is not permitted for this user pool")
        given = cognito._attr_list_to_dict(request.get("UserAttributes") or [])
        cognito_attributes.check(pool, given, client=client, creating=True, complete=True)
        response = proceed(request)
        _add_unverified(response, request)
        return response

    @around("AdminCreateUser")
    def create(proceed: Action, request: Request) -> Response:
        pool, _ = client_of(request)
        if pool is not None:
            given = cognito._attr_list_to_dict(request.get("UserAttributes") or [])
            cognito_attributes.check(pool, {k: v for k, v in given.items() if k != "sub"}, creating=True)
        response = proceed(request)
        _add_unverified(response, request)
        return response

    @around("UpdateUserAttributes", "AdminUpdateUserAttributes")
    def update(proceed: Action, request: Request) -> Response:
        pool, user = user_of(request)
        if pool is None or user is None:
            return proceed(request)
        by_user = "AccessToken" in request
        given = cognito._attr_list_to_dict(request.get("UserAttributes") or [])
        client_id = cognito._token_claims(request["AccessToken"]).get("client_id") if by_user else None
        client = pool["_clients"].get(client_id, {}) if by_user else None
        cognito_attributes.check(pool, given, client=client)
        before = cognito._attr_list_to_dict(user["Attributes"])
        response = proceed(request)
        found = content(response)
        changed = [n for n in ("email", "phone_number") if n in given and given[n] != before.get(n)]
        for name in changed if found is not None else ():
            if f"{name}_verified" not in given:
                _set(user, {f"{name}_verified": "false"})
        if found is None or not by_user:
            return response
        verified = [name for name in changed if name in (pool.get("AutoVerifiedAttributes") or ())]
        for name in verified:
            cognito_codes.issue(user, f"_code_of_{name}", f"verify {name}")
        return answer({"CodeDeliveryDetailsList": [cognito_codes.delivery(user, name) for name in verified]})


def _add_unverified(response: Response, request: Request) -> None:
    """A new user's address is not verified unless somebody said so."""
    _, user = user_of(request)
    if response[0] >= 300 or user is None or request.get("MessageAction") == "RESEND":
        return
    held = cognito._attr_list_to_dict(user["Attributes"])
    missing = [n for n in ("email", "phone_number") if n in held and f"{n}_verified" not in held]
    _set(user, {f"{name}_verified": "false" for name in missing})
