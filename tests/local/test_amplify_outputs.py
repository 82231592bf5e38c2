"""amplify_outputs.json: the members that Amplify reads, for each combination of modes."""

import json
from pathlib import Path

import pytest

from local import amplify_outputs
from local.appsync.definition import ApiDefinition, AuthMode, AuthProvider
from local.user_pools import UserPool

URL = "https://127.0.0.1:4001/graphql"


def api(*modes: AuthMode) -> ApiDefinition:
    return ApiDefinition(
        id="an-api", arn="arn:aws:appsync:eu-west-1:000000000000:apis/an-api", name="An API", region="eu-west-1",
        account_id="000000000000", schema="", providers=tuple(AuthProvider(mode) for mode in modes),
    )  # fmt: skip


def test_it_holds_what_amplify_reads(tmp_path: Path) -> None:
    amplify_outputs.write(tmp_path, api(AuthMode.API_KEY, AuthMode.AWS_IAM), url=URL, api_key="da2-key")
    assert json.loads((tmp_path / "amplify_outputs.json").read_text()) == {
        "version": "1.4",
        "data": {
            "url": URL,
            "aws_region": "eu-west-1",
            "api_key": "da2-key",
            "default_authorization_type": "API_KEY",
            "authorization_types": ["AWS_IAM"],
        },
    }
    assert [path.name for path in tmp_path.iterdir()] == ["amplify_outputs.json"]


@pytest.mark.parametrize("mode", AuthMode)
def test_an_api_without_keys_names_its_only_mode(mode: AuthMode) -> None:
    assert amplify_outputs.content(api(mode), url=URL, api_key=None)["data"] == {
        "url": URL,
        "aws_region": "eu-west-1",
        "default_authorization_type": mode.value,
        "authorization_types": [],
    }


def test_the_users_are_in_it_with_the_endpoint_that_applications_set(tmp_path: Path) -> None:
    properties = {
        "UsernameAttributes": ["email"],
        "AutoVerifiedAttributes": ["email"],
        "Policies": {"PasswordPolicy": {"MinimumLength": 12, "RequireSymbols": "false"}},
        "Schema": [{"Name": "given_name", "Required": "true"}, {"Name": "shoe"}],
    }
    pool = UserPool("us-east-1_Pool", "client", properties)

    auth = amplify_outputs.authentication(pool, region="us-east-1", endpoint="http://127.0.0.1:4566")
    amplify_outputs.write(tmp_path, api(AuthMode.AMAZON_COGNITO_USER_POOLS), url=URL, api_key=None, auth=auth)

    found = json.loads((tmp_path / "amplify_outputs.json").read_text())
    assert found["data"]["default_authorization_type"] == "AMAZON_COGNITO_USER_POOLS"
    assert found["custom"] == {"user_pool_endpoint": "http://127.0.0.1:4566"}
    assert found["auth"] == {
        "aws_region": "us-east-1",
        "user_pool_id": "us-east-1_Pool",
        "user_pool_client_id": "client",
        "user_pool_endpoint": "http://127.0.0.1:4566",
        "password_policy": {
            "min_length": 12,
            "require_lowercase": True,
            "require_uppercase": True,
            "require_numbers": True,
            "require_symbols": False,
        },
        "username_attributes": ["email"],
        "user_verification_types": ["email"],
        "standard_required_attributes": ["given_name"],
    }
    assert amplify_outputs.authentication(None, region="us-east-1", endpoint="http://127.0.0.1:4566") == {}
