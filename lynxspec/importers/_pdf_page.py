"""One page of a PDF as printed: runs of characters with their boxes, and ruling lines, from its top left corner."""

from __future__ import annotations

import ctypes
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from lynxspec.importers._html_text import plain_character

MAX_CHARACTERS = 60_000
"""Of one page; a densely printed one has 10 000."""

MAX_OBJECTS = 50_000
"""Graphic objects and line segments of one page that are looked at; a table has hundreds."""

_DEEPEST_FORM = 4

_SHORTEST_RULE = 4.0
_STRAIGHT = 1.0

_RAISED = str.maketrans(
    "0123456789+-=()abcdefghijklmnoprstuvwxyz",
    "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻ",
)
RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻ"
_LOWERED = str.maketrans(RAISED, "0123456789+-=()abcdefghijklmnoprstuvwxyz")
_ORDINALS = frozenset({"st", "nd", "rd", "th"})

_PRINTED = {0x02: "-", 0xAD: "-", 0xFFFE: "-", 0xF0B7: "•", 0xF0A7: "▪", 0xF0D8: "•", 0xF0FC: "✓", 0x2217: "*"}
"""PDFium's mark for a hyphen at a line's end, a hyphen that is only printed there, and the bullets of symbol fonts."""

_BOLD = re.compile(rb"bold|black|heavy|demi", re.IGNORECASE)
_MONO = re.compile(rb"mono|courier|consol|menlo|typewriter|cmtt|inconsolata", re.IGNORECASE)

_FORCE_BOLD = 1 << 18
"""Font descriptor flag, ISO 32000-1 table 123."""
_FIXED_PITCH = 1


@dataclass(slots=True, kw_only=True)
class Run:
    """Characters printed without a gap: a word, or a part of one where the type changes."""

    text: str
    left: float
    top: float
    right: float
    bottom: float
    size: float
    """Font size as printed, in points."""
    bold: bool
    mono: bool
    glued: bool
    """Nothing stands between it and the run before it."""
    order: int
    """Place in the page's content."""
    start: int = -1
    """Offset in `Sheet.text`, once it is written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A straight line, level or upright, or an edge of a filled area."""

    level: bool
    at: float
    """Its distance from the page's top (level) or left side (upright)."""
    start: float
    end: float


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


Place = Callable[[float, float, float, float], tuple[float, float, float, float]]
"""From left, bottom, right, top in the page's own space to left, top, right, bottom as a reader sees the page."""


def raised(text: str) -> str:
    """Small characters above the line, as characters that cannot be taken for the word's own: ``76.1³``, ``10⁶``."""
    lower = text.lower()
    if lower in _ORDINALS:
        return text
    return "™" if lower == "tm" else text.translate(_RAISED)


def lowered(text: str) -> str:
    """The plain characters of a mark."""
    return text.translate(_LOWERED)


def read_page(page: Any, number: int) -> Printed:  # noqa: ANN401 - pypdfium2 has no types
    """Read one page that pypdfium2 has loaded."""
    import pypdfium2.raw as raw  # type: ignore[import-untyped] # noqa: PLC0415 - no types; lint of a claim loads no PDF library

    shown = raw.FPDFPage_GetRotation(page.raw)
    rotation, bbox = shown, page.get_bbox()
    textpage = page.get_textpage()
    try:
        characters = max(0, raw.FPDFText_CountChars(textpage.raw))
        gathered = _Characters(raw, textpage.raw, rotation, _placing(rotation, bbox))
        gathered.read(min(characters, MAX_CHARACTERS))
        if quarters := gathered.lying():
            rotation = (rotation - quarters) % 4
            gathered = _Characters(raw, textpage.raw, rotation, _placing(rotation, bbox))
            gathered.read(min(characters, MAX_CHARACTERS))
    finally:
        textpage.close()
    width, height = page.get_size()
    if (shown - rotation) % 2:
        width, height = height, width
    inside = [r for r in gathered.runs if r.right > 0 and r.left < width and r.bottom > 0 and r.top < height]
    drawing = _Drawing(raw, _placing(rotation, bbox))
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


class _Characters:
    """Gathers a page's characters into runs."""

    def __init__(self, raw: Any, textpage: Any, rotation: int, place: Place) -> None:  # noqa: ANN401 - no types
        self.raw = raw
        self.textpage = textpage
        self.rotation = rotation
        self.place = place
        self.runs: list[Run] = []
        self.aside: list[Run] = []
        self.unreadable = 0
        self._run: Run | None = None
        self._raised = ""
        self._sideways = False
        self._left = -1.0
        self._quarters = [0, 0, 0, 0]
        self._plain: dict[int, str] = {}
        self._fonts: dict[bytes, tuple[bool, bool]] = {}
        self._name = ctypes.create_string_buffer(128)
        self._flags = ctypes.c_int()
        self._numbers = tuple(ctypes.c_double() for _ in range(4))
        self._matrix = raw.FS_MATRIX()

    def read(self, count: int) -> None:
        """Read the first ``count`` characters."""
        code_at, box_at = self.raw.FPDFText_GetUnicode, self.raw.FPDFText_GetLooseCharBox
        textpage, place, plain = self.textpage, self.place, self._plain
        rect = self.raw.FS_RECTF()
        reference = ctypes.byref(rect)
        for index in range(count):
            code = code_at(textpage, index)
            text = plain.get(code)
            if text is None:
                text = plain[code] = _character(code)
            if text == " ":
                self._finish()
            elif not text:
                self.unreadable += code in {0, 0xFFFD}
            elif not self.rotation and box_at(textpage, index, reference) and rect.top - rect.bottom > 0.5:
                self._add(index, text, place(rect.left, rect.bottom, rect.right, rect.top))
            elif (box := self._box_by_origin(index)) is not None:
                self._add(index, text, box)
        self._finish()

    def lying(self) -> int:
        """How many quarters clockwise most of the text is turned."""
        return max(range(4), key=lambda quarter: self._quarters[quarter])

    def _add(self, index: int, text: str, box: tuple[float, float, float, float]) -> None:
        left, top, right, bottom = box
        run = self._run
        glued = False
        if run is not None:
            if left == self._left and right == run.right and not self._raised:
                run.text += text  # a further letter of a ligature
                return
            self._left = left
            if self._sideways:
                run.text += text
                run.left, run.right = min(run.left, left), max(run.right, right)
                run.top, run.bottom = min(run.top, top), max(run.bottom, bottom)
                return
            size = bottom - top
            main = run.bottom - run.top
            gap = left - run.right
            if -0.8 * main < gap <= 0.3 * max(size, main) and top < run.bottom and bottom > run.top:
                higher = run.bottom - bottom
                if abs(size - main) <= 0.08 * main and abs(higher) <= 0.12 * main:
                    if self._raised:
                        self._put_raised(run)
                    run.text += text
                    run.right = max(run.right, right)
                    return
                if size < 0.93 * main and higher > 0.12 * main:
                    self._raised += text
                    run.right = max(run.right, right)
                    return
                if main < 0.93 * size and -higher > 0.12 * size and len(run.text) <= 3 and not self._raised:
                    # a small raised mark stood first
                    run.text = raised(run.text) + text
                    run.top, run.bottom, run.size, run.right = top, bottom, self._size(index, size), right
                    return
                glued = True
            self._finish()
        self._start(index, text, box, glued=glued)

    def _start(self, index: int, text: str, box: tuple[float, float, float, float], *, glued: bool) -> None:
        left, top, right, bottom = box
        bold, mono = self._font(index)
        self._sideways = self._turned(index)
        self._left = left
        self._run = Run(
            text=text,
            left=left,
            top=top,
            right=right,
            bottom=bottom,
            size=max(1.0, self._size(index, bottom - top)),
            bold=bold,
            mono=mono,
            glued=glued,
            order=len(self.runs),
        )

    def _put_raised(self, run: Run) -> None:
        run.text += raised(self._raised)
        self._raised = ""

    def _finish(self) -> None:
        run, self._run = self._run, None
        if run is None:
            return
        if self._raised:
            self._put_raised(run)
        (self.aside if self._sideways else self.runs).append(run)
        self._sideways = False

    def _size(self, index: int, otherwise: float) -> float:
        """The font size of a character as it is printed; ``otherwise`` where the font does not tell."""
        if not self.raw.FPDFText_GetMatrix(self.textpage, index, self._matrix):
            return otherwise
        size: float = self.raw.FPDFText_GetFontSize(self.textpage, index)
        size *= math.hypot(self._matrix.c, self._matrix.d)
        return size if 0.5 < size < 10_000 else otherwise

    def _turned(self, index: int) -> bool:
        """Whether a character stands on its side for someone who sees the page upright."""
        angle: float = self.raw.FPDFText_GetCharAngle(self.textpage, index)
        if angle < 0:
            return False
        seen = (angle + self.rotation * math.pi / 2) % (2 * math.pi)
        self._quarters[round(seen / (math.pi / 2)) % 4] += 1
        return 0.1 < seen < 2 * math.pi - 0.1

    def _font(self, index: int) -> tuple[bool, bool]:
        """Whether the font of a character is bold, and whether it is of one width."""
        self._name.value = b""
        self.raw.FPDFText_GetFontInfo(self.textpage, index, self._name, 127, ctypes.byref(self._flags))
        name = self._name.value
        known = self._fonts.get(name)
        if known is None:
            flags = self._flags.value
            known = (
                bool(_BOLD.search(name) or flags & _FORCE_BOLD),
                bool(_MONO.search(name) or flags & _FIXED_PITCH),
            )
            self._fonts[name] = known
        return known

    def _box_by_origin(self, index: int) -> tuple[float, float, float, float] | None:
        """A character's box where PDFium gives no loose one: on turned pages and for turned characters."""
        left, right, bottom, top = self._numbers
        if not self.raw.FPDFText_GetCharBox(self.textpage, index, left, right, bottom, top):
            return None
        tight = self.place(left.value, bottom.value, right.value, top.value)
        size = self._size(index, 0.0)
        if not size or not self.raw.FPDFText_GetCharOrigin(self.textpage, index, left, top):
            return tight
        base = self.place(left.value, top.value, left.value, top.value)[1]
        return tight[0], base - 0.78 * size, tight[2], base + 0.22 * size


def _character(code: int) -> str:
    """What a code of PDFium is read as: characters, one blank, or nothing."""
    if code in _PRINTED:
        return _PRINTED[code]
    if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
        return "\ufffd"
    return plain_character(chr(code))


Matrix = tuple[float, float, float, float, float, float]

_SAME: Matrix = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)


def _product(inner: Matrix, outer: Matrix) -> Matrix:
    a, b, c, d, e, f = inner
    p, q, r, s, t, u = outer
    return a * p + b * r, a * q + b * s, c * p + d * r, c * q + d * s, e * p + f * r + t, e * q + f * s + u


class _Drawing:
    """Gathers a page's straight lines, and counts its images."""

    def __init__(self, raw: Any, place: Place) -> None:  # noqa: ANN401 - no types
        self.raw = raw
        self.place = place
        self.rules: list[Rule] = []
        self.images = 0
        self.seen = 0

    def read(self, page: Any) -> None:  # noqa: ANN401 - no types
        """Read the objects of a page."""
        count = self.raw.FPDFPage_CountObjects(page)
        self._objects((self.raw.FPDFPage_GetObject(page, i) for i in range(count)), _SAME, 0)

    def _objects(self, objects: Iterator[Any], outer: Matrix, depth: int) -> None:
        raw = self.raw
        for found in objects:
            self.seen += 1
            if self.seen > MAX_OBJECTS:
                return
            kind = raw.FPDFPageObj_GetType(found)
            if kind == raw.FPDF_PAGEOBJ_PATH:
                self._path(found, _product(self._matrix(found), outer))
            elif kind == raw.FPDF_PAGEOBJ_IMAGE:
                self.images += 1
            elif kind == raw.FPDF_PAGEOBJ_FORM and depth < _DEEPEST_FORM:
                count = raw.FPDFFormObj_CountObjects(found)
                inner = (raw.FPDFFormObj_GetObject(found, i) for i in range(count))
                self._objects(inner, _product(self._matrix(found), outer), depth + 1)

    def _matrix(self, found: Any) -> Matrix:  # noqa: ANN401 - no types
        matrix = self.raw.FS_MATRIX()
        if not self.raw.FPDFPageObj_GetMatrix(found, matrix):
            return _SAME
        return matrix.a, matrix.b, matrix.c, matrix.d, matrix.e, matrix.f

    def _path(self, path: Any, matrix: Matrix) -> None:  # noqa: ANN401 - no types
        """Take the straight parts of a path."""
        raw = self.raw
        x, y = ctypes.c_float(), ctypes.c_float()
        a, b, c, d, e, f = matrix
        first = last = (0.0, 0.0)
        for index in range(raw.FPDFPath_CountSegments(path)):
            self.seen += 1
            if self.seen > MAX_OBJECTS:
                return
            segment = raw.FPDFPath_GetPathSegment(path, index)
            raw.FPDFPathSegment_GetPoint(segment, x, y)
            point = (a * x.value + c * y.value + e, b * x.value + d * y.value + f)
            kind = raw.FPDFPathSegment_GetType(segment)
            if kind == raw.FPDF_SEGMENT_MOVETO:
                first = point
            elif kind == raw.FPDF_SEGMENT_LINETO:
                self._line(last, point)
            last = point
            if raw.FPDFPathSegment_GetClose(segment):
                self._line(last, first)
                last = first

    def _line(self, one: tuple[float, float], other: tuple[float, float]) -> None:
        low_x, high_x = sorted((one[0], other[0]))
        low_y, high_y = sorted((one[1], other[1]))
        left, top, right, bottom = self.place(low_x, low_y, high_x, high_y)
        if bottom - top <= _STRAIGHT and right - left >= _SHORTEST_RULE:
            self.rules.append(Rule(level=True, at=(top + bottom) / 2, start=left, end=right))
        elif right - left <= _STRAIGHT and bottom - top >= _SHORTEST_RULE:
            self.rules.append(Rule(level=False, at=(left + right) / 2, start=top, end=bottom))
