"""What stands around a table and belongs to it: its caption above (or below), its notes below."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from lynxspec.importers._footnotes import with_notes
from lynxspec.importers._pipes import is_bold
from lynxspec.sheet import Block, Prose, Table, Text

_LONGEST = 200
"""Characters of a caption."""
_NUMBERED = re.compile(
    r"(?:table|tab\.|tabelle|表格?|표)\s*\(?(?:\d{1,3}|[IVX]{1,5})\b|table\s*[:.]|table$", re.IGNORECASE
)
_SENTENCE_END = re.compile(r"[.!?。！？](?:\s+|$)")
_NOTE = re.compile(r"(?:notes?|remarks?|anmerkung|hinweis|注|备注|비고)\s*\d?\s*[:：]", re.IGNORECASE)
_ABOUT_NUMBERS = re.compile(
    r"\b(?:performance|accuracy|data|results?|numbers?|figures?|latency|throughput|values?)\b"
    r".{0,80}\b(?:measured|collected|tested|obtained|based on|averaged|run)\b",
    re.IGNORECASE,
)


def is_caption(text: str, words: Text, *, colon: bool = True) -> bool:
    """Whether a line above a table names it."""
    string = words.text
    if not string or len(string) > _LONGEST:
        return False
    return bool(_NUMBERED.match(string)) or (colon and string.endswith((":", "："))) or is_bold(text, words)


def around_tables(blocks: list[Block], text: str, ordinals: Mapping[int, str]) -> tuple[Block, ...]:
    """The blocks with captions and notes told from paragraphs, and known to their tables.

    ``text`` is what the blocks were read from, ``ordinals`` the marks of list items by index of the block.
    """
    if not any(isinstance(block, Table) for block in blocks):
        return tuple(blocks)
    for i, block in enumerate(blocks):
        if isinstance(block, Table) and not block.caption:
            _name(blocks, i, text)
    noted = list(with_notes(blocks, ordinals))
    for i, block in enumerate(noted):
        if isinstance(block, Table):
            noted[i] = _with_next(noted, i, block)
    return tuple(noted)


def _name(blocks: list[Block], index: int, text: str) -> None:
    """Give the table at an index its caption, and mark the block that holds it."""
    table = blocks[index]
    above = blocks[index - 1] if index else None
    below = blocks[index + 1] if index + 1 < len(blocks) else None
    if not isinstance(table, Table):
        return
    if isinstance(above, Prose) and above.kind in {"paragraph", "item", "caption"}:
        if above.kind == "caption" or is_caption(text, above.text):
            if above.kind == "paragraph":
                blocks[index - 1] = above = replace(above, kind="caption")
            blocks[index] = replace(table, caption=above.text)
            return
        if above.text.text.endswith((":", "：")):
            ends = [end.end() for end in _SENTENCE_END.finditer(above.text.text)]
            caption = above.text.slice(ends[-1] if ends else 0, len(above.text.text))
            if len(caption.text) <= _LONGEST:
                blocks[index] = replace(table, caption=caption)
            return
    is_last = index + 2 >= len(blocks) or not isinstance(blocks[index + 2], Table)
    if isinstance(below, Prose) and below.kind == "paragraph" and is_last:
        words = below.text.text
        if len(words) <= 2 * _LONGEST and _NUMBERED.match(words):
            blocks[index + 1] = replace(below, kind="caption")
            blocks[index] = replace(table, caption=below.text)


def _with_next(blocks: list[Block], index: int, table: Table) -> Table:
    """The table with what directly follows it and speaks of its numbers."""
    notes = list(table.notes)
    for j in range(index + 1, min(index + 6, len(blocks))):
        block = blocks[j]
        if not isinstance(block, Prose):
            break
        if block.kind == "paragraph" and _NOTE.match(block.text.text):
            blocks[j] = block = replace(block, kind="footnote")
        elif block.kind != "footnote" and not (block.kind == "item" and _ABOUT_NUMBERS.search(block.text.text)):
            break
        if block not in notes:
            notes.append(block)
    return replace(table, notes=tuple(notes)) if len(notes) > len(table.notes) else table
