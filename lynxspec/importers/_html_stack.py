"""The open elements of an HTML page, and which of them an end tag closes; every question takes constant time."""

from __future__ import annotations

from typing import NamedTuple

from lynxspec.importers._html_context import HEADINGS, Context, Part

MAX_DEPTH = 10_000


class Element(NamedTuple):
    """An open element."""

    name: str
    block: bool
    part: Part
    context: Context


class Stack:
    """Open elements, outermost first.

    Cells, captions and tables are *scopes*: an end tag in a cell closes nothing outside of it.
    """

    def __init__(self) -> None:
        """Nothing is open."""
        self._elements: list[Element] = []
        self._names: dict[str, list[int]] = {}
        self._parts: dict[str, list[int]] = {}
        self._blocks: list[int] = []
        self._scopes: list[int] = []
        self._outside = Context()

    def __len__(self) -> int:
        """How many elements are open."""
        return len(self._elements)

    @property
    def context(self) -> Context:
        """What holds for text here."""
        return self._elements[-1].context if self._elements else self._outside

    @property
    def top(self) -> Element:
        """The innermost element."""
        return self._elements[-1]

    def push(self, element: Element) -> bool:
        """Open an element; false if too many are open."""
        index = len(self._elements)
        if index >= MAX_DEPTH:
            return False
        self._elements.append(element)
        self._names.setdefault(element.name, []).append(index)
        if element.part:
            self._parts.setdefault(element.part, []).append(index)
            if element.part in {"table", "cell", "caption"}:
                self._scopes.append(index)
        if element.block:
            self._blocks.append(index)
        return True

    def pop(self) -> Element:
        """Close the innermost element."""
        element = self._elements.pop()
        index = len(self._elements)
        places = self._names[element.name]
        places.pop()
        if not places:
            del self._names[element.name]
        if element.part:
            self._parts[element.part].pop()
            if self._scopes[-1:] == [index]:
                self._scopes.pop()
        if element.block:
            self._blocks.pop()
        return element

    def recontext(self, context: Context) -> None:
        """Change what holds for text in the innermost element."""
        self._elements[-1] = self._elements[-1]._replace(context=context)

    def holds(self, name: str) -> bool:
        """Whether such an element is open anywhere."""
        return name in self._names

    def within(self, *names: str) -> bool:
        """Whether one of these is open in the current scope."""
        return any(self.index(name) >= 0 for name in names)

    def index(self, name: str, *, above: tuple[str, ...] = ()) -> int:
        """Where the innermost element of this name stands, in the current scope and in none of ``above``; else -1."""
        limit = max([_last(self._scopes), *(_last(self._names.get(outer)) for outer in above)])
        found = _last(self._names.get(name))
        return found if found > limit else -1

    def part_index(self, part: Part) -> int:
        """Where such a part of the innermost table stands; else -1."""
        found = _last(self._parts.get(part))
        return found if found > _last(self._parts.get("table")) else -1

    def closing(self, name: str) -> int:
        """Where the element stands that an end tag of this name closes; -1 if it closes nothing."""
        found = _last(self._names.get(name))
        if found < 0 and name in HEADINGS:  # any end tag of a heading ends the heading that is open
            found = max(_last(self._names.get(heading)) for heading in HEADINGS)
        if found < 0:
            return -1
        element = self._elements[found]
        if element.part == "table":
            limit = -1
        elif element.part:
            limit = _last(self._parts.get("table"))
        elif element.block:
            limit = _last(self._scopes)
        else:
            limit = _last(self._blocks)
        return found if found > limit else -1


def _last(places: list[int] | None) -> int:
    return places[-1] if places else -1
