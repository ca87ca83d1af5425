"""YAML text of plain data: blocks with short mappings on one line, and quotes wherever a reader could stumble."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Self

FLOW_WIDTH = 100
"""Longest mapping or list on one line; a hole with nothing but its question always is one."""

_WORDS = re.compile(r"[A-Za-z][A-Za-z0-9_./+-]*( [A-Za-z0-9_(][A-Za-z0-9_./+()-]*)*")
_QUANTITY = re.compile(r"[0-9]{1,15}(\.[0-9]{1,15})? [A-Za-z%]+(/[A-Za-z]+)?")
_RESERVED = re.compile(r"(null|true|false|yes|no|on|off|y|n|\.?nan|\.?inf)", re.IGNORECASE)
"""Words that some readers of YAML take for something else than text."""

_UNSAFE = re.compile(
    "[\x7f-\x9f\xa0\xad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff0-\uffff]|[\U000e0000-\U000e0fff]"
)
"""Characters that YAML forbids outside of escapes, or that do not show."""

_SURROGATES = re.compile("[\ud800-\udfff]")


class Spelled(float):
    """A number that keeps the spelling of its source."""

    __slots__ = ("spelling",)
    spelling: str

    def __new__(cls, value: float, spelling: str) -> Self:
        """Remember the spelling."""
        made = super().__new__(cls, value)
        made.spelling = spelling
        return made


def emit(data: Mapping[str, Any]) -> str:
    """Write a mapping as a document; a blank line parts its sections."""
    sections = ["\n".join(_entry(key, value, 0)) for key, value in data.items()]
    return "\n".join(sections) + "\n"


def _entry(key: str, value: Any, depth: int) -> Iterator[str]:  # noqa: ANN401 - any JSON value
    """The lines of a key with its value."""
    margin = "  " * depth
    flow = _on_one_line(value, len(margin) + len(key) + 2)
    if flow is not None:
        yield f"{margin}{_scalar(key)}: {flow}"
        return
    yield f"{margin}{_scalar(key)}:"
    yield from _block(value, depth + 1)


def _block(value: Any, depth: int) -> Iterator[str]:  # noqa: ANN401 - as above
    """The lines of a mapping or list below its key."""
    margin = "  " * depth
    if isinstance(value, Mapping):
        for key, entry in value.items():
            yield from _entry(key, entry, depth)
        return
    for entry in value:
        flow = _on_one_line(entry, len(margin) + 2)
        if flow is not None:
            yield f"{margin}- {flow}"
            continue
        lines = list(_block(entry, depth + 1))
        yield f"{margin}- {lines[0].lstrip()}"
        yield from lines[1:]


def _on_one_line(value: Any, taken: int) -> str | None:  # noqa: ANN401 - as above
    """The value on one line, where it is plain, or short enough beside what is taken, or only a question."""
    flow = _flow(value)
    if (
        flow is None
        or not isinstance(value, Mapping | list | tuple)
        or (isinstance(value, Mapping) and set(value) == {"ask"})
    ):
        return flow
    return flow if taken + len(flow) <= FLOW_WIDTH else None


def _flow(value: Any) -> str | None:  # noqa: ANN401 - as above
    """The value on one line; ``None`` for what is too deep to be read on one."""
    if isinstance(value, Mapping):
        if any(isinstance(entry, list | tuple | Mapping) and entry for entry in value.values()):
            return None
        return "{" + ", ".join(f"{_scalar(key)}: {_flow(entry)}" for key, entry in value.items()) + "}"
    if isinstance(value, list | tuple):
        if any(isinstance(entry, list | tuple | Mapping) and entry for entry in value):
            return None
        return "[" + ", ".join(_flow(entry) or "" for entry in value) + "]"
    return _scalar(value)


def _scalar(value: Any) -> str:  # noqa: ANN401 - as above
    """One plain value."""
    if isinstance(value, Spelled):
        return value.spelling
    if not isinstance(value, str):
        return json.dumps(value, allow_nan=False)
    plain = (_WORDS.fullmatch(value) or _QUANTITY.fullmatch(value)) and not _RESERVED.fullmatch(value)
    if plain and len(value) <= FLOW_WIDTH:
        return value
    text = json.dumps(_SURROGATES.sub("\ufffd", value), ensure_ascii=False)
    return _UNSAFE.sub(lambda match: f"\\U{ord(match[0]):08x}", text)
