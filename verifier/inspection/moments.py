"""Running sums over tensors that are seen batch by batch: noise against signal, values out of range, outliers.

Runs inside the worker: standard library and numpy, syntax of Python 3.8.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from verifier.inspection.pairs import Range


class Noise:
    """Power of a signal and of what was added to it."""

    def __init__(self) -> None:
        """Nothing seen yet."""
        self.values = 0
        self.differing = 0
        self.signal = self.noise = 0.0

    def add(self, reference: Any, other: Any) -> None:
        """Values that are not finite in either (masked positions) are left out."""
        a, b = np.asarray(reference, np.float64).ravel(), np.asarray(other, np.float64).ravel()
        finite = np.isfinite(a) & np.isfinite(b)
        if not finite.all():
            a, b = a[finite], b[finite]
        error = a - b
        self.values += int(a.size)
        self.differing += int(np.count_nonzero(error))
        self.signal += float(np.dot(a, a))
        self.noise += float(np.dot(error, error))

    def merge(self, other: Noise) -> None:
        """Add another one's sums."""
        self.values += other.values
        self.differing += other.differing
        self.signal += other.signal
        self.noise += other.noise

    @property
    def decibels(self) -> float | None:
        """10 log10 of signal over noise; ``None`` where there is no noise or no signal to compare it with."""
        if self.noise <= 0 or self.signal <= 0:
            return None
        return 10.0 * math.log10(self.signal / self.noise)


class Spread:
    """Smallest and largest value, and how many a range clips."""

    def __init__(self) -> None:
        """Nothing seen yet."""
        self.values = self.clipped = 0
        self.low, self.high = math.inf, -math.inf

    def add(self, found: Any, limits: Range) -> None:
        """One batch."""
        flat = np.asarray(found).ravel()
        finite = np.isfinite(flat)
        if not finite.all():
            flat = flat[finite]
        if flat.size:
            low, high = float(flat.min()), float(flat.max())
            self.values += int(flat.size)
            self.clipped += limits.clipped(flat, low, high)
            self.low, self.high = min(self.low, low), max(self.high, high)


class Tails:
    """Maxima per channel (the last axis), and the fourth moment of all values."""

    def __init__(self) -> None:
        """Nothing seen yet."""
        self.largest: Any | None = None
        self._shift = 0.0
        self._count = 0
        self._powers = np.zeros(4)

    def add(self, found: Any) -> None:
        """One batch; a tensor whose last axis changes its length has no channels and is left out."""
        array = np.asarray(found, np.float64)
        if array.ndim < 2 or not array.size or not np.isfinite(array).all():
            return
        rows = np.abs(array.reshape(-1, array.shape[-1])).max(axis=0)
        if self.largest is None:
            self.largest, self._shift = rows, float(array.mean())
        elif len(rows) != len(self.largest):
            return
        else:
            self.largest = np.maximum(self.largest, rows)
        centred = array.ravel() - self._shift
        self._count += centred.size
        square = centred * centred
        self._powers += (centred.sum(), square.sum(), np.dot(square, centred), np.dot(square, square))

    def row(self, tensor: str) -> dict[str, Any] | None:
        """As `verifier.evidence.inspection.Outliers`; ``None`` if nothing varies."""
        if self.largest is None:
            return None
        median = float(np.median(self.largest))
        first, second, third, fourth = self._powers / self._count
        variance = second - first * first
        if median <= 0 or variance <= 0:
            return None
        central = fourth - 4 * first * third + 6 * first * first * second - 3 * first**4
        return {
            "tensor": tensor,
            "channels": len(self.largest),
            "max_over_median": float(self.largest.max()) / median,
            "kurtosis": float(central / variance**2),
        }
