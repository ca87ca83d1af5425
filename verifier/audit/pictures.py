"""Pictures of the audit record, drawn as SVG from a `Record` alone."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from verifier.audit.record import Record
from verifier.audit.summary import StatedRegime
from verifier.evidence import SustainedRun
from verifier.verdict import ClauseKind, Interval

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
MOST_POINTS = 660
"""A curve is drawn with at most this many points; longer ones become a band from least to most."""


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


def _scale(values: Iterable[float], start: float, end: float, *, room: float = 0.12) -> Scale:
    """A scale that holds all ``values`` with some room around them."""
    known = list(values)
    low, high = min(known), max(known)
    pad = (high - low) * room or abs(high) * 0.05 or 1.0
    return Scale(low=low - pad, high=high + pad, start=start, end=end)


def _label(value: float, step: float) -> str:
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    return f"{value:,.{digits}f}".replace(",", " ")


def _text(x: float, y: float, words: str, *, anchor: str = "start", size: float = 9.5, color: str = INK) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{color}">{escape(words)}</text>'
    )


def _line(x1: float, y1: float, x2: float, y2: float, color: str, *, width: float = 1.0, dash: str = "") -> str:
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    ends = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {ends} stroke="{color}" stroke-width="{width}"{dashes}/>'


def _rect(x: float, y: float, width: float, height: float, color: str, *, opacity: float = 1.0) -> str:
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0.3):.1f}" height="{max(height, 0.3):.1f}" '
        f'fill="{color}" fill-opacity="{opacity:.2f}"/>'
    )


def _frame(title: str, height: float, parts: Sequence[str]) -> Markup:
    return Markup(  # noqa: S704 - every text went through `escape`
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {WIDTH:.0f} {height:.0f}" role="img" aria-label="{escape(title)}" '
        f'font-family="LynxSpec Text"><title>{escape(title)}</title>{"".join(parts)}</svg>'
    )


def _axes(x: Scale, y: Scale, x_title: str, y_title: str) -> list[str]:
    """Grid, tick labels and titles."""
    parts = []
    x_ticks, y_ticks = x.ticks(6), y.ticks(5)
    for value in x_ticks:
        parts.append(_line(x(value), y.start, x(value), y.end, GRID, width=0.6))
        step = x_ticks[1] - x_ticks[0] if len(x_ticks) > 1 else 1
        parts.append(_text(x(value), y.start + 13, _label(value, step), anchor="middle", size=8.5, color=SOFT))
    for value in y_ticks:
        parts.append(_line(x.start, y(value), x.end, y(value), GRID, width=0.6))
        step = y_ticks[1] - y_ticks[0] if len(y_ticks) > 1 else 1
        parts.append(_text(x.start - 6, y(value) + 3, _label(value, step), anchor="end", size=8.5, color=SOFT))
    parts.append(_text((x.start + x.end) / 2, y.start + 27, x_title, anchor="middle", size=9, color=SOFT))
    parts.append(_text(x.start - 44, y.end - 9, y_title, size=9, color=SOFT))
    return parts


def _rate(run: SustainedRun) -> float | None:
    seconds = sum(block.seconds for block in run.blocks)
    return sum(block.items for block in run.blocks) / seconds if seconds > 0 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One regime in the plane of throughput and accuracy."""

    name: str
    rate: float
    value: float
    measured: bool
    across: Interval | None = None
    up: Interval | None = None


def _interval(record: Record, kinds: tuple[ClauseKind, ...], regime: str, value: float) -> Interval | None:
    """The interval of the regime's clause, if it holds the value that is drawn (so that the units agree)."""
    for verdict in record.verdicts:
        held = verdict.interval
        if verdict.kind in kinds and verdict.regime == regime and held and held.low <= value <= held.high:
            return held
    return None


def points(record: Record) -> tuple[Point, ...]:
    """Claimed and measured points of every regime that has both coordinates."""
    metric, found = record.claim.metric, []
    runs = {run.regime: run for run in record.evidence.sustain.runs} if record.evidence.sustain else {}
    for stated in record.claim.regimes:
        claimed = next((a.value for a in stated.accuracy if a.metric == metric), None)
        if stated.rate_per_s is not None and claimed is not None:
            found.append(Point(name=stated.name, rate=stated.rate_per_s, value=claimed, measured=False))
        scored = [s.metrics[metric] for s in record.evidence.scores if s.regime == stated.name and metric in s.metrics]
        run = runs.get(stated.name)
        rate = _rate(run) if run and run.status == "ok" else None
        if scored and rate is not None:
            across = _interval(record, (ClauseKind.THROUGHPUT,), stated.name, rate)
            up = _interval(record, (ClauseKind.ACCURACY, ClauseKind.REFERENCE_ACCURACY), stated.name, scored[0])
            found.append(Point(name=stated.name, rate=rate, value=scored[0], measured=True, across=across, up=up))
    return tuple(found)


def acceptance(record: Record) -> float | None:
    """Lowest (or highest) acceptable value of the metric: the measured reference less the stated margin."""
    reference = record.claim.criterion_reference
    metric = record.claim.metric
    value = next(
        (s.metrics[metric] for s in record.evidence.scores if s.regime == reference and metric in s.metrics), None
    )
    if value is None:
        return None
    if record.claim.margin is not None:
        loss = record.claim.margin
    elif record.claim.margin_share is not None:
        loss = abs(value) * record.claim.margin_share
    else:
        return None
    return value - loss if record.claim.better == "higher" else value + loss


def _marker(point: Point, x: Scale, y: Scale) -> str:
    cx, cy = x(point.rate), y(point.value)
    if not point.measured:
        return f'<circle cx="{cx:.1f}" cy="{cy:.1f}" r="5.5" fill="#ffffff" stroke="{CLAIMED}" stroke-width="1.6"/>'
    parts = [f'<circle cx="{cx:.1f}" cy="{cy:.1f}" r="4" fill="{MEASURED}"/>']
    if point.across:
        parts.append(_line(x(point.across.low), cy, x(point.across.high), cy, MEASURED, width=1.4))
    if point.up:
        parts.append(_line(cx, y(point.up.low), cx, y(point.up.high), MEASURED, width=1.4))
    right = cx > x.start + 0.8 * (x.end - x.start)
    anchor = "end" if right else "start"
    parts.append(_text(cx + (-9 if right else 9), cy - 8, point.name, anchor=anchor, size=10))
    return "".join(parts)


def trade(record: Record) -> Markup | None:
    """Accuracy against throughput; ``None`` if nothing could be placed."""
    found = points(record)
    if not found:
        return None
    limit = acceptance(record)
    xs = [v for p in found for v in ((p.rate, p.across.low, p.across.high) if p.across else (p.rate,))]
    ys = [v for p in found for v in ((p.value, p.up.low, p.up.high) if p.up else (p.value,))]
    x = _scale([*xs, 0.0], 62, WIDTH - 14, room=0.06)
    x = Scale(low=0.0, high=x.high, start=x.start, end=x.end)
    y = _scale([*ys, *([limit] if limit is not None else [])], 190, 30, room=0.18)
    parts = _axes(
        x, y, f"sustained throughput, {record.claim.item}/s", f"{record.claim.metric} (axis does not start at zero)"
    )
    if limit is not None:
        side = y.start if record.claim.better == "higher" else y.end
        parts.insert(0, _rect(x.start, min(y(limit), side), x.end - x.start, abs(side - y(limit)), NOISE, opacity=0.07))
        parts.append(_line(x.start, y(limit), x.end, y(limit), NOISE, width=1.2, dash="5 3"))
        below = 11 if record.claim.better == "higher" else -4
        parts.append(
            _text(
                x.start + 4,
                y(limit) + below,
                "acceptance limit: beyond it the loss is too large",
                size=8.5,
                color=NOISE,
            )
        )
    parts.extend(_marker(p, x, y) for p in sorted(found, key=lambda p: p.measured))
    parts.append(f'<circle cx="{WIDTH - 250}" cy="12" r="5" fill="#ffffff" stroke="{CLAIMED}" stroke-width="1.6"/>')
    parts.append(_text(WIDTH - 241, 15.5, "claimed", size=9))
    parts.append(f'<circle cx="{WIDTH - 184}" cy="12" r="4" fill="{MEASURED}"/>')
    measured = any(p.measured for p in found)
    parts.append(
        _text(WIDTH - 176, 15.5, "measured here, with its interval" if measured else "nothing measured here", size=9)
    )
    return _frame("Accuracy against sustained throughput of each regime, claimed and measured", 222, parts)


def _curve(bins: Sequence[float], x: Scale, y: Scale) -> str:
    """One value per second; if there are too many for the paper, least to most of each group."""
    group = math.ceil(len(bins) / MOST_POINTS)
    if group == 1:
        path = " ".join(f"{x(i + 0.5):.1f},{y(v):.1f}" for i, v in enumerate(bins))
        return f'<polyline points="{path}" fill="none" stroke="{MEASURED}" stroke-width="0.7" stroke-opacity="0.75"/>'
    chunks = [(i, bins[i : i + group]) for i in range(0, len(bins), group)]
    upper = [f"{x(i + group / 2):.1f},{y(max(c)):.1f}" for i, c in chunks]
    lower = [f"{x(i + group / 2):.1f},{y(min(c)):.1f}" for i, c in reversed(chunks)]
    return f'<polygon points="{" ".join(upper + lower)}" fill="{MEASURED}" fill-opacity="0.35"/>'


def _noise(record: Record, run: SustainedRun, x: Scale, top: float) -> list[str]:
    """Two strips under the curve: time that the hypervisor took, and time that others used."""
    host = record.evidence.sustain.host if record.evidence.sustain else ()
    rows = (("stolen", [h.steal for h in host]), ("others", [h.foreign for h in host]))
    parts = []
    for row, (name, values) in enumerate(rows):
        y = top + row * 11
        parts.append(_rect(x.start, y, x.end - x.start, 8, GRID, opacity=0.45))
        parts.append(_text(x.start - 6, y + 7, name, anchor="end", size=8, color=SOFT))
        done, samples = 0.0, list(zip(host, values, strict=True))
        for block in run.blocks:
            for sample, value in samples:
                offset = sample.t_s - block.start_s
                if 0 <= offset < block.seconds and value > 0.005:
                    left = x(done + offset)
                    parts.append(_rect(left, y, x(done + offset + 1) - left, 8, NOISE, opacity=min(1.0, 0.15 + value)))
            done += block.seconds
    if not host:
        parts.append(
            _text((x.start + x.end) / 2, top + 13, "the host was not watched", anchor="middle", size=8.5, color=SOFT)
        )
    return parts


def over_time(record: Record, run: SustainedRun) -> Markup | None:
    """Throughput of one regime over the counted seconds, with blocks, claim and host noise."""
    total = sum(block.seconds for block in run.blocks)
    means = [(b.seconds, b.items / b.seconds) for b in run.blocks if b.seconds > 0]
    if not means or not run.bins:
        return None
    stated: StatedRegime | None = next((r for r in record.claim.regimes if r.name == run.regime), None)
    claimed = stated.rate_per_s if stated else None
    low_band = claimed * (1 - record.claim.throughput_tolerance) if claimed else None
    high_band = claimed * (1 + record.claim.throughput_tolerance) if claimed else None
    x = Scale(low=0, high=max(total, float(len(run.bins))), start=62, end=WIDTH - 14)
    shown = [*run.bins, *(mean for _, mean in means), *(v for v in (low_band, high_band) if v)]
    y = _scale(shown, 138, 22, room=0.08)
    parts = []
    if claimed and low_band and high_band:
        parts.append(_rect(x.start, y(high_band), x.end - x.start, y(low_band) - y(high_band), BAND))
    parts.extend(_axes(x, y, "seconds counted", f"{run.item}/s (axis does not start at zero)"))
    parts.append(_curve(run.bins, x, y))
    done = 0.0
    for seconds, mean in means:
        parts.append(_line(x(done), y(mean), x(done + seconds), y(mean), INK, width=1.8))
        done += seconds
    if claimed:
        parts.append(_line(x.start, y(claimed), x.end, y(claimed), CLAIMED, width=1.3, dash="6 3"))
        parts.append(_text(x.end - 3, y(claimed) - 4, "claimed", anchor="end", size=8.5, color=CLAIMED))
    parts.extend(_noise(record, run, x, 172))
    return _frame(f"Throughput of {run.regime} over time, with the claimed rate and the load of others", 196, parts)


def probe(record: Record) -> Markup | None:
    """The fixed arithmetic probe between blocks, which shows whether the machine itself changed speed."""
    values = record.evidence.sustain.probe.gflops if record.evidence.sustain else ()
    if len(values) < 2:
        return None
    x = Scale(low=0, high=len(values) - 1, start=62, end=WIDTH - 14)
    y = Scale(low=0, high=max(values) * 1.1 or 1.0, start=52, end=14)
    path = " ".join(f"{x(i):.1f},{y(v):.1f}" for i, v in enumerate(values))
    parts = [
        _line(x.start, y.start, x.end, y.start, GRID),
        f'<polyline points="{path}" fill="none" stroke="{INK}" stroke-width="1.2"/>',
        _text(x.start - 6, y(max(values)) + 3, f"{max(values):.0f}", anchor="end", size=8.5, color=SOFT),
        _text(x.start - 6, y.start + 3, "0", anchor="end", size=8.5, color=SOFT),
        _text(
            x.start - 44,
            8,
            f"GFLOP/s of the fixed probe, {len(values)} times, from {min(values):.1f} to {max(values):.1f}",
            size=9,
            color=SOFT,
        ),
    ]
    return _frame("Rate of the arithmetic probe between blocks", 60, parts)
