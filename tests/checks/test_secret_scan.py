"""Credentials in files are found, told without their value, and made-up ones let pass."""

from pathlib import Path

import pytest

from checks.project import ROOT
from checks.secret_scan import LEFT_OUT, _detectors, problems

# Put together here, so that this file passes the scan.
CREDENTIALS = [
    "AKIA" + "Q3EGRIJ5TZKLWX4V",
    "-----BEGIN RSA " + "PRIVATE KEY-----",
    "-----BEGIN " + "PRIVATE KEY-----",
    "ghp_" + "wWPw5k4aXcaT4fNP0UcnZwJUVFk6LO0pINUx",
    "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    "da2-" + "k3j5h2g4f6d7s8a9q0w1e2r3t4",
    "hwk_01JD7Z8Y6X5W4V3T2S1R0Q9P8N_" + "Zm9vYmFyYmF6cXV4cXV1eGNvcmdlZ3JhdWx0Z2FycGx5",
    "https://ann:" + "hunter2secret@registry.example.org/",
    "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc",
    "pypi-AgEIcHlwaS5vcmc"
    + "CJDllNTYxYjU1LTk2YTctNDc2Zi1iZjk3LWQ2Y2Y2OTJlYWE0NQACKlszLCJhYmNkZWZnaGlqa2xtbm9wIl0AAAYg" * 2,
]


@pytest.mark.parametrize("credential", CREDENTIALS)
@pytest.mark.parametrize("around", ["{}", "key = '{}'", "# see\nx: {}\n"])
def test_a_credential_is_found_and_not_repeated(tmp_path: Path, credential: str, around: str) -> None:
    (tmp_path / "notes.txt").write_text(around.format(credential))
    found = problems(tmp_path)
    assert found
    assert found[0].startswith(f"notes.txt:{2 if 'see' in around else 1}: ")
    assert credential not in str(found)


@pytest.mark.parametrize(
    "text",
    [
        "AKIAIOSFODNN7EXAMPLE",
        "da2-abcdefghijklmnopqrstuvwxyz",
        "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.",
        "password = 'test'",
    ],
)
def test_what_says_that_it_is_made_up_passes(tmp_path: Path, text: str) -> None:
    (tmp_path / "notes.txt").write_text(text)
    assert problems(tmp_path) == []


def test_a_binary_file_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "image.png").write_bytes(b"\0" + CREDENTIALS[0].encode())
    assert problems(tmp_path) == []


def test_the_project_holds_none() -> None:
    assert problems(ROOT) == []


def test_what_is_left_out_exists() -> None:
    assert len(_detectors()) >= 15
    assert not set(LEFT_OUT) & set(_detectors())
