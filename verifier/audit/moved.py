"""Tables of a record's pages on layers: the three ledgers side by side, bits per weight, and how far numbers moved."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from verifier.audit.record import Record
from verifier.evidence import PrecisionLedger
from verifier.evidence.inspection import ActivationFit, LayerSignal, SignalReport
from verifier.judge.clause import number, percent
from verifier.judge.layers import LayerRow, layer_rows
from verifier.judge.signal import clipped_share

MOST_LAYERS = 16
"""Layers that are printed; all are in record.json."""
MOST_ROWS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What is printed of one regime."""

    regime: str
    storage: tuple[tuple[str, ...], ...]
    """Tensors; bits of the number, in the file, with scales; codes in use."""
    layers: tuple[tuple[str, ...], ...]
    """Layer; weight and product in the file; product as executed; share of time; signal to noise."""
    layer_words: str
    facts: tuple[tuple[str, str], ...]
    """Further numbers with their names."""


def moved(record: Record) -> tuple[Moved, ...]:
    """One entry for each regime that was looked into layer by layer."""
    found = []
    for stated in record.claim.regimes:
        ledgers = {x.ledger: x for x in record.evidence.ledgers if x.regime == stated.name and x.status == "ok"}
        file = ledgers.get("supplied_artifact") or ledgers.get("recipe_artifact")
        signals = [s for s in record.evidence.signals if s.regime == stated.name and s.status == "ok"]
        report = signals[0] if signals else None
        layers = _layers(file, ledgers.get("executed"), report)
        entry = Moved(
            regime=stated.name,
            storage=tuple(_storage(file)) if file is not None and stated.role != "reference" else (),
            layers=tuple(layers[:MOST_LAYERS]) if stated.role != "reference" else (),
            layer_words=f"{min(len(layers), MOST_LAYERS)} of {len(layers)} layers: those that run otherwise than the "
            "file means, then those with the least signal over noise. All are in record.json.",
            facts=tuple(_facts(report)) if report is not None else (),
        )
        if entry.storage or entry.layers or entry.facts:
            found.append(entry)
    return tuple(found)


def _storage(file: PrecisionLedger) -> Iterable[tuple[str, ...]]:
    for row in file.storage:
        codes = "–" if row.low is None or row.high is None else f"{number(row.low)} to {number(row.high)}"
        yield (
            f"{row.tensor_class} ({row.tensors})",
            row.format,
            row.stored_as,
            str(row.numeric_bits or "–"),
            number(row.storage_bits),
            number(row.effective_bits),
            codes,
        )


def _layers(
    file: PrecisionLedger | None, executed: PrecisionLedger | None, report: SignalReport | None
) -> list[tuple[str, ...]]:
    """Layers of the file: first what runs otherwise, then the most sensitive."""
    if file is None or not file.layers:
        return []
    rows = layer_rows(file, executed) if executed is not None and executed.sha256 == file.sha256 else ()
    ran = {row.node: row for row in rows}
    heard = {_stem(layer.node): layer for layer in report.layers} if report is not None else {}

    def rank(node: str) -> tuple[bool, float]:
        row, signal = ran.get(node), heard.get(_stem(node))
        level = signal.sqnr_db if signal is not None and signal.sqnr_db is not None else 1e9
        return not (row is not None and row.executed not in (None, row.artifact)), level

    ordered = sorted(file.layers, key=lambda layer: rank(layer.node))
    return [
        (
            layer.node,
            layer.weight_format or "–",
            layer.compute,
            *_ran(ran.get(layer.node)),
            _level(heard.get(_stem(layer.node))),
        )
        for layer in ordered
    ]


def _stem(node: str) -> str:
    return node.removesuffix("_quant").removesuffix("_Q4")


def _ran(row: LayerRow | None) -> tuple[str, str]:
    if row is None or row.executed is None:
        return "–", "–"
    return row.executed, "–" if row.time_share is None else percent(row.time_share)


def _level(signal: LayerSignal | None) -> str:
    if signal is None:
        return "–"
    return "no difference" if signal.sqnr_db is None else f"{number(signal.sqnr_db, 3)} dB"


def _facts(report: SignalReport) -> Iterable[tuple[str, str]]:
    for output in report.outputs:
        yield f"Output {output.tensor}", f"{_level(output)} over {report.evaluation_items} items"
    evaluated, calibrated = (clipped_share(report.activations, which) for which in ("evaluation", "calibration"))
    if evaluated is not None:
        words = f"{percent(evaluated)} of the evaluation set's values lie outside the artifact's ranges"
        if calibrated is not None:
            words += f", {percent(calibrated)} of the calibration set's"
        yield "Activations", f"{words} ({report.evaluation_items} and {report.calibration_items} items)"
    worst = sorted(report.activations, key=_clipped, reverse=True)
    for fit in [fit for fit in worst if fit.evaluation_clipped][:MOST_ROWS]:
        yield fit.tensor, _fit(fit)
    for outlier in sorted(report.outliers, key=lambda o: -o.max_over_median)[:MOST_ROWS]:
        words = f"largest channel {number(outlier.max_over_median, 3)} times the median of {outlier.channels}"
        yield outlier.tensor, f"{words}, kurtosis {number(outlier.kurtosis, 3)}"
    yield from _growth(report)


def _growth(report: SignalReport) -> Iterable[tuple[str, str]]:
    """One row for each sequence."""
    series: dict[tuple[str, str], list[str]] = {}
    for point in report.growth:
        place = str(point.first) if point.first == point.last else f"{point.first} to {point.last}"
        if point.sqnr_db is not None:
            level = f"{number(point.sqnr_db, 3)} dB"
        elif point.differing is not None:
            level = f"{percent(point.differing)} differ"
        else:
            level = "no difference"
        series.setdefault((point.source, point.name), []).append(f"{place}: {level}")
    for (source, name), points in series.items():
        yield f"{name}, by {source.replace('_', ' ')}", "; ".join(points)


def _clipped(fit: ActivationFit) -> float:
    return fit.evaluation_clipped / max(1, fit.evaluation_values)


def _fit(fit: ActivationFit) -> str:
    span = f"{number(fit.low)} to {number(fit.high)}"
    seen = f"{number(fit.evaluation_low)} to {number(fit.evaluation_high)}"
    return f"range {span}, evaluation {seen}: {percent(_clipped(fit))} clipped"
