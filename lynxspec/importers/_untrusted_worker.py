"""The worker's side of `lynxspec.importers._untrusted`: it answers requests to read documents, under limits."""

from __future__ import annotations

import json
import math
import os
import signal
import struct
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from lynxspec.errors import HostileInput, UnreadableInput
from lynxspec.importers._sheet_bytes import to_bytes

ANSWER = struct.Struct("<cQQ")
"""Status, peak memory in bytes, length of what follows."""
READ, UNLIMITED, REFUSED = b"R", b"U", b"E"
"""A sheet; a sheet read without limits, which this platform lacks; an error."""

LONGEST_MESSAGE = 1000
LONGEST_REQUEST = 16 * 1024


def serve(told: str) -> None:
    """Answer requests until the parent is gone."""
    limits = json.loads(told)
    requests = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)  # what a library prints must not mix with the answers
    for name in limits["modules"]:
        _imported(name)
    sys.dont_write_bytecode = True
    limit_time = _limit(limits)
    while line := requests.readline(LONGEST_REQUEST):
        request = json.loads(line)
        data = requests.read(request["bytes"])
        if limit_time is not None:
            limit_time()
        _wake(limits["alarm"])
        status, answer = _answer(request, data)
        _wake(0)
        if status == READ and limit_time is None:
            status = UNLIMITED
        answers.write(ANSWER.pack(status, _peak(), len(answer)))
        answers.write(answer)
        answers.flush()


def _wake(seconds: float) -> None:
    """Let the kernel end this process after ``seconds``, 0 for never: a parent that was killed cannot do it."""
    if hasattr(signal, "setitimer"):
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, seconds)


def _imported(name: str) -> None:
    """Import a module early; one that is missing is missed where it is used."""
    try:
        import_module(name)
    except ImportError:
        return


def _limit(limits: Mapping[str, Any]) -> Callable[[], None] | None:
    """Set the limits of this process; the function renews the processor time for a document."""
    try:
        import resource  # noqa: PLC0415 - not on every platform
    except ImportError:
        return None
    files, memory, seconds = int(limits["files"]), int(limits["memory"]), float(limits["seconds"])
    for kind, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_NOFILE, files),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        least = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (least, least))

    def renew() -> None:
        used = resource.getrusage(resource.RUSAGE_SELF)
        most = math.ceil(used.ru_utime + used.ru_stime + seconds)
        hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
        resource.setrlimit(resource.RLIMIT_CPU, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))

    return renew


def _peak() -> int:
    """The most memory that this process has used, in bytes."""
    try:
        # the kernel's `ru_maxrss` of a new program goes on from the peak of the process that started it
        with open("/proc/self/status", encoding="ascii", errors="replace") as status:  # noqa: PTH123 - before pathlib
            held = next((line.split()[1] for line in status if line.startswith("VmHWM:")), None)
        if held is not None:
            return int(held) * 1024
    except OSError:
        pass
    try:
        import resource  # noqa: PLC0415 - not on every platform
    except ImportError:
        return 0
    most: int = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def _answer(request: Mapping[str, Any], data: bytes) -> tuple[bytes, bytes]:
    """The sheet of a document, or why there is none."""
    try:
        sheet = vars(import_module(request["module"]))[request["function"]](data, request["source"])
        return READ, to_bytes(sheet)
    except UnreadableInput as error:
        kind = "hostile" if isinstance(error, HostileInput) else "unreadable"
        told = {"kind": kind, "message": error.message, "hint": error.hint}
    except MemoryError:
        told = {"kind": "memory", "message": "", "hint": None}
    except Exception as error:  # noqa: BLE001 - whatever a hostile document makes of a parser, the others go on
        told = {"kind": "crash", "message": f"{type(error).__name__}: {error}"[:LONGEST_MESSAGE], "hint": None}
    return REFUSED, json.dumps(told).encode("ascii")
