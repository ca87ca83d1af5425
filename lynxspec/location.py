"""Places in a file: spans, paths of keys and indices, and violations that stand somewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Path = tuple[str | int, ...]
"""Keys and indices from the root of a document, e.g. ``("regimes", 1, "accuracy")``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of a source: lines and columns count from 1, ends are inclusive; ``page`` and ``bbox`` for PDFs."""

    line: int | None = None
    column: int | None = None
    end_line: int | None = None
    end_column: int | None = None
    page: int | None = None
    bbox: tuple[float, float, float, float] | None = None
    """Left, top, right, bottom in points from the page's top left corner."""


_START = Span(line=1, column=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """A span in a named source, with the document path that stands there."""

    source: str
    span: Span
    path: Path = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where keys and values stand in the source; ``keys`` and ``values`` map document paths to spans."""

    source: str
    keys: Mapping[Path, Span] = field(default_factory=dict)
    values: Mapping[Path, Span] = field(default_factory=dict)

    def at(self, path: Path) -> Location:
        """Location of ``path``, or of its nearest ancestor that exists in the source."""
        for end in range(len(path), -1, -1):
            span = self.values.get(path[:end]) or self.keys.get(path[:end])
            if span is not None:
                return Location(source=self.source, span=span, path=path)
        return Location(source=self.source, span=_START, path=path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One way in which a document breaks its schema."""

    location: Location
    message: str
    """What was found and what was expected."""
    suggestion: str | None = None
    """The nearest right spelling or another way out, if there is one."""


def format_path(path: Path) -> str:
    """``("regimes", 1, "accuracy")`` as ``regimes[1].accuracy``; the root as ``(document)``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else (f".{part}" if text else part)
    return text or "(document)"


def format_location(location: Location) -> str:
    """``file:line:column`` as editors understand it, or ``file:page 3`` where a page is all that is known."""
    span = location.span
    if span.line is not None:
        return f"{location.source}:{span.line}:{span.column or 1}"
    return f"{location.source}:page {span.page}" if span.page is not None else location.source
