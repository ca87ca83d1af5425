"""Numerals of other conventions, made plain before anything is read: thin spaces as thousands, commas as decimals.

The text keeps its length, so every offset into the source stays; quotes come from the source and show what was printed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from lynxspec.sheet import EMPTY, Block, Cell, Code, Heading, Prose, Row, Sheet, Text

_THIN = re.compile(
    "[\u00a0\u2007\u2009\u202f]|&(?:nbsp|thinsp|#160|#8199|#8201|#8239|#xa0|#x2009|#x202f);", re.IGNORECASE
)
_GROUPED = re.compile(r"(?<=\d) (?=\d{3}(?!\d))")
_DECIMAL_COMMA = re.compile(r"\d,\d{1,2}\s?(?:%|x\b|×|-?fach|ms\b|s\b|Punkt|Sekunden)")
_DECIMAL_POINT = re.compile(r"(?<![\d.])\d{1,4}\.\d{1,2}\s?(?:%|x\b|×|ms\b|s\b|points)")
_COMMA_NUMBER = re.compile(r"(?<![\d.,])(?:\d{1,3}(?:\.\d{3})+(?:,\d+)?|\d+,\d{1,2})(?![\d,])(?!\.\d)")

_LEAST = 2
"""So many numbers with a decimal comma, and none with a point, make it the convention of a sheet."""


def plain_numerals(sheet: Sheet) -> Sheet:
    """The sheet with every number spelled as ``1,234.5``."""
    thin = ("&" in sheet.text or not sheet.text.isascii()) and _THIN.search(sheet.text) is not None
    comma = len(_DECIMAL_COMMA.findall(sheet.text)) >= _LEAST and not _DECIMAL_POINT.search(sheet.text)
    if not thin and not comma:
        return sheet

    def spelled(text: Text) -> Text:
        words = text.text
        if thin:
            words = _GROUPED.sub(lambda m: "," if _THIN.match(sheet.text, text.at[m.start()]) else " ", words)
        if comma:
            words = _COMMA_NUMBER.sub(lambda m: m[0].translate(_SWAPPED), words)
        return text if words == text.text else Text(words, text.at)

    cells: dict[int, Cell] = {}
    return replace(sheet, blocks=tuple(_block(block, spelled, cells) for block in sheet.blocks))


_SWAPPED = str.maketrans(",.", ".,")


def _block(block: Block, spelled: Callable[[Text], Text], cells: dict[int, Cell]) -> Block:
    if isinstance(block, (Heading, Prose, Code)):
        return replace(block, text=spelled(block.text))

    def cell(old: Cell) -> Cell:
        # a cell that spans columns stays one object
        return cells.setdefault(id(old), replace(old, text=spelled(old.text)))

    rows = tuple(Row(cells=tuple(cell(c) for c in row.cells), start=row.start, end=row.end) for row in block.rows)
    return replace(block, rows=rows, caption=spelled(block.caption) if block.caption else EMPTY)
