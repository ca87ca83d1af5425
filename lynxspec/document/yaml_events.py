"""YAML text as a stream of events, from the C scanner where it is installed and from pure Python elsewhere.

Only events are asked for: the C library's composer recurses, and 50 KB of brackets end the process there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.events import ScalarEvent
from ruamel.yaml.reader import ReaderError
from ruamel.yaml.scanner import ScannerError

from lynxspec.errors import UnreadableInput

_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_SURROGATE = re.compile("[\ud800-\udfff]")

Parse = Callable[[str], Iterator[Any]]
"""Text to events."""


def c_events(text: str) -> Iterator[Any]:
    """Events of libyaml; raises `ImportError` where the extension is missing."""
    from _ruamel_yaml import CParser  # type: ignore[import-not-found]  # noqa: PLC0415 - absent on some platforms

    return iter(CParser(text).get_event, None)


def python_events(text: str) -> Iterator[Any]:
    """Events of ruamel.yaml's own parser, some twenty times slower."""
    from ruamel.yaml import YAML  # noqa: PLC0415 - only without the extension

    for event in YAML(typ="safe", pure=True).parse(text):
        if type(event) is ScalarEvent and not event.value.isascii() and _SURROGATE.search(event.value):
            raise ScannerError(problem="half of a surrogate pair is no character", problem_mark=event.start_mark)
        yield event


def available_events(text: str) -> Iterator[Any]:
    """Events of the fastest parser that is installed."""
    try:
        return c_events(text)
    except ImportError:
        return python_events(text)


def yaml_error(error: Exception, text: str, *, source: str) -> UnreadableInput:
    """What a parser raised, as our error with its place."""
    return UnreadableInput(_message(error, text, source), hint=_hint(error))


def _message(error: Any, text: str, source: str) -> str:  # noqa: ANN401 - ruamel's errors carry no types
    if isinstance(error, MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        where = _inside(text, mark.line, mark.column) if mark else "1:1"
        inside = f" ({error.context})" if error.context else ""
        return f"{source}:{where}: not valid YAML: {error.problem}{inside}"
    if isinstance(error, ReaderError):
        at = _first_unprintable(text)
        line = text.count("\n", 0, at) + 1
        column = at - text.rfind("\n", 0, at)
        return f"{source}:{line}:{column}: a control character ({text[at : at + 1]!a}) that YAML does not allow"
    return f"{source}:1:1: not valid YAML: {error}"


def _inside(text: str, line: int, column: int) -> str:
    """``line:column``; the scanner may count one line more than the file has."""
    lines = text.splitlines() or [""]
    if line >= len(lines):
        line, column = len(lines) - 1, len(lines[-1])
    return f"{line + 1}:{column + 1}"


def _hint(error: Any) -> str:  # noqa: ANN401 - as above
    problem = str(getattr(error, "problem", "") or "")
    if "\\t" in problem or "tab" in problem:
        return "indent with spaces, not tabs"
    if "mapping values are not allowed" in problem:
        return "put text that contains ': ' in quotes"
    return "check brackets, quotes and indentation there; a file that was cut off ends like this"


def _first_unprintable(text: str) -> int:
    """Offset of the first character outside YAML's printable set (YAML 1.2.2, production 1)."""
    unprintable = _UNPRINTABLE.search(text)
    return unprintable.start() if unprintable else 0
