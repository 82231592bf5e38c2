"""The local certificate authority."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509

from local.certificates import certificates

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def leaf(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def test_keys_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    files = certificates(tmp_path, NOW)
    assert files.key.stat().st_mode & 0o777 == 0o600
    assert (files.authority.parent / "authority.key").stat().st_mode & 0o777 == 0o600


def test_the_leaf_names_the_loopback_addresses_and_is_signed_by_the_authority(tmp_path: Path) -> None:
    files = certificates(tmp_path, NOW)
    names = leaf(files.leaf).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1"]
    leaf(files.leaf).verify_directly_issued_by(leaf(files.authority))


def test_the_second_start_keeps_everything(tmp_path: Path) -> None:
    files = certificates(tmp_path, NOW)
    before = {path: path.read_bytes() for path in files.authority.parent.iterdir()}
    certificates(tmp_path, NOW + timedelta(days=300))
    assert {path: path.read_bytes() for path in files.authority.parent.iterdir()} == before


def test_a_leaf_near_its_end_is_renewed_under_the_same_authority(tmp_path: Path) -> None:
    files = certificates(tmp_path, NOW)
    authority, old = files.authority.read_bytes(), files.leaf.read_bytes()
    certificates(tmp_path, NOW + timedelta(days=370))
    assert files.authority.read_bytes() == authority
    assert files.leaf.read_bytes() != old
    leaf(files.leaf).verify_directly_issued_by(leaf(files.authority))


def test_a_damaged_file_is_made_again(tmp_path: Path) -> None:
    files = certificates(tmp_path, NOW)
    files.key.write_text("damaged")
    certificates(tmp_path, NOW)
    files.context()


def test_a_new_authority_brings_a_new_leaf(tmp_path: Path) -> None:
    files = certificates(tmp_path, NOW)
    files.authority.unlink()
    certificates(tmp_path, NOW)
    leaf(files.leaf).verify_directly_issued_by(leaf(files.authority))
