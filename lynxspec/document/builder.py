"""From a stream of events to plain data and a tree of places, with every safety limit watched on the way."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from lynxspec.errors import HostileInput

MAX_BYTES = 4 * 2**20
MAX_DEPTH = 64
MAX_NODES = 100_000
MAX_DIGITS = 18
"""A whole number of 18 digits fits 64 bits in every reader."""
MAX_FLOAT = 1e300
_MAX_SPELLING = 100

Data = Any
"""What JSON can hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """What one pass over the events gives."""

    data: Data
    events: tuple[Any, ...]
    """Those that were consumed; `lynxspec.document.layout` finds places in them."""


def place(mark: Any) -> str:  # noqa: ANN401 - ruamel's marks carry no types
    """``line:column``, counted from 1."""
    return f"{mark.line + 1}:{mark.column + 1}"


def build(events: Iterator[Any], *, source: str) -> Built:  # noqa: C901, PLR0912 - one flat loop is the fast one
    """Consume ``events`` of a whole stream; the first crossed limit ends it with `HostileInput`.

    One flat loop over local names: it runs for every scalar of every claim.
    """
    log: list[Any] = []
    root: Data = None
    target: Any = None  # the open collection
    key: str | None = None  # the open mapping's key that waits for its value
    stack: list[tuple[Any, str | None]] = []
    nodes = 0
    for event in events:
        log.append(event)
        kind = type(event)
        if kind is ScalarEvent:
            nodes += 1
            if event.anchor is not None or event.tag is not None or nodes > MAX_NODES:
                raise _unwanted_node(event, source)
            value: Data = event.value
            if event.implicit[0] and (value in _WORDS or value[0] in _NUMERIC):
                value = _resolve(event, value, source)
            if target.__class__ is dict:
                if key is None:
                    if value.__class__ is not str or value in target or (value == "<<" and event.implicit[0]):
                        raise _unwanted_key(event, value, target, log, source)
                    key = value
                else:
                    target[key], key = value, None
            elif target is None:
                root = value
            else:
                target.append(value)
        elif kind is MappingEndEvent or kind is SequenceEndEvent:
            target, key = stack.pop()
        elif kind is MappingStartEvent or kind is SequenceStartEvent:
            nodes += 1
            _check_opening(event, target, key, depth=len(stack), nodes=nodes, source=source)
            value = {} if kind is MappingStartEvent else []
            if target is None:
                root = value
            elif target.__class__ is dict:
                target[key] = value
            else:
                target.append(value)
            stack.append((target, None))
            target, key = value, None
        elif kind is AliasEvent:
            raise _refusal(event, f"an alias (*{event.anchor})", "write the value out where it is used", source)
        elif kind is DocumentStartEvent:
            _check_start(event, log, source)
    return Built(data=root, events=tuple(log))


def _refusal(event: Any, found: str, hint: str, source: str) -> HostileInput:  # noqa: ANN401 - ruamel has no types
    """The error for ``found`` at ``event``."""
    return HostileInput(f"{source}:{place(event.start_mark)}: {found} is not allowed", hint=hint)


def _check_start(event: Any, log: list[Any], source: str) -> None:  # noqa: ANN401 - as above
    """One document per file, without directives."""
    if sum(type(earlier) is DocumentStartEvent for earlier in log) > 1:
        raise _refusal(event, "a second document", "put each claim into a file of its own", source)
    if event.version is not None or event.tags:
        raise _refusal(event, "a directive (a line that starts with %)", "remove it; claims are YAML 1.2", source)


def _unwanted_node(event: Any, source: str) -> HostileInput:  # noqa: ANN401 - as above
    """The error for a node that no document may hold."""
    if event.anchor is not None:
        return _refusal(event, f"an anchor (&{event.anchor[:60]})", "write the value out where it is used", source)
    if event.tag is not None:
        return _refusal(event, f"a tag ({str(event.tag)[:60]})", "remove it; quotes mark text", source)
    return HostileInput(
        f"{source}:{place(event.start_mark)}: more than {MAX_NODES:,} keys and values",
        hint="a claim has some hundred; keep data in files of their own and refer to them by digest",
    )


def _unwanted_key(event: Any, value: Data, target: Data, log: list[Any], source: str) -> HostileInput:  # noqa: ANN401
    """The error for a key that is no text, a merge key, or there already."""
    if not isinstance(value, str):
        text = event.value
        return _refusal(event, f"the key {text or 'null'}, which is not text,", f'write "{text}" in quotes', source)
    if value not in target:
        return _refusal(event, "a merge key (<<)", "write the merged keys out", source)
    first = place(first_key(log, value).start_mark)
    return _refusal(
        event, f"a second {value[:60]!r} in one mapping", f"remove one; the first stands at {first}", source
    )


def first_key(log: list[Any], name: str) -> Any:  # noqa: ANN401 - as above
    """The event of key ``name`` in the innermost mapping that ``log`` leaves open."""
    depth, found, position = 0, None, 0
    keys: list[Any] = []
    for event in reversed(log[:-1]):
        kind = type(event)
        if kind is MappingEndEvent or kind is SequenceEndEvent:
            depth += 1
        elif kind is MappingStartEvent or kind is SequenceStartEvent:
            depth -= 1
            if depth < 0:
                break
        if depth == 0:
            keys.append(event)  # backwards: value, key, value, key, ...
    for position, found in enumerate(keys):
        if position % 2 and found.value == name:
            return found
    return log[-1]


def _check_opening(event: Any, target: Data, key: str | None, *, depth: int, nodes: int, source: str) -> None:  # noqa: ANN401
    """A mapping or a list may begin here."""
    if event.anchor is not None or event.tag is not None or nodes > MAX_NODES:
        raise _unwanted_node(event, source)
    if key is None and isinstance(target, dict):
        raise _refusal(event, "a key that is a mapping or a list", "use text keys", source)
    if depth >= MAX_DEPTH:
        raise HostileInput(
            f"{source}:{place(event.start_mark)}: nested deeper than {MAX_DEPTH} levels",
            hint="no claim nests deeper than a dozen levels",
        )


def _resolve(event: Any, text: str, source: str) -> Data:  # noqa: ANN401 - as above
    """An unquoted scalar by the YAML 1.2 core schema, restricted to the numbers that every reader reads alike."""
    if text in _WORDS:
        return _WORDS[text]
    number = _NUMBER.fullmatch(text)
    if number is None:
        if _NON_FINITE.fullmatch(text):
            hint = "leave it out or say why it is unknown"
            raise _refusal(event, f"{text}, which is not a finite number,", hint, source)
        return text
    if number["fraction"] is None and number["exponent"] is None:
        if len(text.lstrip("+-")) > MAX_DIGITS:
            raise _giant(event, text, source)
        return int(text)
    value = float(text) if len(text) <= _MAX_SPELLING else float("inf")
    vanished = value == 0 and number["mantissa"].strip("0.")
    if abs(value) > MAX_FLOAT or vanished:
        raise _giant(event, text, source)
    return value


def _giant(event: Any, text: str, source: str) -> HostileInput:  # noqa: ANN401 - as above
    """The error for a number that readers would round or overflow."""
    shown = text if len(text) <= 40 else f"{text[:40]}..."
    hint = "put digests and identifiers in quotes"
    return _refusal(event, f"the number {shown}, which is out of range,", hint, source)


_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_NUMERIC = frozenset("+-.0123456789")
"""First characters of numbers."""
_NUMBER = re.compile(
    r"[+-]?(?P<mantissa>(?=\.?[0-9])(?:0|[1-9][0-9]*)?(?P<fraction>\.[0-9]*)?)(?P<exponent>[eE][+-]?[0-9]+)?",
    re.ASCII,
)
_NON_FINITE = re.compile(r"[+-]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
