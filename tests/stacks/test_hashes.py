"""What `sam build` makes: one function, one folder, one hash; and machine code for the chosen processor.

Builds the real templates twice in a copy of the project (the packages of the dependencies layer come from the
package index the first time), and hashes the results with the function by which `sam deploy` names its uploads.
"""

import os
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from samcli.lib.utils.hash import dir_checksum

from checks.cloudformation import parse
from checks.project import ROOT, committed_files, program

BUILT = {"AWS::Serverless::Function": "CodeUri", "AWS::Serverless::LayerVersion": "ContentUri"}
BUILT_FOLDERS = ("backend/", "layers/", "resolvers/", "stacks/", "streams/")

# e_machine of the ELF header, https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html and its registry.
ELF_MACHINES = {"x86_64": 62, "arm64": 183}


# Not this machine's own: building for another processor is what can go wrong unseen.
ARCHITECTURE = "x86_64" if platform.machine() in {"arm64", "aarch64"} else "arm64"


@dataclass(frozen=True)
class Copy:
    """A copy of what is deployed, to be edited and built."""

    folder: Path

    def build(self) -> dict[str, Path]:
        """Run `sam build`. Returns each function's and layer's built folder by logical id, nested stacks included."""
        runtime = f"python3.{sys.version_info.minor}"
        overrides = [f"PythonRuntime={runtime}", f"Architecture={ARCHITECTURE}"]
        done = subprocess.run(
            [program("sam"), "build", "--cached", "--parallel", "--parameter-overrides", *overrides],
            cwd=self.folder,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return dict(artefacts(self.template))

    @property
    def template(self) -> Path:
        """The built root template."""
        return self.folder / ".aws-sam/build/template.yaml"

    def environment(self) -> dict[str, str]:
        tools = str(Path(sys.executable).parent)  # sam looks for the runtime's interpreter on PATH
        return {
            **os.environ,
            "PATH": f"{tools}:{os.environ['PATH']}",
            "AWS_DEFAULT_REGION": "us-east-1",
            "SAM_CLI_TELEMETRY": "0",
        }

    def hashes(self) -> dict[str, str]:
        """By logical id: the name under which `sam deploy` would upload each artefact."""
        return {name: dir_checksum(str(folder), followlinks=True) for name, folder in self.build().items()}

    def edit(self, name: str, line: str) -> None:
        with (self.folder / name).open("a") as file:
            file.write(f"{line}\n")


def artefacts(template: Path) -> list[tuple[str, Path]]:
    """The built folders that a built template and those nested in it name."""
    found: list[tuple[str, Path]] = []
    for logical_id, resource in parse(template)["Resources"].items():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::Serverless::Application":
            found += artefacts(template.parent / properties["Location"])
        elif resource["Type"] in BUILT:
            found.append((logical_id, template.parent / properties[BUILT[resource["Type"]]]))
    return found


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    folder = tmp_path_factory.mktemp("project")
    for path in committed_files(ROOT):
        name = path.relative_to(ROOT).as_posix()
        if name.startswith(BUILT_FOLDERS) or name in {"template.yaml", "schema.graphql"}:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, folder / name)
    return Copy(folder)


def test_an_edit_changes_the_hash_of_the_edited_function_only(copy: Copy) -> None:
    before = copy.hashes()
    assert {"ChatFunction", "PublishFunction", "CodeLayer", "DependenciesLayer"} <= set(before)

    for resolver in (copy.folder / "resolvers/appsync").glob("*.js"):
        copy.edit(f"resolvers/appsync/{resolver.name}", "// edited")
    copy.edit("resolvers/chat/handler.py", "# edited")
    after = copy.hashes()
    assert {name for name in before if after[name] != before[name]} == {"ChatFunction"}

    # That one changed by its own edit: AppSync's JavaScript is in no function.
    functions = [folder for name, folder in artefacts(copy.template) if "Layer" not in name]
    assert [path.name for folder in functions for path in folder.rglob("*.js")] == []


def test_every_shared_object_is_for_the_chosen_processor(copy: Copy) -> None:
    # The layer has no compiled part today; with one more package the test sees whether one would be the right one.
    copy.edit("layers/dependencies/requirements.txt", "wrapt==2.5.2")
    built = copy.build()
    objects = {
        f"{name}/{path.relative_to(folder)}": elf_machine(path)
        for name, folder in built.items()
        for path in folder.rglob("*.so*")
    }
    assert any(name.startswith("DependenciesLayer/python/wrapt/") for name in objects)
    assert objects == dict.fromkeys(objects, ELF_MACHINES[ARCHITECTURE])


def elf_machine(path: Path) -> int:
    header = path.read_bytes()[:20]
    assert header[:4] == b"\x7fELF", f"{path.name} is no ELF file"
    order = "little" if header[5] == 1 else "big"
    return int.from_bytes(header[18:20], order)  # type: ignore[arg-type]
