"""Where the client finds the API."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from headwater.endpoint import Endpoint, endpoint, realtime_url_of
from headwater.errors import NoEndpoint

OUTPUTS = {
    "graphql": "http://127.0.0.1:4000/graphql",
    "realtime": "ws://127.0.0.1:4000/graphql/realtime",
    "apiKey": "da2-abc",
    "region": "eu-west-1",
}


@pytest.fixture
def state(tmp_path: Path) -> Path:
    (tmp_path / "outputs.json").write_text(json.dumps(OUTPUTS))
    return tmp_path


def test_the_running_instance_tells_everything(state: Path) -> None:
    found = endpoint(environment={"HEADWATER_STATE": str(state)})
    assert found == Endpoint(OUTPUTS["graphql"], OUTPUTS["realtime"], "da2-abc", "eu-west-1")


def test_arguments_go_before_the_running_instance(state: Path) -> None:
    found = endpoint(api_key="da2-mine", environment={"HEADWATER_STATE": str(state)})
    assert found.api_key == "da2-mine"
    assert found.url == OUTPUTS["graphql"]


def test_a_url_takes_nothing_from_the_running_instance(state: Path) -> None:
    found = endpoint(url="https://api.example.com/graphql", environment={"HEADWATER_STATE": str(state)})
    assert found == Endpoint("https://api.example.com/graphql", "wss://api.example.com/graphql/realtime", None, None)


def test_without_an_instance_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NoEndpoint, match=r"outputs\.json: start an instance with `make dev`"):
        endpoint(environment={"HEADWATER_STATE": str(tmp_path)})


@pytest.mark.parametrize("text", ["{", "{}", "[]"])
def test_an_unreadable_outputs_file_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "outputs.json").write_text(text)
    with pytest.raises(NoEndpoint, match="is not the outputs of an instance"):
        endpoint(environment={"HEADWATER_STATE": str(tmp_path)})


def test_a_certificate_authority_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    for name in ("ca.pem", "missing.pem"):
        with pytest.raises(NoEndpoint, match=f"{name} cannot be read"):
            endpoint(url="https://api.example.com/graphql", ca_file=tmp_path / name).tls_context()


@pytest.mark.parametrize(
    ("url", "realtime"),
    [
        (
            "https://abc.appsync-api.us-east-1.amazonaws.com/graphql",
            "wss://abc.appsync-realtime-api.us-east-1.amazonaws.com/graphql",
        ),
        ("https://api.example.com/graphql", "wss://api.example.com/graphql/realtime"),
        ("http://127.0.0.1:4000/graphql", "ws://127.0.0.1:4000/graphql/realtime"),
    ],
)
def test_the_realtime_url_follows_from_the_url(url: str, realtime: str) -> None:
    assert realtime_url_of(url) == realtime
