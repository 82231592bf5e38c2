"""`sam validate --lint` on every template: the SAM transform and cfn-lint, offline."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from checks.project import program, report, run, templates


def validate(template: Path, root: Path) -> list[str]:
    command = [program("sam"), "validate", "--lint", "--template-file", str(template.relative_to(root))]
    # The SAM CLI wants a region even when it asks AWS nothing, and would otherwise send usage data.
    return run(command, root, AWS_DEFAULT_REGION="us-east-1", SAM_CLI_TELEMETRY="0")


def problems(root: Path) -> list[str]:
    found = templates(root)
    if not found:
        return ["template.yaml is missing"]
    with ThreadPoolExecutor(max_workers=2) as threads:
        return [problem for lines in threads.map(lambda path: validate(path, root), found) for problem in lines]


if __name__ == "__main__":
    report(problems)
