"""Names of whole schemes (``FP8_DYNAMIC``, ``Q4_K_M``) as the fields they stand for, and spellings of formats."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from lynxspec.facts.source import read_toml
from lynxspec.vocabulary import Approach, NumberFormat


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """What a name promises; an empty set promises nothing."""

    name: str
    weights: frozenset[NumberFormat]
    activations: frozenset[NumberFormat]
    timing: str | None
    """Timing of the activations' scales, if the name fixes it."""
    approach: Approach | None
    mixed: bool
    """Whether the name stands for a mix of block types rather than one."""
    source: str


@cache
def _document() -> dict[str, Any]:
    return read_toml("presets.toml")


@cache
def _by_word() -> Mapping[str, Preset]:
    found: dict[str, Preset] = {}
    for name, row in _document()["preset"].items():
        preset = Preset(
            name=name,
            weights=frozenset(NumberFormat(word) for word in row["weights"]),
            activations=frozenset(NumberFormat(word) for word in row.get("activations", ())),
            timing=row.get("timing"),
            approach=Approach(row["approach"]) if "approach" in row else None,
            mixed=row.get("mixed", False),
            source=row["source"],
        )
        found.update(dict.fromkeys((_plain(word) for word in row["words"]), preset))
    return found


def _plain(text: str) -> str:
    return re.sub(r"[\s_-]+", "-", text.lower())


@cache
def _pattern() -> re.Pattern[str]:
    longest_first = sorted(_by_word(), key=len, reverse=True)
    return re.compile(r"(?<![a-z0-9])(" + "|".join(map(re.escape, longest_first)) + r")(?![a-z0-9])")


def preset(name: str) -> Preset | None:
    """The preset of that name."""
    return _by_word().get(_plain(name))


def mentioned(text: str) -> tuple[tuple[str, Preset], ...]:
    """Every preset named in ``text`` with the word that names it; a longer name hides those inside it."""
    found = ((match[1], _by_word()[match[1]]) for match in _pattern().finditer(_plain(text)))
    return tuple(found)


@cache
def number_format(spelling: str) -> NumberFormat | None:
    """The canonical format behind a tool's spelling."""
    word = spelling.strip().lower().replace("-", "_").removeprefix("torch.")
    known = _document()["alias"].get(word, word)
    return NumberFormat(known) if known in set(NumberFormat) else None
