"""Write the tables of `docs/rights.md` from the one in `backend/domain/rights.py` and the kinds of topics.

The prose around them is written by hand.

    python -m tools.rights_page            write the page
    python -m tools.rights_page --check    only say whether it is current
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OUTPUT = ROOT / "docs" / "rights.md"

_BEGIN = "<!-- Generated from backend/domain/rights.py by `python -m tools.rights_page`: do not edit. -->\n"
_END = "<!-- End of what is generated. -->\n"

_KINDS = {
    "API_KEY": ("API key", "anyone with the public key"),
    "IAM": ("IAM", "a program that signs with a role; which fields, says the role's policy too"),
    "USER": ("user", "a token of the user pool; `sub` is who it is, groups are `sellers` and `operators`"),
    "LAMBDA": ("auth key", "a program with a key that operators made; its scope must be the field's too"),
}


def _cell(field: str, kind: str) -> str:
    from domain import rights
    from domain.caller import CallerKind

    rule = rights.RULES[field].get(CallerKind[kind])
    if rule is None:
        return ""
    scope = f", with `{rights.scope_of(field).value}`" if kind == "LAMBDA" else ""
    return rule.words + scope


def _lines() -> Iterator[str]:
    from domain import rights, topics

    yield "| caller | what it is |\n|---|---|\n"
    yield from (f"| {name} | {words} |\n" for name, words in _KINDS.values())
    yield "\n## Fields\n\n"
    names = " | ".join(name for name, _ in _KINDS.values())
    yield f"| field | {names} |\n|---|{'---|' * len(_KINDS)}\n"
    for root in ("Query", "Mutation", "Subscription"):
        for field in sorted(each for each in rights.RULES if each.startswith(f"{root}.")):
            cells = " | ".join(_cell(field, kind) for kind in _KINDS)
            yield f"| `{field}` | {cells} |\n"
    yield "\n## Topics\n\nWhat can be subscribed to is what can be caught up and what can be read: one rule.\n\n"
    yield f"| topic | pushed to | caught up by | {names} |\n|---|---|---|{'---|' * len(_KINDS)}\n"
    for topic in topics.KINDS.values():
        cells = " | ".join(_cell(f"Subscription.{topic.subscription}", kind) for kind in _KINDS)
        yield f"| `{topic.name}:<id>` | `{topic.subscription}` | `{topic.catch_up}` | {cells} |\n"
    yield "\nWhat is published goes to all subscribers of a topic alike, so no published type has a member named "
    yield ", ".join(f"`{name}`" for name in sorted(rights.RESTRICTED)) + ": a test looks.\n"


def page(now: str) -> str:
    """The whole page, with the prose that it has now. Raises ValueError when the marks are missing."""
    sys.path.insert(0, str(ROOT / "backend"))
    before, _, rest = now.partition(_BEGIN)
    _, mark, after = rest.partition(_END)
    if not mark:
        raise ValueError(f"{OUTPUT}: there must be {_BEGIN!r} and {_END!r}")
    return f"{before}{_BEGIN}\n{''.join(_lines())}\n{_END}{after}"


def main(arguments: list[str]) -> int:
    """Write or check; returns the exit code."""
    now = OUTPUT.read_text()
    text = page(now)
    if "--check" not in arguments:
        OUTPUT.write_text(text)
        return 0
    if now != text:
        print("docs/rights.md is not current: run `python -m tools.rights_page`", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
