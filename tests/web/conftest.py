"""The TypeScript package, copied to a folder where its npm packages are installed once. Without npm, tests skip."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
from pathlib import Path

import pytest

SOURCES = Path(__file__).parents[2] / "client" / "web"
INSTALL_SECONDS = 240
OLDEST_NODE = (20, 11)


@pytest.fixture(scope="session")
def node() -> str:
    """A Node that the package supports."""
    found = _program("node")
    version = subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if tuple(map(int, version.removeprefix("v").split(".")[:2])) < OLDEST_NODE:
        pytest.skip(f"the TypeScript client needs Node 20.11 or newer, this is {version}")
    return found


@pytest.fixture(scope="session")
def package(node: str, pytestconfig: pytest.Config) -> Path:
    """client/web as it is now, with the packages of its lock file and built; the packages stay for the next session."""
    folder = pytestconfig.cache.mkdir("web") if pytestconfig.cache else pytest.skip("pytest runs without its cache")
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # other workers of pytest-xdist, other sessions
        return built(folder)


def built(folder: Path) -> Path:
    """The package in a folder of its own, with its npm packages, and built."""
    folder.mkdir(exist_ok=True)
    _copy(folder)
    _install(folder)
    build = npm(folder, "build")
    assert build.returncode == 0, build.stdout + build.stderr
    return folder


def npm(folder: Path, script: str, *arguments: str, seconds: float = 600) -> subprocess.CompletedProcess[str]:
    """Run a script of package.json."""
    command = [_program("npm"), "run", "--silent", script, *(["--", *arguments] if arguments else [])]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=seconds, check=False)


def _copy(folder: Path) -> None:
    """Bring the sources over; what is no longer there goes."""
    kept = {"node_modules", "lock", "installed"}
    for path in folder.iterdir():
        if path.name not in kept:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for path in SOURCES.iterdir():
        if path.name in {"node_modules", "dist"}:
            continue
        if path.is_dir():
            shutil.copytree(path, folder / path.name)
        else:
            shutil.copy(path, folder)


def _install(folder: Path) -> None:
    wanted = (folder / "package-lock.json").read_text()
    installed = folder / "installed"
    if installed.exists() and installed.read_text() == wanted:
        return
    installed.unlink(missing_ok=True)
    # Without lifecycle scripts: esbuild's and TypeScript's programs come as a package of their own for each platform.
    options = ["--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
    try:
        subprocess.run(
            [_program("npm"), "ci", *options],
            cwd=folder, check=True, capture_output=True, text=True, timeout=INSTALL_SECONDS,
        )  # fmt: skip
    except subprocess.CalledProcessError as error:
        pytest.skip(f"npm cannot install the TypeScript client's packages: {' '.join(error.stderr.split())[:200]}")
    except subprocess.TimeoutExpired:
        pytest.skip(f"npm did not install the TypeScript client's packages in {INSTALL_SECONDS} s")
    installed.write_text(wanted)


def _program(name: str) -> str:
    return shutil.which(name) or pytest.skip(f"no {name} (Debian: apt-get install nodejs npm)")
