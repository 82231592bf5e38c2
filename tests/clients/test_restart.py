"""The server goes and comes back on the same ports: who returns by itself, who is told to subscribe anew."""

from __future__ import annotations

import uuid
from contextlib import ExitStack, closing

import pytest

from tests.clients.conftest import Start, amplify_outputs
from tests.clients.driver import MESSAGES, Driver
from tests.stack.instance import Instance

pytestmark = [pytest.mark.stack, pytest.mark.clients]

# Amplify waits 5 s before it connects again; when that fails, its own backoff or its one-minute interval decides.
RETURN_SECONDS = 75
NOTICE_SECONDS = 10


@pytest.mark.parametrize("platform", ["Node", "Chromium"])
def test_subscribers_return_after_a_restart(start: Start, own_instance: Instance, platform: str) -> None:
    with ExitStack() as stack:

        def connected(library: str) -> Driver:
            driver = stack.enter_context(closing(start(f"{library} in {platform}", own_instance.outputs["caFile"])))
            driver.connect(amplify_outputs(own_instance))
            return driver

        amplify, apollo = connected("Amplify"), connected("Apollo")
        lasting = amplify.listen(own_instance.send, f"room-{uuid.uuid4()}")
        ending = apollo.listen(own_instance.send, f"room-{uuid.uuid4()}")

        own_instance.stop()
        apollo.wait(lambda: ending.errors, NOTICE_SECONDS, "Apollo to notice")
        assert "Connection closed" in str(ending.errors[0])
        own_instance.start()

        again = apollo.listen(own_instance.send, ending.room)
        own_instance.send(again.room, "after the restart")
        apollo.wait(lambda: "after the restart" in again.texts, NOTICE_SECONDS, "a message to Apollo")
        amplify.wait_until_live(own_instance.send, lasting, RETURN_SECONDS)
        own_instance.send(lasting.room, "after the restart")
        amplify.wait(lambda: "after the restart" in lasting.texts, NOTICE_SECONDS, "a message to Amplify")
        assert lasting.texts == ["after the restart"]
        numbers = [change["seq"] for change in lasting.changes]
        assert numbers == sorted(set(numbers))
        for driver, subscription in ((amplify, lasting), (apollo, again)):
            texts = [item["text"] for item in driver.run(MESSAGES, room=subscription.room)["messages"]["items"]]
            assert texts[0] == "after the restart"
