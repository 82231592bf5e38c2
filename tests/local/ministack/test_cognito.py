"""User pools: who signs up is confirmed by a real code, triggers fire, and no step of a sign-in can be left out."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.ministack.cognito import PASSWORD, Pool, claims, create_function, with_workers
from tests.local.ministack.servers import Server, running
from tests.local.ministack.test_iam import ask

STOCK = pytest.param("enforcing", marks=pytest.mark.xfail(strict=True, reason="unmended MiniStack has the symptom"))
contract = pytest.mark.parametrize("server", ["working", STOCK], indirect=True)
"""As `contract.contract`, on servers with functions; the stock one enforces what the launcher makes it enforce."""


@pytest.fixture(scope="module")
def working(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with with_workers(tmp_path_factory.mktemp("working")) as server:
        yield server


@pytest.fixture(scope="module")
def enforcing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("enforcing"), mended=False, environment={"AUTH": "true"}) as server:
        yield server


def refused(call: Callable[[], Any]) -> tuple[str, str]:
    """Code and message of the error that a call ends with."""
    with pytest.raises(ClientError) as error:
        call()
    details = error.value.response["Error"]
    return details["Code"], details["Message"]


def recorder(path: Path) -> str:
    """A function that writes down its events."""
    return (
        f"import json\ndef handle(event, context):\n    with open({str(path)!r}, 'a') as file:\n"
        "        file.write(json.dumps(event) + '\\n')\n    return event\n"
    )


def events(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


# --- codes ---


def test_a_sign_up_is_confirmed_by_the_code_that_was_told(working: Server) -> None:
    pool = Pool(working)
    answer = pool.sign_up("ann")
    assert answer["CodeDeliveryDetails"]["Destination"] == "a****@e****"
    assert pool.attributes("ann")["email_verified"] == "false"
    assert refused(lambda: pool.sign_in("ann")) == ("UserNotConfirmedException", "User is not confirmed.")

    pool.confirm("ann")

    assert pool.attributes("ann")["email_verified"] == "true"
    assert claims(pool.tokens("ann")["IdToken"])["email_verified"] is True


@contract
def test_no_code_can_be_guessed(server: Server) -> None:
    pool = Pool(server)
    pool.sign_up("eve")
    codes = {"ClientId": pool.client_id, "Username": "eve"}

    found = [
        refused(lambda: pool.cognito.confirm_sign_up(**codes, ConfirmationCode="123456"))[0],
        *(refused(lambda: pool.cognito.confirm_sign_up(**codes, ConfirmationCode="000000"))[0] for _ in range(6)),
    ]

    assert set(found[:4]) == {"CodeMismatchException"}
    assert found[-1] == "LimitExceededException"


def test_a_new_code_voids_the_one_before(working: Server) -> None:
    pool = Pool(working)
    pool.sign_up("bea")
    pool.cognito.resend_confirmation_code(ClientId=pool.client_id, Username="bea")
    first, second = pool.code("bea", which=0), pool.code("bea", which=1)
    confirm = {"ClientId": pool.client_id, "Username": "bea"}
    if first != second:
        assert refused(lambda: pool.cognito.confirm_sign_up(**confirm, ConfirmationCode=first))[0] == (
            "CodeMismatchException"
        )
    pool.cognito.confirm_sign_up(**confirm, ConfirmationCode=second)
    resend = refused(lambda: pool.cognito.resend_confirmation_code(**confirm))
    assert resend == ("InvalidParameterException", "User is already confirmed.")


def test_a_forgotten_password_is_set_anew_by_a_code(working: Server) -> None:
    pool = Pool(working)
    pool.user("cleo")
    pool.cognito.forgot_password(ClientId=pool.client_id, Username="cleo")
    code = pool.code("cleo", "set a new password")

    pool.cognito.confirm_forgot_password(
        ClientId=pool.client_id, Username="cleo", ConfirmationCode=code, Password="Another-Word-7"
    )

    assert refused(lambda: pool.sign_in("cleo"))[0] == "NotAuthorizedException"
    assert pool.tokens("cleo", "Another-Word-7")
    again = refused(
        lambda: pool.cognito.confirm_forgot_password(
            ClientId=pool.client_id, Username="cleo", ConfirmationCode=code, Password=PASSWORD
        )
    )
    assert again[0] == "ExpiredCodeException"


@contract
def test_without_a_verified_address_no_password_is_reset(server: Server) -> None:
    pool = Pool(server)
    pool.sign_up("dora")
    assert refused(lambda: pool.cognito.forgot_password(ClientId=pool.client_id, Username="dora")) == (
        "InvalidParameterException",
        "Cannot reset password for the user as there is no registered/verified email or phone_number",
    )


def test_without_verification_only_an_administrator_confirms(working: Server) -> None:
    pool = Pool(working, AutoVerifiedAttributes=[])
    assert "CodeDeliveryDetails" not in pool.sign_up("nora")
    confirm = {"ClientId": pool.client_id, "Username": "nora", "ConfirmationCode": "123456"}
    assert refused(lambda: pool.cognito.confirm_sign_up(**confirm))[0] == "ExpiredCodeException"
    pool.cognito.admin_confirm_sign_up(UserPoolId=pool.id, Username="nora")
    assert pool.tokens("nora")
    again = refused(lambda: pool.cognito.admin_confirm_sign_up(UserPoolId=pool.id, Username="nora"))
    assert again == ("NotAuthorizedException", "User cannot be confirmed. Current status is CONFIRMED")


def test_a_temporary_password_is_told(working: Server) -> None:
    pool = Pool(working)
    mail = [{"Name": "email", "Value": "tess@example.com"}]
    pool.cognito.admin_create_user(UserPoolId=pool.id, Username="tess", UserAttributes=mail)
    log = (working.state / "log").read_text()
    found = re.search(r"for tess@example.com, the temporary password of tess is (\S+)", log)
    assert found
    assert pool.sign_in("tess", found[1])["ChallengeName"] == "NEW_PASSWORD_REQUIRED"


# --- triggers ---


@contract
def test_confirming_fires_its_trigger(server: Server, tmp_path: Path) -> None:
    pool = Pool(server)
    create_function(server, f"after-{server.port}", recorder(tmp_path / "events"))
    pool.set_trigger("PostConfirmation", f"after-{server.port}")
    pool.sign_up("ann")
    metadata = {"campaign": "spring"}

    pool.cognito.admin_confirm_sign_up(UserPoolId=pool.id, Username="ann", ClientMetadata=metadata)

    [event] = events(tmp_path / "events")
    assert event["triggerSource"] == "PostConfirmation_ConfirmSignUp"
    assert (event["userPoolId"], event["userName"], event["region"]) == (pool.id, "ann", "us-east-1")
    assert event["callerContext"]["clientId"] == "CLIENT_ID_NOT_APPLICABLE"
    assert event["request"]["clientMetadata"] == metadata
    attributes = event["request"]["userAttributes"]
    assert attributes["cognito:user_status"] == "CONFIRMED"
    assert attributes["email"] == "ann@example.com"
    assert attributes["sub"] == pool.attributes("ann")["sub"]


def test_each_way_to_be_confirmed_fires_the_trigger(working: Server, tmp_path: Path) -> None:
    pool = Pool(working)
    create_function(working, "recorder", recorder(tmp_path / "events"))
    pool.set_trigger("PostConfirmation", "recorder")
    pool.user("bob")
    pool.cognito.forgot_password(ClientId=pool.client_id, Username="bob")
    pool.cognito.confirm_forgot_password(
        ClientId=pool.client_id, Username="bob", Password="Another-Word-7",
        ConfirmationCode=pool.code("bob", "set a new password"),
    )  # fmt: skip
    create_function(working, "auto", "def handle(e, c):\n    e['response']['autoConfirmUser'] = True\n    return e")
    pool.set_trigger("PreSignUp", "auto")
    assert pool.sign_up("carl")["UserConfirmed"] is True
    pool.cognito.admin_create_user(UserPoolId=pool.id, Username="made", MessageAction="SUPPRESS")

    found = [(event["triggerSource"], event["userName"]) for event in events(tmp_path / "events")]

    assert found == [
        ("PostConfirmation_ConfirmSignUp", "bob"),
        ("PostConfirmation_ConfirmForgotPassword", "bob"),
        ("PostConfirmation_ConfirmSignUp", "carl"),
    ]


FAILING = "def handle(event, context):\n    raise ValueError('not today')"


@contract
def test_a_failing_trigger_fails_the_call_with_its_message(server: Server) -> None:
    create_function(server, f"failing-{server.port}", FAILING)
    pool = Pool(server)
    pool.set_trigger("PreSignUp", f"failing-{server.port}")
    expected = ("UserLambdaValidationException", "PreSignUp failed with error not today.")
    assert refused(lambda: pool.sign_up("ann")) == expected


def test_a_failing_trigger_of_token_generation_lets_nobody_in(working: Server) -> None:
    create_function(working, "failing-tokens", FAILING)
    pool = Pool(working)
    pool.user("ann")
    pool.set_trigger("PreTokenGeneration", "failing-tokens")
    expected = ("UserLambdaValidationException", "PreTokenGeneration failed with error not today.")
    assert refused(lambda: pool.sign_in("ann")) == expected


def test_a_trigger_before_token_generation_shapes_the_token(working: Server) -> None:
    source = (
        "def handle(e, c):\n    e['response'] = {'claimsOverrideDetails': {'claimsToAddOrOverride': "
        "{'shop': 'north', 'campaign': e['request']['clientMetadata']['campaign']}}}\n    return e"
    )
    create_function(working, "shaping", source)
    pool = Pool(working)
    pool.user("ann")
    pool.set_trigger("PreTokenGeneration", "shaping")
    answer = pool.sign_in("ann", ClientMetadata={"campaign": "spring"})["AuthenticationResult"]
    found = claims(answer["IdToken"])
    assert (found["shop"], found["campaign"]) == ("north", "spring")


def test_a_trigger_needs_the_function_s_permission(working: Server, tmp_path: Path) -> None:
    create_function(working, "private", recorder(tmp_path / "events"))
    pool = Pool(working)
    pool.set_trigger("PreSignUp", "private", permitted=False)
    expected = ("UnexpectedLambdaException", "PreSignUp invocation failed due to error AccessDeniedException.")
    assert refused(lambda: pool.sign_up("ann")) == expected
    assert events(tmp_path / "events") == []


def test_signing_in_fires_before_and_after(working: Server, tmp_path: Path) -> None:
    create_function(working, "in", recorder(tmp_path / "events"))
    pool = Pool(working)
    pool.user("ann")
    pool.set_trigger("PreAuthentication", "in")
    pool.set_trigger("PostAuthentication", "in", permitted=False)
    pool.sign_in("ann")
    assert refused(lambda: pool.sign_in("ann", "wrong"))[0] == "NotAuthorizedException"
    assert [event["triggerSource"] for event in events(tmp_path / "events")] == [
        "PreAuthentication_Authentication", "PostAuthentication_Authentication", "PreAuthentication_Authentication",
    ]  # fmt: skip


def test_validation_data_reaches_the_trigger_of_a_sign_up(working: Server, tmp_path: Path) -> None:
    create_function(working, "validating", recorder(tmp_path / "events"))
    pool = Pool(working)
    pool.set_trigger("PreSignUp", "validating")
    pool.sign_up("ann", ValidationData=[{"Name": "invitation", "Value": "42"}], ClientMetadata={"a": "b"})
    [event] = events(tmp_path / "events")
    assert event["triggerSource"] == "PreSignUp_SignUp"
    assert event["request"]["validationData"] == {"invitation": "42"}
    assert event["request"]["clientMetadata"] == {"a": "b"}


# --- challenges ---


@contract
def test_a_challenge_is_answered_by_whoever_passed_the_first_step_only(server: Server) -> None:
    pool = Pool(server)
    pool.cognito.admin_create_user(
        UserPoolId=pool.id, Username="new", TemporaryPassword=PASSWORD, MessageAction="SUPPRESS"
    )

    def respond(session: str, password: str) -> Any:
        return pool.cognito.respond_to_auth_challenge(
            ClientId=pool.client_id, ChallengeName="NEW_PASSWORD_REQUIRED", Session=session,
            ChallengeResponses={"USERNAME": "new", "NEW_PASSWORD": password},
        )  # fmt: skip

    made_up = "x" * 40
    assert refused(lambda: respond(made_up, "Another-Word-7"))[0] == "NotAuthorizedException"
    session = pool.sign_in("new")["Session"]
    assert refused(lambda: respond(session, "weak"))[0] == "InvalidPasswordException"
    assert respond(session, "Another-Word-7")["AuthenticationResult"]
    assert refused(lambda: respond(session, "Yet-Another-8"))[0] == "NotAuthorizedException"


# --- attributes ---

CUSTOM = {
    "Name": "shoe",
    "AttributeDataType": "String",
    "Mutable": True,
    "StringAttributeConstraints": {"MaxLength": "3"},
}
FIXED = {"Name": "born", "AttributeDataType": "String", "Mutable": False}
REQUIRED = {"Name": "given_name", "AttributeDataType": "String", "Required": True, "Mutable": True}


@contract
def test_attributes_fit_the_schema(server: Server) -> None:
    pool = Pool(server, Schema=[CUSTOM, FIXED])

    def with_attribute(name: str, value: str) -> Callable[[], Any]:
        return lambda: pool.sign_up("ann", attributes=[{"Name": name, "Value": value}])

    start = "Attributes did not conform to the schema: "
    assert refused(with_attribute("custom:hat", "9")) == (
        "InvalidParameterException", f"{start}Type for attribute {{custom:hat}} could not be determined",
    )  # fmt: skip
    assert refused(with_attribute("custom:shoe", "1234"))[1].startswith(f"{start}custom:shoe: String must be no longer")
    assert refused(with_attribute("email_verified", "true"))[0] == "NotAuthorizedException"


def test_required_and_fixed_attributes(working: Server) -> None:
    pool = Pool(working, Schema=[CUSTOM, FIXED, REQUIRED])
    missing = refused(lambda: pool.sign_up("ann"))
    assert missing[0] == "InvalidParameterException"
    assert "given_name: The attribute is required" in missing[1]
    given = [("given_name", "Ann"), ("custom:born", "1990"), ("custom:shoe", "42")]
    pool.sign_up("ann", attributes=[{"Name": name, "Value": value} for name, value in given])
    pool.confirm("ann")
    token = pool.tokens("ann")["AccessToken"]

    def update(name: str, value: str) -> Any:
        return pool.cognito.update_user_attributes(AccessToken=token, UserAttributes=[{"Name": name, "Value": value}])

    assert refused(lambda: update("custom:born", "1991"))[0] == "InvalidParameterException"
    update("custom:shoe", "43")
    assert claims(pool.tokens("ann")["IdToken"])["custom:shoe"] == "43"


@contract
def test_a_new_address_is_verified_by_a_code(server: Server) -> None:
    pool = Pool(server)
    pool.cognito.admin_create_user(UserPoolId=pool.id, Username="ann", MessageAction="SUPPRESS")
    pool.cognito.admin_set_user_password(UserPoolId=pool.id, Username="ann", Password=PASSWORD, Permanent=True)
    token = pool.tokens("ann")["AccessToken"]
    mail = [{"Name": "email", "Value": "new@example.com"}]

    sent = pool.cognito.update_user_attributes(AccessToken=token, UserAttributes=mail)["CodeDeliveryDetailsList"]

    assert [each["Destination"] for each in sent] == ["n****@e****"]
    assert pool.attributes("ann")["email_verified"] == "false"
    code = pool.code("new", "verify email")
    pool.cognito.verify_user_attribute(AccessToken=token, AttributeName="email", Code=code)
    assert pool.attributes("ann")["email_verified"] == "true"
    pool.cognito.get_user_attribute_verification_code(AccessToken=token, AttributeName="email")
    pool.cognito.delete_user_attributes(AccessToken=token, UserAttributeNames=["email"])
    assert "email" not in pool.attributes("ann")


def test_a_pool_for_administrators_takes_no_sign_up(working: Server) -> None:
    pool = Pool(working, AdminCreateUserConfig={"AllowAdminCreateUserOnly": True})
    assert refused(lambda: pool.sign_up("ann")) == (
        "NotAuthorizedException", "SignUp is not permitted for this user pool",
    )  # fmt: skip


# --- tokens ---


@contract
def test_refreshed_tokens_keep_the_time_of_the_sign_in(server: Server) -> None:
    pool = Pool(server)
    pool.cognito.admin_create_user(UserPoolId=pool.id, Username="ann", MessageAction="SUPPRESS")
    pool.cognito.admin_set_user_password(UserPoolId=pool.id, Username="ann", Password=PASSWORD, Permanent=True)
    tokens = pool.tokens("ann")
    before = claims(tokens["AccessToken"])
    assert before["event_id"]
    while time.time() < before["iat"] + 1:  # the claims have seconds
        time.sleep(0.02)

    refreshed = pool.cognito.initiate_auth(
        ClientId=pool.client_id, AuthFlow="REFRESH_TOKEN_AUTH",
        AuthParameters={"REFRESH_TOKEN": tokens["RefreshToken"]},
    )["AuthenticationResult"]  # fmt: skip

    after = claims(refreshed["AccessToken"])
    assert after["iat"] > before["iat"]
    assert (after["auth_time"], after["origin_jti"]) == (before["auth_time"], before["origin_jti"])


def test_signing_out_everywhere_ends_sessions(working: Server) -> None:
    pool = Pool(working)
    pool.user("ann")
    tokens = pool.tokens("ann")
    pool.cognito.global_sign_out(AccessToken=tokens["AccessToken"])
    assert refused(lambda: pool.cognito.get_user(AccessToken=tokens["AccessToken"]))[0] == "NotAuthorizedException"
    refresh = {"REFRESH_TOKEN": tokens["RefreshToken"]}
    again = refused(
        lambda: pool.cognito.initiate_auth(
            ClientId=pool.client_id, AuthFlow="REFRESH_TOKEN_AUTH", AuthParameters=refresh
        )
    )
    assert again == ("NotAuthorizedException", "Refresh Token has been revoked")


def test_a_revoked_session_ends_alone(working: Server) -> None:
    pool = Pool(working)
    pool.user("ann")
    ended, kept = pool.tokens("ann"), pool.tokens("ann")
    pool.cognito.revoke_token(ClientId=pool.client_id, Token=ended["RefreshToken"])
    assert refused(lambda: pool.cognito.get_user(AccessToken=ended["AccessToken"]))[0] == "NotAuthorizedException"
    assert pool.cognito.get_user(AccessToken=kept["AccessToken"])["Username"] == "ann"


def test_lifetimes_are_the_app_client_s(working: Server) -> None:
    units = {"AccessToken": "minutes", "IdToken": "hours", "RefreshToken": "days"}
    client = {"AccessTokenValidity": 5, "IdTokenValidity": 2, "RefreshTokenValidity": 1, "TokenValidityUnits": units}
    pool = Pool(working, client=client)
    pool.user("ann")
    tokens = pool.tokens("ann")
    lifetimes = {name: claims(tokens[name])["exp"] - claims(tokens[name])["iat"] for name in ("AccessToken", "IdToken")}
    assert lifetimes == {"AccessToken": 300, "IdToken": 7200}


def test_groups_are_in_both_tokens(working: Server) -> None:
    pool = Pool(working)
    pool.user("ann")
    pool.cognito.create_group(UserPoolId=pool.id, GroupName="sellers")
    pool.cognito.update_group(UserPoolId=pool.id, GroupName="sellers", Description="of all shops", Precedence=3)
    pool.cognito.admin_add_user_to_group(UserPoolId=pool.id, Username="ann", GroupName="sellers")
    tokens = pool.tokens("ann")
    assert all(claims(tokens[name])["cognito:groups"] == ["sellers"] for name in ("AccessToken", "IdToken"))


def test_tokens_are_made_for_the_command_line(working: Server) -> None:
    pool = Pool(working)
    pool.user("ann")
    question = {"userPoolId": pool.id, "clientId": pool.client_id, "username": "ann"}

    status, found = ask(working, "token", **question, seconds=7)

    assert status == 200
    assert claims(found["idToken"])["cognito:username"] == "ann"
    access = claims(found["accessToken"])
    assert access["exp"] - access["iat"] == 7
    assert pool.cognito.get_user(AccessToken=found["accessToken"])["Username"] == "ann"
    past = claims(ask(working, "token", **question, seconds=-60)[1]["accessToken"])
    assert past["exp"] < time.time()
    assert ask(working, "token", **question | {"username": "nobody"})[0] == 404


# --- templates ---

TEMPLATE = """
Resources:
  Users:
    Type: AWS::Cognito::UserPool
    Properties:
      UsernameAttributes: [email]
      Schema: [{Name: shop, AttributeDataType: String, Mutable: true}]
  App: {Type: AWS::Cognito::UserPoolClient, Properties: {UserPoolId: !Ref Users}}
  Sellers: {Type: AWS::Cognito::UserPoolGroup, Properties: {UserPoolId: !Ref Users, GroupName: sellers}}
  Ann:
    Type: AWS::Cognito::UserPoolUser
    Properties:
      UserPoolId: !Ref Users
      Username: ann@example.com
      MessageAction: SUPPRESS
      UserAttributes: [{Name: "custom:shop", Value: north}]
  AnnSells:
    Type: AWS::Cognito::UserPoolUserToGroupAttachment
    Properties: {UserPoolId: !Ref Users, GroupName: !Ref Sellers, Username: !Ref Ann}
  Partner:
    Type: AWS::Cognito::UserPoolIdentityProvider
    Properties:
      UserPoolId: !Ref Users
      ProviderName: partner
      ProviderType: OIDC
      ProviderDetails:
        client_id: c
        client_secret: s
        oidc_issuer: https://partner.example.com
        attributes_request_method: GET
        authorize_scopes: openid
      AttributeMapping: {email: MAIL}
Outputs:
  Pool: {Value: !Ref Users}
  Ann: {Value: !Ref Ann}
"""


def template(mail: str = "email") -> str:
    return TEMPLATE.replace("MAIL", mail)


@contract
def test_a_template_makes_users_and_providers(server: Server) -> None:
    outputs = server.deploy("pools", template())
    cognito = server.client("cognito-idp")
    pool = outputs["Pool"]

    user = cognito.admin_get_user(UserPoolId=pool, Username="ann@example.com")
    assert {"Name": "custom:shop", "Value": "north"} in user["UserAttributes"]
    assert outputs["Ann"] == user["Username"]
    groups = cognito.admin_list_groups_for_user(UserPoolId=pool, Username="ann@example.com")["Groups"]
    assert [group["GroupName"] for group in groups] == ["sellers"]

    server.deploy("pools", template("mail"))
    provider = cognito.describe_identity_provider(UserPoolId=pool, ProviderName="partner")["IdentityProvider"]
    assert (provider["ProviderType"], provider["AttributeMapping"]) == ("OIDC", {"email": "mail"})


def test_keys_and_sessions_survive_a_restart(tmp_path: Path) -> None:
    with running(tmp_path, mended=True) as server:
        pool = Pool(server)
        pool.user("ann")
        tokens = pool.tokens("ann")
        keys = server.get(f"/{pool.id}/.well-known/jwks.json")
        server.stop()
        server.start()

        assert server.get(f"/{pool.id}/.well-known/jwks.json") == keys
        assert pool.cognito.get_user(AccessToken=tokens["AccessToken"])["Username"] == "ann"
        assert pool.cognito.initiate_auth(
            ClientId=pool.client_id, AuthFlow="REFRESH_TOKEN_AUTH",
            AuthParameters={"REFRESH_TOKEN": tokens["RefreshToken"]},
        )["AuthenticationResult"]  # fmt: skip
