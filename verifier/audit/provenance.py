"""Digests of our own code: whether two versions of it must come to the same score and the same verdicts."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable

SCORING = (
    "claim",
    "disclosure",
    "document",
    "facts",
    "lint",
    "validation",
    "scoring.py",
    "vocabulary.py",
    "sample_size.py",
)
"""Parts of `lynxspec` that findings and score come from."""
JUDGING = ("judge", "statistics", "verdict.py", "evidence")
"""Parts of `verifier` that verdicts come from."""


@cache
def scoring_digest() -> str:
    """Digest of everything that decides on findings and score."""
    return _digest("lynxspec", SCORING)


@cache
def judging_digest() -> str:
    """Digest of everything of ours that decides on verdicts."""
    return _digest("verifier", JUDGING)


def _digest(package: str, parts: tuple[str, ...]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        for name, file in _files(resources.files(package).joinpath(part), part):
            digest.update(f"{name}\n".encode() + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _files(place: Traversable, name: str) -> list[tuple[str, Traversable]]:
    if place.is_file():
        return [(name, place)] if name.endswith((".py", ".csv", ".toml")) else []
    found = []
    for entry in sorted(place.iterdir(), key=lambda e: e.name):
        if not entry.name.startswith(("_", ".")) or entry.name == "__init__.py":
            found += _files(entry, f"{name}/{entry.name}")
    return found
