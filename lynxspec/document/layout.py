"""Spans of keys and values, found in the events of a document only when somebody asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any, Generic, TypeVar

from ruamel.yaml.events import (
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from lynxspec.location import Path, Span

T = TypeVar("T")

Node = Any
"""The scalar's own event, or a `Branch`."""


class Branch:
    """A mapping or a list with the events that bound it: a tree of places beside the tree of data."""

    __slots__ = ("children", "end", "keys", "start")

    def __init__(self, start: Any) -> None:  # noqa: ANN401 - ruamel's events carry no types
        """``children`` by key or by index; ``keys`` holds the events of a mapping's keys."""
        self.start = start
        self.end = start
        self.keys: dict[str, Any] = {}
        self.children: dict[str | int, Node] = {}


class _Layout:
    """The tree of places, built at the first question."""

    def __init__(self, events: tuple[Any, ...]) -> None:
        self.events = events

    @cached_property
    def root(self) -> Node | None:
        """The events as a tree; `build` has checked them."""
        stack: list[Branch] = []
        root: Node | None = None
        key: Any = None
        for event in self.events:
            kind = type(event)
            if kind is MappingEndEvent or kind is SequenceEndEvent:
                stack.pop().end = event
                continue
            if kind is not ScalarEvent and kind is not MappingStartEvent and kind is not SequenceStartEvent:
                continue
            top = stack[-1] if stack else None
            if top is not None and key is None and type(top.start) is MappingStartEvent:
                key = event
                top.keys[event.value] = event
                continue
            node: Node = event if kind is ScalarEvent else Branch(event)
            if top is None:
                root = node
            else:
                top.children[len(top.children) if key is None else key.value] = node
            key = None
            if kind is not ScalarEvent:
                stack.append(node)
        return root


class _ByPath(Mapping[Path, T], Generic[T]):
    """A mapping from paths that walks the tree of places: nothing is computed for documents without findings."""

    __slots__ = ("_keys", "_layout", "_make")

    def __init__(self, layout: _Layout, make: Callable[[Any], T | None], *, keys: bool = False) -> None:
        self._layout = layout
        self._make = make
        self._keys = keys

    def __getitem__(self, path: Path) -> T:
        node = self._layout.root if path or not self._keys else None
        parents = path[:-1] if self._keys else path
        for part in parents:
            node = _child(node, part)
        if self._keys and path:
            node = node.keys.get(str(path[-1])) if isinstance(node, Branch) else None
        made = None if node is None else self._make(node)
        if made is None:
            raise KeyError(path)
        return made

    def __iter__(self) -> Iterator[Path]:
        return (path for path in _paths(self._layout.root) if path in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _child(node: Node | None, part: str | int) -> Node | None:
    return node.children.get(part) if isinstance(node, Branch) else None


def _paths(root: Node | None) -> Iterator[Path]:
    """Every path of the document in file order; as deep as the depth limit at most."""
    waiting: list[tuple[Path, Node | None]] = [((), root)]
    while waiting:
        path, node = waiting.pop()
        yield path
        if isinstance(node, Branch):
            waiting.extend(((*path, part), child) for part, child in reversed(node.children.items()))


def _span(node: Node) -> Span:
    """Ends are inclusive: the last character's own line and column."""
    first, last = (node.start, node.end) if isinstance(node, Branch) else (node, node)
    start, end = first.start_mark, last.end_mark
    line, column = end.line, end.column
    if column == 0 and line > start.line:  # a block ends at the start of the line after it
        line, column = line - 1, None
    if column is not None and (line, column) <= (start.line, start.column):  # nothing is written there
        column = start.column + 1
    return Span(line=start.line + 1, column=start.column + 1, end_line=line + 1, end_column=column)


def _spelling(node: Node) -> str | None:
    """What stands in the file, for unquoted scalars."""
    return None if isinstance(node, Branch) or not node.implicit[0] else str(node.value)


def spans_of(events: tuple[Any, ...]) -> tuple[Mapping[Path, Span], Mapping[Path, Span], Mapping[Path, str]]:
    """Spans of keys, spans of values, spellings of unquoted scalars."""
    layout = _Layout(events)
    return _ByPath(layout, _span, keys=True), _ByPath(layout, _span), _ByPath(layout, _spelling)
