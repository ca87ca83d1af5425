"""Parsers that do to the worker what a hostile document might: small and real."""

import os
import signal
import sys
import time
from pathlib import Path

from lynxspec.errors import HostileInput, UnreadableInput
from lynxspec.sheet import Prose, Sheet, Text


def _sheet(source: str, text: str) -> Sheet:
    return Sheet(source=source, format="text", text=text, blocks=(Prose(text=Text(text, range(len(text)))),))


def parse(data: bytes, source: str) -> Sheet:
    return _sheet(source, data.decode())


def hang(_data: bytes, _source: str) -> Sheet:
    time.sleep(600)
    raise AssertionError


def spin(_data: bytes, _source: str) -> Sheet:
    while True:
        pass


def devour(_data: bytes, source: str) -> Sheet:
    held = []
    while True:
        held.append(b"x" * (1 << 24))
        if len(held) > 1 << 20:
            return _sheet(source, "")


def crash(_data: bytes, _source: str) -> Sheet:
    os.kill(os.getpid(), signal.SIGSEGV)
    raise AssertionError


def leave(_data: bytes, _source: str) -> Sheet:
    os._exit(0)


def stumble(_data: bytes, _source: str) -> Sheet:
    raise KeyError("Catalog")


def refuse(_data: bytes, source: str) -> Sheet:
    raise UnreadableInput(f"{source}: no", hint="try another")


def bomb(_data: bytes, source: str) -> Sheet:
    raise HostileInput(f"{source}: a bomb")


def chatter(data: bytes, source: str) -> Sheet:
    print("noise " * 10_000, flush=True)  # noqa: T201 - what it is for
    os.write(1, b"noise")
    os.write(2, b"noise")
    sys.stderr.write("noise")
    return parse(data, source)


def write(data: bytes, source: str) -> Sheet:
    Path(data.decode()).write_text("stolen")
    return _sheet(source, "written")


def environment(_data: bytes, source: str) -> Sheet:
    return _sheet(source, " ".join(os.environ))


def nothing(_data: bytes, _source: str) -> None:
    return None
