"""Settings: what the environment says, or a message that names the variable."""

from __future__ import annotations

from pathlib import Path

import pytest

from local.settings import SettingsError, load


def test_the_defaults_are_those_of_the_run_interface() -> None:
    settings = load({})
    assert (settings.port, settings.tls_port, settings.aws_port, settings.mqtt_port) == (4000, 4001, 4566, 8883)
    assert settings.state == Path(".headwater").absolute()
    assert settings.seed
    assert not settings.rates


def test_the_environment_decides(tmp_path: Path) -> None:
    environment = {"HEADWATER_PORT": "5000", "HEADWATER_AWS_PORT": "5005", "HEADWATER_MQTT_PORT": "5008"}
    settings = load({**environment, "HEADWATER_STATE": str(tmp_path), "HEADWATER_SEED": "0", "HEADWATER_RATES": "1"})
    assert (settings.port, settings.aws_port, settings.mqtt_port) == (5000, 5005, 5008)
    assert settings.outputs_file == tmp_path / "outputs.json"
    assert not settings.seed
    assert settings.rates


@pytest.mark.parametrize("text", ["0", "65536", "-1", "http", "40 00", "٤٠٠٠", "4000.0"])
def test_what_is_no_port_is_refused_by_name(text: str) -> None:
    with pytest.raises(SettingsError, match="HEADWATER_AWS_PORT"):
        load({"HEADWATER_AWS_PORT": text})


def test_two_services_cannot_share_a_port() -> None:
    with pytest.raises(SettingsError, match="4566"):
        load({"HEADWATER_PORT": "4566"})


def test_the_https_port_counts_too() -> None:
    with pytest.raises(SettingsError, match="HTTPS"):
        load({"HEADWATER_PORT": "4565"})


def test_permissions_are_enforced_or_warned_of(tmp_path: Path) -> None:
    load({"HEADWATER_STATE": str(tmp_path), "HEADWATER_PERMISSIONS": "warn"})
    with pytest.raises(SettingsError, match="HEADWATER_PERMISSIONS='off' is none of enforce and warn"):
        load({"HEADWATER_STATE": str(tmp_path), "HEADWATER_PERMISSIONS": "off"})
