"""The blocks of plain text: Markdown's, and tables drawn with blanks, tabs and separators."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Literal

from lynxspec.importers._columns import read_columns, runs
from lynxspec.importers._decode import even
from lynxspec.importers._header_rows import is_number
from lynxspec.importers._markdown_blocks import MarkdownReader
from lynxspec.importers._records import read_blocks
from lynxspec.importers._surroundings import around_tables
from lynxspec.sheet import Block

_PAGE = re.compile(r"\s*(?:<\?xml[^>]{0,200}>\s*)?(?:<!doctype html|<html\b|<head\b|<body\b)", re.IGNORECASE)
_TAG = re.compile(r"</?(?:table|tr|td|th|div|p|h[1-6]|ul|ol|li|span|section|article)\b[^<>]{0,2000}>", re.IGNORECASE)
_DIRECTIVE = re.compile(r"^[ ]{0,8}\.\. [\w-]{1,40}::", re.MULTILINE)
_UNDERLINE = re.compile(r"^\S.{0,200}\n([=\-~^\"'`#*+])\1{2,200}[ \t]*$", re.MULTILINE)
_REFERENCE = re.compile(
    r":(?:ref|doc|class|func|meth|math):`|`[^`<>\n]{1,200}<[^<>`\n]{1,300}>`__?|^[ ]{0,8}\.\. _[\w -]{1,60}:",
    re.MULTILINE,
)
_MARKDOWN = re.compile(r"^(?:#{1,6} \S|```|[-*] \S.*\n[-*] \S)", re.MULTILINE)
"""What shows that tags are islands in Markdown rather than a page."""
_FENCE = re.compile(r"[ ]{0,3}(`{3,}|~{3,})")
_SHORT = 40
_SAMPLE = 200_000

Nature = Literal["html", "rst", "csv", "text"]


def nature(text: str) -> Nature:
    """What a text is written in, by what most of it looks like."""
    sample = even(text[:_SAMPLE])
    if _PAGE.match(sample):
        return "html"
    lines = [line for line in sample.split("\n") if line.strip()]
    tags = sum(1 for _ in _TAG.finditer(sample))
    marked = _MARKDOWN.search(sample) is not None
    if not marked and tags >= 4 and sum(line.lstrip().startswith("<") for line in lines) * 2 > len(lines):
        return "html"
    directives = sum(1 for _ in _DIRECTIVE.finditer(sample))
    underlined = sum(1 for _ in _UNDERLINE.finditer(sample))
    if "```" not in sample and (
        (directives and (underlined or directives > 1 or _REFERENCE.search(sample)))
        or (_REFERENCE.search(sample) and underlined)
    ):
        return "rst"
    separated = sum(stop - first for first, stop in _separated(lines))
    return "csv" if separated and separated * 5 >= len(lines) * 3 else "text"


def blocks(text: str, *, told: list[str] | None = None) -> tuple[Block, ...]:
    """The blocks of a text that is neither a page nor a table as a whole; what could not be read is ``told``."""
    plain = even(text)
    reader = MarkdownReader(text, plain, indented_code=False)
    position = reader.front_matter()
    for start, end, found in _drawn(plain, position):
        reader.read(position, start)
        reader.blocks += found
        position = end
    reader.read(position, len(plain))
    if told is not None:
        told += reader.notes
    return around_tables(reader.blocks, plain, reader.ordinals)


def _drawn(plain: str, start: int) -> Iterator[tuple[int, int, list[Block]]]:
    """Where tables are drawn without bars, and what they hold."""
    for stretches in _paragraphs(plain, start):
        lines = [plain[a:b] for a, b in stretches]
        taken = 0
        found = sorted(
            [(*run, "columns") for run in runs(plain, stretches)] + [(*run, "records") for run in _separated(lines)]
        )
        for first, stop, kind in found:
            if first < taken:
                continue
            taken = stop
            begin = plain.rfind("\n", 0, stretches[first][0]) + 1
            end = stretches[stop - 1][1]
            if kind == "columns":
                yield begin, end, [read_columns(plain, stretches[first:stop])]
            else:
                yield begin, end, list(read_blocks(plain, begin, end))


def _paragraphs(plain: str, start: int) -> Iterator[list[tuple[int, int]]]:
    """Lines without a blank one between them, each without blanks around it; fenced code is left out."""
    found: list[tuple[int, int]] = []
    fence = ""
    for line in _LINE.finditer(plain, start):
        begin = line.start()
        words = line[0].strip()
        opening = _FENCE.match(line[0])
        if opening and (not fence or (words.startswith(fence) and not words.strip(fence[0]))):
            fence = "" if fence else opening[1]
            words = ""
        if fence or not words:
            if found:
                yield found
                found = []
            continue
        begin += len(line[0]) - len(line[0].lstrip())
        found.append((begin, begin + len(words)))
    if found:
        yield found


_LINE = re.compile(r"[^\n]+|\n(?=\n)")


def _separated(lines: Sequence[str]) -> list[tuple[int, int]]:
    """Which lines are separated values: three or more with as many separators, some of them results."""
    found: list[tuple[int, int]] = []
    for separator in ";,":
        first = 0
        while first < len(lines):
            count = lines[first].count(separator)
            stop = first + 1
            while count >= 3 and stop < len(lines) and lines[stop].count(separator) == count:
                stop += 1
            if stop - first >= 3 and _are_records(lines[first:stop], separator):
                found.append((first, stop))
            first = stop
        if found:
            break
    return found


def _are_records(lines: Sequence[str], separator: str) -> bool:
    cells = [line.split(separator) for line in lines]
    count = sum(len(row) for row in cells)
    if sum(len(cell) for row in cells for cell in row) > _SHORT * count or any("|" in line for line in lines):
        return False
    return sum(any(is_number(cell) for cell in row) for row in cells) * 2 >= len(lines)
