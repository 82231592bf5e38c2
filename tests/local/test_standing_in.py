"""What answers in the place of foreign services."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from local import deploy
from local.faults import Faults
from local.standing_in import StandIns

TEMPLATE = """
Parameters: {RatesUrl: {Type: String}, Other: {Type: String}}
Resources: {}
"""


@pytest.fixture
def template(tmp_path: Path) -> deploy.Template:
    (tmp_path / "template.yaml").write_text(TEMPLATE)
    folder = tmp_path / "local" / "stand_ins" / "RatesUrl"
    (folder / "v1").mkdir(parents=True)
    (folder / "v1" / "latest.json").write_text('{"base": "EUR"}')
    (folder / "plain").write_text("text")
    (tmp_path / "local" / "stand_ins" / "NotOfThisTemplate").mkdir()
    (tmp_path / "secret").write_text("secret")
    return deploy.read_template(tmp_path / "template.yaml")


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
async def stand_ins(tmp_path: Path, faults: Faults) -> AsyncIterator[StandIns]:
    found = StandIns(tmp_path / "state", faults)
    yield found
    await found.stop()


async def get(url: str) -> tuple[int, str, str]:
    def ask() -> tuple[int, str, str]:
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return answer.status, answer.headers["content-type"], answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers["content-type"], error.read().decode()

    return await asyncio.to_thread(ask)


async def test_a_folder_stands_in_for_the_service_of_a_parameter(
    template: deploy.Template, stand_ins: StandIns
) -> None:
    urls = await stand_ins.parameters(template)
    assert list(urls) == ["RatesUrl"]
    assert await get(f"{urls['RatesUrl']}/v1/latest?base=EUR") == (200, "application/json", '{"base": "EUR"}')
    assert (await get(f"{urls['RatesUrl']}/plain"))[2] == "text"


async def test_an_edit_is_answered_at_once(template: deploy.Template, stand_ins: StandIns) -> None:
    url = (await stand_ins.parameters(template))["RatesUrl"]
    (template.path.parent / "local/stand_ins/RatesUrl/v1/latest.json").write_text("{}")
    assert (await get(f"{url}/v1/latest"))[2] == "{}"


@pytest.mark.parametrize("path", ["/", "/v1", "/nothing", "/../../../secret", "/%2e%2e/%2e%2e/%2e%2e/secret", "/%00"])
async def test_there_is_nothing_but_the_files(template: deploy.Template, stand_ins: StandIns, path: str) -> None:
    url = (await stand_ins.parameters(template))["RatesUrl"]
    assert (await get(url + path))[0] == 404


async def test_the_port_is_kept_unless_it_is_taken(template: deploy.Template, tmp_path: Path, faults: Faults) -> None:
    first = StandIns(tmp_path / "state", faults)
    url = (await first.parameters(template))["RatesUrl"]
    assert await first.parameters(template) == {"RatesUrl": url}
    meanwhile = StandIns(tmp_path / "state", faults)
    other = (await meanwhile.parameters(template))["RatesUrl"]
    assert other != url
    await first.stop()
    await meanwhile.stop()
    again = StandIns(tmp_path / "state", faults)
    assert (await again.parameters(template))["RatesUrl"] == other
    await again.stop()


async def test_a_damaged_record_of_ports_does_no_harm(
    template: deploy.Template, stand_ins: StandIns, tmp_path: Path
) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "stand-ins.json").write_text('["')
    assert await stand_ins.parameters(template)
    assert list(json.loads((tmp_path / "state" / "stand-ins.json").read_text())) == ["RatesUrl"]


async def test_a_fault_answers_something_else(template: deploy.Template, stand_ins: StandIns, faults: Faults) -> None:
    url = (await stand_ins.parameters(template))["RatesUrl"] + "/v1/latest"
    faults.set("stand-in", status=503, parameter="RatesUrl", count=1)
    assert (await get(url))[0] == 503
    assert (await get(url))[0] == 200
    faults.set("stand-in", body="{", parameter="RatesUrl")
    assert await get(url) == (200, "application/json", "{")
    faults.set("stand-in", body="{", parameter="Other")
    assert (await get(url))[2] == '{"base": "EUR"}'
    faults.set("stand-in", seconds=0.05)
    assert (await get(url))[2] == '{"base": "EUR"}'
