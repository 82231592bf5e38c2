"""The environment in which MiniStack runs: its own settings, and nothing of the user's AWS configuration."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from pathlib import Path

ACCOUNT_ID = "000000000000"
ACCESS_KEY_ID = "test"
SECRET_ACCESS_KEY = "test"  # noqa: S105 - the well-known credentials of the local account


def clean(environment: MutableMapping[str, str]) -> dict[str, str]:
    """Remove every `AWS_*` variable in place and return the local account's credentials in their stead.

    MiniStack takes `AWS_ACCESS_KEY_ID` as its root key, and boto3 inside it would follow `AWS_PROFILE` or an endpoint.
    """
    for name in [name for name in environment if name.startswith("AWS_")]:
        del environment[name]
    return {"AWS_ACCESS_KEY_ID": ACCESS_KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY}


def ministack_environment(*, port: int, mqtt_port: int, state: Path, region: str) -> Mapping[str, str]:
    """MiniStack's own variables. `state` is absolute; `mqtt_port` 0 turns the MQTT listener off."""
    return {
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "localhost",
        "MINISTACK_REGION": region,
        "MINISTACK_ACCOUNT_ID": ACCOUNT_ID,
        "AUTH": "true",  # signatures and IAM policies count, as on AWS
        "MINISTACK_COGNITO_PRETOKEN_STRICT": "1",  # a trigger that fails fails the sign-in
        "PERSIST_STATE": "1",
        "STATE_DIR": str(state / "ministack"),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(state / "s3"),
        "IOT_MTLS_ENABLED": "1" if mqtt_port else "0",
        "IOT_MTLS_PORT": str(mqtt_port),
        "SFTP_ENABLED": "0",
        # There is no Docker here, and the search for it would delay every start.
        "DOCKER_HOST": "unix:///nonexistent/docker.sock",
        "LOG_LEVEL": "INFO",
    }
