"""One page of a PDF as printed: runs of characters with their boxes, and ruling lines, from its top left corner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lynxspec.importers._pdf_rules import MAX_OBJECTS, Drawing, Place, Rule
from lynxspec.importers._pdf_runs import Characters, Run

MAX_CHARACTERS = 60_000
"""Of one page; a densely printed one has 10 000."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """What is printed on a page."""

    number: int
    width: float
    """As it is read; a page whose text stands on its side is turned for that."""
    height: float
    turns: int
    """Quarters clockwise from how it is read to how it is shown."""
    runs: tuple[Run, ...]
    """In the order of the content."""
    aside: tuple[Run, ...]
    """What is printed sideways: stamps, axis labels."""
    rules: tuple[Rule, ...]
    images: int
    characters: int
    """Of the page, also those that were not read."""
    unreadable: int
    """Glyphs whose font does not tell their character."""
    outside: int
    """Runs beyond the page's edge, which no reader sees."""
    crowded: bool
    """Whether not all graphic objects were looked at."""


def read_page(page: Any, number: int) -> Printed:  # noqa: ANN401 - pypdfium2 has no types
    """Read one page that pypdfium2 has loaded."""
    from pypdfium2 import raw  # type: ignore[import-untyped] # noqa: PLC0415 - no types; lint of a claim loads no PDF library

    shown = raw.FPDFPage_GetRotation(page.raw)
    rotation, bbox = shown, page.get_bbox()
    textpage = page.get_textpage()
    try:
        characters = max(0, raw.FPDFText_CountChars(textpage.raw))
        gathered = Characters(raw, textpage.raw, rotation, _placing(rotation, bbox))
        gathered.read(min(characters, MAX_CHARACTERS))
        if quarters := gathered.lying():
            rotation = (rotation - quarters) % 4
            gathered = Characters(raw, textpage.raw, rotation, _placing(rotation, bbox))
            gathered.read(min(characters, MAX_CHARACTERS))
    finally:
        textpage.close()
    width, height = page.get_size()
    if (shown - rotation) % 2:
        width, height = height, width
    inside = [r for r in gathered.runs if r.right > 0 and r.left < width and r.bottom > 0 and r.top < height]
    drawing = Drawing(raw, _placing(rotation, bbox))
    drawing.read(page.raw)
    return Printed(
        number=number,
        width=width,
        height=height,
        turns=(shown - rotation) % 4,
        runs=tuple(inside),
        aside=tuple(r for r in gathered.aside if r.text.strip()),
        rules=tuple(drawing.rules),
        images=drawing.images,
        characters=characters,
        unreadable=gathered.unreadable,
        outside=len(gathered.runs) - len(inside),
        crowded=drawing.seen > MAX_OBJECTS,
    )


def _placing(rotation: int, bbox: tuple[float, float, float, float]) -> Place:
    """How a page that its reader sees turned by ``rotation`` quarters clockwise maps to what is seen."""
    x0, y0, x1, y1 = bbox
    if rotation == 1:
        return lambda left, bottom, right, top: (bottom - y0, left - x0, top - y0, right - x0)
    if rotation == 2:
        return lambda left, bottom, right, top: (x1 - right, bottom - y0, x1 - left, top - y0)
    if rotation == 3:
        return lambda left, bottom, right, top: (y1 - top, x1 - right, y1 - bottom, x1 - left)
    return lambda left, bottom, right, top: (left - x0, y1 - top, right - x0, y1 - bottom)
