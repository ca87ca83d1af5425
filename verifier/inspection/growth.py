"""Error of a model that feeds its results back, over its sequence: by output position, input length, unrolled step.

Runs inside the worker: standard library and numpy, syntax of Python 3.8.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from verifier.inspection.moments import Noise

MOST_POINTS = 8
"""Places that are told apart; longer sequences are cut into so many stretches."""
FEWEST_STEPS = 4
"""Products of one weight that count as a recurrence."""


class Growth:
    """Noise at each place of the sequence."""

    def __init__(self) -> None:
        """Nothing seen yet."""
        self._places: dict[tuple[str, str], dict[int, Noise]] = {}
        self._whole: set[str] = set()
        """Outputs that are floats: only those have a signal-to-noise ratio."""

    def add(self, name: str, theirs: Any, ours: Any, inputs: dict[str, Any]) -> None:
        """One output of one batch: by position where its axis 1 is time, else by the length of the item's input."""
        if theirs.dtype.kind == "f":
            self._whole.add(name)
        if theirs.ndim == 3 or (theirs.ndim == 2 and theirs.dtype.kind != "f"):
            for position in range(theirs.shape[1]):
                self._at("output_position", name, position + 1).add(theirs[:, position], ours[:, position])
            return
        lengths = _lengths(inputs)
        for item, length in enumerate(lengths[: len(theirs)] if lengths is not None else ()):
            self._at("input_length", name, int(length)).add(theirs[item], ours[item])

    def _at(self, source: str, name: str, place: int) -> Noise:
        return self._places.setdefault((source, name), {}).setdefault(place, Noise())

    def rows(self, steps: Iterable[tuple[str, Noise]]) -> list[dict[str, Any]]:
        """`verifier.evidence.inspection.GrowthPoint` rows; ``steps`` are products in order, by weight."""
        by_weight: dict[str, list[Noise]] = {}
        for weight, noise in steps:
            by_weight.setdefault(weight, []).append(noise)
        found = []
        for (source, name), places in self._places.items():
            found += _points(source, name, sorted(places.items()), floats=name in self._whole)
        for weight, noises in by_weight.items():
            if len(noises) >= FEWEST_STEPS:
                found += _points("unrolled_step", weight, list(enumerate(noises, start=1)), floats=True)
        return found


def _points(source: str, name: str, places: list[tuple[int, Noise]], floats: bool) -> list[dict[str, Any]]:
    """Neighbouring places together, so that there are at most `MOST_POINTS`."""
    rows = []
    for part in np.array_split(np.arange(len(places)), min(MOST_POINTS, len(places))):
        total = Noise()
        for index in part:
            total.merge(places[int(index)][1])
        if total.values:
            rows.append(
                {
                    "source": source,
                    "name": name,
                    "first": places[int(part[0])][0],
                    "last": places[int(part[-1])][0],
                    "values": total.values,
                    "sqnr_db": total.decibels if floats else None,
                    "differing": None if floats else total.differing / total.values,
                }
            )
    return rows


def _lengths(inputs: dict[str, Any]) -> Any | None:
    """Positions in use per item: of a mask its ones, of codes those up to the last that is not 0; else unknown."""
    tables = {name: array for name, array in inputs.items() if array.ndim == 2 and array.dtype.kind in "iub"}
    for name, array in tables.items():
        if "mask" in name.lower():
            return (array != 0).sum(axis=1)
    for array in tables.values():
        used = array != 0
        return np.where(used.any(axis=1), array.shape[1] - np.argmax(used[:, ::-1], axis=1), 0)
    return None
