"""What mutations under way are expected to do, shown in every feed of the topic, also in those opened later."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from weakref import ref

from headwater.mutations import Mutation, Optimistic
from headwater.view import View

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Shown(Generic[T]):
    view: ref[View[T]]  # it ends with its feed
    parse: Callable[[dict[str, Any]], T]

    def show(self, id_: str, each: Optimistic) -> None:
        wire, view = each.wire(), self.view()
        if view is not None:
            view.optimistic(id_, each.key, None if wire is None else self.parse(wire))

    def settle(self, id_: str, each: Optimistic, data: Any) -> None:
        answered, view, item = each.item_in(data), self.view(), None
        if view is not None:
            if answered is not None:
                with suppress(ValueError, KeyError, TypeError):  # the mutation selects too little of it
                    item = self.parse(answered)
            view.settle(id_, each.key_in(data), item)


class Overlays:
    """The mutations under way of a client, and the views of its feeds by topic."""

    def __init__(self) -> None:
        self._mutations: dict[str, Mutation] = {}
        self._views: dict[str, list[_Shown[Any]]] = {}

    def attach(self, topic: str, view: View[T], parse: Callable[[dict[str, Any]], T]) -> None:
        """Show in a feed's view what is under way, and what comes. `parse` reads an item in the API's shape.

        Before the feed's snapshot: what a mutation of an earlier process did may be in it already.
        """
        shown = _Shown(ref(view), parse)
        for name, views in list(self._views.items()):
            self._views[name] = [each for each in views if each.view() is not None]
            if not self._views[name]:
                del self._views[name]
        self._views.setdefault(topic, []).append(shown)
        for mutation in self._mutations.values():
            for id_, each in _numbered(mutation):
                if each.topic == topic:
                    # Queued by an earlier version of the program, perhaps; what cannot be read is not shown.
                    with suppress(ValueError, KeyError, TypeError):
                        shown.show(id_, each)

    def show(self, mutation: Mutation) -> None:
        """A mutation is under way.

        Raises:
            ValueError, KeyError, TypeError: an expected item is not one of its topic; nothing is shown.
        """
        try:
            for id_, each in _numbered(mutation):
                for shown in self._views.get(each.topic, ()):
                    shown.show(id_, each)
        except (ValueError, KeyError, TypeError):
            self.roll_back(mutation)
            raise
        if mutation.optimistic:
            self._mutations[mutation.id] = mutation

    def settle(self, mutation: Mutation, data: Any) -> None:
        """It has succeeded, with this answer."""
        self._mutations.pop(mutation.id, None)
        for id_, each in _numbered(mutation):
            for shown in self._views.get(each.topic, ()):
                shown.settle(id_, each, data)

    def roll_back(self, mutation: Mutation) -> None:
        """It has failed."""
        self._mutations.pop(mutation.id, None)
        for id_, each in _numbered(mutation):
            for view in self._views_of(each):
                view.roll_back(id_)

    def _views_of(self, each: Optimistic) -> list[View[Any]]:
        return [view for shown in self._views.get(each.topic, ()) if (view := shown.view()) is not None]


def _numbered(mutation: Mutation) -> list[tuple[str, Optimistic]]:
    return [(f"{mutation.id}/{number}", each) for number, each in enumerate(mutation.optimistic)]
