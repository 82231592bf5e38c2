"""Functions from folders of code, without any cloud: configurations are given instead of looked up."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import textwrap
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from local.functions import FunctionConfiguration, FunctionNotFound, FunctionReference, Functions, Invocation


class Deployed:
    """Configurations by function name, and the invocations of their functions."""

    def __init__(self, root: Path, **settings: Any) -> None:
        self.root = root
        self.state = root / "state"
        self.functions = Functions(cloud=None, state=self.state, configurations=self, concurrency=4, **settings)
        self._configurations: dict[str, FunctionConfiguration] = {}

    async def read(self, reference: FunctionReference) -> FunctionConfiguration:
        """See `local.functions.Configurations`."""
        try:
            return self._configurations[reference.name]
        except KeyError:
            raise FunctionNotFound(f"Function not found: {reference.name}") from None

    def deploy(self, code: str, *, name: str = "greet", files: dict[str, str] | None = None, **settings: Any) -> None:
        """Deploy `code` as the module `index`; `settings` are fields of FunctionConfiguration."""
        folder = self.root / "code" / f"{name}-{len(list(self.root.glob('code/*')))}"
        write(folder, {"index.py": code, **(files or {})})
        self._configurations[name] = FunctionConfiguration(
            name=name, arn=f"arn:aws:lambda:eu-west-1:000000000000:function:{name}", code=folder,
            **{"handler": "index.handler", "runtime": "python3.11", **settings},
        )  # fmt: skip

    def configure(self, name: str = "greet", **settings: Any) -> None:
        """Change fields of a function's configuration."""
        self._configurations[name] = dataclasses.replace(self._configurations[name], **settings)

    async def invoke(self, event: Any = None, *, name: str = "greet", **arguments: Any) -> Invocation:
        """Invoke and return whatever came of it."""
        return await self.functions.invoke(name, json.dumps(event).encode(), **arguments)

    async def call(self, event: Any = None, *, name: str = "greet", **arguments: Any) -> Any:
        """Invoke, expect success, and return the result."""
        result = await self.invoke(event, name=name, **arguments)
        assert result.function_error is None, result.payload
        return json.loads(result.payload)

    async def error(self, event: Any = None, *, name: str = "greet", **arguments: Any) -> dict[str, Any]:
        """Invoke, expect a function error, and return it."""
        result = await self.invoke(event, name=name, **arguments)
        assert result.function_error == "Unhandled", result.payload
        error: dict[str, Any] = json.loads(result.payload)
        return error

    def log(self, name: str = "greet") -> str:
        """The function's log file."""
        return (self.state / "logs" / f"{name}.log").read_text()


def write(folder: Path, files: dict[str, str]) -> None:
    """Write source files under a folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))


async def until(condition: Callable[[], bool], *, seconds: float = 10) -> None:
    """Wait for a condition that something else makes true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        await asyncio.sleep(0.01)


@pytest.fixture
async def deployed(tmp_path: Path) -> AsyncIterator[Deployed]:
    """Running functions, none deployed yet."""
    deployed = Deployed(tmp_path)
    await deployed.functions.start()
    yield deployed
    await deployed.functions.stop()
