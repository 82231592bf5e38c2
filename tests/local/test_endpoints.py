"""Where the requests of HTTP data sources go on this machine."""

from __future__ import annotations

import pytest

from local.appsync.datasources.http import Address
from local.endpoints import local_address

AWS = "http://127.0.0.1:4566"
DATA_PLANE = "http://127.0.0.1:4000"
API = "abcdefghijklmnopqrstuvwxyz"


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        ("https://states.us-east-1.amazonaws.com", Address(AWS, "states.us-east-1.amazonaws.com")),
        ("https://SQS.eu-west-1.amazonaws.com:443/", Address(f"{AWS}/", "sqs.eu-west-1.amazonaws.com")),
        ("https://x.execute-api.us-east-1.amazonaws.com", Address(AWS, "x.execute-api.us-east-1.amazonaws.com")),
        ("https://f.lambda-url.us-east-1.on.aws", Address(AWS, "f.lambda-url.us-east-1.on.aws")),
        (f"https://{API}.appsync-api.us-east-1.amazonaws.com", Address(f"{DATA_PLANE}/{API}")),
        ("https://example.com", Address("https://example.com")),
        ("http://127.0.0.1:8080", Address("http://127.0.0.1:8080")),
        ("https://notamazonaws.com", Address("https://notamazonaws.com")),
        ("https://amazonaws.com.example.org", Address("https://amazonaws.com.example.org")),
    ],
)
def test_what_is_meant_for_aws_stays_here(endpoint: str, expected: Address) -> None:
    assert local_address(endpoint, aws=AWS, data_plane=DATA_PLANE) == expected
