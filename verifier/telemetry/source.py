"""What a telemetry source is: a few numbers that can be read again and again, or the reason why they cannot.

Sources run in the sampler's own process, which imports the standard library and these files only. Reason codes are the
values of `verifier.evidence.telemetry.Validity`.
"""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

OK = "ok"
NO_SENSOR = "no_sensor"
PERMISSION_DENIED = "permission_denied"
LIBRARY_ABSENT = "library_absent"
READ_FAILED = "read_failed"
NOMINAL_ONLY = "nominal_only"

GAUGE = "gauge"
"""A state: temperature, clock, power."""
COUNTER = "counter"
"""A sum that only rises: energy, time, errors."""
MASK = "mask"
"""Bits, each a condition that holds."""

_LARGEST = 1 << 18


@dataclass(frozen=True)
class Channel:
    """One number of a source."""

    name: str
    unit: str
    kind: str
    wrap: float | None = None
    """Where a counter starts again at 0, if it does."""
    traced: bool = True
    """Whether its curve is worth keeping; of hundreds of alike channels only the summary is."""


class Source(Protocol):
    """Something that can be read; a new one is a class with these."""

    name: str
    note: str
    """What was found, or why nothing was, in words."""
    channels: tuple[Channel, ...]
    """Known once `available` was asked."""

    def available(self) -> str | None:
        """Open it; the code of why it cannot be read, or `None`."""

    def read(self) -> list[float | None]:
        """One value a channel, `None` where this one could not be read. Raises `OSError` if nothing could."""


class KernelFile:
    """A file of the kernel that stays open: reading it from the start again gives its present content."""

    def __init__(self, path: str | Path) -> None:
        """Open it. Raises `OSError`."""
        self.path = str(path)
        self._handle = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)

    def text(self) -> str:
        """Its content now. Raises `OSError`."""
        return os.pread(self._handle, _LARGEST, 0).decode("ascii", "replace")

    def number(self) -> float:
        """Its content as a number. Raises `OSError`, also if it is none."""
        text = self.text()
        try:
            return float(text)
        except ValueError as error:
            raise OSError(errno.EIO, f"{self.path} holds no number") from error

    def close(self) -> None:
        """Give the handle back."""
        os.close(self._handle)


def code_of(error: OSError) -> str:
    """The reason code of a file that cannot be read."""
    if isinstance(error, PermissionError):
        return PERMISSION_DENIED
    if isinstance(error, FileNotFoundError) or error.errno in {errno.EOPNOTSUPP, errno.ENODEV, errno.ENXIO}:
        return NO_SENSOR
    return READ_FAILED


def opened(paths: list[Path]) -> tuple[list[KernelFile], OSError | None]:
    """Those of ``paths`` that give a number now, and the first error of the others."""
    files: list[KernelFile] = []
    first: OSError | None = None
    for path in paths:
        try:
            file = KernelFile(path)
            file.number()
        except OSError as error:
            first = first or error
        else:
            files.append(file)
    return files, first


def numbers(files: list[KernelFile], factor: float) -> list[float | None]:
    """The content of each file times ``factor``; `None` for one that fails. Raises `OSError` if all do."""
    values: list[float | None] = []
    last: OSError | None = None
    for file in files:
        try:
            values.append(file.number() * factor)
        except OSError as error:
            last = error
            values.append(None)
    if last is not None and all(value is None for value in values):
        raise last
    return values


def our_processors(most: int = 64) -> list[int]:
    """Logical processors that we may run on; of more than ``most`` an even choice, since each read costs."""
    allowed = sorted(os.sched_getaffinity(0))
    step = -(-len(allowed) // most)
    return allowed[::step]
