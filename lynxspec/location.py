"""Places in a file: spans, paths of keys and indices, and violations that stand somewhere."""

from __future__ import annotations

from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """A span in a named source, with the document path that stands there."""

    source: str
    span: Span
    path: Path = ()


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
