"""No file that is or would be committed holds a credential: the patterns of detect-secrets, and those of our own keys.

Guesses by entropy or by the name of a variable are left out: tests are full of made-up passwords, and a check that
cries at those is soon ignored. What is made up but looks real must say so (`FAKE`).
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.core.scan import scan_file
from detect_secrets.settings import transient_settings

from checks.project import committed_files, report, text_of

# Detectors that find too much, each with the reason.
LEFT_OUT = {
    "Base64HighEntropyString": "ids and hashes",
    "HexHighEntropyString": "ids and hashes",
    "IPPublicDetector": "addresses are no credentials",
    "KeywordDetector": "made-up passwords of tests; it also takes most of the time",
    "TelegramBotTokenDetector": "sequence numbers of streams",
}

# Credentials that this project itself gives out.
OWN = {
    "AppSync API key": re.compile(r"\bda2-[a-z0-9]{26}\b"),
    "auth key": re.compile(r"\bhwk_[0-9A-Z]{26}_[\w-]{43}"),
}

# The unsigned header `{"alg":"none"}`, and what documentation and tests write instead of a real value.
FAKE = re.compile(r"EXAMPLE|UNKNOWN|abcdefghijklmnopqrstuvwxyz|eyJhbGciOiJub25lIn0|(\w)\1{9}")


@cache
def _detectors() -> dict[str, list[re.Pattern[str]]]:
    """The patterns of each detector, by its name; none for one that has other means."""
    classes: Iterable[type] = get_mapping_from_secret_type_to_class().values()
    return {
        each.__name__: [re.compile(look.pattern, look.flags | re.MULTILINE) for look in getattr(each, "denylist", ())]
        for each in classes
        if each.__name__ not in LEFT_OUT
    }


def _found(path: Path, text: str) -> Iterator[tuple[int, str, str]]:
    """Line, kind and value of each credential."""
    # Going through a file line by line takes a while; a pattern that the whole text does not have is in no line.
    names = [name for name, looks in _detectors().items() if not looks or any(look.search(text) for look in looks)]
    if names:
        # No filters: they would leave out values that look made up, by rules that nobody here has read.
        with transient_settings({"plugins_used": [{"name": name} for name in names], "filters_used": []}):
            for each in scan_file(str(path)):
                yield each.line_number, each.type, each.secret_value or ""
    for kind, look in OWN.items():
        for match in look.finditer(text):
            yield text.count("\n", 0, match.start()) + 1, kind, match[0]


def problems(root: Path) -> list[str]:
    found = []
    for path in committed_files(root):
        text = text_of(path)
        for line, kind, value in _found(path, text) if text else ():
            if not FAKE.search(value):
                # The value itself stays out of the output, which may be a public log.
                found.append(
                    f"{path.relative_to(root).as_posix()}:{line}: {kind}: take it out, and revoke it if it is real"
                )
    return sorted(set(found))


if __name__ == "__main__":
    report(problems)
