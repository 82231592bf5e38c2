"""Known vulnerabilities of the packages that we pin, as the Python Package Index tells them (pip-audit).

Fails for a package that is deployed. One for development alone is told and fails nothing: a newcomer's `make test` must
not break because the world has learned something since; whoever looks after the project reads it.

Without a network there is nothing to ask, and a recorded list of advisories would only look like an answer: then the
check says loudly that it was skipped, and fails nothing either. What was asked in the last day is not asked again.
"""

import hashlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from checks.project import NOTE, ROOT, program

DEPLOYED = "layers/dependencies/requirements.txt"
DEVELOPMENT = "requirements.lock"

# Advisories that do not concern us, by id, each with the reason and the day by which someone looks again.
IGNORED: dict[str, str] = {}

_DAY_SECONDS = 24 * 3600
_ANSWER_SECONDS = 5  # for one of pip-audit's requests
_ALL_SECONDS = 120


@dataclass(frozen=True)
class Finding:
    """An advisory about a package that we pin."""

    package: str
    version: str
    advisory: str
    fixed_in: str

    def __str__(self) -> str:
        remedy = f"fixed in {self.fixed_in}" if self.fixed_in else "not fixed yet"
        return f"{self.package} {self.version}: {self.advisory} ({remedy})"


class NoAnswer(Exception):
    """The index does not answer, or knows none of our packages."""


# Asks about requirements, such as `boto3==1.43.108`.
Ask = Callable[[Iterable[str]], list[Finding]]


def pins(path: Path) -> list[str]:
    """The requirements of a lock file."""
    lines = (line.split("#", 1)[0].strip() for line in path.read_text().splitlines())
    return [line for line in lines if line]


def name_of(requirement: str) -> str:
    """The package of a pinned requirement."""
    return requirement.split("==", 1)[0].strip()


def ask_pip_audit(requirements: Iterable[str]) -> list[Finding]:
    """What the index knows. Raises NoAnswer."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "requirements.txt"
        file.write_text("\n".join(requirements))
        command = [program("pip-audit"), "--requirement", str(file), "--no-deps", "--disable-pip", "--format", "json",
                   "--desc", "off", "--progress-spinner", "off", "--timeout", str(_ANSWER_SECONDS)]  # fmt: skip
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_ALL_SECONDS, check=False)
            found = json.loads(done.stdout)["dependencies"]
        except subprocess.TimeoutExpired as error:
            raise NoAnswer(f"no answer within {_ALL_SECONDS} s") from error
        except (ValueError, KeyError) as error:
            raise NoAnswer((done.stderr.strip().splitlines() or ["no answer"])[-1][:300]) from error
    if not [each for each in found if "vulns" in each]:
        raise NoAnswer(str(next((each["skip_reason"] for each in found), "it was asked nothing")))
    return [
        Finding(each["name"], each["version"], advisory["id"], ", ".join(advisory["fix_versions"]))
        for each in found
        for advisory in each.get("vulns", [])
    ]


def findings(root: Path, ask: Ask, record: Path, now: float) -> list[Finding]:
    """What is known of our packages, from the record if it is of the same packages and of the last day.

    Raises:
        NoAnswer: it could not be asked.
    """
    requirements = sorted({*pins(root / DEPLOYED), *pins(root / DEVELOPMENT)})
    mark = hashlib.sha256("\n".join(requirements).encode()).hexdigest()
    try:
        kept = json.loads(record.read_text())
        if kept["mark"] == mark and 0 <= now - kept["at"] < _DAY_SECONDS:
            return [Finding(**each) for each in kept["findings"]]
    except (OSError, ValueError, KeyError, TypeError):
        pass  # none, or of another version of this file: it is asked anew
    ask(requirements[:1])  # one request tells whether the hundred others make sense
    found = ask(requirements)
    record.write_text(json.dumps({"mark": mark, "at": now, "findings": [asdict(each) for each in found]}))
    return found


def judge(root: Path, found: Iterable[Finding]) -> tuple[list[str], list[str]]:
    """What fails, and what is only told."""
    deployed = {name_of(requirement) for requirement in pins(root / DEPLOYED)}
    counted = sorted((each for each in found if each.advisory not in IGNORED), key=str)
    return (
        [f"deployed: {each}" for each in counted if each.package in deployed],
        [f"development: {each}" for each in counted if each.package not in deployed],
    )


def main() -> int:
    try:
        found = findings(ROOT, ask_pip_audit, Path(sys.prefix) / ".audit.json", time.time())
    except NoAnswer as error:
        print(f"THE DEPENDENCY AUDIT WAS SKIPPED: nothing is known about these packages' vulnerabilities.\n{error}")
        return NOTE
    failing, told = judge(ROOT, found)
    print("\n".join([*failing, *told]))
    return 1 if failing else NOTE if told else 0


if __name__ == "__main__":
    sys.exit(main())
