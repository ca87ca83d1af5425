"""The characters of a PDF page, gathered into runs: words, or parts of words where the type changes."""

from __future__ import annotations

import ctypes
import math
import re
from dataclasses import dataclass
from typing import Any

from lynxspec.importers._html_text import plain_character
from lynxspec.importers._pdf_rules import Place

_RAISED = str.maketrans(
    "0123456789+-=()abcdefghijklmnoprstuvwxyz",
    "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻ",
)
RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻ"
_LOWERED = str.maketrans(RAISED, "0123456789+-=()abcdefghijklmnoprstuvwxyz")
_ORDINALS = frozenset({"st", "nd", "rd", "th"})

_PRINTED = {
    "\x02": "-",
    "\xad": "-",
    "\ufffe": "-",
    "\uf0b7": "•",
    "\uf0a7": "▪",
    "\uf0d8": "•",
    "\uf0fc": "✓",
    "\u2217": "*",
}
"""PDFium's mark for a hyphen at a line's end, a hyphen that is only printed there, and the bullets of symbol fonts."""

_TOKEN = re.compile(r"[^\s\u200b]+")
_LETTERS = re.compile(r"[A-Za-z(\"'][A-Za-z,.;:()\"'-]*")
"""Words in which no character can be a raised figure or an asterisk."""

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


def raised(text: str) -> str:
    """Small characters above the line, as characters that cannot be taken for the word's own: ``76.1³``, ``10⁶``."""
    lower = text.lower()
    if lower in _ORDINALS:
        return text
    return "™" if lower == "tm" else text.translate(_RAISED)


def lowered(text: str) -> str:
    """The plain characters of a mark."""
    return text.translate(_LOWERED)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Style:
    """How the characters of a text object are set."""

    size: float
    """Font size as printed; 0 where the font does not tell."""
    bold: bool
    mono: bool
    turned: bool
    """Whether it does not stand upright for someone who sees the page upright."""
    quarter: int
    """The nearest quarter turn."""


class Characters:
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
        self._plain: dict[str, str] = {}
        self._styles: dict[int | None, _Style] = {}
        self._rect = raw.FS_RECTF()
        self._name = ctypes.create_string_buffer(128)
        self._flags = ctypes.c_int()
        self._numbers = tuple(ctypes.c_double() for _ in range(4))
        self._matrix = raw.FS_MATRIX()

    def read(self, count: int) -> None:
        """Read the first ``count`` characters."""
        text = self._text(count)
        for token in _TOKEN.finditer(text):
            start, end = token.span()
            if self.rotation or not (
                _LETTERS.fullmatch(text, start, end) and self._even(text[start:end], start, end - 1)
            ):
                self._one_by_one(text, start, end)

    def _text(self, count: int) -> str:
        """The characters as PDFium has them, one for each."""
        units = (ctypes.c_ushort * (count + 1))()
        got = self.raw.FPDFText_GetText(self.textpage, 0, count, units)
        if got == count + 1:
            text = bytes(units)[: 2 * count].decode("utf-16-le", "replace")
            if len(text) == count:
                return text
        # some characters are none in its text, or two
        codes = (self.raw.FPDFText_GetUnicode(self.textpage, index) for index in range(count))
        return "".join(chr(c) if c <= 0x10FFFF and not 0xD800 <= c <= 0xDFFF else "\ufffd" for c in codes)

    def _even(self, text: str, first: int, last: int) -> bool:
        """Take letters as one run, if the first and the last stand on one line in one type."""
        rect, box_at = self._rect, self.raw.FPDFText_GetLooseCharBox
        if not box_at(self.textpage, first, rect):
            return False
        left, bottom, top, right = rect.left, rect.bottom, rect.top, rect.right
        height = top - bottom
        # a mark may stand before the punctuation
        for index in {first + len(text.rstrip(".,;:()\"'-")) - 1, last} - {first, first - 1}:
            if not box_at(self.textpage, index, rect):
                return False
            right = max(right, rect.right)
            if abs(rect.top - top) > 0.05 or abs(rect.bottom - bottom) > 0.05:
                return False
        if height <= 0.5 or not 0 < right - left < 1.5 * height * len(text):
            return False
        style = self._style(first)
        if style.turned:
            return False
        self._quarters[style.quarter] += 1
        left, top, right, bottom = self.place(left, bottom, right, top)
        self.runs.append(
            Run(
                text=text,
                left=left,
                top=top,
                right=right,
                bottom=bottom,
                size=style.size or max(1.0, height),
                bold=style.bold,
                mono=style.mono,
                glued=False,
                order=len(self.runs),
            )
        )
        return True

    def _one_by_one(self, text: str, start: int, end: int) -> None:
        """Take characters that no blank parts, and look at the place of each."""
        box_at, rect, textpage = self.raw.FPDFText_GetLooseCharBox, self._rect, self.textpage
        for index in range(start, end):
            character = self._plain.get(text[index])
            if character is None:
                character = self._plain[text[index]] = _PRINTED.get(text[index]) or plain_character(text[index])
            if not character.strip():
                self.unreadable += text[index] in "\0\ufffd"
            elif not self.rotation and box_at(textpage, index, rect) and rect.top - rect.bottom > 0.5:
                self._add(index, character, self.place(rect.left, rect.bottom, rect.right, rect.top))
            elif (box := self._box_by_origin(index)) is not None:
                self._add(index, character, box)
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
                    run.top, run.bottom, run.size, run.right = top, bottom, self._style(index).size or size, right
                    return
                glued = True
            self._finish()
        self._start(index, text, box, glued=glued)

    def _start(self, index: int, text: str, box: tuple[float, float, float, float], *, glued: bool) -> None:
        left, top, right, bottom = box
        style = self._style(index)
        self._quarters[style.quarter] += 1
        self._sideways = style.turned
        self._left = left
        self._run = Run(
            text=text,
            left=left,
            top=top,
            right=right,
            bottom=bottom,
            size=style.size or max(1.0, bottom - top),
            bold=style.bold,
            mono=style.mono,
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

    def _style(self, index: int) -> _Style:
        """How a character is set, which is the same for all of its text object."""
        found = self.raw.FPDFText_GetTextObject(self.textpage, index)
        key = ctypes.cast(found, ctypes.c_void_p).value
        style = self._styles.get(key)
        if style is None:
            style = self._look(index)
            if key is not None:
                self._styles[key] = style
        return style

    def _look(self, index: int) -> _Style:
        raw, textpage = self.raw, self.textpage
        size = 0.0
        if raw.FPDFText_GetMatrix(textpage, index, self._matrix):
            size = raw.FPDFText_GetFontSize(textpage, index) * math.hypot(self._matrix.c, self._matrix.d)
        angle = raw.FPDFText_GetCharAngle(textpage, index)
        seen = (angle + self.rotation * math.pi / 2) % (2 * math.pi) if angle >= 0 else 0.0
        self._name.value = b""
        raw.FPDFText_GetFontInfo(textpage, index, self._name, 127, self._flags)
        name, flags = self._name.value, self._flags.value
        return _Style(
            size=size if 1.0 < size < 10_000 else 0.0,
            bold=bool(_BOLD.search(name) or flags & _FORCE_BOLD),
            mono=bool(_MONO.search(name) or flags & _FIXED_PITCH),
            turned=0.1 < seen < 2 * math.pi - 0.1,
            quarter=round(seen / (math.pi / 2)) % 4,
        )

    def _box_by_origin(self, index: int) -> tuple[float, float, float, float] | None:
        """A character's box where PDFium gives no loose one: on turned pages and for turned characters."""
        left, right, bottom, top = self._numbers
        if not self.raw.FPDFText_GetCharBox(self.textpage, index, left, right, bottom, top):
            return None
        tight = self.place(left.value, bottom.value, right.value, top.value)
        size = self._style(index).size
        if not size or not self.raw.FPDFText_GetCharOrigin(self.textpage, index, left, top):
            return tight
        base = self.place(left.value, top.value, left.value, top.value)[1]
        return tight[0], base - 0.78 * size, tight[2], base + 0.22 * size
