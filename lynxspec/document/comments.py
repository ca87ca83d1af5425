"""Comments of a YAML file with their lines: where ignores and the schema modeline stand."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ruamel.yaml.events import ScalarEvent

from lynxspec.errors import HostileInput
from lynxspec.location import Span

MAX_COMMENTS = 10_000
_START = re.compile(r"(?<![^\s])#")


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """One comment."""

    text: str
    """Words after the ``#``, stripped."""
    span: Span
    alone: bool
    """Whether the comment has its line to itself."""


def comments(text: str, events: tuple[Any, ...], *, source: str) -> tuple[Comment, ...]:
    """All comments of a YAML text with these ``events``; a ``#`` inside a scalar is none."""
    if "#" not in text:
        return ()
    covers = [_cover(event) for event in events if type(event) is ScalarEvent and "#" in event.value]
    found: list[Comment] = []
    first = 0  # covers that end before the current line are behind us
    # the YAML scanner lets no other line breaks through than those that it counts itself
    for number, line in enumerate(text.splitlines()):
        if "#" not in line:
            continue
        while first < len(covers) and covers[first][1] < (number, 0):
            first += 1
        column = _comment_column(number, line, covers, first)
        if column is not None:
            span = Span(line=number + 1, column=column + 1, end_line=number + 1, end_column=len(line))
            if len(found) == MAX_COMMENTS:
                message = f"{source}:{number + 1}:{column + 1}: more than {MAX_COMMENTS:,} comments"
                raise HostileInput(message, hint="keep notes in a file of their own")
            found.append(Comment(text=line[column + 1 :].strip(), span=span, alone=not line[:column].strip()))
    return tuple(found)


def _cover(event: Any) -> tuple[tuple[int, int], tuple[int, int]]:  # noqa: ANN401 - ruamel's events carry no types
    """Stretch of a scalar's own words: a comment may follow a block scalar's ``|``."""
    start, end = event.start_mark, event.end_mark
    block = event.style in {"|", ">"}
    return ((start.line + 1, 0) if block else (start.line, start.column)), (end.line, end.column)


def _comment_column(
    number: int, line: str, covers: list[tuple[tuple[int, int], tuple[int, int]]], at: int
) -> int | None:
    """Column of the first ``#`` after white space that no scalar covers."""
    for match in _START.finditer(line):
        here = (number, match.start())
        while at < len(covers) and covers[at][1] <= here:
            at += 1
        if at == len(covers) or here < covers[at][0]:
            return match.start()
    return None
