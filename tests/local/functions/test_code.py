"""Packages on their way to disk."""

from __future__ import annotations

import base64
import hashlib
import http.server
import io
import stat
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.functions import CannotStart
from local.functions.code import CodeStore


class Shelf:
    """Packages behind a URL, and how often they were fetched."""

    def __init__(self) -> None:
        self.packages: dict[str, bytes] = {}
        self.fetched: list[str] = []
        shelf = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                shelf.fetched.append(self.path)
                self.send_response(200)
                self.end_headers()
                self.wfile.write(shelf.packages[self.path])

            def log_message(self, *arguments: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    """A running shelf."""
    shelf = Shelf()
    thread = threading.Thread(target=shelf.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield shelf
    shelf.server.shutdown()
    shelf.server.server_close()
    thread.join()


def package(files: dict[str, bytes], *, mode: int = 0o644) -> bytes:
    """A zip file."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            archive.writestr(info, content)
    return data.getvalue()


def digest(data: bytes) -> str:
    """A digest as Lambda's API gives it."""
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


def test_a_package_is_fetched_and_unpacked_once(shelf: Shelf, tmp_path: Path) -> None:
    data = shelf.packages["/code?signed=1"] = package({"index.py": b"1", "sub/more.py": b"2"})
    store = CodeStore(tmp_path, shelf.endpoint)
    folder = store.folder(digest(data), "http://the-clouds-own-name:1/code?signed=1")
    assert store.folder(digest(data), "http://the-clouds-own-name:1/code?signed=1") == folder
    assert CodeStore(tmp_path, shelf.endpoint).folder(digest(data), "unused") == folder
    assert (folder / "index.py").read_bytes() + (folder / "sub/more.py").read_bytes() == b"12"
    assert shelf.fetched == ["/code?signed=1"]


def test_executables_stay_executable(shelf: Shelf, tmp_path: Path) -> None:
    data = shelf.packages["/code"] = package({"bin/tool": b"#!/bin/sh\n"}, mode=stat.S_IFREG | 0o755)
    folder = CodeStore(tmp_path, shelf.endpoint).folder(digest(data), "http://x/code")
    assert (folder / "bin/tool").stat().st_mode & 0o111 == 0o111


@pytest.mark.parametrize("name", ["../escaped.py", "/escaped.py"])
def test_a_package_cannot_write_outside_of_its_folder(shelf: Shelf, tmp_path: Path, name: str) -> None:
    data = shelf.packages["/code"] = package({name: b"1"})
    with pytest.raises(CannotStart, match="outside of the package"):
        CodeStore(tmp_path, shelf.endpoint).folder(digest(data), "http://x/code")
    assert not list(tmp_path.rglob("escaped.py"))


def test_another_package_than_the_one_asked_for_is_refused(shelf: Shelf, tmp_path: Path) -> None:
    shelf.packages["/code"] = package({"index.py": b"newer"})
    with pytest.raises(CannotStart, match="this version's code is gone"):
        CodeStore(tmp_path, shelf.endpoint).folder(digest(b"older"), "http://x/code")


def test_what_is_no_zip_is_refused_and_leaves_nothing(shelf: Shelf, tmp_path: Path) -> None:
    data = shelf.packages["/code"] = b"no zip"
    with pytest.raises(CannotStart, match="cannot be unpacked"):
        CodeStore(tmp_path, shelf.endpoint).folder(digest(data), "http://x/code")
    assert list(tmp_path.iterdir()) == []
