"""`Worker`: the parent's side of a worker process; it is ended, with all its children, whatever happens."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from verifier.errors import ToolFailed

_PROGRAM = Path(__file__).with_name("worker.py")
_LAST_LINES = 12
_KEPT_BYTES = 64 * 1024
_GRACE_S = 2.0
DEFAULT_TIMEOUT_S = 600.0
PASSED = frozenset({"PATH", "HOME", "TMPDIR", "TZ", "LD_LIBRARY_PATH", "SOURCE_DATE_EPOCH"})
PASSED_PREFIXES = (
    "LANG",
    "LC_",
    "OMP_",
    "OPENBLAS_",
    "MKL_",
    "KMP_",
    "CUDA_",
    "NVIDIA_",
    "CUDNN_",
    "CUBLAS_",
    "HIP_",
    "HSA_",
    "ROCR_",
    "GPU_",
    "ORT_",
)
"""What a worker sees of our environment: it runs a stranger's model, so no passphrase and no token may be there."""


class Worker:
    """A context manager around one process: ``call`` sends a command and waits for its answer.

    ``threads`` bounds what numpy and OpenMP use; ``memory_limit_bytes`` what the process may allocate. The worker runs
    isolated (``-I``): it ignores ``PYTHON*`` variables, and each process has another hash seed.
    """

    def __init__(
        self,
        *,
        interpreter: str | Path = sys.executable,
        env: Mapping[str, str] | None = None,
        memory_limit_bytes: int | None = None,
        threads: int | None = None,
    ) -> None:
        """Nothing is started before the context is entered."""
        self._interpreter = str(interpreter)
        self._env = {k: v for k, v in os.environ.items() if k.startswith(PASSED_PREFIXES) or k in PASSED} | dict(
            env or {}
        )
        if threads is not None:
            for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
                self._env[name] = str(threads)
        if memory_limit_bytes is not None:
            self._env["LYNXSPEC_WORKER_MEMORY"] = str(memory_limit_bytes)
        self._process: subprocess.Popen[bytes] | None = None
        self._answer = b""
        self._chatter = b""

    def __enter__(self) -> Self:
        """Start the process, in a process group of its own."""
        try:
            self._process = subprocess.Popen(
                [self._interpreter, "-I", str(_PROGRAM)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=self._env,
                start_new_session=True,
            )
        except OSError as error:
            raise ToolFailed(
                f"the worker's interpreter {self._interpreter} cannot be started: {error.strerror}",
                hint="give the path of a Python interpreter that has the tool installed",
            ) from error
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                os.set_blocking(pipe.fileno(), False)
        return self

    def __exit__(self, _t: type[BaseException] | None, _e: BaseException | None, _b: TracebackType | None) -> None:
        """End the process and whatever it started."""
        self.close()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._running().pid

    def call(
        self,
        command: Mapping[str, Any],
        timeout_s: float = DEFAULT_TIMEOUT_S,
        progress: Callable[[float, str], None] | None = None,
    ) -> dict[str, Any]:
        """Send a command (its name under ``do``) and wait for the answer. Raises `ToolFailed`.

        ``progress`` is told the share that is done, 0..1, and a note, by commands that say so.
        """
        process = self._running()
        self._send(process, {**command, "tell": True} if progress else command)
        deadline = time.monotonic() + timeout_s
        line = self._receive(process, command, timeout_s, deadline)
        while progress is not None and line.startswith(b'{"progress"'):
            told = json.loads(line)
            progress(told["progress"], told["note"])
            line = self._receive(process, command, timeout_s, deadline)
        try:
            answer = json.loads(line)
        except ValueError as error:
            self.close()
            raise ToolFailed(f"the worker answered {command.get('do')} with something that is not JSON") from error
        if isinstance(answer, dict) and "error" not in answer:
            return answer
        failure = answer["error"] if isinstance(answer, dict) else {"type": "?", "message": str(answer)}
        raise self._refused(command, failure)

    def close(self) -> None:
        """Kill the process group and reap it; safe to repeat."""
        process, self._process = self._process, None
        if process is None:
            return
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            _shut(pipe)

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise ToolFailed("the worker process is not running")
        return self._process

    def _send(self, process: subprocess.Popen[bytes], command: Mapping[str, Any]) -> None:
        if process.stdin is None:
            raise ToolFailed("the worker has no input")
        try:
            process.stdin.write(json.dumps(command).encode("utf-8") + b"\n")
            process.stdin.flush()
        except (BrokenPipeError, ConnectionResetError) as error:
            raise self._died(process, command) from error

    def _receive(
        self, process: subprocess.Popen[bytes], command: Mapping[str, Any], timeout_s: float, deadline: float
    ) -> bytes:
        with selectors.DefaultSelector() as selector:
            for pipe in (process.stdout, process.stderr):
                if pipe is not None:
                    selector.register(pipe, selectors.EVENT_READ)
            while b"\n" not in self._answer:
                left = deadline - time.monotonic()
                if left <= 0:
                    self.close()
                    raise ToolFailed(
                        f"the worker did not answer {command.get('do')} within {timeout_s:g} s and was ended"
                        + self._last_words()
                    )
                for key, _ in selector.select(min(left, 60.0)):
                    self._read(process, selector, key.fd, command)
        line, _, self._answer = self._answer.partition(b"\n")
        return line

    def _read(
        self, process: subprocess.Popen[bytes], selector: selectors.BaseSelector, pipe: int, command: Mapping[str, Any]
    ) -> None:
        part = os.read(pipe, 1 << 16)
        if process.stderr is not None and pipe == process.stderr.fileno():
            self._chatter = (self._chatter + part)[-_KEPT_BYTES:]
            if not part:
                selector.unregister(pipe)
        elif part:
            self._answer += part
        else:
            raise self._died(process, command)

    def _refused(self, command: Mapping[str, Any], failure: Mapping[str, Any]) -> ToolFailed:
        kind, message = failure.get("type"), failure.get("message")
        if kind == "MemoryError" or "bad_alloc" in str(message) or "Failed to allocate memory" in str(message):
            return ToolFailed(f"the worker ran out of memory in {command.get('do')}: {message}")
        return ToolFailed(f"{command.get('do')} failed: {message} ({kind})")

    def _died(self, process: subprocess.Popen[bytes], command: Mapping[str, Any]) -> ToolFailed:
        """What ended the process, in words."""
        try:
            code = process.wait(timeout=_GRACE_S)
        except subprocess.TimeoutExpired:
            code = None
        self._drain(process)
        self.close()
        what = f"the worker ended in {command.get('do')}"
        if code is not None and code < 0:
            name = signal.Signals(-code).name if -code in set(signal.Signals) else "unknown"
            what += f" by signal {-code} ({name})"
            if -code == signal.SIGKILL:
                what += ", which is what the kernel does when memory runs out"
        elif code is not None:
            what += f" with exit code {code}"
        return ToolFailed(what + self._last_words())

    def _drain(self, process: subprocess.Popen[bytes]) -> None:
        if process.stderr is None:
            return
        try:
            while part := os.read(process.stderr.fileno(), 1 << 16):
                self._chatter = (self._chatter + part)[-_KEPT_BYTES:]
        except BlockingIOError:
            return

    def _last_words(self) -> str:
        lines = self._chatter.decode("utf-8", "replace").strip().splitlines()[-_LAST_LINES:]
        return "; its last words: " + " | ".join(lines) if lines else ""


def _shut(pipe: IO[bytes] | None) -> None:
    if pipe is None:
        return
    try:
        pipe.close()
    except BrokenPipeError:
        return
