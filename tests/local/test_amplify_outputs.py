"""amplify_outputs.json: the members that Amplify reads, for each combination of modes."""

import json
from pathlib import Path

import pytest

from local import amplify_outputs
from local.appsync.definition import ApiDefinition, AuthMode, AuthProvider

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
