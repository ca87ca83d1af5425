"""What pictures of the audit record are drawn with: scales, axes, lines and texts, as SVG."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

INK, SOFT, GRID, MEASURED, CLAIMED, BAND, NOISE = (
    "#1d2733",
    "#5b6875",
    "#dfe4e9",
    "#1f5f8b",
    "#8a5a00",
    "#f6ecd8",
    "#a33a2c",
)
WIDTH = 660.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Maps values to places on paper."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Place of ``value``, kept inside the frame."""
        share = (value - self.low) / (self.high - self.low)
        return self.start + min(max(share, -0.02), 1.02) * (self.end - self.start)

    def ticks(self, count: int) -> list[float]:
        """Round values inside the range, about ``count`` of them."""
        step = _round_step((self.high - self.low) / count)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [index * step for index in range(first, last + 1)]


def _round_step(raw: float) -> float:
    power = 10.0 ** math.floor(math.log10(raw))
    return next(m * power for m in (1, 2, 5, 10) if m * power >= raw * 0.999)


def scale(values: Iterable[float], start: float, end: float, *, room: float = 0.12) -> Scale:
    """A scale that holds all ``values`` with some room around them."""
    known = list(values)
    low, high = min(known), max(known)
    pad = (high - low) * room or abs(high) * 0.05 or 1.0
    return Scale(low=low - pad, high=high + pad, start=start, end=end)


def label(value: float, step: float) -> str:
    """The number of a tick, with the digits that its step needs."""
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    return f"{value:,.{digits}f}".replace(",", " ")


def text(x: float, y: float, words: str, *, anchor: str = "start", size: float = 9.5, color: str = INK) -> str:
    """Words at a place; escaped."""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{color}">{escape(words)}</text>'
    )


def line(x1: float, y1: float, x2: float, y2: float, color: str, *, width: float = 1.0, dash: str = "") -> str:
    """A straight line."""
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    ends = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {ends} stroke="{color}" stroke-width="{width}"{dashes}/>'


def rect(x: float, y: float, width: float, height: float, color: str, *, opacity: float = 1.0) -> str:
    """A filled rectangle, never too thin to be seen."""
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0.3):.1f}" height="{max(height, 0.3):.1f}" '
        f'fill="{color}" fill-opacity="{opacity:.2f}"/>'
    )


def frame(title: str, height: float, parts: Sequence[str]) -> Markup:
    """The whole picture with its title, which screen readers read."""
    return Markup(  # noqa: S704 - every text went through `escape`
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {WIDTH:.0f} {height:.0f}" role="img" aria-label="{escape(title)}" '
        f'font-family="LynxSpec Text"><title>{escape(title)}</title>{"".join(parts)}</svg>'
    )


def axes(x: Scale, y: Scale, x_title: str, y_title: str) -> list[str]:
    """Grid, tick labels and titles."""
    parts = []
    x_ticks, y_ticks = x.ticks(6), y.ticks(5)
    for value in x_ticks:
        parts.append(line(x(value), y.start, x(value), y.end, GRID, width=0.6))
        step = x_ticks[1] - x_ticks[0] if len(x_ticks) > 1 else 1
        parts.append(text(x(value), y.start + 13, label(value, step), anchor="middle", size=8.5, color=SOFT))
    for value in y_ticks:
        parts.append(line(x.start, y(value), x.end, y(value), GRID, width=0.6))
        step = y_ticks[1] - y_ticks[0] if len(y_ticks) > 1 else 1
        parts.append(text(x.start - 6, y(value) + 3, label(value, step), anchor="end", size=8.5, color=SOFT))
    parts.append(text((x.start + x.end) / 2, y.start + 27, x_title, anchor="middle", size=9, color=SOFT))
    parts.append(text(x.start - 44, y.end - 9, y_title, size=9, color=SOFT))
    return parts
