"""A sheet's own words with every quoted stretch highlighted: as its reader saw them, and verbatim."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from lynxspec.reporters._html.context import Context
from lynxspec.reporters._html.evidence import Mark
from lynxspec.reporters._html.markup import NOTHING, Html, Part, element, join, verbatim, words
from lynxspec.sheet import EMPTY, Cell, Code, Heading, Prose, Sheet, Table, Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Painter:
    """Writes text with marks; each mark gets its id and its labels where it is painted first."""

    context: Context
    marks: Sequence[Mark]
    """Those of one sheet that have offsets."""
    painted: set[str]
    """Ids given away so far."""
    copy: bool = False
    """Whether the text stands elsewhere already: marks without ids and labels."""
    labelled: bool = True
    """Whether labels stand at the marks; False where they stand above the row."""

    def paint(self, text: Text, start: int = 0, end: int | None = None) -> Html:
        """Write the characters from ``start`` to before ``end``."""
        end = len(text.text) if end is None else end
        local = self._local(text, start, end)
        edges = sorted({start, end, *(edge for low, high, _ in local for edge in (low, high))})
        parts: list[str] = []
        open_now: list[Mark] = []
        for low, high in pairwise(edges):
            wanted = [mark for first, last, mark in local if first <= low and high <= last]
            keep = next((i for i, (a, b) in enumerate(zip(open_now, wanted, strict=False)) if a is not b), None)
            keep = min(len(open_now), len(wanted)) if keep is None else keep
            parts.append("</mark>" * (len(open_now) - keep))
            parts += [self._opened(mark) for mark in wanted[keep:]]
            parts.append(verbatim(text.text[low:high]))
            open_now = wanted
        return Html("".join(parts) + "</mark>" * len(open_now))

    def _local(self, text: Text, start: int, end: int) -> list[tuple[int, int, Mark]]:
        """Marks that touch the stretch, with their ends in it; the longest first among those that begin together."""
        found: list[tuple[int, int, Mark]] = []
        if start >= end:
            return found
        first, last = text.at[start], text.at[end - 1]
        for mark in self.marks:
            if mark.start is None or mark.end is None or mark.end <= first or mark.start > last:
                continue
            low = bisect_left(text.at, mark.start, start, end)
            high = bisect_left(text.at, mark.end, start, end)
            if low < high:
                found.append((low, high, mark))
        return sorted(found, key=lambda stretch: (stretch[0], -stretch[1], stretch[2].id))

    def _opened(self, mark: Mark) -> str:
        """Open a mark; where it is opened first, also name what was read from it."""
        style = ' class="conflict"' if mark.conflict else ""
        if self.copy or mark.id in self.painted:
            return f"<mark{style}>"
        self.painted.add(mark.id)
        told = labels(self.context, [mark]).text if self.labelled else ""
        return f'<mark id="{words(mark.id)}" tabindex="-1"{style}>{told}'

    def new_in(self, texts: Iterable[Text]) -> list[Mark]:
        """Marks that these texts would be the first to show."""
        found = {m.id: m for text in texts for _, _, m in self._local(text, 0, len(text.text))}
        return [mark for id_, mark in found.items() if id_ not in self.painted and not self.copy]


def labels(context: Context, marks: Sequence[Mark]) -> Html:
    """What was read from the marks, as links back; of several findings of one rule the first."""
    components = dict.fromkeys(component for mark in marks for component in mark.components)
    numbers = {context.document.findings[n - 1].code: n for mark in reversed(marks) for n in reversed(mark.findings)}
    links: list[Part] = [context.to_component(component) for component in components]
    links += [context.to_finding(number) for number in sorted(numbers.values())]
    prefix = element("span", {"class": "hidden"}, "read as: ")
    return element("span", {"class": "labels"}, prefix, join(links, " "), " ") if links else NOTHING


def reading_view(sheet: Sheet, painter: Painter) -> Html:
    """The sheet as its reader sees it; a caption or note of a table that is also a paragraph stands once."""
    drawn: set[tuple[int, int]] = set()
    parts: list[Html] = []
    for block in sheet.blocks:
        if isinstance(block, Table):
            caption = EMPTY if _extent(block.caption) in drawn else block.caption
            notes = tuple(note for note in block.notes if _extent(note.text) not in drawn)
            drawn.update(_extent(text) for text in (block.caption, *(note.text for note in notes)))
            parts.append(_table(replace(block, caption=caption, notes=notes), painter))
        elif not isinstance(block, Prose) or _extent(block.text) not in drawn:
            drawn.add(_extent(block.text))
            parts.append(_block(block, painter))
    return join(parts)


def _extent(text: Text) -> tuple[int, int]:
    return text.start, text.end


def verbatim_view(sheet: Sheet, painter: Painter, start: int = 0, end: int | None = None) -> Html:
    """The decoded text as it is, or a stretch of it."""
    whole = Text(sheet.text, range(len(sheet.text)))
    return element("div", {"class": "verbatim"}, painter.paint(whole, start, end))


def _block(block: Heading | Prose | Code, painter: Painter) -> Html:
    """Draw a block of text; a heading of the sheet is none of the report's own."""
    if isinstance(block, Heading):
        return element("p", {"class": f"title title-{min(4, block.level)}"}, painter.paint(block.text))
    if isinstance(block, Code):
        return element("pre", {"class": "code"}, painter.paint(block.text))
    return _prose(block, painter)


def _prose(block: Prose, painter: Painter) -> Html:
    mark = element("sup", {}, block.mark) if block.mark else NOTHING
    return element("p", {"class": block.kind}, mark, painter.paint(block.text))


def _table(table: Table, painter: Painter) -> Html:
    """Draw a table with its caption and notes; what spans rows or columns is drawn once."""
    caption = element("caption", {}, painter.paint(table.caption)) if table.caption else NOTHING
    covered = [_covered(table, row) for row in range(len(table.rows))]
    known: set[str] = set()
    labelled: dict[int, Html] = {}
    for index, row in enumerate(table.rows):
        new = [mark for mark in painter.new_in(cell.text for cell in row.cells) if mark.id not in known]
        known.update(mark.id for mark in new)
        if new and covered[index] is not None:
            labelled[index] = labels(painter.context, new)
    body: list[Html] = []
    for index, row in enumerate(table.rows):
        own = painter
        if index in labelled:
            own = replace(painter, labelled=False)
            width = str(len(row.cells) - (covered[index] or 0))
            body.append(element("tr", {"class": "above"}, element("td", {"colspan": width}, labelled[index])))
        drawn = (_cell(table, index, column, own, labelled) for column in range(len(row.cells)))
        body.append(element("tr", {}, *drawn))
    guessed = NOTHING if table.certain else element("p", {"class": "small"}, "Columns guessed from positions.")
    name = f"Table: {table.caption.text}" if table.caption else "Table of the document"
    region = {"class": "scroll", "role": "region", "tabindex": "0", "aria-label": name}
    whole = element("table", {"aria-label": name}, caption, element("tbody", {}, *body))
    return join((element("div", region, whole), guessed, *(_prose(note, painter) for note in table.notes)))


def _covered(table: Table, row: int) -> int | None:
    """How many cells at the start of a row only go on from the row above; ``None`` if cells behind them do."""
    if not row:
        return 0
    above, here = table.rows[row - 1].cells, table.rows[row].cells
    goes_on = [_same(one, other) for one, other in zip(above, here, strict=False)]
    count = next((index for index, holds in enumerate(goes_on) if not holds), len(goes_on))
    return count if not any(goes_on[count:]) and count < len(here) else None


def _cell(table: Table, row: int, column: int, painter: Painter, labelled: Container[int]) -> Html:
    """Draw the cell, unless it is the further part of one that spans; rows of labels between its rows count too."""
    cells = table.rows[row].cells
    cell = cells[column]
    if column and _same(cells[column - 1], cell):
        return NOTHING
    if row and column < len(table.rows[row - 1].cells) and _same(table.rows[row - 1].cells[column], cell):
        return NOTHING
    width = _run(_same(other, cell) for other in cells[column:])
    height = _run(column < len(r.cells) and _same(r.cells[column], cell) for r in table.rows[row:])
    height += sum(index in labelled for index in range(row + 1, row + height))
    top = row < table.headers
    attributes = {
        "scope": ("col" if top else "row") if top or cell.header else None,
        "colspan": str(width) if width > 1 else None,
        "rowspan": str(height) if height > 1 else None,
    }
    return element("th" if top or cell.header else "td", attributes, painter.paint(cell.text))


def _same(one: Cell, other: Cell) -> bool:
    """Whether it is one spanning cell; empty cells may be one object without being one cell."""
    return one is other and bool(one.text)


def _run(same: Iterable[bool]) -> int:
    """How many hold from the start; at least the cell itself."""
    count = 0
    for holds in same:
        if not holds:
            break
        count += 1
    return max(1, count)
