"""`read` a claim file, YAML 1.2 or JSON, as plain data that remembers where each key and value stands.

Input is hostile until proven otherwise. Both formats become one stream of events, and `build` watches the limits while
it reads that stream, so that no file reaches code that recurses or expands. What a document may hold is what JSON can:
mappings with text keys, lists, text, finite numbers, true, false and null. Spellings that readers of YAML 1.1 and 1.2
understand in different ways (``010``, ``0x1F``, ``1_000``, ``12:30``, ``no``, dates) stay text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

from ruamel.yaml.error import YAMLError

from lynxspec.document.builder import MAX_BYTES, Built, build
from lynxspec.document.comments import Comment, comments
from lynxspec.document.encoding import decode, read_limited
from lynxspec.document.json_events import json_events
from lynxspec.document.layout import spans_of
from lynxspec.document.yaml_events import Parse, available_events, yaml_error
from lynxspec.errors import HostileInput
from lynxspec.location import Path, Places

__all__ = ["Comment", "Document", "build_yaml", "read"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A file as plain data, with the place of everything in it."""

    source: str
    """File name as given, ``-`` for standard input."""
    data: Any
    """Mappings, lists, text, numbers, true, false, null; ``None`` for an empty file."""
    places: Places
    """Where keys and values stand."""
    raw_scalars: Mapping[Path, str]
    """Unquoted scalars as spelled in the file, by path."""
    comments: tuple[Comment, ...]
    """Comments, in file order."""


def read(origin: str | FilePath | bytes, *, source: str | None = None) -> Document:
    """Read the file at a path, or bytes already at hand; ``source`` is the name that messages and places carry."""
    name = source if source is not None else ("-" if isinstance(origin, bytes) else str(origin))
    content = origin if isinstance(origin, bytes) else read_limited(origin, source=name)
    if len(content) > MAX_BYTES:
        raise HostileInput(
            f"{name}: larger than {MAX_BYTES // 2**20} MiB",
            hint="a claim is a few kilobytes; keep data and logs in files of their own and refer to them by digest",
        )
    text = decode(content, source=name)
    is_json = _is_json(name, text)
    built = build(json_events(text, source=name), source=name) if is_json else build_yaml(text, source=name)
    keys, values, raw_scalars = spans_of(built.events)
    return Document(
        source=name,
        data=built.data,
        places=Places(source=name, keys=keys, values=values),
        raw_scalars=raw_scalars,
        comments=() if is_json else comments(text, built.events, source=name),
    )


def build_yaml(text: str, *, source: str, parse: Parse = available_events) -> Built:
    """Data and events of YAML text; the parser can be named, since one of the two is always the slower fallback."""
    try:
        return build(parse(text), source=source)
    except (YAMLError, ValueError, OverflowError) as error:
        raise yaml_error(error, text, source=source) from error


def _is_json(source: str, text: str) -> bool:
    """By the file's name; without a telling name, by a first key in double quotes, as only JSON is usually written."""
    lower = source.lower()
    if lower.endswith((".yaml", ".yml")):
        return False
    start = text[:1000].lstrip()
    return lower.endswith(".json") or (start[:1] == "{" and start[1:].lstrip()[:1] in {'"', "}"})
