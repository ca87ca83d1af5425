"""Which labels of a table name the original that others were quantized from: ``Acme-7B`` beside ``Acme-7B-FP8``."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lynxspec.extraction.schemes import label

ORIGINAL = "original"
"""Their regime, where the table does not name their precision."""

_LEAST = 5
"""Letters and digits of a name that can be the stem of another."""

_ALIKE = 8
"""Letters and digits that two names of one family share at the start."""

_MOST = 300
"""More labels than this are no list of models that anybody compares by name."""

_TAIL = 24
"""So far behind the stem the scheme is looked for."""

_DIGIT = re.compile(r"\d")
_NO_LETTER = re.compile(r"[^a-z0-9]+")
_THIS = re.compile(r"this (?:model|version|checkpoint|repo)", re.IGNORECASE)

_SUFFIX = re.compile(r"quant|gguf|gptq|awq|int\d|fp\d|w\d+a\d+|\d-?bit|q\d_|this model", re.IGNORECASE)


def originals(labels: Sequence[str]) -> frozenset[int]:
    """Indices of labels that are the whole stem of another label which adds a scheme to it."""
    if len(set(labels)) > _MOST:
        return frozenset()
    if len(set(labels)) < len(labels):
        unique = list(dict.fromkeys(labels))
        named_once = {unique[index] for index in originals(unique)}
        return frozenset(i for i, text in enumerate(labels) if text in named_once)
    stems = [_stem(text) for text in labels]
    long = [i for i, stem in enumerate(stems) if len(stem) >= _LEAST and _DIGIT.search(stem)]
    bare = [index for index in long if label(labels[index]) is None]
    if not bare:
        return frozenset()
    schemed = [(s, text) for s, text in zip(stems, labels, strict=True) if label(text) is not None]
    own = [s for s, text in schemed if _THIS.search(text)]
    found: set[int] = set()
    for index in bare:
        stem = stems[index]
        copies = (other for other in stems if other != stem and other.startswith(stem))
        named = any(_SUFFIX.search(other[len(stem) : len(stem) + _TAIL]) for other in copies)
        alike = any(_dated(stem, other) for other in own if other != stem)
        if named or alike or any(_shortened(stem, other) for other, _ in schemed):
            found.add(index)
    return frozenset(found)


def _dated(stem: str, other: str) -> bool:
    """Whether two names differ in a release's date alone: ``Acme-R1-0528`` beside ``Acme-R1-FP8 (this model)``."""
    shared = _shared(stem, other)
    return shared >= _ALIKE and stem[shared:].isdigit()


def _shortened(stem: str, other: str) -> bool:
    """Whether two names differ in their last letters alone; ``V2`` and ``V3`` are two models."""
    shared = _shared(stem, other)
    return shared >= max(_ALIKE, len(stem) - 2) and not _DIGIT.search(stem[shared:])


def _shared(one: str, other: str) -> int:
    """How many characters two names share at the start."""
    pairs = zip(one, other, strict=False)
    return next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def _stem(text: str) -> str:
    """A model's name without owner, markup and punctuation."""
    return _NO_LETTER.sub("", text.lower().rpartition("/")[2].split("(")[0])
