"""The Amplify simulator as a peer, installed from the npm registry into the user's cache."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
from pathlib import Path

from benchmarks.data_planes.plane import PeerAbsent
from benchmarks.data_planes.shape import API_KEY, schema

PACKAGE, VERSION = "@aws-amplify/amplify-appsync-simulator", "2.16.20"
INSTALL_SECONDS = 600.0
MANIFEST = {
    "private": True,
    "dependencies": {PACKAGE: VERSION},
    # Its dependencies would bring a second copy of graphql, and one copy does not take a schema of the other.
    "overrides": {"graphql": "15.10.1"},
}
SCRIPT = Path(__file__).with_name("amplify_simulator.cjs")


def cache_folder() -> Path:
    """Where peers are installed: never inside the sources."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "headwater-benchmarks"


async def install() -> Path:
    """The folder with the simulator's `node_modules`; the first time takes half a minute and 320 MB.

    Raises PeerAbsent: there is no Node.js, or the registry cannot be reached.
    """
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        raise PeerAbsent("node and npm are not on the PATH")
    folder = cache_folder() / f"amplify-appsync-simulator-{VERSION}"
    finished = folder / "installed"
    if finished.exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "package.json").write_text(json.dumps(MANIFEST))
    process = await asyncio.create_subprocess_exec(
        npm, "install", "--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund", "--loglevel=error",
        cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(INSTALL_SECONDS):
            _, complaints = await process.communicate()
    except TimeoutError:
        raise PeerAbsent(f"npm has not installed {PACKAGE} in {INSTALL_SECONDS:.0f} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise PeerAbsent(f"npm cannot install {PACKAGE}: {complaints.decode(errors='replace').strip()[-500:]}")
    finished.touch()
    return folder


def command(installed: Path) -> list[str]:
    """What starts the simulator."""
    configuration = json.dumps({"apiKey": API_KEY, "schema": schema(), "package": PACKAGE})
    return ["node", str(SCRIPT), str(installed / "node_modules"), configuration]
