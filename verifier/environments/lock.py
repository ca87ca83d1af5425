"""`Lock`: every package of an environment with its version and the digest of its file, and how pip finds them.

pip itself resolves, in a dry run whose report names each file with its digest: what is installed afterwards, with
``--require-hashes`` and ``--no-deps``, is exactly that. No line names an index or an address.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

from verifier.environments.interpreter import Interpreter, normalized
from verifier.errors import MaterialUnavailable

RESOLVE_TIMEOUT_S = 900
INSTALL_TIMEOUT_S = 3600
_LAST = 600
"""Characters of pip's complaint that are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """Lines of a requirements file, sorted."""

    lines: tuple[str, ...]

    @property
    def sha256(self) -> str:
        """Digest of the lines."""
        return hashlib.sha256("".join(f"{line}\n" for line in self.lines).encode()).hexdigest()

    @property
    def packages(self) -> dict[str, str]:
        """Version by name."""
        pairs = (line.partition(" ")[0].partition("==") for line in self.lines)
        return {name: version for name, _, version in pairs}


def listed(interpreter: Interpreter, names: Iterable[str]) -> Lock:
    """What is installed of ``names``, in versions only: files that we did not install have no digest to vouch for."""
    found = {normalized(name): interpreter.version(name) for name in names}
    return Lock(lines=tuple(sorted(f"{name}=={version}" for name, version in found.items() if version)))


def request_key(requirements: Iterable[str], python: str) -> str:
    """What a resolution depends on: requirements, interpreter and platform; the index moves on, the lock stays."""
    minor = ".".join(python.split(".")[:2])
    text = json.dumps([sorted(requirements), minor, platform.system(), platform.machine()])
    return hashlib.sha256(text.encode()).hexdigest()


def resolve(pip: list[str], requirements: Iterable[str]) -> Lock:
    """Resolve by pip. Raises `MaterialUnavailable` with its words if a version is not to be had."""
    command = [*pip, "install", "--dry-run", "--quiet", "--ignore-installed", "--only-binary", ":all:", "--report", "-"]
    report = json.loads(run_pip([*command, *requirements], RESOLVE_TIMEOUT_S))
    return Lock(lines=tuple(sorted(_line(entry) for entry in report["install"])))


def _line(entry: dict[str, Any]) -> str:
    name, version = entry["metadata"]["name"], entry["metadata"]["version"]
    source = entry["download_info"]
    digest = source.get("archive_info", {}).get("hashes", {}).get("sha256")
    if digest is None:
        address = urlparse(source["url"])
        if address.scheme != "file":
            raise MaterialUnavailable(f"{name} {version}: the package index states no SHA-256 for its file")
        digest = hashlib.sha256(Path(unquote(address.path)).read_bytes()).hexdigest()
    return f"{normalized(name)}=={version} --hash=sha256:{digest}"


def install(pip: list[str], lock: Lock, folder: Path) -> None:
    """Install exactly the lock. Raises `MaterialUnavailable`."""
    listing = folder / "requirements.lock"
    listing.write_text("".join(f"{line}\n" for line in lock.lines), encoding="utf-8")
    options = ["--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:", "--no-compile"]
    run_pip([*pip, "install", *options, "-r", str(listing)], INSTALL_TIMEOUT_S)


def run_pip(command: list[str], timeout_s: float) -> str:
    """Standard output of pip; its last words are the error's. Raises `MaterialUnavailable`."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    env |= {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=timeout_s, env=env)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MaterialUnavailable(f"pip did not finish: {error}") from error
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if "ERROR" in line] or done.stderr.splitlines()
        raise MaterialUnavailable(" ".join(errors)[-_LAST:] or f"pip ended with exit code {done.returncode}")
    return done.stdout
