"""What the layer-by-layer comparison says, as notes: it names the sensitive layers and accuses nobody."""

from __future__ import annotations

from lynxspec.claim import Regime
from verifier.evidence.inspection import ActivationFit, GrowthPoint, LayerSignal, SignalReport
from verifier.judge.case import Case
from verifier.judge.clause import number, percent

NAMED = 3
"""Layers that a note names."""
OUTLIER_RATIO = 10.0
"""A channel so many times the median channel is called an outlier: one scale for all channels then leaves the median
channel three bits fewer than the largest."""


def report_of(case: Case, regime: Regime) -> SignalReport | None:
    """The comparison of the regime's model; of the claimed file if there is one."""
    found = [r for r in case.evidence.signals if r.regime == regime.name]
    found.sort(key=lambda r: (r.status != "ok", r.sha256 != case.artifact_sha256(regime)))
    return found[0] if found else None


def signal_notes(case: Case, regime: Regime) -> list[str]:
    """How far numbers moved, in decibels, the most sensitive layers by name, outliers and growth."""
    report = report_of(case, regime)
    if report is None:
        return []
    if report.status != "ok":
        return [f"signal and noise were not measured: {report.message}"]
    notes = [*_outputs(report), *_sensitive(report), *_outliers(report), *_growth(report)]
    if report.unmatched:
        notes.append(f"{len(report.unmatched)} layers of the reference have no counterpart of their name")
    if report.left_out:
        notes.append(f"{report.left_out} layers were left out of the comparison for lack of time")
    return notes


def sensitive(report: SignalReport) -> list[LayerSignal]:
    """Layers by how little signal is left over the noise, the most sensitive first."""
    noisy = [layer for layer in report.layers if layer.sqnr_db is not None]
    return sorted(noisy, key=lambda layer: layer.sqnr_db or 0.0)


def _outputs(report: SignalReport) -> list[str]:
    found = [o for o in report.outputs if o.sqnr_db is not None]
    return (
        [f"signal to noise of the outputs: {', '.join(f'{o.tensor} {_db(o)}' for o in found[:NAMED])}"] if found else []
    )


def _sensitive(report: SignalReport) -> list[str]:
    found = sensitive(report)
    if not found:
        return []
    names = ", ".join(f"{layer.node} {_db(layer)}" for layer in found[:NAMED])
    return [f"most sensitive of {len(report.layers)} layers over {report.evaluation_items} items: {names}"]


def _db(layer: LayerSignal) -> str:
    return f"{number(layer.sqnr_db or 0.0, 3)} dB"


def _outliers(report: SignalReport) -> list[str]:
    found = [o for o in report.outliers if o.max_over_median >= OUTLIER_RATIO]
    if not report.outliers:
        return []
    worst = max(report.outliers, key=lambda o: o.max_over_median)
    words = (
        f"largest channel {number(worst.max_over_median, 3)} times the median one, kurtosis {number(worst.kurtosis, 3)}"
    )
    many = f"{len(found)} of {len(report.outliers)} activations have a channel {number(OUTLIER_RATIO)} times the median"
    return [f"outliers: {many}; most in {worst.tensor}: {words}"]


def _growth(report: SignalReport) -> list[str]:
    """First against last stretch of the sequence, of each kind the one that lost most."""
    series: dict[tuple[str, str], list[GrowthPoint]] = {}
    for point in report.growth:
        series.setdefault((point.source, point.name), []).append(point)
    worst: dict[str, tuple[float, str]] = {}
    for (source, name), points in series.items():
        ends = points[0], points[-1]
        if len(points) < 2 or (ends[0].sqnr_db is None) != (ends[1].sqnr_db is None):
            continue
        where = f"{source.replace('_', ' ')} of {name}"
        if ends[0].sqnr_db is not None and ends[1].sqnr_db is not None:
            words = " to ".join(f"{number(p.sqnr_db or 0.0, 3)} dB at {_span(p)}" for p in ends)
            row = ends[1].sqnr_db - ends[0].sqnr_db, f"{where}: {words}"
        elif ends[0].differing is not None and ends[1].differing is not None:
            words = " to ".join(f"{percent(p.differing or 0.0)} differ at {_span(p)}" for p in ends)
            row = ends[0].differing - ends[1].differing, f"{where}: {words}"
        else:
            continue
        worst[source] = min(row, worst.get(source, row))
    return [f"error over the sequence, {words}" for _, words in worst.values()]


def _span(point: GrowthPoint) -> str:
    return str(point.first) if point.first == point.last else f"{point.first} to {point.last}"


def fit_notes(case: Case, regime: Regime) -> list[str]:
    """Whether the calibration data represents the workload: values outside the artifact's ranges, on either set."""
    report = report_of(case, regime)
    if report is None or report.status != "ok" or not report.activations:
        return []
    fits = report.activations
    evaluated = clipped_share(fits, "evaluation")
    calibrated = clipped_share(fits, "calibration")
    if evaluated is None:
        return []
    words = f"outside the artifact's activation ranges: {percent(evaluated)} of the evaluation set's values"
    words += f" over {report.evaluation_items} items"
    if calibrated is not None:
        words += f", {percent(calibrated)} of the calibration set's over {report.calibration_items}"
    worst = max(fits, key=lambda f: f.evaluation_clipped / max(1, f.evaluation_values))
    if worst.evaluation_clipped:
        share = worst.evaluation_clipped / worst.evaluation_values
        words += f"; most in {worst.tensor}, {percent(share)}"
    return [words]


def clipped_share(fits: tuple[ActivationFit, ...], which: str) -> float | None:
    """Share of all values of a set (``evaluation`` or ``calibration``) that the ranges clip; `None` without values."""
    values = sum(f.evaluation_values if which == "evaluation" else f.calibration_values for f in fits)
    clipped = sum(f.evaluation_clipped if which == "evaluation" else f.calibration_clipped for f in fits)
    return clipped / values if values else None
