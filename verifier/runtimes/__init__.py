"""The engines: each file of this folder but `runtime` ends in a ``RUNTIME``; adding one is adding a file."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path

from verifier.errors import ToolUnavailable
from verifier.runtimes.runtime import Runtime


def names() -> tuple[str, ...]:
    """Names of the engines that there is a file for, found without importing anything."""
    return tuple(sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py") if path.stem != "runtime"))


def find_runtime(name: str) -> Runtime | None:
    """The same as `find`, ``None`` where there is no such file."""
    return find(name) if name in names() else None


def find(name: str) -> Runtime:
    """The engine of that name; imports its plug-in file, never the engine itself."""
    if name not in names():
        raise ToolUnavailable(f"no runtime named {name!r}", hint=f"this verifier has {', '.join(names())}")
    record: Runtime = importlib.import_module(f"verifier.runtimes.{name}").RUNTIME
    return record


def missing(runtime: Runtime) -> tuple[str, ...]:
    """Modules that the engine needs and this interpreter lacks, probed without importing them."""
    return tuple(module for module in runtime.requires if importlib.util.find_spec(module) is None)
