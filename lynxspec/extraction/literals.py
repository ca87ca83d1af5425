"""Words without which a pattern cannot match: looking for them first spares most of the pattern matching.

A search for a fixed word costs a hundredth of a search for an alternation of thirty phrases, and most phrases stand in
no line of most sheets.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Any

import ahocorasick

_LEAST = 2
"""Shorter words of ASCII letters stand nearly everywhere."""

_MOST = 160
"""More alternatives than this are not worth the search."""

_SPELLED = 12
"""So many spellings of one stretch are told apart: ``w\\d`` is ``w0`` to ``w9``."""

_OTHER_CASES = frozenset("isk")
"""Letters that match one beyond ASCII where case is ignored: U+0131, U+017F, U+212A."""

FOREIGN_DIGIT = re.compile(r"[^\x00-\x7f](?<=\d)")
"""A digit that is not one of ASCII, which a ``\\d`` takes as well; no word of `required` holds one."""


@lru_cache(maxsize=2000)
def required(pattern: re.Pattern[str]) -> tuple[str, ...] | None:
    """Words of which every match holds at least one; ``None`` if that cannot be told.

    A digit in a word is one of ASCII: in a text with a `FOREIGN_DIGIT` the words promise nothing.
    """
    try:
        from re import _parser  # type: ignore[attr-defined] # noqa: PLC0415 - private: without it nothing is spared
    except ImportError:
        return None
    ignores_case = bool(pattern.flags & re.IGNORECASE)
    words = _any_of(list(_parser.parse(pattern.pattern, pattern.flags & ~re.UNICODE)), ignores_case=ignores_case)
    if not words or len(words) > _MOST or not all(map(_is_rare, words)):
        return None
    # of "per-token" and "per-token dynamic" the shorter one is enough
    kept = [word for word in words if not any(other != word and other in word for other in words)]
    return tuple(sorted(kept))


Units = dict[int, Sequence[int]]
"""Indices of units, in order, by the identity of a pattern whose words they hold."""


class Words:
    """The words of many patterns in one automaton (Aho and Corasick 1975): a text is read once for all of them."""

    def __init__(self, patterns: Iterable[tuple[int, tuple[str, ...]]]) -> None:
        """Take patterns by their identity, each with its `required` words."""
        owners: dict[str, list[int]] = {}
        self.patterns: set[int] = set()
        for pattern, words in patterns:
            self.patterns.add(pattern)
            for word in words:
                owners.setdefault(word, []).append(pattern)
        self._owners = [*owners.values()]
        self._automaton = ahocorasick.Automaton() if owners else None
        if self._automaton is not None:
            for number, word in enumerate(owners):
                self._automaton.add_word(word, number)
            self._automaton.make_automaton()

    def units(self, text: str, ends: Sequence[int]) -> Units:
        """The units of a lower-case text, given by their ends, that hold a word; for each pattern with any."""
        if self._automaton is None or not ends:
            return {}
        seen: dict[int, list[int]] = {}
        unit, end = 0, ends[0]
        for last, number in self._automaton.iter(text):
            while last >= end and unit + 1 < len(ends):
                unit += 1
                end = ends[unit]
            held = seen.get(number)
            if held is None:
                seen[number] = [unit]
            elif held[-1] != unit:
                held.append(unit)
        found: dict[int, set[int]] = {}
        for number, held in seen.items():
            for pattern in self._owners[number]:
                if pattern in found:
                    found[pattern].update(held)
                else:
                    found[pattern] = set(held)
        return {pattern: sorted(indices) for pattern, indices in found.items()}


def needed(pattern: re.Pattern[str]) -> tuple[str, ...] | None:
    """The words of `required`, looked up by identity: a pattern's own hash is as dear as a small search."""
    held = _MET.get(id(pattern))
    if held is None:
        held = pattern, required(pattern)
        if len(_MET) < _REMEMBERED:
            _MET[id(pattern)] = held
    _BUILT.asked += held[1] is not None and len(_MET) < _REMEMBERED
    return held[1]


def words_met() -> Words:
    """The words of the patterns met so far, or of nearly all: a new one is worth another automaton when used again."""
    if _BUILT.asked >= _WORTH:
        _BUILT.asked = 0
        _BUILT.words = Words([(key, words) for key, (_, words) in _MET.items() if words is not None])
    return _BUILT.words


_REMEMBERED = 2000

_MET: dict[int, tuple[re.Pattern[str], tuple[str, ...] | None]] = {}
"""By identity, which stays while the pattern is held."""


@dataclass(slots=True)
class _Built:
    """The automaton, and how often words that it does not hold were asked for since it was built."""

    words: Words
    asked: int


_BUILT = _Built(Words(()), 0)

_WORTH = 40
"""So many searches word by word cost as much as building the automaton."""


def _is_rare(word: str) -> bool:
    return len(word) >= _LEAST or not word.isascii()


def _any_of(nodes: list[Any], *, ignores_case: bool) -> frozenset[str] | None:
    """The best set of words for a sequence: every match of the sequence holds one of them."""
    candidates: list[frozenset[str]] = []
    run = _ANYTHING
    for operation, argument in nodes:
        node, times = _once(str(operation), argument)
        spelled = _spelled(*node, ignores_case=ignores_case) if times else None
        fits = spelled and len(run) * len(spelled) <= _SPELLED
        longer = frozenset(map("".join, product(run, spelled))) if spelled and fits else run
        if fits and times == 1:
            run = longer
            continue
        candidates.append(longer)  # what may stand there several times ends a run, and so does what is no word
        run = spelled if spelled and not fits and times == 1 else _ANYTHING
        found = _of(*node, ignores_case=ignores_case) if times and not fits and run is _ANYTHING else None
        if found:
            candidates.append(found)
    candidates.append(run)
    return max((words for words in candidates if "" not in words), key=_worth, default=None)


_ANYTHING = frozenset({""})
_Node = tuple[str, Any]


def _once(name: str, argument: Any) -> tuple[_Node, int]:  # noqa: ANN401 - the parser's nodes have no types
    """A node without its repetition, and whether it stands there never (0), once (1) or more often (2) at least."""
    if name not in _REPEATS:
        return (name, argument), 1
    least, _, inner = argument
    alone = inner[0] if len(inner) == 1 else ("SUBPATTERN", (None, 0, 0, inner))
    return (str(alone[0]), alone[1]), 2 if least else 0


_REPEATS = frozenset({"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"})


def _worth(words: Iterable[str]) -> tuple[bool, float, int]:
    """Long words first, and few of them; a character beyond ASCII tells as much as two letters, a common word less."""
    held = tuple(words)
    shortest = min(len(word) if word.isascii() else 2 * len(word) for word in held)
    common = any(map(_COMMON.search, held))
    return shortest >= _LEAST, min(shortest, 5) - 2 * common - len(held) / 20, -len(held)


_COMMON = re.compile(r"quanti|accura|perform|precision|token|weight|calibrat|model| (?:of|for) ")
"""Words that stand in every other line of a sheet."""


def _spelled(name: str, argument: Any, *, ignores_case: bool) -> frozenset[str] | None:  # noqa: ANN401 - as above
    """All that a node matches, where those are few spellings."""
    if name == "LITERAL":
        spelled = frozenset({chr(argument)})
    elif name == "IN":
        spelled = _characters(argument)
    elif name == "BRANCH" and all(str(kind) == "LITERAL" for branch in argument[1] for kind, _ in branch):
        spelled = frozenset("".join(chr(code) for _, code in branch) for branch in argument[1])
    else:
        return None
    if ignores_case:
        if any(not c.isascii() or c.lower() in _OTHER_CASES for word in spelled for c in word):
            return None
        spelled = frozenset(map(str.lower, spelled))
    return spelled if 0 < len(spelled) <= _SPELLED else None


def _characters(items: list[Any]) -> frozenset[str]:
    """The characters of a set; none if they are many or are told by what they are not."""
    found: set[str] = set()
    for kind, argument in items:
        name = str(kind)
        if name == "LITERAL":
            found.add(chr(argument))
        elif name == "RANGE" and argument[1] - argument[0] < _SPELLED:
            found.update(map(chr, range(argument[0], argument[1] + 1)))
        elif name == "CATEGORY" and str(argument) == "CATEGORY_DIGIT":
            found.update("0123456789")
        else:
            return frozenset()
    return frozenset(found)


def _of(name: str, argument: Any, *, ignores_case: bool) -> frozenset[str] | None:  # noqa: ANN401 - as above
    """The words of one node; ``None`` for what may match nothing in particular."""
    if name == "SUBPATTERN":
        _, added, _, inner = argument
        return _any_of(list(inner), ignores_case=ignores_case or bool(added & re.IGNORECASE))
    if name == "BRANCH":
        branches = [_any_of(list(branch), ignores_case=ignores_case) for branch in argument[1]]
        return frozenset().union(*branches) if all(branches) else None  # type: ignore[arg-type]
    return None
