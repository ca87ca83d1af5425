"""The claim standard and its linter: what a quantization claim must disclose, and how much of it one does."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lynxspec.claim import Claim
    from lynxspec.document import read
    from lynxspec.draft import Draft
    from lynxspec.importers.importer import load
    from lynxspec.lint.engine import lint as find
    from lynxspec.scoring import score
    from lynxspec.validation import validate

__all__ = ["Claim", "Draft", "find", "load", "read", "score", "validate"]

_HOMES = {
    "Claim": ("lynxspec.claim", "Claim"),
    "Draft": ("lynxspec.draft", "Draft"),
    "find": ("lynxspec.lint.engine", "lint"),
    "load": ("lynxspec.importers.importer", "load"),
    "read": ("lynxspec.document", "read"),
    "score": ("lynxspec.scoring", "score"),
    "validate": ("lynxspec.validation", "validate"),
}
"""Where each public name lives; it is imported when it is first asked for, so that the package itself costs nothing."""


def __getattr__(name: str) -> object:
    """Import a public name from its home."""
    if name not in _HOMES:
        raise AttributeError(f"module 'lynxspec' has no attribute {name!r}")
    module, attribute = _HOMES[name]
    return vars(import_module(module))[attribute]


def __dir__() -> list[str]:
    """Public names."""
    return sorted(__all__)
