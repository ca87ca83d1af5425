"""The blocks of a reStructuredText file, read line by line after the docutils markup specification."""

from __future__ import annotations

import re
from collections.abc import Callable

from lynxspec.importers._footnotes import with_notes
from lynxspec.importers._pipes import is_framed, is_rule, split
from lynxspec.importers._rst_directives import take_explicit
from lynxspec.importers._rst_document import Document, ProseKind
from lynxspec.importers._rst_drawn import GRID, SIMPLE, grid_rows, simple_end, simple_rows
from lynxspec.importers._rst_lines import BULLET, lines_of
from lynxspec.sheet import Block, Heading, Table

_ADORNMENT = re.compile(r"([!-/:-@\[-`{-~])\1*$")
_ENUMERATOR = re.compile(
    r"(?:(?P<number>\d{1,9})|[A-Za-z]|[ivxlcdmIVXLCDM]{2,8}|#)[.)](?:[ \t]+|$)"
    r"|\((?:(?P<round>\d{1,9})|[A-Za-z]|[ivxlcdm]{2,8})\)[ \t]+"
)
_FIELD = re.compile(r":(?![\s:])((?:[^:\\\n]|\\.){1,80}):(?:\s+|$)")
_OF_SPHINX = {"orphan", "nosearch", "nocomments", "tocdepth"}

_MAX_MARKS = 20
"""Lists that may begin on one line."""
_SHORT = 4
"""An adornment of this length may be shorter than its title."""


def document_of(text: str) -> tuple[tuple[Block, ...], tuple[str, ...]]:
    """All blocks of a text that has line feeds only, and notes on what was left out."""
    document = Document(text, lines_of(text))
    index = 0
    while index < len(document.lines):
        line = document.lines[index]
        if line.blank:
            index += 1
            continue
        while len(document.scopes) > 1 and line.indent < document.scopes[-1].floor:
            document.scopes.pop()
        index = next(after for step in _STEPS if (after := step(document, index)) > index)
    return with_notes(document.blocks, document.ordinals), tuple(document.notes)


def _adornment(document: Document, index: int) -> str:
    """The character that a line repeats; empty if it is none of those that underline."""
    if not document.told(index):
        return ""
    words = document.words(index)
    return words[0] if _ADORNMENT.match(words) else ""


def _title(document: Document, index: int) -> int:
    """A section title between or above lines of punctuation; or such a line alone, which separates."""
    over = _adornment(document, index)
    at = index + 1 if over else index
    length = len(document.words(index))
    if over:
        below = _adornment(document, index + 2)
        if not document.told(at) or below != over or _adornment(document, at) or length < 2:
            return index + 1 if length >= _SHORT else index
    elif document.lines[index].indent or not (below := _adornment(document, index + 1)):
        return index
    else:
        under = len(document.words(index + 1))
        if document.lines[index + 1].indent or under < min(_SHORT, length):
            return index
    level = document.levels.setdefault((below, bool(over)), len(document.levels) + 1)
    line = document.lines[at]
    text = document.read([(line.first, line.end)])
    if text:
        document.blocks.append(Heading(text=text, level=level))
    return at + 2


def _grid_table(document: Document, index: int) -> int:
    line = document.lines[index]
    if not GRID.match(document.text, line.first, line.end):
        return index
    found = grid_rows(document.text, document.lines, index)
    if found is None:
        return index
    rows, headers, stop = found
    document.table(rows, headers=headers)
    return stop


def _simple_table(document: Document, index: int) -> int:
    line = document.lines[index]
    if not SIMPLE.match(document.text, line.first, line.end):
        return index
    stop = simple_end(document.text, document.lines, index)
    rows, headers = simple_rows(document.text, document.lines[index:stop])
    document.table(rows, headers=headers)
    return stop


def _line_block(document: Document, index: int) -> int:
    """Lines that begin with a bar and keep their breaks; where a rule follows, the rows of a pipe table."""
    words = document.words(index)
    if words[0] != "|" or not (len(words) == 1 or words[1].isspace()):
        return index
    line = document.lines[index]
    if is_framed(words) and document.told(index + 1) and is_rule(document.words(index + 1)):
        return index
    stretches = []
    stop = index
    while document.told(stop) and document.lines[stop].indent >= line.indent:
        each = document.lines[stop]
        bar = document.text[each.first] == "|" and each.indent == line.indent
        if not bar and each.indent == line.indent:
            break
        stretches.append((each.first + bar, each.end))
        stop += 1
    document.prose(stretches, document.kind_at(line.indent))
    return stop


def _field(document: Document, index: int) -> int:
    """``:name: value``."""
    line = document.lines[index]
    match = _FIELD.match(document.text, line.first, line.end)
    if match is None:
        return index
    stop = document.paragraph_end(index + 1, line.indent + 1)
    end = document.lines[stop - 1].end
    document.enter(line.indent + 1, None, "item")
    while end <= match.end() and stop < len(document.lines) and document.lines[stop].blank:
        stop += 1
    has_body = match.end() < end or (document.told(stop) and document.lines[stop].indent > line.indent)
    if has_body and match[1].strip().lower() not in _OF_SPHINX:
        document.prose([(line.first + 1, end)], "item")
    return stop


def _session(document: Document, index: int) -> int:
    """A session at the Python prompt."""
    if not document.words(index).startswith(">>>"):
        return index
    stop = document.paragraph_end(index, 0)
    document.code(index, stop, "python")
    return stop


def _item(document: Document, index: int) -> int:
    """An item of a list, with the first paragraph in it."""
    line = document.lines[index]
    text, first, number = document.text, line.first, ""
    deepest = len(document.scopes) + _MAX_MARKS
    while len(document.scopes) < deepest and (
        match := BULLET.match(text, first, line.end) or _enumerator(document, index, first)
    ):
        first = match.end()
        number = "" if len(match.groups()) == 0 else match["number"] or match["round"] or ""
        document.enter(line.indent + 1, line.indent + first - line.first, "item")
        if first == line.end:
            return index + 1
    if first == line.first:
        return index
    if text.startswith("..", first):
        return index + 1
    stop = index + 1
    while document.told(stop) and document.lines[stop].indent > line.indent and not _begins_block(document, stop):
        stop += 1
    before = len(document.blocks)
    literal = _paragraph_of(document, first, stop, "item")
    if number and len(document.blocks) > before:
        document.ordinals[before] = number
    return _literal(document, stop, line.indent) if literal else stop


def _enumerator(document: Document, index: int, first: int) -> re.Match[str] | None:
    """A number or letter that begins an item: the next line then is blank, indented, or another item."""
    line = document.lines[index]
    match = _ENUMERATOR.match(document.text, first, line.end)
    if match is None or not document.told(index + 1) or first > line.first:
        return match
    below = document.lines[index + 1]
    if below.indent > line.indent or below.indent < line.indent:
        return match
    return match if _ENUMERATOR.match(document.text, below.first, below.end) else None


def _begins_block(document: Document, index: int) -> bool:
    """Whether a line within an item or a paragraph is no more of it."""
    line = document.lines[index]
    text = document.text
    return (
        BULLET.match(text, line.first, line.end) is not None
        or text.startswith((".. ", "| "), line.first)
        or GRID.match(text, line.first, line.end) is not None
        or SIMPLE.match(text, line.first, line.end) is not None
    )


def _paragraph(document: Document, index: int) -> int:
    """Lines behind the same columns; or a term, if what follows directly is indented."""
    line = document.lines[index]
    kind = document.kind_at(line.indent)
    stop = index + 1
    while document.told(stop) and document.lines[stop].indent == line.indent and not _interrupts(document, stop):
        stop += 1
    words = document.words(index)
    if (
        stop == index + 1
        and document.told(stop)
        and document.lines[stop].indent > line.indent
        and not words.endswith("::")
    ):
        return _definition(document, index)
    strings = [document.words(i) for i in range(index, stop)]
    if any(map(is_rule, strings)) and any("|" in string for string in strings):
        return _pipe_table(document, index, stop)
    literal = _paragraph_of(document, line.first, stop, kind)
    return _literal(document, stop, line.indent) if literal else stop


def _interrupts(document: Document, index: int) -> bool:
    """Whether a list begins directly below a paragraph: it needs a blank line, and authors forget it."""
    line = document.lines[index]
    if BULLET.match(document.text, line.first, line.end) is None:
        return False
    if document.text.endswith(":", 0, document.lines[index - 1].end) and not document.text.endswith(
        "::", 0, document.lines[index - 1].end
    ):
        return True
    below = document.lines[index + 1] if document.told(index + 1) else None
    return (
        below is not None
        and below.indent == line.indent
        and BULLET.match(document.text, below.first, below.end) is not None
    )


def _paragraph_of(document: Document, first: int, stop: int, kind: ProseKind) -> bool:
    """Add the paragraph from an offset to before a line; whether a literal block follows it."""
    end = document.lines[stop - 1].end
    literal = document.text.endswith("::", first, end)
    if literal:
        end -= 2 if end - first == 2 or document.text[end - 3].isspace() else 1
    if end > first:
        document.prose([(first, end)], kind)
    return literal


def _literal(document: Document, index: int, indent: int) -> int:
    """The literal block behind a paragraph that ends in two colons."""
    stop = document.body_end(index, indent)
    document.code(index, stop)
    return stop


def _definition(document: Document, index: int) -> int:
    """A term, and the first paragraph of its definition."""
    line, below = document.lines[index], document.lines[index + 1]
    term = (line.first, line.end)
    document.enter(line.indent + 1, below.indent, "item")
    if _begins_block(document, index + 1) or document.text.startswith("..", below.first):
        document.prose([term], "item")
        return index + 1
    stop = index + 2
    while document.told(stop) and document.lines[stop].indent == below.indent and not _begins_block(document, stop):
        stop += 1
    end = document.lines[stop - 1].end
    literal = document.text.endswith("::", below.first, end)
    joint = " " if document.text.endswith(":", 0, line.end) else ": "
    document.prose([term, (below.first, end - literal)], "item", joint=joint)
    return _literal(document, stop, below.indent) if literal else stop


def _pipe_table(document: Document, index: int, stop: int) -> int:
    """Lines among which a Markdown table stands."""
    kind = document.kind_at(document.lines[index].indent)
    for found in split(document.text, [(line.first, line.end) for line in document.lines[index:stop]]):
        if isinstance(found, Table):
            document.blocks.append(found)
        else:
            document.prose(found, kind)
    return stop


_STEPS: tuple[Callable[[Document, int], int], ...] = (
    take_explicit,
    _title,
    _grid_table,
    _simple_table,
    _line_block,
    _field,
    _session,
    _item,
    _paragraph,
)
"""What a line may begin, in the order in which they are tried; the last one takes any line."""
