"""Calibration items as a quantizer reads them: in a declared order and batch size, each one counted and hashed.

Runs inside the worker process: standard library and numpy, syntax of Python 3.8.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from verifier.workload import read_inputs


class CalibrationReader:
    """Batches by ``get_next``, ``len`` and ``set_range``, as ONNX Runtime's quantizer asks for them."""

    def __init__(self, path: str, inputs: list[str], settings: dict[str, Any]) -> None:
        """``settings``: samples, batch_size, order, seed; ``read`` of the samples, all unless the run is shortened."""
        arrays = read_inputs(path, inputs)
        samples, size = settings["samples"], settings["batch_size"]
        found = len(next(iter(arrays.values())))
        if found < samples:
            raise ValueError(f"the calibration set holds {found} items, the recipe declares {samples}")
        order = np.arange(found)
        if settings["order"] == "shuffled":
            order = np.random.RandomState(settings["seed"] % 2**32).permutation(found)
        order = order[: settings["read"]]
        self._arrays = arrays
        self._batches = [order[at : at + size] for at in range(0, len(order), size)]
        self._position, self._end = 0, len(self._batches)
        self._digest = hashlib.sha256()
        self.samples = 0

    def __len__(self) -> int:
        """Number of batches."""
        return len(self._batches)

    def __iter__(self) -> CalibrationReader:
        """The tool may iterate too."""
        return self

    def __next__(self) -> dict[str, Any]:
        """The next batch."""
        batch = self.get_next()
        if batch is None:
            raise StopIteration
        return batch

    def set_range(self, start_index: int, end_index: int) -> None:
        """Read only these batches next."""
        self._position, self._end = start_index, min(end_index, len(self._batches))

    def get_next(self) -> dict[str, Any] | None:
        """The next batch, or ``None`` at the end."""
        if self._position >= self._end:
            return None
        items = self._batches[self._position]
        self._position += 1
        self.samples += len(items)
        for item in items:
            for name, array in self._arrays.items():
                self._digest.update((f"{name} {array.dtype.str} {array.shape[1:]}\n").encode())
                self._digest.update(np.ascontiguousarray(array[item]).tobytes())
        return {name: np.ascontiguousarray(array[items]) for name, array in self._arrays.items()}

    @property
    def digest(self) -> str:
        """SHA-256 over all items read, in order."""
        return self._digest.hexdigest()
