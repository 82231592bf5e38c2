"""A real DynamoDB API for the tests that store something: MiniStack as it is, started once per session if needed."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from samcli.yamlhelper import yaml_parse

from domain.table import Table, dynamodb

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ROOT = Path(__file__).resolve().parent.parent
CREDENTIALS = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}


@pytest.fixture(scope="session")
def aws_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a MiniStack of this session's own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("ministack")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | {
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "TMPDIR": str(folder),
    }
    with (folder / "log").open("wb") as log:
        command = [sys.executable, "-m", "ministack"]
        process = subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=log)
        try:
            _wait_until_healthy(f"http://127.0.0.1:{port}/_ministack/health", process, folder / "log")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(10)


def _wait_until_healthy(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except (urllib.error.URLError, OSError):
            try:
                process.wait(0.05)
            except subprocess.TimeoutExpired:
                continue
            break
    pytest.fail(f"MiniStack does not answer:\n{log.read_text()[-2000:]}")


@pytest.fixture(scope="session")
def dynamodb_client(aws_endpoint: str) -> DynamoDBClient:
    """The functions' own kind of client, on the session's MiniStack."""
    return dynamodb(endpoint_url=aws_endpoint, **CREDENTIALS)


@pytest.fixture
def new_table(dynamodb_client: DynamoDBClient) -> Callable[[str], Table]:
    """Makes an empty table as its stack defines it, by its logical id."""

    def make(logical_id: str) -> Table:
        name = f"{logical_id}-{uuid.uuid4()}"
        dynamodb_client.create_table(TableName=name, **table_definition(logical_id))
        return Table(name, dynamodb_client)

    return make


@pytest.fixture
def main_table(new_table: Callable[[str], Table]) -> Table:
    """An empty main table."""
    return new_table("MainTable")


@pytest.fixture
def change_log_table(new_table: Callable[[str], Table]) -> Table:
    """An empty change log."""
    return new_table("ChangeLog")


@pytest.fixture
def search_table(new_table: Callable[[str], Table]) -> Table:
    """An empty table of what is derived."""
    return new_table("Search")


@cache
def _stacks() -> list[dict[str, Any]]:
    # Parsing them takes more than a second, and hundreds of tests make tables.
    return [yaml_parse(path.read_text())["Resources"] for path in sorted((ROOT / "stacks").glob("*.yaml"))]


def table_definition(logical_id: str) -> dict[str, Any]:
    """What CreateTable takes of a table's definition in the template."""
    (properties,) = (resources[logical_id]["Properties"] for resources in _stacks() if logical_id in resources)
    kept = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode", "StreamSpecification")
    definition = {name: properties[name] for name in kept if name in properties}
    if "StreamSpecification" in definition:
        definition["StreamSpecification"] = {"StreamEnabled": True, **definition["StreamSpecification"]}
    return definition
