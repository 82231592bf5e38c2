"""Prices are in one place; the page for operators repeats them."""

import re

import pytest

from benchmarks.bursts import prices
from checks.project import ROOT

UNITS = {"a million": 1e6}


def rows() -> list[tuple[str, str]]:
    """Price and constant of each row of the page's table."""
    page = (ROOT / "docs/operations.md").read_text()
    return re.findall(r"^\|[^|]*\| ([^|]*) \| `([A-Z_]+)` \|$", page, re.MULTILINE)


def test_the_page_names_every_price() -> None:
    # What is computed by the second, and what is no price.
    left_out = {"LAMBDA_GB_SECOND", "UPDATE_BYTES"}
    constants = {name for name, value in vars(prices).items() if name.isupper() and isinstance(value, int | float)}
    assert {name for _, name in rows()} == constants - left_out


@pytest.mark.parametrize(("price", "name"), rows())
def test_the_page_s_prices_are_those(price: str, name: str) -> None:
    number, _, unit = price.partition(" ")
    assert float(number) / UNITS.get(unit, 1) == pytest.approx(getattr(prices, name))
