"""Pictures of the audit record, drawn as SVG from a `Record` alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

from verifier.audit.drawing import (
    BAND,
    CLAIMED,
    GRID,
    INK,
    MEASURED,
    NOISE,
    SOFT,
    WIDTH,
    Scale,
    axes,
    frame,
    line,
    rect,
    scale,
    text,
)
from verifier.audit.frontier import Frontier, FrontierPoint, frontier
from verifier.audit.record import Record
from verifier.audit.summary import StatedRegime
from verifier.evidence import SustainedRun
from verifier.verdict import Interval

MOST_POINTS = 660
"""A curve is drawn with at most this many points; longer ones become a band from least to most."""


@dataclass(frozen=True, slots=True)
class _Box:
    """A place on paper that is taken."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: _Box) -> bool:
        """Whether the two overlap."""
        apart = self.right < other.left or other.right < self.left
        return not (apart or self.bottom < other.top or other.bottom < self.top)


def _mark(point: FrontierPoint, x: Scale, y: Scale) -> str:
    """Open circle: claimed. Filled: measured; a square is the reference, a faint one is dominated."""
    cx, cy = x(point.rate), y(point.accuracy)
    if point.source == "claimed":
        return f'<circle cx="{cx:.1f}" cy="{cy:.1f}" r="5.5" fill="#ffffff" stroke="{CLAIMED}" stroke-width="1.6"/>'
    color = SOFT if point.dominated_by else MEASURED
    parts = []
    if point.rate_interval:
        ends = x(point.rate_interval.low), x(point.rate_interval.high)
        parts.append(line(ends[0], cy, ends[1], cy, color, width=1.4))
        parts += [line(end, cy - 3, end, cy + 3, color, width=1.4) for end in ends]
    if point.accuracy_interval:
        ends = y(point.accuracy_interval.low), y(point.accuracy_interval.high)
        parts.append(line(cx, ends[0], cx, ends[1], color, width=1.4))
        parts += [line(cx - 3, end, cx + 3, end, color, width=1.4) for end in ends]
    if point.role == "reference":
        parts.append(rect(cx - 4, cy - 4, 8, 8, color))
    elif point.dominated_by:
        parts.append(f'<circle cx="{cx:.1f}" cy="{cy:.1f}" r="4" fill="#ffffff" stroke="{SOFT}" stroke-width="1.2"/>')
        parts.append(f'<circle cx="{cx:.1f}" cy="{cy:.1f}" r="1.6" fill="{SOFT}"/>')
    else:
        parts.append(f'<circle cx="{cx:.1f}" cy="{cy:.1f}" r="4" fill="{color}"/>')
    return "".join(parts)


def _words(point: FrontierPoint) -> str:
    if point.role == "reference":
        return f"{point.regime} (reference)"
    return f"{point.regime} (dominated by {point.dominated_by})" if point.dominated_by else point.regime


def _named(found: Frontier, x: Scale, y: Scale, limit_top: float | None) -> list[str]:
    """Names beside their points, each at the first place that nothing else takes."""
    measured = {p.regime: p for p in found.points if p.source == "measured"}
    shown = [*measured.values(), *(p for p in found.points if p.regime not in measured)]
    taken = [_Box(x(p.rate) - 6, y(p.accuracy) - 6, x(p.rate) + 6, y(p.accuracy) + 6) for p in found.points]
    for point in shown:
        if point.accuracy_interval:
            ends = sorted((y(point.accuracy_interval.low), y(point.accuracy_interval.high)))
            taken.append(_Box(x(point.rate) - 3, ends[0], x(point.rate) + 3, ends[1]))
    if limit_top is not None:
        taken.append(_Box(x.start, limit_top - 9, x.start + 235, limit_top + 2))
    parts = []
    for point in sorted(shown, key=lambda p: -p.rate):
        words = _words(point)
        wide, cx, cy = 5.6 * len(words), x(point.rate), y(point.accuracy)
        box, anchor = _free(taken, (cx, cy, wide), (x.start, y.end - 6, x.end, y.start))
        taken.append(box)
        color = SOFT if point.dominated_by else INK
        at = box.left if anchor == "start" else box.right
        if abs(box.bottom - cy) > 24 or _nearest(box, found, x, y) != (point.rate, point.accuracy):
            parts.append(line(cx, cy, at, box.bottom - 3, SOFT, width=0.5))
        parts.append(text(at, box.bottom - 2, words, anchor=anchor, size=9.5, color=color))
    return parts


def _nearest(box: _Box, found: Frontier, x: Scale, y: Scale) -> tuple[float, float]:
    """The point that a reader would take a text for."""

    def away(point: FrontierPoint) -> float:
        cx, cy = x(point.rate), y(point.accuracy)
        across = max(box.left - cx, 0.0, cx - box.right)
        return math.hypot(across, max(box.top - cy, 0.0, cy - box.bottom))

    best = min(found.points, key=away)
    return best.rate, best.accuracy


def _free(
    taken: list[_Box], place: tuple[float, float, float], within: tuple[float, float, float, float]
) -> tuple[_Box, str]:
    """A box for a text of some width near a point: right before left, above before below, near before far."""
    cx, cy, wide = place
    whole = _Box(*within)
    fallback: tuple[_Box, str] | None = None
    for rise in (-7, 17, -20, 30, -33, 43, -46, 56, -59, 69):
        for side in ("start", "end"):
            left = cx + 9 if side == "start" else cx - 9 - wide
            box = _Box(left, cy + rise - 9, left + wide, cy + rise + 2)
            inside = whole.left <= box.left and box.right <= whole.right
            inside = inside and whole.top <= box.top and box.bottom <= whole.bottom
            if inside and not any(box.meets(other) for other in taken):
                return box, side
            if inside and fallback is None:
                fallback = box, side
    return fallback or (_Box(cx - wide / 2, cy - 16, cx + wide / 2, cy - 5), "start")


def _stairs(found: Frontier, x: Scale, y: Scale) -> str:
    """The measured frontier: for each rate the best accuracy that some regime reaches at that rate or faster."""
    sign = 1.0 if found.better == "higher" else -1.0
    best: list[FrontierPoint] = []
    for point in sorted((p for p in found.points if p.source == "measured"), key=lambda p: -p.rate):
        if not best or sign * point.accuracy > sign * best[-1].accuracy:
            best.append(point)
    if len(best) < 2:
        return ""
    path = [f"{x(best[0].rate):.1f},{y(best[0].accuracy):.1f}"]
    for before, point in pairwise(best):
        path.append(f"{x(point.rate):.1f},{y(before.accuracy):.1f}")
        path.append(f"{x(point.rate):.1f},{y(point.accuracy):.1f}")
    return (
        f'<polyline points="{" ".join(path)}" fill="none" stroke="{MEASURED}" stroke-width="0.9" stroke-opacity="0.4"/>'
    )


def _limit(found: Frontier, limit: float, x: Scale, y: Scale) -> tuple[list[str], list[str], float]:
    """Shade beyond the acceptance line, the line with its words, and the base line of these."""
    side = y.start if found.better == "higher" else y.end
    shade = rect(x.start, min(y(limit), side), x.end - x.start, abs(side - y(limit)), NOISE, opacity=0.07)
    base = y(limit) + (11 if found.better == "higher" else -4)
    words = "acceptance limit: beyond it the loss is too large"
    return (
        [shade],
        [
            line(x.start, y(limit), x.end, y(limit), NOISE, width=1.2, dash="5 3"),
            text(x.start + 4, base, words, size=8.5, color=NOISE),
        ],
        base,
    )


def _legend(found: Frontier) -> list[str]:
    """What the marks mean, of those that are there."""
    rows = [(f'<circle cx="5" cy="-3.5" r="5" fill="#ffffff" stroke="{CLAIMED}" stroke-width="1.6"/>', "claimed")]
    if any(p.source == "measured" for p in found.points):
        rows.append((f'<circle cx="5" cy="-3.5" r="4" fill="{MEASURED}"/>', "measured here, with its intervals"))
        if any(p.source == "measured" and p.role == "reference" for p in found.points):
            rows.append((rect(1, -7.5, 8, 8, MEASURED), "reference"))
    else:
        rows.append(("", "nothing measured here"))
    parts, right = [], WIDTH - 14.0
    for mark, words in reversed(rows):
        right -= 5.0 * len(words) + 22
        parts.append(f'<g transform="translate({right:.1f} 15.5)">{mark}{text(14, 0, words, size=9)}</g>')
    return parts


def trade(record: Record) -> Markup | None:
    """Accuracy against throughput; ``None`` if nothing could be placed."""
    found = frontier(record.claim, record.evidence, record.verdicts)
    if found is None:
        return None
    xs = [v for p in found.points for v in ((p.rate,) if p.rate_interval is None else _ends(p.rate, p.rate_interval))]
    ys = [
        v
        for p in found.points
        for v in ((p.accuracy,) if p.accuracy_interval is None else _ends(p.accuracy, p.accuracy_interval))
    ]
    height = 232 if len(found.points) <= 4 else 282
    x = scale([*xs, 0.0], 62, WIDTH - 14, room=0.06)
    x = Scale(low=0.0, high=x.high, start=x.start, end=x.end)
    y = scale([*ys, *([found.limit] if found.limit is not None else [])], height - 32, 34, room=0.18)
    parts = axes(x, y, f"sustained throughput, {found.item}/s", f"{found.metric} (axis does not start at zero)")
    base = None
    if found.limit is not None:
        shade, edge, base = _limit(found, found.limit, x, y)
        parts = [*shade, *parts, *edge]
    pairs = {(p.regime, p.source): p for p in found.points}
    for (regime, source), point in pairs.items():
        other = pairs.get((regime, "measured"))
        if source == "claimed" and other is not None:
            ends = x(point.rate), y(point.accuracy), x(other.rate), y(other.accuracy)
            parts.append(line(*ends, CLAIMED, width=0.8, dash="1.5 2"))
    parts.append(_stairs(found, x, y))
    parts.extend(_mark(p, x, y) for p in sorted(found.points, key=lambda p: p.source == "measured"))
    parts.extend(_named(found, x, y, base))
    parts.extend(_legend(found))
    return frame("Accuracy against sustained throughput of each regime, claimed and measured", height, parts)


def _ends(value: float, held: Interval) -> tuple[float, float, float]:
    return value, held.low, held.high


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
    sustained = record.evidence.sustain
    host = sustained.host if sustained else ()
    # Blocks tell the monotonic clock, samples the time since sampling began; older evidence does not say when that was.
    began = sustained.telemetry.began_s if sustained and sustained.telemetry else None
    rows = (("stolen", [h.steal for h in host]), ("others", [h.foreign for h in host]))
    parts = []
    for row, (name, values) in enumerate(rows):
        y = top + row * 11
        parts.append(rect(x.start, y, x.end - x.start, 8, GRID, opacity=0.45))
        parts.append(text(x.start - 6, y + 7, name, anchor="end", size=8, color=SOFT))
        done, samples = 0.0, list(zip(host, values, strict=True))
        for block in run.blocks:
            for sample, value in samples:
                offset = sample.t_s - (block.start_s - (began or 0.0))
                if 0 <= offset < block.seconds and value > 0.005:
                    left = x(done + offset)
                    parts.append(rect(left, y, x(done + offset + 1) - left, 8, NOISE, opacity=min(1.0, 0.15 + value)))
            done += block.seconds
    if not host:
        parts.append(
            text((x.start + x.end) / 2, top + 13, "the host was not watched", anchor="middle", size=8.5, color=SOFT)
        )
    return parts


def over_time(record: Record, run: SustainedRun) -> Markup | None:
    """Throughput of one regime over the counted seconds, with blocks, claim and host noise."""
    total = sum(block.seconds for block in run.blocks)
    means = [(b.seconds, b.items / b.seconds) for b in run.blocks if b.seconds > 0]
    if not means:
        return None
    stated: StatedRegime | None = next((r for r in record.claim.regimes if r.name == run.regime), None)
    claimed = stated.rate_per_s if stated else None
    low_band = claimed * (1 - record.claim.throughput_tolerance) if claimed else None
    high_band = claimed * (1 + record.claim.throughput_tolerance) if claimed else None
    x = Scale(low=0, high=max(total, float(len(run.bins))), start=62, end=WIDTH - 14)
    shown = [*run.bins, *(mean for _, mean in means), *(v for v in (low_band, high_band) if v)]
    y = scale(shown, 138, 22, room=0.08)
    parts = []
    if claimed and low_band and high_band:
        parts.append(rect(x.start, y(high_band), x.end - x.start, y(low_band) - y(high_band), BAND))
    parts.extend(axes(x, y, "seconds counted", f"{run.item}/s (axis does not start at zero)"))
    if run.bins:
        parts.append(_curve(run.bins, x, y))
    done = 0.0
    for seconds, mean in means:
        parts.append(line(x(done), y(mean), x(done + seconds), y(mean), INK, width=1.8))
        done += seconds
    if claimed:
        parts.append(line(x.start, y(claimed), x.end, y(claimed), CLAIMED, width=1.3, dash="6 3"))
        parts.append(text(x.end - 3, y(claimed) - 4, "claimed", anchor="end", size=8.5, color=CLAIMED))
    parts.extend(_noise(record, run, x, 172))
    return frame(f"Throughput of {run.regime} over time, with the claimed rate and the load of others", 196, parts)


def probe(record: Record) -> Markup | None:
    """The fixed arithmetic probe between blocks, which shows whether the machine itself changed speed."""
    values = record.evidence.sustain.probe.gflops if record.evidence.sustain else ()
    if len(values) < 2:
        return None
    x = Scale(low=0, high=len(values) - 1, start=62, end=WIDTH - 14)
    y = Scale(low=0, high=max(values) * 1.1 or 1.0, start=52, end=14)
    path = " ".join(f"{x(i):.1f},{y(v):.1f}" for i, v in enumerate(values))
    parts = [
        line(x.start, y.start, x.end, y.start, GRID),
        f'<polyline points="{path}" fill="none" stroke="{INK}" stroke-width="1.2"/>',
        text(x.start - 6, y(max(values)) + 3, f"{max(values):.0f}", anchor="end", size=8.5, color=SOFT),
        text(x.start - 6, y.start + 3, "0", anchor="end", size=8.5, color=SOFT),
        text(
            x.start - 44,
            8,
            f"GFLOP/s of the fixed probe, {len(values)} times, from {min(values):.1f} to {max(values):.1f}",
            size=9,
            color=SOFT,
        ),
    ]
    return frame("Rate of the arithmetic probe between blocks", 60, parts)
