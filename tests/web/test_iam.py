"""The signatures of `headwater/iam` are those of botocore."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

SIGN = """
import { iam } from "headwater/iam";
const { credentials, now, ...request } = JSON.parse(process.argv[1]);
const caller = iam({ region: "eu-west-1", credentials, now: () => new Date(now) });
console.log(JSON.stringify((await caller.authorize(request, false)).headers));
"""
NOW = "2026-11-21T10:11:12.345Z"
BODY = json.dumps({"query": "{ me }", "variables": {"name": "Zoë 🐍"}}, ensure_ascii=False, separators=(",", ":"))


@pytest.mark.parametrize("token", [None, "a session's token"])
@pytest.mark.parametrize("frame", [True, False], ids=["frame", "request"])
@pytest.mark.parametrize("path", ["/graphql", "/graphql/connect"])
def test_signatures_equal_botocores(package: Path, node: str, path: str, frame: bool, token: str | None) -> None:
    url = f"https://example.appsync-api.eu-west-1.amazonaws.com{path}"
    credentials = {"accessKeyId": "AKIDEXAMPLE", "secretAccessKey": "a secret EXAMPLE"}
    if token:
        credentials["sessionToken"] = token
    request = {"url": url, "body": BODY, "frame": frame, "credentials": credentials, "now": NOW}
    command = [node, "--input-type=module", "--eval", SIGN, json.dumps(request)]
    done = subprocess.run(command, cwd=package, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    headers: dict[str, str] = json.loads(done.stdout)
    given = headers.pop("Authorization")
    assert headers["x-amz-date"] == "20261121T101112Z"

    signing = SigV4Auth(Credentials("AKIDEXAMPLE", "a secret EXAMPLE", token), "appsync", "eu-west-1")
    aws = AWSRequest(method="POST", url=url, data=BODY.encode(), headers=headers)
    aws.context["timestamp"] = headers["x-amz-date"]
    names = signing.signed_headers(signing.headers_to_sign(aws))
    signature = signing.signature(signing.string_to_sign(aws, signing.canonical_request(aws)), aws)
    assert f"SignedHeaders={names}," in given
    assert given.endswith(f"Signature={signature}")
