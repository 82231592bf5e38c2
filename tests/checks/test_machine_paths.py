import pytest

from checks.machine_paths import problems_in


@pytest.mark.parametrize(
    "line",
    [
        'STATE = "/tmp/headwater"',
        "see /home/ann/headwater/README.md",
        "cd /root/headwater",
        "open file:///etc/hosts",
        r"C:\Users\ann",
        "PYTHONPATH=/Users/ann/src",
    ],
)
def test_a_path_of_one_machine_is_found_with_its_line(line: str) -> None:
    (problem,) = problems_in("notes.md", f"first line\n{line}\n")
    assert problem.startswith("notes.md:2: ")


@pytest.mark.parametrize(
    "line",
    [
        "https://example.org/home/page",
        "#!/usr/bin/env bash",
        "GET /graphql/realtime",
        "$HOME/work/headwater",
        "uses /opt/python, as every layer does",
        "backend/tmp/x is ours",
    ],
)
def test_what_is_no_path_of_a_machine_passes(line: str) -> None:
    assert problems_in("notes.md", line) == []
