"""Documents that differ from a valid one in one place, for the question whether two validators agree on them."""

# ruff: noqa: E501 - tables of cases are read in columns

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

ABSENT = object()
EXTRA = object()

VALUES: tuple[Any, ...] = (
    ABSENT, EXTRA, None, True, False, 0, 1, -1, 3.0, 3.5, -0.0, 1e-300, 1e300, 1.7e308, 2**31, 2**31 + 1, 10**15, 10**15 + 1,
    10**18, 10**40, 1e15, "", " ", "\t", "\n", "\u2003", "\u200b", "\u0085", "\x1c", "\xa0", "\ufeff", "x", "X", "é", "😀",
    "٣ s", "3 s\n", "3 s", "3  s", "3\u00a0s", "1e400 s", "1.0\n", "1.0", "a\n", "2026-11-20\n", "2026-11-31", "0" * 64,
    "0" * 64 + "\n", "fp32\n", "int8", "fp32", "y" * 65, "y" * 2001, "y" * 20_001, [], {}, ["x"], [1], [True], [None], [[]], [{}],
    {"not_applicable": "x"}, {"not_applicable": " "}, {"not_applicable": "x", "unknown": "y"}, {"unknown": "x"},
    {"unknown": 3}, {"none_needed": "x"}, {"none_needed": "x", "unknown": "y"}, {"kind": "per_tensor"},
    {"kind": "per_channel", "axis": 1.0}, {"kind": "minmax", "symmetric": True}, {"kind": "other"}, {"kind": ["minmax"]},
    {"format": "fp32"}, {"format": "int8"}, {"format": None}, {"format": "fp32", "timing": "static"}, {"format": ["fp32"]},
    {"a": 1, "b": [1, "x", True, 2.5]}, {"a": [[1]]}, {"a": None}, {"A": 1}, {"a\n": 1}, {"": 1}, {"a": {"b": 1}},
    {f"k{i}": 1 for i in range(101)}, {"a": 2**31 + 1}, {"a": 10**400}, {"a": "y" * 2001},
)  # fmt: skip
"""What to put in the place: drop it, add a key beside it, or one of these values."""

SUFFIXES = ("\n", " ", "\r", "\u2028", "\x00", "s")


def paths(data: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """All places but the root."""
    if path:
        yield path
    children = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in children:
        yield from paths(value, (*path, key))


def mutant(data: Any, path: tuple[str | int, ...], value: Any) -> Any:
    """A copy of ``data`` with ``value`` at ``path``."""
    changed = copy.deepcopy(data)
    parent = changed
    for part in path[:-1]:
        parent = parent[part]
    if value is ABSENT:
        del parent[path[-1]]
    elif value is EXTRA:
        if isinstance(parent, dict):
            parent["extra"] = 1
        else:
            parent.append(1)
    else:
        parent[path[-1]] = value
    return changed


def values_at(data: Any, path: tuple[str | int, ...]) -> tuple[Any, ...]:
    """The values above, and for text the same text with something after it."""
    here = data
    for part in path:
        here = here[part]
    if isinstance(here, str):
        return (*VALUES, *(here + suffix for suffix in SUFFIXES), "\n" + here, here.upper())
    return (*VALUES, [here])
