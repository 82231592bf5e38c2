"""Where an instance listens and keeps its state: the environment, read once by the command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PERMISSIONS = ("enforce", "warn")
"""What becomes of calls that a role may not make. MiniStack, a child, reads the variable itself."""

PORT_VARIABLES = {"HEADWATER_PORT": 4000, "HEADWATER_AWS_PORT": 4566, "HEADWATER_MQTT_PORT": 8883}


class SettingsError(Exception):
    """A setting cannot be used; the message names the variable and what it takes."""


@dataclass(frozen=True)
class Settings:
    """`tls_port` is the port after `port`; `state` is absolute. With `rates`, AppSync's quotas per second hold."""

    port: int
    aws_port: int
    mqtt_port: int
    state: Path
    seed: bool
    rates: bool = False
    region: str = "us-east-1"

    @property
    def tls_port(self) -> int:
        """HTTPS and WSS."""
        return self.port + 1

    @property
    def outputs_file(self) -> Path:
        """Written when the instance is ready, removed when it stops."""
        return self.state / "outputs.json"


def load(environment: Mapping[str, str]) -> Settings:
    """Read the settings.

    Raises:
        SettingsError: a port is no number from 1 to 65535, two services share one, or a word is none of its choices.
    """
    ports = {name: _port(environment, name, default) for name, default in PORT_VARIABLES.items()}
    port = ports["HEADWATER_PORT"]
    if port == 65535:
        raise SettingsError("HEADWATER_PORT=65535 leaves no next port for HTTPS; choose a smaller one")
    if environment.get("HEADWATER_PERMISSIONS", "enforce") not in PERMISSIONS:
        raise SettingsError(
            f"HEADWATER_PERMISSIONS={environment['HEADWATER_PERMISSIONS']!r} is none of {' and '.join(PERMISSIONS)}"
        )
    taken: dict[int, str] = {}
    for name, number in [*ports.items(), ("the HTTPS port (HEADWATER_PORT + 1)", port + 1)]:
        if number in taken:
            raise SettingsError(f"{name} and {taken[number]} are both {number}; each needs a port of its own")
        taken[number] = name
    return Settings(
        port=port,
        aws_port=ports["HEADWATER_AWS_PORT"],
        mqtt_port=ports["HEADWATER_MQTT_PORT"],
        state=Path(environment.get("HEADWATER_STATE") or ".headwater").absolute(),
        seed=environment.get("HEADWATER_SEED", "1") != "0",
        rates=environment.get("HEADWATER_RATES", "0") != "0",
    )


def _port(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name) or str(default)
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65535):
        raise SettingsError(f"{name}={text!r} is no port; it takes a number from 1 to 65535")
    return int(text)
