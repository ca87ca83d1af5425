"""What a name in free text is: model, hardware, data set, metric, tool, driver, method or foreign word.

A little over 400 lines: the scan and all that it asks of a place in the text.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import accumulate
from types import MappingProxyType
from typing import NamedTuple

from lynxspec.facts.lexicon_entries import (
    ATOM,
    Alias,
    Entry,
    Lexicon,
    Line,
    Reading,
    Site,
    alias,
    foreign_beginnings,
    lexicon,
    lowered,
    makers,
    shaped,
    spellings,
)
from lynxspec.facts.lexicon_hardware import read_hardware
from lynxspec.facts.lexicon_models import UNKNOWN, read_family, read_model, suffixes, with_repository
from lynxspec.facts.lexicon_versions import (
    read_calibration,
    read_dataset,
    read_driver,
    read_method,
    read_metric,
    read_tool,
    read_word,
)

__all__ = ["Mention", "mentions"]


class Mention(NamedTuple):
    """A name in a text; a tuple, since a sheet has hundreds."""

    start: int
    """Offset of its first character."""
    end: int
    """Offset behind its last character."""
    kind: str
    """``model``, ``family``, ``hardware``, ``dataset``, ``metric``, ``tool``, ``driver``, ``algorithm``,
    ``calibration_method``, ``approach`` or ``word``."""
    name: str
    """The name in one spelling, whatever the text's is."""
    detail: Mapping[str, str]
    """What else is known, by kind; a key that does not apply is absent."""


_READERS: Mapping[str, Callable[[Site], Reading | None]] = {
    "model": read_model,
    "family": read_family,
    "hardware": read_hardware,
    "dataset": read_dataset,
    "metric": read_metric,
    "tool": read_tool,
    "driver": read_driver,
    "algorithm": read_method,
    "approach": read_method,
    "calibration_method": read_calibration,
    "word": read_word,
}

_SPACES = (" ", "\u00a0", "\u2009", "\u202f")
_HYPHENS = ("-", "\u2010", "\u2011", "\u2012", "\u2013", "\u2014", "\u2212")
_MARKS = ("®", "™", "®®®", "®®®®")
_MARKED = tuple(mark + gap for mark in _MARKS for gap in ("", " ", "-"))
_PAIRS = ("\\_", "\\-", "@.", "@[", "@[.", ":.", " & ", ")-", "+ ", "+-")
_JOINS = frozenset(("", *"_./@:&()#'’+", *_SPACES, *_HYPHENS, *_MARKED, *_PAIRS))
"""What may stand between the parts of a name."""

_NEAR = 80
"""How far from a bare word, in characters, a word of calibration makes it one of calibration too."""

_CELL = 40
"""A text this short is a table's cell or a heading: a bare name in it needs no context."""

_LINE = 1000
"""Texts up to this many characters are remembered."""

_LONGEST = 24
"""Atoms and separators that a name of a model has at most before its size."""

_ROOM = 12
"""Characters beside a name in a cell that holds little else."""


class _Scan(NamedTuple):
    """A text in atoms; a tuple, since every cell makes one."""

    text: str
    low: str
    parts: list[str]
    """Separators at even places, atoms at odd ones."""
    ends: list[int]
    """Offset behind each part."""
    held: dict[tuple[str, ...], bool]
    """Whether the text holds one of these words, as far as it was asked."""

    def holds(self, words: tuple[str, ...]) -> bool:
        """Whether one of the words stands anywhere; names of one kind ask for the same ones."""
        if words not in self.held:
            self.held[words] = any(word in self.low for word in words)
        return self.held[words]


def mentions(text: str) -> tuple[Mention, ...]:
    """Every name in ``text``, by place; names of one kind do not overlap."""
    return _remembered(text) if len(text) <= _LINE else tuple(_scanned(text))


@lru_cache(maxsize=1024)
def _remembered(text: str) -> tuple[Mention, ...]:
    """Cells and lines come again and again."""
    return tuple(_scanned(text))


def _scanned(text: str) -> Iterator[Mention]:
    low = lowered(text)
    parts = ATOM.split(low)
    scan = _Scan(text, low, parts, list(accumulate(map(len, parts))), {})
    found = list(_known(scan, lexicon()))
    if not low.isascii():
        found += _clear(_foreign(scan, lexicon()), found)
    if found:
        found = _joined_models(text, found)
    if "b" in parts:
        found += _clear(_unknown_models(scan), found)
    if found:
        found = _with_owners(text, found)
    formed = list(shaped(text))
    return _without_overlaps([*_clear(found, formed), *formed] if formed else found)


Found = tuple[Entry, Reading]


def _known(scan: _Scan, tables: Lexicon) -> Iterator[Found]:
    """Names of the tables, from left to right; the longest spelling wins and hides what it holds."""
    heads, ends = tables.heads, scan.ends
    parts = scan.parts
    resume = 0
    for first in [2 * k + 1 for k, atom in enumerate(parts[1::2]) if atom in heads]:
        start = ends[first - 1]
        if start < resume or not (parts[first - 1] or _begins(parts, first)):
            continue
        for key, last in reversed(_spellings(scan, tables, first)):
            end = ends[last]
            end += scan.text[end : end + 1] in {")", "]"} and _open(scan.text[start:end])
            readings = _readings(scan, tables.phrases[key], first, last, end)
            if readings is not None:
                yield from readings
                resume = max(end, *(reading.end for _, reading in readings)) if readings else end
                break


def _open(written: str) -> bool:
    """Whether a bracket is open."""
    return ("(" in written and ")" not in written) or ("[" in written and "]" not in written)


def _begins(parts: list[str], first: int) -> bool:
    """Whether a name may begin at an atom right behind another: only behind a count as in ``8xH100``."""
    return first == 1 or (parts[first - 2] == "x" and first > 4 and not parts[first - 3] and parts[first - 4].isdigit())


def _spellings(scan: _Scan, tables: Lexicon, first: int) -> list[tuple[str, int]]:
    """Spellings of the tables that begin at an atom, with their last atoms; the longest last."""
    parts, phrases = scan.parts, tables.phrases
    key = parts[first]
    limit = tables.heads[key]
    found = [(key, first)] if key in phrases else []
    last, stop = first, len(parts) - 3
    while last <= stop and len(key) < limit and parts[last + 1] in _JOINS:
        last += 2
        key += parts[last]
        if key in phrases:
            found.append((key, last))
    return found


def _readings(scan: _Scan, lines: list[Line], first: int, last: int, end: int) -> list[Found] | None:
    """What a spelling stands for, at most once per kind; ``None`` if nothing of it fits here."""
    found: list[Found] = []
    start = scan.ends[first - 1]
    for line in lines:
        spelled = alias(line)
        entry = spelled.entry
        if (found and any(entry.kind == other.kind for other, _ in found)) or not _fits(scan, spelled, first, last):
            continue
        written = "".join(filter(str.isalnum, scan.text[start:end])) if "c" in entry.flags else ""
        exact = _cased(written, spelled.spelling)
        if not _meant(scan, spelled, first, last, exact=exact):
            continue
        if not entry.kind:
            return []
        reading = _READERS[entry.kind](Site(scan.text, start, end, spelled, exact))
        if reading is not None and _ends(scan.text, reading.end, entry.kind):
            found.append((entry, reading))
    if len(found) < 2:
        return found or None
    return [item for item in found if item[0].kind == "tool" and "version" in item[1].detail] or found


@lru_cache(maxsize=8192)
def _gaps(spelling: str) -> Mapping[int, str]:
    """Where a spelling may be parted, in letters and digits from its start, and by what (see `Alias.spelling`)."""
    found: dict[int, str] = {}
    at = 0
    for piece in re.split(r"([ @/]+)", spelling):
        if piece and piece[0] in " @/":
            found[at] = "@" if "@" in piece else piece[0]
        else:
            at += len(piece)
    return found


def _fits(scan: _Scan, spelled: Alias, first: int, last: int) -> bool:
    """Whether the text parts the name where its spelling allows."""
    if first == last:
        return "@" not in spelled.spelling
    gaps = _gaps(spelled.spelling)
    at = 0
    for k in range(first, last, 2):
        at += len(scan.parts[k])
        separator = scan.parts[k + 1]
        gap = gaps.get(at, "")
        if (separator and not gap) or (gap == "@" and "@" not in separator) or (gap != "/" and separator == "/"):
            return False
    return True


@lru_cache(maxsize=2048)
def _cased(written: str, spelling: str) -> bool:
    """Whether a name has the capitals of its spelling, or is in capitals throughout."""
    wanted = "".join(filter(str.isalnum, spelling))
    return written == wanted or wanted.islower() or (written.isupper() and not wanted.isupper() and len(wanted) > 3)


def _meant(scan: _Scan, spelled: Alias, first: int, last: int, *, exact: bool) -> bool:
    """Whether the words around a name let it be one."""
    entry, low = spelled.entry, scan.low
    if entry.context and not scan.holds(entry.context):
        room = _ROOM if entry.kind == "hardware" else 2
        if len(low) > len(spelled.spelling) + room or "t" in entry.flags or not exact:
            return False
    if "c" in entry.flags and entry.kind != "model" and not _spoken_of(scan, spelled, first, exact=exact):
        return False
    if "~" in entry.flags and len(low) > _CELL:
        return scan.holds(tuple(spellings("near_hardware")))
    if "q" in entry.flags:
        near = low[max(0, scan.ends[first - 1] - _NEAR) : scan.ends[last] + _NEAR]
        return any(word in near for word in spellings("near_calibration"))
    return True


def _spoken_of(scan: _Scan, spelled: Alias, first: int, *, exact: bool) -> bool:
    """Whether a name that is also a plain word or a number of something has its capitals, or its maker before it."""
    before = scan.parts[first - 2] if first > 1 else ""
    made = spelled.entry.kind == "hardware" and before in makers()
    return (exact or made) and not (len(spelled.spelling) < 4 and before in spellings("numbering"))


def _ends(text: str, end: int, kind: str) -> bool:
    """Whether a name may end here: not inside a word or number."""
    after = text[end : end + 1]
    if after.isascii() and after.isalnum():
        return kind == "dataset" and after.isdigit() and text[end - 1].isalpha()
    return not (after in {".", ","} and text[end - 1].isdigit() and text[end + 1 : end + 2].isdigit())


def _foreign(scan: _Scan, tables: Lexicon) -> Iterator[Found]:
    """Names and words in other scripts."""
    resume = 0
    for match in foreign_beginnings().finditer(scan.low):
        at = match.start()
        if at < resume:
            continue
        for word in tables.foreign[match[0]]:
            start = at - word.offset
            if start < 0 or not scan.low.startswith(word.lowered, start):
                continue
            spelled = alias(word.line)
            kind = spelled.entry.kind
            reading = _READERS[kind](Site(scan.text, start, start + len(word.lowered), spelled, True))
            if reading:
                yield spelled.entry, reading
                resume = max(resume, reading.end)


def _joined_models(text: str, found: list[Found]) -> list[Found]:
    """Stems tied to one another as one model, and stems that need a neighbour only with one."""
    models = sorted([item for item in found if item[0].kind == "model"], key=lambda item: item[1].start)
    if not models:
        return found
    joined: list[Found] = []
    for entry, reading in models:
        if joined and _tied(text, joined[-1], (entry, reading)):
            head, last = joined[-1]
            detail = {**reading.detail, **last.detail}
            joined[-1] = (head, Reading(last.start, reading.end, f"{last.name} {reading.name}", detail))
        else:
            joined.append((entry, reading))
    return [item for item in found if item[0].kind != "model"] + [item for item in joined if item[1].complete]


def _tied(text: str, one: Found, other: Found) -> bool:
    between = text[one[1].end : other[1].start]
    if between in {"-", "_", "\\_"}:
        return True
    return between == " " and "h" in one[0].flags and "b" in other[0].flags


def _unknown_models(scan: _Scan) -> Iterator[Found]:
    """Names that no table has and that end with a size in billions: ``Nordlicht-7B-Instruct``."""
    parts, ends, text = scan.parts, scan.ends, scan.text
    for unit in [k for k in range(3, len(parts), 2) if parts[k] == "b" and not parts[k - 1] and parts[k - 2].isdigit()]:
        first = unit - 2
        if first > 2 and parts[first - 1] == "." and parts[first - 2].isdigit():
            first -= 2
        if (parts[unit + 1][:1] == "" and unit + 2 < len(parts)) or first < 3 or parts[first - 1] not in {"-", "_"}:
            continue
        while unit - first < _LONGEST and first > 2 and parts[first - 1] in {"-", "_", "", "."}:
            first -= 2
        start, end = ends[first - 1], ends[unit]
        if (
            parts[first] in spellings("no_stem")
            or len(parts[first]) < 3
            or not parts[first].isalpha()
            or not text[start].isupper()
        ):
            continue
        (more, end), detail = suffixes(UNKNOWN.entry, text, end)
        stem, size = text[start : ends[unit]].replace("_", "-").rsplit("-", 1)
        chat = {"Instruct", "Chat", "it", "Thinking", "Reasoning"} & set(more)
        family = {"family": "transformer_decoder", "task": "text generation"} if chat else {}
        known = {"stem": stem, "size": size.upper(), "unknown": "yes", **detail, **family}
        yield UNKNOWN.entry, Reading(start, end, " ".join([stem, size.upper(), *more]), known)


def _with_owners(text: str, found: list[Found]) -> list[Found]:
    """Models with their owners; an owner's name is no other name."""
    if "/" not in text:
        return found
    others = {(reading.start, reading.end) for _, reading in found}  # PyTorch/ResNet-50, BERT/RoBERTa
    owned, owners = [], {}
    for entry, reading in (item for item in found if item[0].kind == "model"):
        whole = with_repository(text, reading)
        owner = whole.detail.get("owner", "")
        end = whole.start + len(owner)
        taken = bool(owner) and (whole.start, end) in others and owner.lower() not in spellings("owner")
        owned.append((entry, reading if taken else whole))
        if not taken:
            owners[whole.start] = end - whole.start
    rest = (item for item in found if item[0].kind != "model")
    return owned + [item for item in rest if item[1].end - item[1].start > owners.get(item[1].start, 0)]


def _clear(found: Iterable[Found], of: list[Found]) -> list[Found]:
    """Those of ``found`` that share no character with a name of their kind in ``of``."""
    found = list(found)
    if not found or not of:
        return found
    spans: dict[str, list[tuple[int, int]]] = {}
    for entry, reading in sorted(of, key=lambda item: item[1].start):
        spans.setdefault(entry.kind, []).append((reading.start, reading.end))

    def free(entry: Entry, reading: Reading) -> bool:
        taken = spans.get(entry.kind, [])
        at = bisect_left(taken, (reading.start + 1,))
        before = taken[at - 1][1] if at else 0
        after = taken[at][0] if at < len(taken) else reading.end
        return before <= reading.start and after >= reading.end

    return [item for item in found if free(*item)]


def _without_overlaps(found: list[Found]) -> Iterator[Mention]:
    """Mentions by place; of two of one kind that overlap, the first and longer."""
    last: dict[str, int] = {}
    if len(found) > 1:
        found = sorted(found, key=lambda item: (item[1].start, -item[1].end, item[0].kind))
    for entry, reading in found:
        if last.get(entry.kind, -1) > reading.start:
            continue
        last[entry.kind] = reading.end
        yield Mention(
            start=reading.start,
            end=reading.end,
            kind=entry.kind,
            name=reading.name,
            detail=MappingProxyType(reading.detail),
        )
