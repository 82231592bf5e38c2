"""The launcher: MiniStack with Headwater's mends, on 127.0.0.1 only.

Run by `local.cloud`; by hand: `python -m local.ministack --port 4566 --state .headwater/aws`.
"""

from __future__ import annotations

import argparse
import atexit
import logging
import os
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from local.ministack import environment, lifeline, state_lock

REQUIRED_VERSION = "1.5.33"
"""The mends replace private functions, which another version may have renamed."""

LOCK_SECONDS = 5.0
"""How long to wait for a predecessor on the same state that is about to end."""


def check_version() -> str | None:
    """What is wrong with the installed MiniStack and what to do about it, or None."""
    try:
        installed = version("ministack")
    except PackageNotFoundError:
        installed = "none"
    if installed == REQUIRED_VERSION:
        return None
    return (
        f"MiniStack {REQUIRED_VERSION} is needed, installed is {installed}. "
        f"Run `make install`, or `pip install ministack=={REQUIRED_VERSION}` in this environment."
    )


def main() -> None:
    """Parse the arguments, prepare the process, apply the mends and serve until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m local.ministack", description=__doc__)
    parser.add_argument("--port", type=int, default=4566, help="HTTP port of every AWS service")
    parser.add_argument("--mqtt-port", type=int, default=0, help="MQTT over TLS; 0 turns it off")
    parser.add_argument("--state", type=Path, required=True, help="directory of all saved state")
    parser.add_argument("--region", default="us-east-1")
    parser.add_argument("--parent-pipe", type=int, help="file descriptor whose end of file means: the parent is gone")
    arguments = parser.parse_args()

    problem = check_version()
    if problem:
        sys.exit(problem)
    arguments.state.mkdir(parents=True, exist_ok=True)
    try:
        lock = state_lock.acquire(arguments.state, LOCK_SECONDS)
    except state_lock.StateInUse as error:
        sys.exit(str(error))
    if arguments.parent_pipe is not None:
        lifeline.stop_with_parent(arguments.parent_pipe)
    os.environ.update(environment.clean(os.environ))
    os.environ.update(
        environment.ministack_environment(
            port=arguments.port, mqtt_port=arguments.mqtt_port, state=arguments.state.resolve(), region=arguments.region
        )
    )
    sys.argv = ["ministack"]  # MiniStack's main parses it too

    # MiniStack reads its environment at import, hence not at the top of the file.
    from ministack import app

    from local.ministack import mends, process

    process.saves.keep_open(lock)
    mends.apply()
    app.main()
    # Everything is saved. Taking millions of objects apart one by one would take seconds, and nobody needs them.
    atexit._run_exitfuncs()
    logging.shutdown()
    os._exit(0)


if __name__ == "__main__":
    main()
