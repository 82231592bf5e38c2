"""Amplify's own sign-up and sign-in against the local Cognito, and its calls of the local AppSync."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from tests.clients.conftest import Start, amplify_outputs
from tests.clients.driver import ClientError, Driver
from tests.stack.instance import Instance, eventually
from tests.stack.test_authorization import TEMPLATE

pytestmark = pytest.mark.clients

PASSWORD = "Secret-Word-42"
ME = "query { me { name groups } }"
POOLS = "AMAZON_COGNITO_USER_POOLS"


@pytest.fixture(scope="module")
def users(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """An instance of an API with a user pool."""
    instance = Instance(tmp_path_factory.mktemp("sign-in") / "state", arguments=("--template", str(TEMPLATE)))
    instance.start()
    yield instance
    instance.stop()


@pytest.fixture(scope="module")
def amplify(users: Instance, start: Start) -> Iterator[Driver]:
    with closing(start("Amplify in Node", users.outputs["caFile"])) as driver:
        driver.connect_users(amplify_outputs(users))
        yield driver


def told(instance: Instance, name: str, purpose: str) -> str:
    """The code that the console told last."""
    pattern = rf"Cognito: for {name}@example.com, the code to {purpose} is (\d{{6}})"
    codes: list[str] = eventually(lambda: re.findall(pattern, instance.log.read_text()))
    return codes[-1]


def sign_up(amplify: Driver, instance: Instance, name: str) -> None:
    """Sign up and confirm."""
    options = {"userAttributes": {"email": f"{name}@example.com"}}
    step = amplify.authenticate("signUp", username=name, password=PASSWORD, options=options)
    assert step["nextStep"]["signUpStep"] == "CONFIRM_SIGN_UP"
    code = told(instance, name, "confirm it")
    assert amplify.authenticate("confirmSignUp", username=name, confirmationCode=code)["isSignUpComplete"]


def sign_in(amplify: Driver, name: str, flow: str = "USER_SRP_AUTH", password: str = PASSWORD) -> dict[str, Any]:
    """Sign in, and the tokens."""
    options = {"authFlowType": flow}
    step = amplify.authenticate("signIn", username=name, password=password, options=options)
    assert step["nextStep"]["signInStep"] == "DONE", step
    tokens: dict[str, Any] = amplify.authenticate("tokens")
    return tokens


@pytest.mark.parametrize("flow", ["USER_SRP_AUTH", "USER_PASSWORD_AUTH"])
def test_a_new_user_calls_the_api_with_either_token(amplify: Driver, users: Instance, flow: str) -> None:
    name = flow.split("_")[1].lower()
    sign_up(amplify, users, name)
    tokens = sign_in(amplify, name, flow)

    with_access = amplify.run(ME, POOLS)
    with_id = amplify.run(ME, POOLS, authorization=tokens["id"])

    assert with_access == with_id == {"me": {"name": name, "groups": []}}
    amplify.authenticate("signOut")


def test_a_session_is_refreshed_and_ends_everywhere(amplify: Driver, users: Instance) -> None:
    sign_up(amplify, users, "rita")
    first = sign_in(amplify, "rita")
    refreshed = amplify.authenticate("tokens", forceRefresh=True)
    assert refreshed["access"] != first["access"]
    assert amplify.run(ME, POOLS)["me"]["name"] == "rita"

    amplify.authenticate("signOut", **{"global": True})

    assert amplify.authenticate("tokens") == {}
    with pytest.raises(ClientError, match="No federated jwt"):
        amplify.run(ME, POOLS)


def test_a_forgotten_password_is_reset(amplify: Driver, users: Instance) -> None:
    sign_up(amplify, users, "fred")
    step = amplify.authenticate("resetPassword", username="fred")
    assert step["nextStep"]["resetPasswordStep"] == "CONFIRM_RESET_PASSWORD_WITH_CODE"
    code = told(users, "fred", "set a new password")
    amplify.authenticate("confirmResetPassword", username="fred", confirmationCode=code, newPassword="Another-Word-7")
    with pytest.raises(ClientError, match="Incorrect username or password"):
        sign_in(amplify, "fred")
    assert sign_in(amplify, "fred", password="Another-Word-7")["access"]
    amplify.authenticate("signOut")
