"""The client libraries from npm, installed once, and what runs them: Node and Chromium. Without these, tests skip."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.clients.driver import Driver
from tests.stack.conftest import instance
from tests.stack.instance import Instance, running

__all__ = ["instance"]

HERE = Path(__file__).parent
INSTALL_SECONDS = 240
BROWSERS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
CLIENTS = ("Amplify in Node", "Apollo in Node", "Amplify in Chromium", "Apollo in Chromium")

Start = Callable[[str, str], Driver]


@pytest.fixture(scope="session")
def own_instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """An instance that the tests of restarts share; each leaves it running."""
    yield from running(tmp_path_factory.mktemp("restarted") / "state")


@pytest.fixture(scope="session")
def packages(pytestconfig: pytest.Config) -> Path:
    """A folder with our JavaScript and, beside it, the packages of package.json; kept from one session to the next."""
    node = _program("node")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if tuple(map(int, version.removeprefix("v").split(".")[:2])) < (20, 11):
        pytest.skip(f"real clients need Node 20.11 or newer, this is {version}")
    folder = pytestconfig.cache.mkdir("clients") if pytestconfig.cache else pytest.skip("pytest runs without its cache")
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # other workers of pytest-xdist
        for file in [*HERE.glob("*.js"), *HERE.glob("*.cjs")]:
            shutil.copy(file, folder)
        _install(folder)
    return folder


@pytest.fixture(scope="session")
def chromium() -> str:
    """A Chromium or Chrome."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    return found or pytest.skip("no Chromium (Debian: apt-get install chromium)")


@pytest.fixture(scope="session")
def start(packages: Path, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Start:
    """Starts the process of a client (one of CLIENTS), which trusts a certificate authority's file."""

    def begin(name: str, authority: str) -> Driver:
        library, platform = name.split(" in ")
        module = {"Amplify": "./amplify.js", "Apollo": "./apollo.cjs"}[library]
        folder = tmp_path_factory.mktemp("client")
        if platform == "Node":
            command = ["node", "node.js", module]
            environment = os.environ | {"NODE_EXTRA_CA_CERTS": authority}
        else:
            trust(authority, folder)
            command = ["node", "chromium.js", module, request.getfixturevalue("chromium"), str(folder / "profile")]
            environment = os.environ | {"HOME": str(folder)}
        return Driver(command, packages, environment, folder / "log")

    return begin


@pytest.fixture(scope="module", params=CLIENTS)
def client(request: pytest.FixtureRequest, start: Start, instance: Instance) -> Iterator[Driver]:
    """Each client in turn, connected to the shared instance."""
    with closing(start(request.param, instance.outputs["caFile"])) as driver:
        driver.connect(amplify_outputs(instance))
        yield driver


def amplify_outputs(instance: Instance, **data: str) -> dict[str, Any]:
    """The instance's amplify_outputs.json, with some members of `data` changed."""
    found: dict[str, Any] = json.loads((instance.state / "amplify_outputs.json").read_text())
    return found | {"data": found["data"] | data}


def _install(folder: Path) -> None:
    wanted = (HERE / "package.json").read_text()
    installed = folder / "installed.json"
    if installed.exists() and installed.read_text() == wanted:
        return
    (folder / "package.json").write_text(wanted)
    # Without lifecycle scripts: esbuild's program comes as a package of its own for each platform.
    options = ["--no-audit", "--no-fund", "--ignore-scripts", "--no-package-lock", "--loglevel=error"]
    try:
        subprocess.run(
            [_program("npm"), "install", *options],
            cwd=folder, check=True, capture_output=True, text=True, timeout=INSTALL_SECONDS,
        )  # fmt: skip
    except subprocess.CalledProcessError as error:
        pytest.skip(f"npm cannot install the clients: {' '.join(error.stderr.split())[:200]}")
    except subprocess.TimeoutExpired:
        pytest.skip(f"npm did not install the clients in {INSTALL_SECONDS} s")
    installed.write_text(wanted)


def trust(authority: str, home: Path) -> None:
    """Make Chromium trust a certificate authority: the database of its user, as on any Linux desktop."""
    database = home / ".pki" / "nssdb"
    database.mkdir(parents=True)
    certutil = _program("certutil", "libnss3-tools")
    for arguments in (
        ["-N", "--empty-password"],
        ["-A", "-t", "C,,", "-n", "Headwater", "-i", authority],
    ):
        subprocess.run([certutil, "-d", f"sql:{database}", *arguments], check=True, capture_output=True)


def _program(name: str, package: str = "nodejs npm") -> str:
    return shutil.which(name) or pytest.skip(f"no {name} (Debian: apt-get install {package})")
