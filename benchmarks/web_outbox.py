"""Claim: 500 mutations queued by the TypeScript client, killed again and again, end applied exactly once, in order.

`.venv/bin/python -m benchmarks.web_outbox [--platform Node|Chromium] [--seed N] [--mutations N] [--kills N]`: a fresh
instance, and a program with the built library that queues messages to some rooms through a network that is cut now and
then. Node's process is killed with SIGKILL, Chromium's page by a crash of its renderer, at points drawn from the seed,
while it queues, sends, or both. At the end the change logs and the messages of the rooms are read: each once, and each
room's in the order in which they were queued. Ends with 0 if so.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from tests.clients.conftest import BROWSERS
from tests.stack.instance import Instance
from tests.web.conftest import built
from tests.web.live.conftest import where
from tests.web.live.killing import Killed, judge, queue_and_kill
from tests.web.live.launch import PLATFORMS, launch, library_in, outbox
from tests.web.live.network import Network
from tests.web.live.program import Program


def prove(platform: str, instance: Instance, folder: Path, *, seed: int, mutations: int, kills: int) -> Killed:
    """Queue, kill, start again until all is sent; then judge.

    Raises:
        AssertionError: a mutation was lost, doubled or out of order, or the queue got stuck.
    """
    chromium = next(filter(None, map(shutil.which, BROWSERS)), "")
    package, library = folder / "package", folder / "library"
    library.mkdir()
    library_in(library, built(package))
    network = Network(urlsplit(instance.outputs["graphql"]).port or 80)
    programs: list[Program] = []

    def begin() -> Program:
        # A page that was killed leaves its browser, whose next page it is.
        if platform == "Node" or not programs:
            programs.append(launch(platform, library, folder / "program", instance.outputs["caFile"], chromium))
        return programs[-1]

    try:
        connect = {**where(instance, network), "outbox": outbox(platform, folder / "program")}
        done = queue_and_kill(begin, connect, network, mutations=mutations, kills=kills, rooms=8, seed=seed)
        judge(instance, done)
        return done
    finally:
        for program in programs:
            program.close()
        network.close()


def main() -> None:
    """Run the proof on an instance of its own."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--platform", choices=PLATFORMS, action="append")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--mutations", type=int, default=500)
    parser.add_argument("--kills", type=int, default=40)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="headwater-web-outbox-") as name:
        instance = Instance(Path(name) / "state")
        instance.start()
        try:
            for platform in given.platform or PLATFORMS:
                folder = Path(name) / platform
                folder.mkdir()
                done = prove(
                    platform, instance, folder, seed=given.seed, mutations=given.mutations, kills=given.kills
                )  # fmt: skip
                print(
                    f"{platform}, seed {given.seed}: {given.mutations} of {given.mutations} once and in order; "
                    f"{done.kills} kills, {done.cuts} cuts, {done.seconds:.0f} s"
                )
        except AssertionError as error:
            print(f"seed {given.seed}: {error}")
            sys.exit(1)
        finally:
            instance.stop()


if __name__ == "__main__":
    main()
