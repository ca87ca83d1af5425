"""Metrics over model outputs, by scikit-learn and scipy, with the outcome of every item kept for pairing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lynxspec.claim.accuracy import Metric
from verifier.errors import VerifierError

Array = NDArray[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """One metric over a set of items."""

    value: float
    outcomes: tuple[float, ...]
    """1 or 0 per item where an item is right or wrong, else the item's score."""
    labels: tuple[float, ...]
    """Truth per item of metrics that rank; empty for the others."""


def score(metric: Metric, outputs: dict[str, Array], labels: dict[str, Array]) -> Scored:
    """Compute ``metric``; first axis of every array is the item. Raises `VerifierError` for arrays that do not fit."""
    outcomes, truth = outcomes_of(metric, outputs, labels)
    if truth is None:
        return _right(outcomes)
    return _ranked(metric.kind, outcomes, truth)


def outcomes_of(  # noqa: C901 - one case per metric and per thing that does not fit
    metric: Metric, outputs: dict[str, Array], labels: dict[str, Array]
) -> tuple[Array, Array | None]:
    """Right or wrong per item, or its score beside its truth where only all items together give a value.

    An answer that is no number (NaN) is wrong, and no score. Raises `VerifierError` as `score` does.
    """
    if metric.output not in outputs:
        raise VerifierError(f"metric {metric.name}: no output {metric.output!r}; there are {sorted(outputs)}")
    if metric.label not in labels:
        raise VerifierError(f"metric {metric.name}: no array {metric.label!r} in the data; there are {sorted(labels)}")
    output, label = outputs[metric.output], labels[metric.label]
    if label.dtype.kind not in "biuf" or output.dtype.kind not in "biuf":
        raise VerifierError(f"metric {metric.name}: {label.dtype} labels or {output.dtype} outputs are no numbers")
    if metric.kind != "exact_match" and label.ndim != 1:
        raise VerifierError(f"metric {metric.name}: one label per item is needed, found shape {label.shape}")
    if len(output) != len(label):
        raise VerifierError(f"metric {metric.name}: {len(output)} outputs for {len(label)} labels")
    nothing = _undefined(output)
    match metric.kind:
        case "top1":
            return (_classes(output) == label) & ~nothing, None
        case "binary_accuracy":
            return ((_scores(output) > 0) == (label > 0)) & ~nothing, None
        case "exact_match":
            return _same_sequence(output, label), None
        case "f1" | "auc" | "spearman" | "pearson":
            if nothing.any():
                raise VerifierError(f"metric {metric.name}: {int(nothing.sum())} outputs are no numbers (NaN)")
            return _scores(output), label
        case _:
            raise VerifierError(f"metric {metric.name}: kind {metric.kind!r} is not built in")


def _undefined(output: Array) -> Array:
    """Items with an output that is no number: comparisons with it are all false, which is an answer to some labels."""
    return np.asarray(np.isnan(output.reshape(len(output), -1)).any(axis=1))


def ranking_value(kind: str, scores: Array, labels: Array) -> float:
    """Value of a metric that needs all items at once; the judge recomputes it for each resample."""
    from scipy import stats  # noqa: PLC0415 - half a second; only these metrics need it
    from sklearn import metrics as sk  # noqa: PLC0415 - as above

    if kind == "auc":
        return float(sk.roc_auc_score(labels, scores))
    if kind == "f1":
        return float(sk.f1_score(labels > 0, scores > 0))
    if kind == "spearman":
        return float(stats.spearmanr(scores, labels).statistic)
    return float(stats.pearsonr(scores, labels).statistic)


def _ranked(kind: str, scores: Array, label: Array) -> Scored:
    value = ranking_value(kind, scores, label)
    if not math.isfinite(value):
        raise VerifierError(f"{kind} is not defined here: all outputs are the same, or all labels")
    return Scored(value=value, outcomes=_floats(scores), labels=_floats(label))


def _right(hits: Array) -> Scored:
    from sklearn.metrics import accuracy_score  # noqa: PLC0415 - as above

    value = float(accuracy_score(np.ones(len(hits), dtype=bool), hits))
    return Scored(value=value, outcomes=_floats(hits), labels=())


def _classes(output: Array) -> Array:
    """The class of each item: the largest of its scores, or the whole number that the model itself gives.

    Axes of length one say nothing: image models end in ``[batch, classes, 1, 1]``.
    """
    flat = output.reshape([len(output), *(length for length in output.shape[1:] if length != 1)])
    if flat.ndim == 1 and flat.dtype.kind in "iu":
        return flat
    if flat.ndim != 2:
        raise VerifierError(f"expected scores for classes, or one class, per item, found shape {output.shape}")
    found: Array = flat.argmax(axis=1)
    return found


def _scores(output: Array) -> Array:
    """One number per item: a vector, or a column."""
    flat = output.reshape(len(output), -1)
    if flat.shape[1] != 1:
        raise VerifierError(f"expected one score per item, found shape {output.shape}")
    column: Array = flat[:, 0]
    return column


def _same_sequence(output: Array, label: Array) -> Array:
    """Whole sequences equal up to the label's padding (-1); what the model says after that does not count."""
    flat = output.reshape(len(output), -1)
    width = min(flat.shape[1], label.shape[1])
    beyond = (label[:, width:] >= 0).any(axis=1)
    same = (flat[:, :width] == label[:, :width]) | (label[:, :width] < 0)
    whole: Array = same.all(axis=1) & ~beyond
    return whole


def _floats(values: Array) -> tuple[float, ...]:
    return tuple(float(f"{value:.7g}") for value in values.astype(np.float64))
