"""The claim's model and scheme on other runtimes, as the record shows it: a table, and a picture of both columns."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from lynxspec.need import multiplied
from verifier.audit.drawing import INK, MEASURED, SOFT, axes, frame, line, rect, scale, text
from verifier.audit.record import Record
from verifier.evidence.also import OtherRegime, OtherRuntime

FILES = {
    "same_file": "the claim's own file",
    "twin": "the model in its own format",
    "own_recipe": "its own quantizer",
    "none": "–",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One regime on one runtime, in words."""

    runtime: str
    regime: str
    file: str
    metrics: str
    rate: str
    executed: str
    criterion: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """What the template prints; no rows where nobody asked for other runtimes."""

    rows: tuple[Row, ...]
    picture: Markup | None
    pattern: str


def elsewhere(record: Record) -> Elsewhere:
    """Rows in the order in which the runtimes were asked for."""
    item = record.claim.item
    rows = tuple(_row(runtime, regime, item) for runtime in record.evidence.also for regime in runtime.regimes)
    return Elsewhere(
        rows=rows, picture=picture(record) if rows else None, pattern=multiplied(len(record.evidence.also))
    )


def _row(runtime: OtherRuntime, regime: OtherRegime, item: str) -> Row:
    return Row(
        runtime=f"{runtime.runtime} {runtime.version}, {runtime.provider}",
        regime=regime.regime,
        file=FILES[regime.file],
        metrics=", ".join(f"{name} {value:.4g}" for name, value in regime.metrics.items()) or "–",
        rate=_rate(regime, item),
        executed=", ".join(f"{100 * share:.0f} % {name}" for name, share in regime.executed.items()) or "not told",
        criterion=regime.criterion.replace("_", " ") if regime.criterion else "–",
        note=regime.message if regime.status == "ok" else f"{regime.status.replace('_', ' ')}: {regime.message}",
    )


def _rate(regime: OtherRegime, item: str) -> str:
    if regime.rate_low is None or regime.rate_high is None:
        return "–"
    span = f"{regime.rate_low:.4g} to {regime.rate_high:.4g}"
    over = f" over {regime.window_s:.0f} s" if regime.window_s else ""
    if regime.rate is None:
        return f"{span} {item}/s, drifting{over}"
    return f"{regime.rate:.4g} {item}/s ({span}){over}"


def picture(record: Record) -> Markup | None:
    """Accuracy against rate: a square for the reference, a dot for each quantized regime, joined, by runtime."""
    metric = next((name for runtime in record.evidence.also for r in runtime.regimes for name in r.metrics), None)
    if metric is None:
        return None
    points = [
        (number, runtime, r, r.rate, r.metrics[metric])
        for number, runtime in enumerate(record.evidence.also)
        for r in runtime.regimes
        if r.rate is not None and metric in r.metrics
    ]
    if len(points) < 2:
        return None
    roles = {regime.name: regime.role for regime in record.claim.regimes}
    x = scale([0.0, *(p[3] for p in points)], 56.0, 470.0)
    y = scale([p[4] for p in points], 190.0, 16.0, room=0.2)
    parts = axes(x, y, f"{record.claim.item} per second", metric)
    for number, runtime in enumerate(record.evidence.also):
        own = [p for p in points if p[0] == number]
        parts += _joined([(x(p[3]), y(p[4]), roles.get(p[2].regime, "")) for p in own], str(number + 1))
        top = 24 + 15 * number
        parts.append(text(490, top, f"{number + 1}  {runtime.runtime} {runtime.version}", size=9))
    parts.append(text(490, 190, "■ reference  ● quantized", size=8.5, color=SOFT))
    return frame("Accuracy and rate on each runtime", 226, parts)


def _joined(places: list[tuple[float, float, str]], number: str) -> list[str]:
    """The reference's mark, the quantized regimes' marks with the runtime's number, and lines between."""
    base = next((place for place in places if place[2] == "reference"), None)
    parts = []
    for cx, cy, role in places:
        if base is not None and role != "reference":
            parts.append(line(base[0], base[1], cx, cy, SOFT, width=0.8, dash="3 2"))
        if role == "reference":
            parts.append(rect(cx - 3.5, cy - 3.5, 7, 7, MEASURED))
        else:
            parts.append(f'<circle cx="{cx:.1f}" cy="{cy:.1f}" r="4" fill="{MEASURED}"/>')
        parts.append(text(cx + 7, cy + 3, number, size=9, color=INK))
    return parts
