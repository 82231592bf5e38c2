"""Starts programs with the built library: in Node, or in headless Chromium."""

from __future__ import annotations

import os
import shutil
import uuid
from pathlib import Path

from tests.clients.conftest import trust
from tests.web.live.program import Program

PROGRAMS = Path(__file__).parent / "programs"
PLATFORMS = ("Node", "Chromium")


def library_in(folder: Path, package: Path) -> Path:
    """The built package as it is now, and the programs beside it, where `import "headwater"` finds it by its name."""
    shutil.copy(package / "package.json", folder)
    shutil.copytree(package / "dist", folder / "dist")
    shutil.copytree(PROGRAMS, folder / "programs")
    (folder / "node_modules").symlink_to(package / "node_modules")
    return folder


def launch(platform: str, library: Path, state: Path, authority: str, chromium: str = "") -> Program:
    """A program on a platform, which trusts a certificate authority.

    Args:
        state: where it keeps its outbox, or the browser its profile; the next program of the same state has them.
        chromium: the browser's program.
    """
    state.mkdir(exist_ok=True)
    if platform == "Node":
        command = ["node", "programs/node.js"]
        environment = os.environ | {"NODE_EXTRA_CA_CERTS": authority}
    else:
        if not (state / ".pki").exists():
            trust(authority, state)
        command = ["node", "programs/browser.js", chromium, str(state / "profile")]
        environment = os.environ | {"HOME": str(state)}
    return Program(platform, command, library, environment, state.parent / f"{platform}-{uuid.uuid4()}.log")


def outbox(platform: str, state: Path) -> str:
    """What a program's `connect` names its outbox by: a directory, or a database of the browser."""
    return str(state / "outbox") if platform == "Node" else "test"
