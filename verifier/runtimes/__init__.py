"""The engines: each file of this folder but `runtime` ends in a ``RUNTIME``; adding one is adding a file."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path

from lynxspec.facts.tool_chains import canonical
from verifier.errors import ToolUnavailable
from verifier.runtimes.runtime import Runtime


def names() -> tuple[str, ...]:
    """Names of the engines that there is a file for, as claims write them; found without importing anything."""
    stems = (path.stem for path in Path(__file__).parent.glob("[a-z]*.py") if path.stem != "runtime")
    return tuple(sorted(stem.replace("_", "-") for stem in stems))


def file_of(name: str) -> str | None:
    """Stem of the plug-in file for that name or one of its other spellings, ``None`` where there is none."""
    found = (known for known in names() if canonical(known) == canonical(name))
    return next((known.replace("-", "_") for known in found), None)


def find_runtime(name: str) -> Runtime | None:
    """The same as `find`, ``None`` where there is no such file."""
    return find(name) if file_of(name) else None


def find(name: str) -> Runtime:
    """The engine of that name; imports its plug-in file, never the engine itself."""
    stem = file_of(name)
    if stem is None:
        raise ToolUnavailable(f"no runtime named {name!r}", hint=f"this verifier has {', '.join(names())}")
    record: Runtime = importlib.import_module(f"verifier.runtimes.{stem}").RUNTIME
    return record


def missing(runtime: Runtime) -> tuple[str, ...]:
    """Modules that the engine needs and this interpreter lacks, probed without importing them."""
    return tuple(module for module in runtime.requires if importlib.util.find_spec(module) is None)
