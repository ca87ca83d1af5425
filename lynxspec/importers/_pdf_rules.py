"""The straight lines that a page of a PDF draws, and how many images it shows."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

MAX_OBJECTS = 50_000
"""Graphic objects and line segments of one page that are looked at; a table has hundreds."""

_DEEPEST_FORM = 4

_SHORTEST_RULE = 4.0
_STRAIGHT = 1.0

Place = Callable[[float, float, float, float], tuple[float, float, float, float]]
"""From left, bottom, right, top in the page's own space to left, top, right, bottom as a reader sees the page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A straight line, level or upright, or an edge of a filled area."""

    level: bool
    at: float
    """Its distance from the page's top (level) or left side (upright)."""
    start: float
    end: float


Matrix = tuple[float, float, float, float, float, float]

_SAME: Matrix = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)


def _product(inner: Matrix, outer: Matrix) -> Matrix:
    a, b, c, d, e, f = inner
    p, q, r, s, t, u = outer
    return a * p + b * r, a * q + b * s, c * p + d * r, c * q + d * s, e * p + f * r + t, e * q + f * s + u


class Drawing:
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
