"""The real `sam build` and `sam deploy` against the local cloud, and what a template refers to on this disk."""

from __future__ import annotations

import asyncio
import hashlib
import os
import platform
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from samcli.yamlhelper import yaml_parse

# What a change in never means a change of the deployment.
_IGNORED = {
    "__pycache__",
    ".git",
    ".venv",
    "node_modules",
    ".aws-sam",
    ".headwater",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
}
_NESTED = {"AWS::Serverless::Application": "Location", "AWS::CloudFormation::Stack": "TemplateURL"}
_API_KEY_MONTHS = 11  # AppSync keeps a key for 365 days at most
_CODE = {"AWS::Serverless::Function": "CodeUri", "AWS::Serverless::LayerVersion": "ContentUri"}


class DeployError(Exception):
    """`sam` failed; the message is its own, with the command that shows it again."""


@dataclass(frozen=True)
class Template:
    """A template file, parsed; `nested` maps the logical ids of nested stacks to their templates."""

    path: Path
    body: Mapping[str, Any]
    nested: Mapping[str, Template]

    def walk(self) -> Iterator[Template]:
        """This template and every nested one."""
        yield self
        for template in self.nested.values():
            yield from template.walk()

    def artifacts(self) -> set[Path]:
        """Every local file or folder that a property of the template names (code, schema, resolver code, ...)."""
        found = set()
        for resource in self.body.get("Resources", {}).values():
            for text in _strings(resource.get("Properties", {})):
                path = self.path.parent / text
                if text and "\n" not in text and _exists(path) and path != self.path.parent:
                    found.add(path.resolve())
        return found

    def code(self) -> dict[str, Path]:
        """Source folders of functions and layers by logical id."""
        found = {}
        for logical_id, resource in self.body.get("Resources", {}).items():
            key = _CODE.get(resource.get("Type", ""))
            value = resource.get("Properties", {}).get(key) if key else None
            if isinstance(value, str) and (self.path.parent / value).is_dir():
                found[logical_id] = (self.path.parent / value).resolve()
        return found

    def layers(self, logical_id: str) -> list[str]:
        """Logical ids of the layers that a function of this template refers to, Globals included."""
        own = self.body["Resources"][logical_id].get("Properties", {}).get("Layers", [])
        shared = self.body.get("Globals", {}).get("Function", {}).get("Layers", [])
        return [layer["Ref"] for layer in [*shared, *own] if isinstance(layer, Mapping) and "Ref" in layer]


def read_template(path: Path) -> Template:
    """Parse a template and those nested in it.

    Raises:
        DeployError: the file is missing or is no template.
    """
    try:
        body = yaml_parse(path.read_text())
    except OSError as error:
        raise DeployError(f"{path}: {error.strerror}") from error
    except Exception as error:  # yaml_parse documents no error types of its own
        raise DeployError(f"{path} is no YAML or JSON template: {error}") from error
    if not isinstance(body, Mapping) or not isinstance(body.get("Resources"), Mapping):
        raise DeployError(f"{path} is no CloudFormation template: it has no Resources")
    nested = {}
    for logical_id, resource in body["Resources"].items():
        if not isinstance(resource, Mapping) or not isinstance(resource.get("Properties", {}), Mapping):
            raise DeployError(f"{path}: {logical_id} is no resource: it takes a Type and, as a mapping, Properties")
        location = resource.get("Properties", {}).get(_NESTED.get(resource.get("Type", ""), ""))
        if isinstance(location, str) and (path.parent / location).is_file():
            nested[logical_id] = read_template((path.parent / location).resolve())
    return Template(path.resolve(), body, nested)


def fingerprint(template: Template, parameters: Mapping[str, str]) -> str:
    """A digest of all that a deployment is made of: templates, what they refer to, parameters."""
    digest = hashlib.sha256(repr(sorted(parameters.items())).encode())
    roots = {part.path for part in template.walk()}.union(*(part.artifacts() for part in template.walk()))
    for root in sorted(roots):
        for file in [root] if root.is_file() else _files(root):
            digest.update(f"\0{file.relative_to(root)}\0".encode())
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def local_parameters(template: Template, today: date) -> dict[str, str]:
    """Parameters that differ on a laptop, of those that a template has.

    The interpreter's version, the host's architecture, and an end of the API key that is always months away, but the
    same for a month, so that it does not make each start a deployment.
    """
    machine = {"aarch64": "arm64", "arm64": "arm64"}.get(platform.machine(), "x86_64")
    years, month = divmod(today.month - 1 + _API_KEY_MONTHS, 12)
    local = {
        "PythonRuntime": f"python3.{sys.version_info.minor}",
        "Architecture": machine,
        "ApiKeyExpires": str(int(datetime(today.year + years, month + 1, 1, tzinfo=UTC).timestamp())),
    }
    return {name: value for name, value in local.items() if name in template.body.get("Parameters", {})}


def environment(endpoint: str, region: str) -> dict[str, str]:
    """The environment in which the AWS tools speak to the local cloud and to nothing else."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SAM_", "HEADWATER_"))}
    return kept | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": region,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "SAM_CLI_TELEMETRY": "0",
        "SAM_CLI_POLL_DELAY": "0.2",
        "NO_PROXY": "127.0.0.1,localhost",
    }


async def deploy(
    template: Template, stack: str, parameters: Mapping[str, str], *, endpoint: str, region: str, state: Path
) -> None:
    """Build and deploy a template as a stack; nothing happens when nothing changed.

    Raises:
        DeployError: `sam` failed.
    """
    state = _from_anywhere(state)
    overrides = (
        ["--parameter-overrides", *(f"{name}={value}" for name, value in parameters.items())] if parameters else []
    )
    build = state / "build"
    config = ["--config-file", str(_empty_configuration(state))]
    env = environment(endpoint, region)
    await _sam(
        ["build", "--template-file", str(_from_anywhere(template.path)), "--build-dir", str(build), "--cached",
         "--cache-dir", str(state / "build-cache"), *config, *overrides],
        env, state,
    )  # fmt: skip
    await _sam(
        ["deploy", "--template-file", str(build / "template.yaml"), "--stack-name", stack, "--region", region,
         "--resolve-s3", "--no-confirm-changeset", "--no-fail-on-empty-changeset", "--no-progressbar",
         "--capabilities", "CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND", *config, *overrides],
        env, state,
    )  # fmt: skip


def _from_anywhere(path: Path) -> Path:
    """A path for a process that runs in another directory."""
    return path.resolve()


def _empty_configuration(state: Path) -> Path:
    """Beside the template lies the samconfig.toml of real deployments; this one keeps its settings out."""
    file = state / "samconfig.toml"
    state.mkdir(parents=True, exist_ok=True)
    file.write_text("version = 0.1\n")
    return file


async def _sam(arguments: list[str], env: Mapping[str, str], state: Path) -> None:
    """Run one `sam` command with its output in `logs/sam.log`; a cancelled run takes the process with it."""
    log = state / "logs" / "sam.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    program = str(Path(sys.executable).parent / "sam")
    with log.open("ab") as output:
        output.write(f"\n$ sam {' '.join(arguments)}\n".encode())
        output.flush()
        began = output.tell()
        try:
            process = await asyncio.create_subprocess_exec(
                program, *arguments, env=dict(env), stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True,
                # `sam build` keeps dependencies below the present directory, and clears away what it did not put there
                # itself: another instance's, which is building the same template.
                cwd=state,
            )  # fmt: skip
        except FileNotFoundError as error:
            raise DeployError(f"the SAM CLI is missing ({program}); `make install` sets it up") from error
        try:
            status = await process.wait()
        except asyncio.CancelledError:
            process.terminate()
            await process.wait()
            raise
    if status:
        said = log.read_bytes()[began:].decode(errors="replace").strip()
        raise DeployError(f"`sam {arguments[0]}` failed (status {status}); the whole output is in {log}\n{_gist(said)}")


def _gist(said: str) -> str:
    """The end of what a command said, with its `Error: ...` lines in front if they are further up.

    A template that the SAM CLI's translator refuses ends in a traceback of hundreds of lines below the reason.
    """
    end = said[-3000:]
    errors = [line[:2000] for line in said.splitlines() if line.startswith("Error: ")]
    return "\n".join([line for line in dict.fromkeys(errors) if line not in end] + [end])


def _exists(path: Path) -> bool:
    """Whether there is something; a text that is too long for a path names nothing."""
    try:
        return path.exists()
    except OSError:
        return False


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)


def _files(folder: Path) -> Iterator[Path]:
    for entry in sorted(folder.iterdir()):
        if entry.name in _IGNORED:
            continue
        if entry.is_dir() and not entry.is_symlink():
            yield from _files(entry)
        elif entry.is_file():
            yield entry
