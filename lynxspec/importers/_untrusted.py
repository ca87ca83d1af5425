"""`Reader`: a worker process that reads foreign documents, with limits on memory, time and files.

The parent sends a line of JSON and the document's bytes; the worker answers with a status, its peak memory, and a sheet
as bytes or an error as JSON. Nothing of the worker's answer is trusted. One process serves many documents; one that
fails is ended, and the next document gets a new one.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import time
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from lynxspec.errors import HostileInput, InternalError, UnreadableInput
from lynxspec.importers._sheet_bytes import from_bytes
from lynxspec.importers._untrusted_worker import ANSWER, LONGEST_MESSAGE, LONGEST_REQUEST, REFUSED, UNLIMITED
from lynxspec.sheet import Sheet

MIB = 1024 * 1024

_GRACE_S = 2.0
_PASSED = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT")
"""What the worker sees of our environment: no token and no passphrase may be there."""

_START = (
    "import sys; sys.path[:0] = sys.argv[2:];from lynxspec.importers._untrusted_worker import serve; serve(sys.argv[1])"
)
_ROOT = str(Path(__file__).parents[2])


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one document may use."""

    memory_bytes: int = 2048 * MIB
    """Address space of the worker."""
    seconds: float = 60.0
    """Processor time, per document."""
    wall_seconds: float = 120.0
    """Time until the answer, per document; a busy machine takes longer than the processor time."""
    files: int = 48
    """Files that may be open in the worker."""
    document_bytes: int = 128 * MIB
    answer_bytes: int = 512 * MIB


@dataclass(frozen=True, slots=True, kw_only=True)
class Parser:
    """A function from bytes and name to a sheet, as the worker finds it."""

    module: str
    function: str = "parse"
    needs: tuple[str, ...] = ()
    """What it imports only when it runs; imported before the limits are set, so that byte code can be kept."""


PARSERS: Mapping[str, Parser] = {
    # the module below the importer: it loads no models of claims
    "pdf": Parser(module="lynxspec.importers._pdf_sheet", needs=("pypdfium2", "pypdfium2.raw")),
}
"""Importers whose parser is not ``parse`` in their own file."""


@dataclass(slots=True)
class _Worker:
    """A running worker."""

    process: subprocess.Popen[bytes]
    answer: bytearray = field(default_factory=bytearray)


class Reader:
    """A context manager that reads documents in a worker process; one document at a time."""

    def __init__(
        self,
        *,
        limits: Limits | None = None,
        parsers: Mapping[str, Parser] | None = None,
        folders: tuple[str, ...] = (),
    ) -> None:
        """Start nothing before the first document; parsers are also looked up in ``folders``."""
        self.limits = limits or Limits()
        self._parsers = {**PARSERS, **(parsers or {})}
        self._folders = folders
        self._worker: _Worker | None = None
        self._finalizer: weakref.finalize[Any, Any] | None = None

    def __enter__(self) -> Self:
        """Nothing is started yet."""
        return self

    def __exit__(self, _t: type[BaseException] | None, _e: BaseException | None, _b: TracebackType | None) -> None:
        """End the worker."""
        self.close()

    def close(self) -> None:
        """End the worker; safe to repeat, and the next document starts a new one."""
        self._worker = None
        if self._finalizer is not None:
            self._finalizer()
            self._finalizer = None

    @property
    def pid(self) -> int | None:
        """The worker's process id, while one runs."""
        return self._worker.process.pid if self._worker is not None else None

    def sheet(self, data: bytes, source: str, importer_name: str) -> Sheet:
        """Read a document as the importer of that name does. Raises `UnreadableInput`, whatever the worker does."""
        if len(data) > self.limits.document_bytes:
            raise HostileInput(
                f"{source}: larger than {self.limits.document_bytes // MIB} MiB",
                hint="cut out the part that makes claims",
            )
        parser = self._parsers.get(importer_name) or Parser(module=f"lynxspec.importers.{importer_name}")
        request = {"module": parser.module, "function": parser.function, "source": source, "bytes": len(data)}
        head = json.dumps(request).encode("ascii") + b"\n"
        if len(head) > LONGEST_REQUEST:
            raise UnreadableInput(f"{source[:80]}...: a name of {len(source)} characters", hint="rename the file")
        worker = self._running(parser)
        try:
            status, peak, answer = self._exchange(worker, (head, data), source)
            read = self._opened(status, answer, source)
        except BaseException:
            # whatever state the worker is in now, no other document goes through it
            self.close()
            raise
        if peak > self.limits.memory_bytes // 4:
            self.close()
        if isinstance(read, UnreadableInput):
            raise read
        return read

    def _running(self, parser: Parser) -> _Worker:
        """The worker, started if there is none."""
        if self._worker is not None:
            return self._worker
        told: dict[str, Any] = {
            "memory": self.limits.memory_bytes,
            "seconds": self.limits.seconds,
            "alarm": self.limits.wall_seconds + _GRACE_S,
            "files": self.limits.files,
        }
        told["modules"] = [parser.module, *parser.needs]
        try:
            process = subprocess.Popen(
                [sys.executable, "-I", "-c", _START, json.dumps(told), _ROOT, *self._folders],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={name: os.environ[name] for name in _PASSED if name in os.environ},
                start_new_session=True,
            )
        except OSError as error:
            raise InternalError(
                f"the reader's process cannot be started: {error.strerror}",
                hint="run lynxspec with a Python that is a program",
            ) from error
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                os.set_blocking(pipe.fileno(), False)
        self._worker = _Worker(process)
        self._finalizer = weakref.finalize(self, _end, process)
        return self._worker

    def _exchange(self, worker: _Worker, request: tuple[bytes, bytes], source: str) -> tuple[bytes, int, bytes]:
        """Send a request and wait for its answer, no longer than the limit."""
        deadline = time.monotonic() + self.limits.wall_seconds
        writing, reading = worker.process.stdin, worker.process.stdout
        if writing is None or reading is None:
            raise InternalError("the reader's process has no pipes")
        waiting = [memoryview(part) for part in request if part]
        with selectors.DefaultSelector() as selector:
            selector.register(writing, selectors.EVENT_WRITE)
            selector.register(reading, selectors.EVENT_READ)
            while True:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise _too_long(source, self.limits.wall_seconds)
                for key, _ in selector.select(left):
                    if key.fileobj is reading:
                        self._receive(worker, key.fd, source)
                    else:
                        self._send(worker, key.fd, waiting, source)
                        if not waiting:
                            selector.unregister(writing)
                told = self._complete(worker, source)
                if told is not None and not waiting:
                    return told

    def _receive(self, worker: _Worker, pipe: int, source: str) -> None:
        part = os.read(pipe, 1 << 18)
        if not part:
            raise self._died(worker, source)
        worker.answer += part

    def _complete(self, worker: _Worker, source: str) -> tuple[bytes, int, bytes] | None:
        """The answer, if all of it is there; nothing may stand behind it."""
        answer = worker.answer
        if len(answer) < ANSWER.size:
            return None
        status, peak, length = ANSWER.unpack_from(answer)
        if length > self.limits.answer_bytes:
            raise _too_much(source, self.limits.answer_bytes)
        if len(answer) < ANSWER.size + length:
            return None
        if len(answer) > ANSWER.size + length:
            raise _no_sheet(source)
        told = bytes(answer[ANSWER.size :])
        answer.clear()
        return status, peak, told

    def _send(self, worker: _Worker, pipe: int, waiting: list[memoryview], source: str) -> None:
        try:
            sent = os.write(pipe, waiting[0][: 1 << 16])
        except BrokenPipeError as error:
            raise self._died(worker, source) from error
        waiting[0] = waiting[0][sent:]
        if not waiting[0]:
            del waiting[0]

    def _opened(self, status: bytes, answer: bytes, source: str) -> Sheet | UnreadableInput:
        """The sheet of an answer, or its error."""
        try:
            if status == REFUSED:
                return self._refused(json.loads(answer), source)
            sheet = replace(from_bytes(answer), source=source)
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise _no_sheet(source) from error
        if status == UNLIMITED:
            return replace(sheet, notes=(*sheet.notes, "this platform cannot limit memory: only the time was limited"))
        return sheet

    def _refused(self, told: Mapping[str, Any], source: str) -> UnreadableInput:
        kind, message, hint = told["kind"], told["message"], told["hint"]
        if kind == "memory":
            return _too_much(source, self.limits.memory_bytes)
        if kind == "crash":
            return UnreadableInput(
                f"reading {source} failed ({str(message)[:LONGEST_MESSAGE]})",
                hint="the file may be damaged; if it opens elsewhere, report this",
            )
        made = HostileInput if kind == "hostile" else UnreadableInput
        return made(str(message)[:LONGEST_MESSAGE], hint=str(hint)[:LONGEST_MESSAGE] if hint is not None else None)

    def _died(self, worker: _Worker, source: str) -> UnreadableInput:
        """What ended the worker, in words."""
        try:
            code = worker.process.wait(timeout=_GRACE_S)
        except subprocess.TimeoutExpired:
            code = 0
        if -code == signal.SIGXCPU:
            return _too_long(source, self.limits.seconds)
        if -code == signal.SIGKILL:
            return UnreadableInput(
                f"reading {source} was ended by the system, which is what happens when memory runs out",
                hint="the file may be damaged; else cut out the part that makes claims",
            )
        what = f" (signal {-code})" if code < 0 else ""
        return UnreadableInput(
            f"reading {source} crashed the reader{what}",
            hint=f"the file may be damaged, or need more than {self.limits.memory_bytes // MIB} MiB of memory",
        )


def _no_sheet(source: str) -> UnreadableInput:
    return UnreadableInput(
        f"{source}: its reader answered with something that is no sheet", hint="the file may be damaged"
    )


def _too_long(source: str, seconds: float) -> UnreadableInput:
    return UnreadableInput(
        f"reading {source} took more than {seconds:g} s",
        hint="the file may be damaged; else cut out the part that makes claims",
    )


def _too_much(source: str, limit: int) -> UnreadableInput:
    return UnreadableInput(
        f"reading {source} needed more than {limit // MIB} MiB of memory",
        hint="the file may be damaged; else cut out the part that makes claims",
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill a worker and whatever it started, and reap it."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            try:
                pipe.close()
            except BrokenPipeError:
                continue


def read_in_worker(
    origin: str | Path | bytes, source: str, importer_name: str, *, limits: Limits | None = None
) -> Sheet:
    """Read one document in a worker of its own; a path, or the bytes at hand."""
    with Reader(limits=limits) as reader:
        return reader.sheet(_contents(origin, source, reader.limits.document_bytes), source, importer_name)


def _contents(origin: str | Path | bytes, source: str, limit: int) -> bytes:
    """The bytes of a document, one more than ``limit`` at most."""
    if isinstance(origin, bytes):
        return origin
    try:
        with Path(origin).open("rb") as file:
            return file.read(limit + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UnreadableInput(f"{source}: {reason}", hint="check the path and its permissions") from error
