"""Calibration items as a quantizer reads them: in a declared order and batch size, each one counted and hashed.

Runs inside the worker process: standard library and numpy, syntax of Python 3.8.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import zipfile
from typing import Any

import numpy as np


class CalibrationReader:
    """Batches by ``get_next``, ``len`` and ``set_range``, as ONNX Runtime's quantizer asks for them.

    Two ledgers are kept, since a tool may read a batch and then throw it away: ``read`` has the batches that it was
    given, ``entered`` those that became part of its statistics, both in order.
    """

    def __init__(self, path: str, inputs: list[str], settings: dict[str, Any], folder: str) -> None:
        """``settings``: samples, batch_size, order, seed; ``read`` of the samples, all unless the run is shortened.

        The arrays are unpacked into ``folder``, so that a set larger than the memory can be read batch by batch.
        """
        self._files = _unpacked(path, inputs, folder)
        samples, size = settings["samples"], settings["batch_size"]
        found = len(_open(next(iter(self._files.values()))))
        if found < samples:
            raise ValueError(f"the calibration set holds {found} items, the recipe declares {samples}")
        order = np.arange(found)
        if settings["order"] == "shuffled":
            order = np.random.RandomState(settings["seed"] % 2**32).permutation(found)
        order = order[: settings["read"]]
        self._batches = [order[at : at + size] for at in range(0, len(order), size)]
        self.position, self.end = 0, len(self._batches)
        self.read: list[int] = []
        self.entered: list[int] = []
        self._pending: list[int] = []

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
        self.position, self.end = start_index, min(end_index, len(self._batches))

    def get_next(self) -> dict[str, Any] | None:
        """The next batch, or ``None`` at the end."""
        if self.position >= self.end:
            return None
        index = self.position
        self.position += 1
        self.read.append(index)
        self._pending.append(index)
        return self.batch(index)

    def batch(self, index: int) -> dict[str, Any]:
        """A batch for our own look at it; it counts as read by nobody."""
        return {name: self._take(name, self._batches[index]) for name in self._files}

    def enter(self, count: int) -> None:
        """The last ``count`` batches that the tool was given are now part of its statistics; older ones are lost."""
        self.entered.extend(self._pending[max(len(self._pending) - count, 0) :])
        self._pending.clear()

    def drop(self) -> None:
        """What the tool was given and has not used yet is lost."""
        self._pending.clear()

    def restart(self, start_index: int, end_index: int) -> None:
        """Forget what was read, since nothing came of it, and read this range next."""
        for ledger in (self.read, self.entered, self._pending):
            ledger.clear()
        self.set_range(start_index, end_index)

    def items(self, batches: list[int]) -> int:
        """Number of items in batches of a ledger."""
        return sum(len(self._batches[index]) for index in batches)

    def digest(self, batches: list[int]) -> str:
        """SHA-256 over all items of a ledger, in order."""
        found = hashlib.sha256()
        for index in batches:
            arrays = self.batch(index)
            for row in range(len(self._batches[index])):
                for name, array in arrays.items():
                    found.update((f"{name} {array.dtype.str} {array.shape[1:]}\n").encode())
                    found.update(np.ascontiguousarray(array[row]).tobytes())
        return found.hexdigest()

    def _take(self, name: str, items: Any) -> Any:
        """Opened anew each time: pages of a mapped file that stay would count as memory of this process."""
        return np.array(_open(self._files[name])[items], order="C")


def _open(file: str) -> Any:
    return np.load(file, mmap_mode="r", allow_pickle=False)


def _unpacked(path: str, inputs: list[str], folder: str) -> dict[str, str]:
    """Files of the arrays by name; pickled objects are refused."""
    files = {}
    with zipfile.ZipFile(path) as archive:
        known = set(archive.namelist())
        absent = [name for name in inputs if name + ".npy" not in known]
        if absent:
            raise ValueError("{} holds no array {}".format(os.path.basename(path), ", ".join(absent)))
        for number, name in enumerate(inputs):
            files[name] = os.path.join(folder, f"calibration-{number}.npy")
            with archive.open(name + ".npy") as source, open(files[name], "wb") as target:
                shutil.copyfileobj(source, target, 1 << 20)
    lengths = {_length(file) for file in files.values()}
    if len(lengths) != 1 or 0 in lengths:
        raise ValueError(f"the arrays of {os.path.basename(path)} have different lengths or none")
    return files


def _length(file: str) -> int:
    """Items of an array, from its header: nothing can be mapped of an empty one."""
    with open(file, "rb") as source:
        version = np.lib.format.read_magic(source)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, _ = read(source)
    return int(shape[0]) if shape else 0


def free_bytes() -> int | None:
    """Memory and swap that are free here, less where a control group allows less; `None` if unknown."""
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            rows = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in file if line.rstrip().endswith("kB")}
        free = rows["MemAvailable"] + rows.get("SwapFree", 0)
    except (OSError, ValueError, KeyError):
        return None
    with contextlib.suppress(OSError, ValueError):  # "max" is no number
        limits = [_number(os.path.join("/sys/fs/cgroup", name)) for name in ("memory.max", "memory.current")]
        free = min(free, limits[0] - limits[1])
    return free


def _number(path: str) -> int:
    with open(path, encoding="ascii") as file:
        return int(file.read())
