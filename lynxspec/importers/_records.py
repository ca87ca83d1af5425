"""Records of separated values (RFC 4180 and what spreadsheets make of it), each cell tied to its place in the text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from lynxspec.importers._decode import even
from lynxspec.importers._header_rows import Line, is_number, table
from lynxspec.importers._inline import inline, inline_lines
from lynxspec.importers._surroundings import around_tables
from lynxspec.sheet import EMPTY, Block, Prose, Text

_SEPARATORS = "\t;,|"
"""In order: a comma may be a decimal mark where one of the others separates."""
_LONGEST_QUOTED = 5_000
"""Characters of a quoted cell; a quote that closes further away is taken for a stray one."""
_SHORT = 60
_SAMPLE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class _Record:
    start: int
    end: int
    texts: Sequence[Text]

    @property
    def told(self) -> int:
        """How many cells say something."""
        return sum(1 for text in self.texts if text)


@cache
def _field(separator: str) -> re.Pattern[str]:
    """A cell up to the separator or the line's end: quoted, or as it stands."""
    mark = re.escape(separator)
    blank = "[ ]*" if separator == "\t" else r"[ \t]*"
    return re.compile(
        rf'{blank}"(?P<quoted>(?:[^"]|""){{0,{_LONGEST_QUOTED}}}+)"{blank}(?=[{mark}\n]|\Z)|(?P<bare>[^{mark}\n]*)'
    )


def blocks(text: str, start: int = 0, end: int | None = None, *, separator: str = "") -> tuple[Block, ...]:
    """The tables between two offsets, and the text around them."""
    plain = even(text)
    found = list(read_blocks(plain, start, len(text) if end is None else end, separator))
    return around_tables(found, plain, {})


def read_blocks(plain: str, start: int, end: int, separator: str = "") -> Iterator[Block]:
    """The same, before captions and notes are told from paragraphs."""
    mark = separator or separator_of(plain[start:end])
    records = list(_records(plain, start, end, mark or ","))
    widths = Counter(len(record.texts) for record in records if record.told > 1)
    width = widths.most_common(1)[0][0] if widths else 0
    section: list[_Record] = []
    for i, record in enumerate(records):
        if not record.told:
            yield from _section(section, plain, width)
            section = []
        elif _is_text(plain, record, width):
            between = 0 < i < len(records) - 1 and section and _is_row(plain, records[i + 1], width)
            if between and not _begins_table(records[i + 1 :]):
                section.append(record)  # the name of a group of rows
                continue
            yield from _section(section, plain, width)
            section = []
            yield from _prose(plain, record)
        else:
            section.append(record)
    yield from _section(section, plain, width)


def separator_of(text: str) -> str:
    """What separates cells: the sign that most lines hold the same number of times; empty if none does."""
    lines = [line for line in text[:100_000].split("\n")[:_SAMPLE] if line.strip() and not line.startswith("#")]
    best, score = "", 0.0
    for separator in _SEPARATORS:
        cells = [sum(1 for _ in _cells(line + "\n", 0, len(line), separator)) for line in lines]
        usual = Counter(count for count in cells if count > 1).most_common(1)
        if not usual:
            continue
        share = usual[0][1] / len(lines)
        if share > score + 0.2:
            best, score = separator, share
    return best


def _cells(plain: str, start: int, end: int, separator: str) -> Iterator[tuple[int, int, bool]]:
    """The cells of one record: from, to, and whether quoted; a quoted one may hold line ends."""
    pattern = _field(separator)
    position = start
    while True:
        found = pattern.match(plain, position, end)
        if found is None:
            return
        quoted = found["quoted"] is not None
        yield (*found.span("quoted" if quoted else "bare"), quoted)
        position = found.end()
        if position >= end or plain[position] != separator:
            return
        position += 1


def _records(plain: str, start: int, end: int, separator: str) -> Iterator[_Record]:
    position = start
    while position < end:
        cells = list(_cells(plain, position, end, separator))
        last = cells[-1][1] + cells[-1][2]
        stop = plain.find("\n", last, end)
        stop = end if stop < 0 else stop
        texts = [_words(plain, a, b) if quoted else inline(plain, a, b, markup=False) for a, b, quoted in cells]
        yield _Record(start=position, end=position + len(plain[position:stop].rstrip()), texts=texts)
        position = stop + 1


def _words(plain: str, start: int, end: int) -> Text:
    """A quoted cell; two quotes in it are one."""
    if '""' not in plain[start:end]:
        return inline(plain, start, end, markup=False)
    ranges, position = [], start
    for pair in re.finditer('""', plain[start:end]):
        ranges.append((position, start + pair.start() + 1))
        position = start + pair.end()
    ranges.append((position, end))
    return inline_lines(plain, ranges, joint="", markup=False)


def _is_row(plain: str, record: _Record, width: int) -> bool:
    return record.told > 0 and not _is_text(plain, record, width)


def _is_text(plain: str, record: _Record, width: int) -> bool:
    """Whether a line is no row: a title, a comment, or a sentence whose commas separate nothing."""
    if plain.startswith("#", record.start) and record.told < width:
        return True
    if record.told == 1:
        return bool(record.texts[0]) and (len(record.texts) == 1 or width != len(record.texts) or not _is_short(record))
    words = plain[record.start : record.end]
    return record.told < width and len(words.split()) > 3 * record.told and (", " in words or words.endswith("."))


def _is_short(record: _Record) -> bool:
    return all(len(text.text) <= _SHORT for text in record.texts)


def _begins_table(records: Sequence[_Record]) -> bool:
    """Whether the next record names columns, and is no row of the table above."""
    lines = [Line(start=0, end=0, texts=record.texts) for record in records[:8]]
    words = [text.text for text in lines[0].texts[1:] if text]
    return not any(is_number(word) for word in words) and table(lines, marked=0).headers > 0


def _section(section: Sequence[_Record], plain: str, width: int) -> Iterator[Block]:
    """Records without a blank one between them: titles, then a table."""
    first = 0
    while first < min(3, len(section) - 1) and section[first].told == 1 and section[first].texts[0]:
        yield Prose(text=section[first].texts[0], kind="caption")
        first += 1
    rows = section[first:]
    if len(rows) == 1 and (rows[0].told == 1 or rows[0].told < width):
        yield from _prose(plain, rows[0])
    elif rows:
        lines = [Line(start=row.start, end=row.end, texts=_untailed(row.texts)) for row in rows]
        yield table(lines, marked=0)


def _untailed(texts: Sequence[Text]) -> Sequence[Text]:
    """Cells without the empty ones at the end."""
    last = len(texts)
    while last > 1 and not texts[last - 1]:
        last -= 1
    return texts[:last]


def _prose(plain: str, record: _Record) -> Iterator[Block]:
    start = record.start
    while start < record.end and plain[start] in "# \t":
        start += 1
    quoted = plain.startswith('"', start) and record.told == 1
    words = next((t for t in record.texts if t), EMPTY) if quoted else inline(plain, start, record.end, markup=False)
    if not quoted:
        words = words.slice(0, len(words.text.rstrip(",;\t ")))
    if words:
        yield Prose(text=words)
