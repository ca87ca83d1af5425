"""What people see on stderr while stages run: a line per stage, and on a terminal a bar with the time left."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, TextIO

from lynxspec.plain_text import visible

CLEAR = "\r\033[K"
"""Back to the beginning of the line, and clear it."""


class Progress(Protocol):
    """Listener of a run; the library itself prints nothing."""

    def stage(self, name: str, *, seconds: float | None = None) -> None:
        """Stage ``name`` begins; ``seconds`` is the estimate, if there is one."""

    def resumed(self, name: str) -> None:
        """Stage ``name`` was finished by an earlier run and is taken from its evidence."""

    def advance(self, done: float, note: str = "") -> None:
        """Share of the current stage that is done, 0..1."""

    def finished(self, note: str = "") -> None:
        """The current stage is over; ``note`` is what it found, in a few words."""


class Silent:
    """Shows nothing."""

    def stage(self, name: str, *, seconds: float | None = None) -> None:
        """Ignore."""

    def resumed(self, name: str) -> None:
        """Ignore."""

    def advance(self, done: float, note: str = "") -> None:
        """Ignore."""

    def finished(self, note: str = "") -> None:
        """Ignore."""


class Lines:
    """One line per stage; on a terminal the line is redrawn with a bar and the time left."""

    def __init__(self, stream: TextIO | None = None) -> None:
        """Write to ``stream``, standard error by default."""
        self._stream = stream or sys.stderr
        self._tty = self._stream.isatty()
        self._name = ""
        self._began = 0.0
        self._drawn = 0.0

    def stage(self, name: str, *, seconds: float | None = None) -> None:
        """Announce the stage with its estimate."""
        self._name, self._began, self._drawn = name, time.monotonic(), 0.0
        estimate = f"  (about {duration(seconds)})" if seconds else ""
        if self._tty:
            self._write(f"  {name}{estimate}", control=CLEAR)
        else:
            self._write(f"  {name}{estimate} ...\n")

    def resumed(self, name: str) -> None:
        """Say that nothing had to be run."""
        self._write(f"  {name}: kept from the earlier run\n", control=self._clear())

    def advance(self, done: float, note: str = "") -> None:
        """Redraw the bar, at most five times a second."""
        now = time.monotonic()
        if not self._tty or now - self._drawn < 0.2:
            return
        self._drawn = now
        elapsed = now - self._began
        left = f"{duration(elapsed / done - elapsed)} left" if done > 0.02 else ""
        filled = int(24 * min(done, 1.0))
        self._write(f"  {self._name}  [{'#' * filled}{'.' * (24 - filled)}] {left} {note}", control=CLEAR)

    def finished(self, note: str = "") -> None:
        """Say how long it took and what came of it."""
        took = duration(time.monotonic() - self._began)
        self._write(f"  {self._name}: {took}{'; ' + note if note else ''}\n", control=self._clear())

    def _clear(self) -> str:
        return CLEAR if self._tty else ""

    def _write(self, text: str, *, control: str = "") -> None:
        self._stream.write(control + visible(text, newlines=True))  # messages of tools quote a stranger's files
        self._stream.flush()


@contextmanager
def shown(progress: Progress, name: str, *, seconds: float | None = None) -> Iterator[list[str]]:
    """A stage from begin to end; append words to the list to have them shown with its end."""
    notes: list[str] = []
    progress.stage(name, seconds=seconds)
    yield notes
    progress.finished("; ".join(notes))


def duration(seconds: float) -> str:
    """Seconds as people write them: ``45 s``, ``3 min 20 s``, ``1 h 5 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
