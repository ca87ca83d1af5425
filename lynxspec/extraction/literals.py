"""Words without which a pattern cannot match: looking for them first spares most of the pattern matching.

A search for a fixed word costs a hundredth of a search for an alternation of thirty phrases, and most phrases stand in
no line of most sheets.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

_LEAST = 2
"""Shorter words stand nearly everywhere."""

_MOST = 160
"""More alternatives than this are not worth the search."""


@cache
def required(pattern: re.Pattern[str]) -> tuple[str, ...] | None:
    """Words of which every match holds at least one; ``None`` if that cannot be told."""
    try:
        from re import _parser  # type: ignore[attr-defined] # noqa: PLC0415 - private: without it nothing is spared
    except ImportError:
        return None
    words = _any_of(list(_parser.parse(pattern.pattern, pattern.flags & ~re.UNICODE)))
    if words is None or len(words) > _MOST or min(map(len, words)) < _LEAST:
        return None
    # of "per-token" and "per-token dynamic" the shorter one is enough
    kept = [word for word in words if not any(other != word and other in word for other in words)]
    return tuple(sorted(kept))


def _any_of(nodes: list[Any]) -> frozenset[str] | None:
    """The best set of words for a sequence: every match of the sequence holds one of them."""
    candidates: list[frozenset[str]] = []
    run = ""
    for operation, argument in nodes:
        name = str(operation)
        if name == "LITERAL":
            run += chr(argument)
            continue
        if run:
            candidates.append(frozenset({run}))
            run = ""
        inner = _of(name, argument)
        if inner:
            candidates.append(inner)
    if run:
        candidates.append(frozenset({run}))
    return max(candidates, key=_worth, default=None)


def _worth(words: frozenset[str]) -> tuple[bool, float, int]:
    """Long words first, and few of them."""
    shortest = min(map(len, words))
    return shortest >= _LEAST, min(shortest, 5) - len(words) / 40, -len(words)


def _of(name: str, argument: Any) -> frozenset[str] | None:
    """The words of one node; ``None`` for what may match nothing in particular."""
    if name == "SUBPATTERN":
        return _any_of(list(argument[-1]))
    if name == "BRANCH":
        branches = [_any_of(list(branch)) for branch in argument[1]]
        return frozenset().union(*branches) if all(branches) else None  # type: ignore[arg-type]
    if name in {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}:
        return _any_of(list(argument[2])) if argument[0] > 0 else None
    if name == "IN" and all(str(kind) == "LITERAL" for kind, _ in argument):
        return frozenset(chr(code) for _, code in argument)
    return None
