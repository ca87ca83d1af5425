"""A number is zero where it cannot be, or orders of magnitude beyond anything that exists.

## What it checks
Every quantity against the range of its kind (durations, rates, sizes, powers, clocks, factors, margins, tolerances,
arithmetic rates), and every count against the range of its field (parameters, batch, samples, bins, axes, group
sizes, dimensions).

## Why it matters to a buyer
Such numbers are slips of unit or of a digit. They pass a form, spoil every ratio that is taken from them, and hide
what was meant.

## Disclose instead
The number with the right unit.

## References
The widest published systems: 10^13 parameters, 10^5 logical processors, 10^9 items per second.
"""

from __future__ import annotations

from collections.abc import Iterator

from lynxspec.claim.units import (
    COMPUTE,
    ENERGY,
    FACTOR,
    FREQUENCY,
    MARGIN,
    POWER,
    RATE,
    SHARE,
    SIZE,
    TEMPERATURE,
    TIME,
    Kind,
)
from lynxspec.draft import Draft
from lynxspec.lint.leaves import leaves
from lynxspec.lint.regimes import regime_name
from lynxspec.lint.rule import Hit, Rule, Severity
from lynxspec.location import Path, format_path

_RANGES: tuple[tuple[Kind, float, float], ...] = (
    (TIME, 1e-7, 30 * 86400.0),
    (RATE, 1e-6, 1e10),
    (SIZE, 64.0, 1e16),
    (POWER, 1e-4, 1e6),
    (FREQUENCY, 1.0, 2e4),
    (FACTOR, 1e-3, 1e3),
    (COMPUTE, 1e-3, 1e9),
    (TEMPERATURE, -60, 150),
    (ENERGY, 1e-12, 1e7),
)
_BY_UNIT = {unit: (low, high) for kind, low, high in _RANGES for unit, _ in kind.factors}
_SHARES = frozenset(unit for kind in (MARGIN, SHARE) for unit, _ in kind.factors)
"""Margins and tolerances have rules of their own."""

_NUMBERS: dict[str, tuple[float, float]] = {
    "total": (100, 1e14),
    "active": (100, 1e14),
    "bytes": (64, 1e16),
    "count": (1, 1e5),
    "logical_cpus": (1, 1e5),
    "samples": (1, 1e10),
    "batch": (1, 1e6),
    "batch_size": (1, 1e6),
    "concurrency": (1, 1e6),
    "repetitions": (1, 1e4),
    "max_output_length": (1, 1e7),
    "mean_output_length": (0.01, 1e7),
    "reference_mean_output_length": (0.01, 1e7),
    "axis": (-8, 7),
    "group_size": (2, 65536),
    "rows": (1, 65536),
    "columns": (1, 65536),
    "epochs": (1, 1e5),
    "page": (1, 1e5),
    "bins": (2, 1e7),
    "quantized_bins": (2, 65536),
    "steps": (1, 1e6),
    "constant": (1e-9, 1),
    "percentile": (90, 100),
}
_ZERO_IS_READ_ELSEWHERE = frozenset({"warm_up"})
_DIMENSION = (1, 1e9)


def _range(path: Path) -> tuple[float, float] | None:
    if len(path) > 1 and path[-2] == "shape":
        return _DIMENSION
    if "options" in path or "parameters" in path[2:]:
        return (-1e9, 1e9)
    return _NUMBERS.get(str(path[-1]))


def _check(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    if claim is None:
        return
    found = leaves(claim)
    for path, quantity in found.quantities:
        if quantity.unit in _SHARES or (quantity.base == 0 and path[-1] in _ZERO_IS_READ_ELSEWHERE):
            continue
        low, high = _BY_UNIT[quantity.unit]
        if not low <= quantity.base <= high:
            yield Hit(message=f"{format_path(path)} is {quantity}", at=(path,), regime=regime_name(claim, path))
    for path, number in found.numbers:
        limits = _range(path)
        if limits is not None and not limits[0] <= number <= limits[1]:
            yield Hit(
                message=f"{format_path(path)} is {number:g}, outside {limits[0]:g} to {limits[1]:g}",
                at=(path,),
                regime=regime_name(claim, path),
            )
    for index, metric in enumerate(claim.evaluation.metrics):
        if metric.kind == "other" and not any(character.isdigit() for character in metric.implementation):
            path = ("evaluation", "metrics", index, "implementation")
            yield Hit(
                message="a metric of one's own needs an implementation with its version",
                at=(path,),
                severity=Severity.INFO,
            )


RULE = Rule(
    code="LXS521",
    name="magnitude-implausible",
    severity=Severity.WARNING,
    component=None,
    summary="a number is zero where it cannot be, or beyond anything that exists",
    remedy="check unit and digits",
    question="Are unit and digits of this number right?",
    check=_check,
)
