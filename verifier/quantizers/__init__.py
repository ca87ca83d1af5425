"""The quantizing tools: each file here but `quantizer` ends in a ``QUANTIZER``; adding one is adding a file."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path

from lynxspec.facts.tool_chains import canonical
from verifier.errors import ToolUnavailable
from verifier.quantizers.quantizer import Quantizer


def names() -> tuple[str, ...]:
    """Names of the tools that there is a file for, as claims write them; found without importing anything."""
    stems = (path.stem for path in Path(__file__).parent.glob("[a-z]*.py") if path.stem != "quantizer")
    return tuple(sorted(stem.replace("_", "-") for stem in stems))


def file_of(name: str) -> str | None:
    """Stem of the plug-in file for that name or one of its other spellings, ``None`` where there is none."""
    found = (known for known in names() if canonical(known) == canonical(name))
    return next((known.replace("-", "_") for known in found), None)


def find_quantizer(name: str) -> Quantizer | None:
    """The same as `find`, ``None`` where there is no such file."""
    return find(name) if file_of(name) else None


def find(name: str) -> Quantizer:
    """The tool of that name; imports its plug-in file, never the tool itself."""
    stem = file_of(name)
    if stem is None:
        raise ToolUnavailable(f"no quantizer named {name!r}", hint=f"this verifier has {', '.join(names())}")
    record: Quantizer = importlib.import_module(f"verifier.quantizers.{stem}").QUANTIZER
    return record


def missing(quantizer: Quantizer) -> tuple[str, ...]:
    """Modules that the tool needs and this interpreter lacks, probed without importing them."""
    return tuple(module for module in quantizer.requires if importlib.util.find_spec(module) is None)
