"""Rows of text made a table: which rows at the top name the columns, and which columns a group's name spans."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from lynxspec.sheet import EMPTY, Cell, Row, Table, Text

MAX_COLUMNS = 512
"""Cells of a row beyond this are not read."""

_NAME = 40
"""Characters of a column's name, where nothing else tells that it is one."""

_LOOK = 8
"""Rows below that are asked what a column holds."""

_NUMBER = re.compile(r"[\s~≈<>≤≥±+\-–−(*]{0,8}[$€£¥]?\s?\d[\d.,' ]*")
_NO_RESULT = re.compile(
    r"\s?-?\s?(?:bits?\b|shots?\b|[Bb](?![A-Za-z])|[xX×]\s?[A-Za-z]|[A-Za-z]+\d|:\d"
    r"|(?:st|nd|rd|th|D|way|GPUs?|threads?|users?|cores?|nodes?|batch|max|samples)\b)"
)
"""What behind a number tells that it belongs to a name: 4-bit, 5-shot, 70B, 8xH100, 2 GPUs."""

_VACANT = frozenset(
    {"-", "--", "---", "–", "—", "n/a", "na", "nan", "tbd", "tba", "oom", "none", "/", "✓", "✗", "yes", "no"}
)

_PRECISION = re.compile(
    r"(?:fp|bf|tf|u?int|nf|mxfp|nvfp|mxint|float|w|i?q)-?\d{1,2}|\d(?:\.\d+)?-?\s?bits?\b|\b(?:awq|gptq|smoothquant|half|float"
    r"|baseline|quantized|original|unquantized|dense)\b",
    re.IGNORECASE,
)
_UNIT = re.compile(
    r"[(\[]?(?:%|x|ms|s|us|µs|μs|sec(?:onds?)?|fps|hz|g(?:i?b|flops)|m(?:i?b|s/token)|tops|w|watts?|ppl|points|↑|↓"
    r"|(?:tok(?:en)?s?|t|img|images?|samples?|inf|req(?:uest)?s?|frames?)\s?/\s?s(?:ec(?:ond)?)?(?:/gpu)?)[)\]]?",
    re.IGNORECASE,
)
_LABEL = re.compile(
    r"precision|data ?type|dtype|quant|format|scheme|variant|model|config|unit|metric|weights?\b|method"
    r"|精度|量化|양자화",
    re.IGNORECASE,
)
_BATCH = re.compile(r"|batch(?: ?size)?|bs|concurrency|并发|배치", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A row as it was read: as many cells as it has."""

    start: int
    end: int
    texts: Sequence[Text]
    """A text that stands in several columns is the same object in all of them."""
    bold: bool = False
    """Whether all that it says is set in bold."""


def is_number(text: str) -> bool:
    """Whether a cell gives a result: a number first, and nothing behind it that makes it a name or a size."""
    match = _NUMBER.match(text)
    if match is None:
        return False
    end = len(match[0].rstrip())
    return _NO_RESULT.match(text, end) is None


def is_vacant(text: str) -> bool:
    """Whether a cell stands where a result should, and gives none."""
    return text.lower() in _VACANT


def table(lines: Sequence[Line], *, marked: int, certain: bool = True) -> Table:
    """Rows as wide as the table; ``marked`` is how many of them the source sets apart as headers."""
    width = _width(lines)
    texts = [[*line.texts[:width], *[EMPTY] * (width - len(line.texts))] for line in lines]
    headers = _headers(texts, [line.bold for line in lines[:6]], marked)
    grouped = _grouped(texts, headers)
    rows = tuple(
        Row(
            cells=_cells(row, grouped[i] if i < len(grouped) else row, header=i < headers),
            start=line.start,
            end=line.end,
        )
        for i, (line, row) in enumerate(zip(lines, texts, strict=True))
    )
    return Table(rows=rows, headers=headers, certain=certain)


def _width(lines: Sequence[Line]) -> int:
    """Columns; one overlong row does not blow up all the others."""
    widest = min(MAX_COLUMNS, max((len(line.texts) for line in lines), default=0))
    told = sum(min(len(line.texts), widest) for line in lines)
    return min(widest, max(16, 8 * told // max(1, len(lines))))


def _cells(row: Sequence[Text], grouped: Sequence[Text], *, header: bool) -> tuple[Cell, ...]:
    cells: list[Cell] = []
    before: Text = EMPTY
    void = _VOID_HEADER if header else _VOID
    for text in grouped if header else row:
        cells.append(cells[-1] if text and text is before else Cell(text=text, header=header) if text else void)
        before = text
    return tuple(cells)


_VOID = Cell(text=EMPTY)
_VOID_HEADER = Cell(text=EMPTY, header=True)


def _grouped(texts: Sequence[Sequence[Text]], headers: int) -> list[list[Text]]:
    """Header rows, in which the name of a group stands above all of the group's columns."""
    rows = [list(row) for row in texts[:headers]]
    for i, row in enumerate(rows[:-1]):
        below = [any(lower[c] for lower in rows[i + 1 :]) for c in range(len(row))]
        for c in range(1, len(row)):
            alone = c == 1 and not below[0]  # a name of the first column only: nothing stands below it
            if not row[c] and row[c - 1] and below[c] and not alone:
                row[c] = row[c - 1]
    return rows


def _headers(texts: Sequence[Sequence[Text]], bold: Sequence[bool], marked: int) -> int:
    """How many rows at the top name the columns."""
    rows = [[text.text for text in row] for row in texts[: 6 + _LOOK]]
    if not rows:
        return 0
    count = marked
    if count == 1 and _are_results(rows):
        return 0
    if count == 0:
        count = _first_names(rows, bold)
        if not count:
            return 0
    while count < min(4, len(rows) - 1) and _continues(rows, bold, count):
        count += 1
    return min(count, len(texts))


def _are_results(rows: Sequence[Sequence[str]]) -> bool:
    """Whether what stands where headers should is the first row of a table cut out of its context."""
    told = [text for text in rows[0][1:] if text]
    if len(rows) < 2 or not told or not all(is_number(text) for text in told):
        return False
    return (
        all(any(mark in text for mark in ".%") for text in told)
        and _share_of_results(rows, 1, range(1, len(rows[0]))) > 0.5
    )


def _first_names(rows: Sequence[Sequence[str]], bold: Sequence[bool]) -> int:
    """1 if a first row that nothing marks names the columns or groups of them, else 0."""
    if _names_columns(rows, bold):
        return 1
    holes = len(rows) > 2 and 1 <= sum(1 for text in rows[0][1:] if text) < len(rows[0]) - 1
    return int(holes and not any(is_number(text) for text in rows[0]) and _continues(rows, bold, 1))


def _names_columns(rows: Sequence[Sequence[str]], bold: Sequence[bool]) -> bool:
    """Whether a first row that nothing marks names the columns: it has words where those below have numbers."""
    first = rows[0]
    told = [c for c in range(len(first)) if first[c]]
    if len(rows) < 2 or len(told) < 2 or any(is_number(first[c]) or is_vacant(first[c]) for c in told if c):
        return False
    if is_number(first[0]):
        return False
    if bold and bold[0] and not bold[min(1, len(bold) - 1)]:
        return True
    columns = [c for c in told if c]
    if len(first) == 2:
        return _share_of_results(rows, 1, columns, every=True) == 1
    if _share_of_results(rows, 1, columns) > 0:
        return True
    has_results = any(is_number(text) for row in rows for text in row[1:])
    return not has_results and len(rows) > 2 and len(told) == len(set(first)) and max(map(len, first)) <= _NAME


def _continues(rows: Sequence[Sequence[str]], bold: Sequence[bool], index: int) -> bool:
    """Whether the row below the headers is one more of them: words of its own where the rows below hold results."""
    row, above = rows[index], rows[index - 1]
    told = [c for c in range(1, len(row)) if row[c]]
    if not told or any(is_vacant(row[c]) for c in told):
        return False
    holes = any(not above[c] or (above[c] == above[c - 1] and row[c] != row[c - 1]) for c in told)
    numbers = [c for c in told if is_number(row[c])]
    if numbers:
        return holes and len(numbers) == len(told) and _are_sizes(row, told)
    if _share_of_results(rows, index + 1, told) < 0.5:
        return False
    is_bold = index < len(bold) and bold[index]
    if len(row) == 2:
        return is_bold and holes
    of_precisions = all(_PRECISION.search(row[c]) for c in told) and (not row[0] or _LABEL.search(row[0]))
    of_units = all(_UNIT.fullmatch(row[c]) for c in told)
    return bool(holes or of_units or of_precisions or not row[0])


def _are_sizes(row: Sequence[str], told: Sequence[int]) -> bool:
    """Whether the numbers of a row are sizes that its columns were measured at: 1, 8, 32 below a group's name."""
    if not _BATCH.fullmatch(row[0]) or not all(row[c].isdecimal() for c in told):
        return False
    numbers = [int(row[c]) for c in told]
    return all(number & (number - 1) == 0 and number > 0 for number in numbers)


def _share_of_results(
    rows: Sequence[Sequence[str]], first: int, columns: Sequence[int], *, every: bool = False
) -> float:
    """The share of the columns in which most of the next rows (or every one) hold numbers or dashes, some a number."""
    good = 0
    for column in columns:
        below = [row[column] for row in rows[first : first + _LOOK] if row[column]]
        numbers = sum(is_number(text) for text in below)
        fitting = numbers + sum(is_vacant(text) for text in below)
        good += numbers > 0 and (fitting == len(below) if every else 2 * fitting >= len(below))
    return good / len(columns) if columns else 0.0
