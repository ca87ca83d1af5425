"""HTML by construction: plain words are always escaped and made visible, only `Html` passes as it is.

What it writes is well-formed XML too, so that a test can hold it against a strict parser.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape

from lynxspec.plain_text import visible

VOID = frozenset({"br", "col", "hr", "img", "meta"})
"""Elements without an end."""

_BLANK = re.compile(r"[\t\n\r\f\v]")
_NO_CHARACTERS = re.compile("[\ufffe\uffff]")
"""Code points that XML refuses and `visible` lets pass."""


@dataclass(frozen=True, slots=True)
class Html:
    """Finished markup."""

    text: str


Part = Html | str
"""Something to put into an element: markup, or words to escape."""

NOTHING = Html("")


def element(name: str, attributes: Mapping[str, str | None] | None = None, *parts: Part) -> Html:
    """Write an element; an attribute that is ``None`` is left out."""
    given = (attributes or {}).items()
    written = "".join(f' {key}="{words(value)}"' for key, value in given if value is not None)
    if name in VOID:
        return Html(f"<{name}{written} />")
    return Html(f"<{name}{written}>{join(parts).text}</{name}>")


def join(parts: Iterable[Part], between: Part = NOTHING) -> Html:
    """Put parts side by side."""
    return Html(_text(between).join(_text(part) for part in parts))


def words(text: str) -> str:
    """Escape words for one line of text or an attribute; characters that act instead of showing are spelled out."""
    return escape(_shown(_BLANK.sub(" ", text)))


def verbatim(text: str) -> str:
    """Escape text that keeps its lines and tabs."""
    return "&#9;".join(escape(_shown(piece)) for piece in text.replace("\r", "").split("\t"))


def _shown(text: str) -> str:
    return _NO_CHARACTERS.sub(lambda match: f"\\u{ord(match[0]):04x}", visible(text, newlines=True))


def _text(part: Part) -> str:
    return part.text if isinstance(part, Html) else words(part)
