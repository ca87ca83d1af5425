"""Footnotes joined to the tables whose cells refer to them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from lynxspec.sheet import Block, Prose, Table

_LEADING = re.compile(
    r"(?:(?P<symbol>[*†‡§¶]{1,3})(?=\s*[^\s*†‡§¶])|\[(?P<bracket>\^?\d{1,3}|[a-wyz]|[*†‡§¶]{1,3})\]|\((?P<star>[*†‡§¶]{1,3})\)"
    r"|\((?P<round>\d{1,2}|[a-z])\)|(?P<number>\d{1,2}|[a-z])(?:[.):](?=\s)|(?=\s+[A-Z])))\s*:?\s*"
)

_REFERENCE = re.compile(
    r"\[\^?(\d{1,3}(?:\s?,\s?\d{1,3})*|[a-z]|#[\w-]{0,40}|[*†‡§¶]{1,3})\]|\(([*†‡§¶]{1,3})\)|(?<=[^\s*†‡§¶])\s?([*†‡§¶]{1,3})(?=$|[\s,;.)])"
)

_MARK = re.compile(r"[\[(*†‡§¶]")
"""What a reference holds; most cells hold none."""

_REACH = 12
"""Paragraphs behind a table that may be its footnotes."""


def leading_mark(text: str) -> tuple[str, int, bool] | None:
    """The footnote mark that a text starts with, where the note begins, and whether the mark can be nothing else."""
    match = _LEADING.match(text)
    if match is None or match.end() == len(text):
        return None
    mark = match[match.lastgroup or 0].lstrip("^")
    return mark, match.end(), match.lastgroup in {"symbol", "bracket", "star"}


def marks_in(table: Table) -> set[str]:
    """Footnote marks that cells and caption carry."""
    texts = {id(cell): cell.text.text for row in table.rows for cell in row.cells}
    return {
        mark.strip()
        for text in (*texts.values(), table.caption.text)
        if _MARK.search(text)
        for match in _REFERENCE.finditer(text)
        for mark in next(group for group in match.groups() if group).split(",")
    }


def _note(block: Block, marks: set[str], ordinal: str) -> Prose | None:
    """A block behind a table as a footnote, of this table or of another, if it is one."""
    if not isinstance(block, Prose) or block.kind == "caption":
        return None
    if block.kind == "footnote":
        return block
    found = leading_mark(block.text.text)
    if found is not None and (found[2] or found[0] in marks):
        return Prose(text=block.text.slice(found[1], len(block.text.text)), kind="footnote", mark=found[0])
    if ordinal and ordinal in marks:
        return Prose(text=block.text, kind="footnote", mark=ordinal)
    return None


def with_notes(blocks: Sequence[Block], ordinals: Mapping[int, str] | None = None) -> tuple[Block, ...]:
    """The blocks, with footnotes told from paragraphs and known to their tables.

    ``ordinals`` are the numbers of list items, by index of the block. A note belongs to the table right above it, and
    to each table that carries its mark, if only one note of the document does.
    """
    result = list(blocks)
    marks = {i: marks_in(block) for i, block in enumerate(result) if isinstance(block, Table)}
    beside: dict[int, list[int]] = {i: [] for i in marks}
    for i, carried in marks.items():
        for j in range(i + 1, min(i + 1 + _REACH, len(result))):
            behind = result[j]
            note = _note(behind, carried, (ordinals or {}).get(j, ""))
            if note is None:  # whatever it is, no footnote follows it
                break
            result[j] = note
            if not note.mark or note.mark in carried or behind is not note:
                beside[i].append(j)
    notes = {j: b for j, b in enumerate(result) if isinstance(b, Prose) and b.kind == "footnote" and b.mark}
    counts = Counter(note.mark for note in notes.values())
    single = {note.mark: j for j, note in notes.items() if counts[note.mark] == 1}
    for i, carried in marks.items():
        table = result[i]
        found = sorted({*beside[i], *(single[mark] for mark in carried if mark in single)})
        if found and isinstance(table, Table):
            joined = tuple(each for j in found if isinstance(each := result[j], Prose))
            result[i] = replace(table, notes=table.notes + tuple(n for n in joined if n not in table.notes))
    return tuple(result)
