"""Deployment packages and layers, downloaded and unpacked once per content."""

from __future__ import annotations

import base64
import hashlib
import io
import shutil
import stat
import tempfile
import threading
import urllib.request
import zipfile
from pathlib import Path
from urllib.parse import urlsplit

from local.functions.errors import CannotStart


class CodeStore:
    """Folders of unpacked code under `root`, named by the SHA-256 of their zip. Thread safe.

    `endpoint` is the cloud's: the locations it gives out name it by the name it has for itself.
    """

    def __init__(self, root: Path, endpoint: str) -> None:
        self._root = root
        self._endpoint = endpoint
        self._lock = threading.Lock()
        self.layers: dict[str, Path] = {}

    def folder(self, sha256: str, location: str) -> Path:
        """The folder of the package with this base64 digest; downloads it from `location` when it is not there yet.

        Raises:
            CannotStart: it cannot be downloaded, is another package, or is no zip file.
        """
        digest = base64.b64decode(sha256).hex()
        folder = self._root / digest
        with self._lock:
            if not folder.is_dir():
                self._unpack(self._download(location, digest), folder)
        return folder

    def _download(self, location: str, digest: str) -> bytes:
        parts = urlsplit(location)
        url = f"{self._endpoint}{parts.path}?{parts.query}" if parts.query else f"{self._endpoint}{parts.path}"
        try:
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            with opener.open(url, timeout=60) as response:
                data: bytes = response.read()
        except OSError as error:
            raise CannotStart(f"The code at {url} cannot be downloaded: {error}") from error
        found = hashlib.sha256(data).hexdigest()
        if found != digest:
            # MiniStack serves the newest package for every published version.
            raise CannotStart(f"The code at {url} has SHA-256 {found} instead of {digest}: this version's code is gone")
        return data

    def _unpack(self, data: bytes, folder: Path) -> None:
        self._root.mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(prefix="unfinished-", dir=self._root))
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                for member in archive.infolist():
                    _extract(archive, member, unfinished)
            unfinished.chmod(0o755)
            unfinished.rename(folder)
        except (zipfile.BadZipFile, ValueError) as error:
            raise CannotStart(f"The package {folder.name} cannot be unpacked: {error}") from error
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)


def _extract(archive: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path) -> None:
    mode = member.external_attr >> 16
    target = (folder / member.filename).resolve()
    if not target.is_relative_to(folder.resolve()):
        raise ValueError(f"{member.filename} lies outside of the package")
    if stat.S_ISLNK(mode):
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(archive.read(member).decode())
        return
    extracted = Path(archive.extract(member, folder))
    if mode and not member.is_dir():
        extracted.chmod(stat.S_IMODE(mode) | stat.S_IRUSR)
