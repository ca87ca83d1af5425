"""What an interpreter has installed, asked of itself."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from lynxspec.errors import UsageError
from verifier.errors import ToolFailed

_QUESTION = """
import importlib.metadata as m, json, platform, sys
found = {}
for d in m.distributions():
    if d.metadata["Name"]:
        found.setdefault(d.metadata["Name"], d.version)
json.dump({"python": platform.python_version(), "packages": found}, sys.stdout)
"""
_TIMEOUT_S = 120
_NAME = re.compile(r"^\s*([A-Za-z0-9][A-Za-z0-9._-]*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """A Python with its packages."""

    path: str
    python: str
    packages: Mapping[str, str]
    """Version by normalized name (PEP 503)."""

    def version(self, distribution: str) -> str:
        """Version of a distribution, empty if it is absent."""
        return self.packages.get(normalized(distribution), "")

    def has(self, requirements: Iterable[str]) -> bool:
        """Whether a distribution of each requirement's name is there, whatever its version."""
        return all(self.version(name_of(requirement)) for requirement in requirements)


def normalized(name: str) -> str:
    """A distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def name_of(requirement: str) -> str:
    """The name at the start of a requirement line."""
    found = _NAME.match(requirement)
    return found[1] if found else requirement


def asked(path: str | Path) -> Interpreter:
    """What the interpreter at ``path`` says of itself. Raises `ToolFailed`."""
    try:
        done = subprocess.run([str(path), "-I", "-c", _QUESTION], capture_output=True, check=False, timeout=_TIMEOUT_S)
        answer = json.loads(done.stdout) if done.returncode == 0 else None
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise ToolFailed(
            f"{path}: no working Python: {error}", hint="give a Python or its environment's folder"
        ) from error
    if answer is None:
        last = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
        raise ToolFailed(f"{path}: no working Python: {''.join(last) or f'exit code {done.returncode}'}")
    packages = {normalized(name): version for name, version in answer["packages"].items()}
    return Interpreter(path=str(path), python=answer["python"], packages=packages)


def own() -> Interpreter:
    """The one that this process runs in."""
    found: dict[str, str] = {}
    for distribution in metadata.distributions():
        name = distribution.metadata["Name"]
        if name:
            found.setdefault(normalized(name), distribution.version)
    return Interpreter(path=sys.executable, python=".".join(map(str, sys.version_info[:3])), packages=found)


def given(path: Path) -> Path:
    """The interpreter that a reader means: a Python, or the folder of an environment. Raises `UsageError`."""
    for candidate in (path, path / "bin" / "python", path / "Scripts" / "python.exe"):
        if candidate.is_file():
            return candidate.absolute()
    raise UsageError(f"{path}: neither a Python nor a folder of an environment", hint="--env NAME=PATH, e.g. a venv")
