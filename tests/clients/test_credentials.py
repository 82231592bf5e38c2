"""Wrong credentials: the library's own error reaches the application at once, and nothing hangs."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.clients.conftest import CLIENTS, Start, amplify_outputs
from tests.clients.driver import LIVE_SECONDS, MESSAGES, ClientError, Driver
from tests.stack.instance import Instance

pytestmark = [pytest.mark.stack, pytest.mark.clients]

UNKNOWN_KEY = "da2-" + "a" * 26
WRONG_SECRET = {"accessKeyId": "test", "secretAccessKey": "not the secret"}

# Amplify shows no text of an answer with status 400, whoever sent it.
REFUSED_QUERIES = {
    ("Amplify", "API_KEY"): "Unauthorized",
    ("Amplify", "AWS_IAM"): "Unknown error",
    ("Apollo", "API_KEY"): "Received status code 401",
    ("Apollo", "AWS_IAM"): "Received status code 400",
}
REFUSED_CONNECTIONS = {
    "API_KEY": "Connection failed: UnauthorizedException",
    "AWS_IAM": "Connection failed: BadRequestException",
}


@pytest.fixture(scope="module", params=CLIENTS)
def stranger(request: pytest.FixtureRequest, start: Start, instance: Instance) -> Iterator[tuple[str, Driver]]:
    """Each library in turn with an API key and an AWS secret that are both wrong."""
    with closing(start(request.param, instance.outputs["caFile"])) as driver:
        driver.connect(amplify_outputs(instance, api_key=UNKNOWN_KEY), WRONG_SECRET)
        yield request.param.split()[0], driver


@pytest.mark.parametrize("mode", ["API_KEY", "AWS_IAM"])
def test_a_stranger_is_told_so(stranger: tuple[str, Driver], mode: str) -> None:
    library, driver = stranger
    with pytest.raises(ClientError, match=REFUSED_QUERIES[library, mode]):
        driver.run(MESSAGES, mode, room="lobby")
    subscription = driver.subscribe("lobby", mode)
    driver.wait(lambda: subscription.errors, LIVE_SECONDS, "the refusal of the connection")
    assert REFUSED_CONNECTIONS[mode] in str(subscription.errors[0])
    assert not subscription.changes


@pytest.mark.parametrize("library", ["Amplify", "Apollo"])
def test_a_subscription_with_a_wrong_signature_fails_alone(library: str, start: Start, instance: Instance) -> None:
    """Amplify sends both over one connection: the key opens it, the signature is checked at the start."""
    with closing(start(f"{library} in Node", instance.outputs["caFile"])) as driver:
        driver.connect(amplify_outputs(instance), WRONG_SECRET)
        other = driver.listen(instance.send, f"room-{uuid.uuid4()}")
        refused = driver.subscribe(other.room, "AWS_IAM")
        driver.wait(lambda: refused.errors, LIVE_SECONDS, "the refusal of the subscription")
        assert "BadRequestException" in str(refused.errors[0])
        instance.send(other.room, "still here")
        driver.wait(lambda: "still here" in other.texts, LIVE_SECONDS, "the other subscription's message")
        assert not refused.changes
