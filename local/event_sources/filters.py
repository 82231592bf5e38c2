"""Filter criteria of event source mappings: which records a function gets.

"For filter rules, Lambda supports the same set of syntax and rules as Amazon EventBridge." A mapping's filters are
alternatives. https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from local.errors import NotEmulated
from local.event_sources.patterns import Predicate, compile_pattern, loads


class Document(NamedTuple):
    """What filters see of a record: its members, and the text of its data where that is a text of the sender's."""

    members: Mapping[str, Any]
    data: str | None = None


class Filters:
    """The filters of one mapping. `data_key` names the member that holds the sender's data: `data`, `body` or none.

    Raises:
        NotEmulated: a pattern is no pattern, or has an operator that is not known.
    """

    def __init__(self, patterns: Sequence[str], data_key: str | None = None) -> None:
        self._data_key = data_key
        self._filters = [_Filter(text, data_key) for text in patterns]

    def match(self, document: Document) -> bool:
        """Whether one of the filters matches, or there are none."""
        if not self._filters:
            return True
        members = document.members
        if document.data is not None and self._data_key and any(each.wants for each in self._filters):
            members = {**members, self._data_key: document.data}
        structure = _structure(document.data) if any(each.wants == "json" for each in self._filters) else None
        return any(each.match(members, structure) for each in self._filters)


class _Filter:
    """One pattern. `wants` is the form that it expects of the data: `json`, `text`, or None when it does not look."""

    def __init__(self, text: str, data_key: str | None) -> None:
        try:
            pattern = loads(text)
        except (ValueError, RecursionError) as error:
            raise NotEmulated(f"Filter pattern {text}", f"it is no JSON: {error}") from error
        if not isinstance(pattern, Mapping):
            raise NotEmulated(f"Filter pattern {text}", "a pattern is an object")
        self._data_key = data_key
        self.wants = _form(pattern, data_key) if data_key else None
        if self.wants == "text" and data_key == "data":
            # "Lambda throws an exception at the time of the event source mapping creation or update."
            raise NotEmulated(f"Filter pattern {text}", "the pattern for the data of a Kinesis record must be JSON")
        self._matches: Predicate = compile_pattern(pattern)

    def match(self, members: Mapping[str, Any], structure: Any) -> bool:
        """The format of the data and of the pattern for it must be the same: "if there is a mismatch, Lambda drops".

        https://docs.aws.amazon.com/lambda/latest/dg/with-sqs-filtering.html has the table.
        """
        if self.wants is None or self._data_key is None:
            return self._matches(members)
        if self.wants == "json":
            return structure is not None and self._matches({**members, self._data_key: structure})
        return _structure(members[self._data_key]) is None and self._matches(members)


def _form(pattern: Mapping[str, Any], data_key: str) -> str | None:
    """What a pattern expects of the data, also in the branches of its $or."""
    branches = [pattern, *(one for one in pattern.get("$or", []) if isinstance(one, Mapping))]
    expected = {"text" if isinstance(one[data_key], list) else "json" for one in branches if data_key in one}
    if len(expected) > 1:
        raise NotEmulated(f"Filter pattern {json.dumps(pattern, default=str)}", f"it wants {data_key} in two forms")
    return expected.pop() if expected else None


def _structure(data: str | None) -> Any:
    """The object or list that a text holds, or None. A single value in JSON counts as a plain string."""
    try:
        value = loads(data or "")
    except (ValueError, RecursionError):  # the latter for a text that is nested more deeply than any event
        return None
    return value if isinstance(value, Mapping | list) else None
