"""Packages of npm that an engine in a browser is: fetched by npm, held against the registry's digest, kept unpacked.

They lie beside the environments of Python, by the digest of their lock, which names one package with its version and
the SHA-512 of its archive (the ``integrity`` of npm's registry, as W3C Subresource Integrity writes it). Nothing of a
package is run here: the archive is read, its scripts and those of what it depends on are not.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from verifier.environments.cache import root
from verifier.environments.lock import Lock
from verifier.errors import MaterialUnavailable
from verifier.runtimes._browser import find as find_browser

TIMEOUT_S = 900
MOST_BYTES = 2**30
"""Largest package, unpacked."""
_DONE = "complete"
"""Written last: a folder without it is one that was being unpacked."""
_VERSION = re.compile(r"\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?")
"""Semantic Versioning 2.0.0 without build metadata: one exact version, no range, tag or address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """An unpacked package."""

    name: str
    version: str
    folder: Path
    """Folder with its ``package.json``."""
    lock: Lock
    """One line; without a digest where the reader gave the folder."""


def variable(name: str) -> str:
    """Name of the environment variable by which workers are told the folder."""
    return "LYNXSPEC_NPM_" + re.sub(r"[^A-Z0-9]", "_", name.upper())


def given(folder: Path, name: str) -> Package:
    """The reader's own. Raises `MaterialUnavailable` if the folder holds another package or none."""
    about = _about(folder)
    if about.get("name") != name:
        raise MaterialUnavailable(
            f"{folder} holds {about.get('name') or 'no npm package'}, not {name}",
            hint=f"unpack the archive of `npm pack {name}@VERSION` and give the folder with its package.json",
        )
    version = str(about.get("version", ""))
    return Package(name=name, version=version, folder=folder, lock=Lock(lines=(f"{name}=={version}",)))


def find(name: str, version: str) -> Package | None:
    """The package in the cache; its time of use is set to now."""
    request = _request(name, version)
    if not request.is_file():
        return None
    lock = Lock(lines=tuple(request.read_text(encoding="utf-8").splitlines()))
    done = root() / lock.sha256 / _DONE
    if not done.is_file():
        return None
    done.touch()
    return Package(name=name, version=version, folder=done.parent / "package", lock=lock)


def make(name: str, version: str) -> Package:
    """Fetch and unpack, unless it is there. Raises `MaterialUnavailable`."""
    found = find(name, version)
    if found is not None:
        return found
    if not _VERSION.fullmatch(version):
        raise MaterialUnavailable(f"{name} {version!r}: no exact version of npm's, such as 1.30.0")
    if shutil.which("npm") is None:
        raise MaterialUnavailable(
            f"{name} {version} is fetched by npm, which is not installed",
            hint=f"install npm, or unpack the archive elsewhere and give it with --env {name}=FOLDER",
        )
    root().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="npm-", dir=root()) as work:
        integrity = json.loads(_npm(["view", f"{name}@{version}", "dist.integrity", "--json"], work) or "null")
        if not isinstance(integrity, str) or not integrity.startswith("sha512-"):
            raise MaterialUnavailable(f"npm's registry states no SHA-512 for {name} {version}")
        _npm(["pack", f"{name}@{version}", "--ignore-scripts", "--silent"], work)
        archives = list(Path(work).glob("*.tgz"))
        if len(archives) != 1:
            raise MaterialUnavailable(f"npm wrote no archive of {name} {version}")
        expected = base64.b64decode(integrity.removeprefix("sha512-"))
        if hashlib.sha512(archives[0].read_bytes()).digest() != expected:
            raise MaterialUnavailable(f"the archive of {name} {version} has another SHA-512 than the registry states")
        lock = Lock(lines=(f"{name}=={version} --hash=sha512:{expected.hex()}",))
        _place(archives[0], Path(work), lock)
    _keep(_request(name, version), lock)
    if (package := find(name, version)) is None:
        raise MaterialUnavailable(f"{name} {version} was removed from the cache while it was put there")
    return package


def browser() -> tuple[str, ...]:
    """Lock line of the browser that pages will run in, by what it says of itself; none without one."""
    program = find_browser()
    if program is None:
        return ()
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return ()
    found = re.match(r"(.*?) (\d+(?:\.\d+)+)", done.stdout)
    return (f"{found[1].strip().lower().replace(' ', '-')}=={found[2]}",) if found else ()


def _place(archive: Path, work: Path, lock: Lock) -> None:
    """Unpack beside the target and move there in one step."""
    folder = work / "unpacked"
    folder.mkdir()
    try:
        with tarfile.open(archive, "r:gz") as tar:
            if sum(member.size for member in tar) > MOST_BYTES:
                raise MaterialUnavailable(f"{archive.name} unpacks to more than {MOST_BYTES} bytes")
            tar.extractall(folder, filter="data")
    except (tarfile.TarError, OSError) as error:
        raise MaterialUnavailable(f"{archive.name} cannot be unpacked: {error}") from error
    if not (folder / "package" / "package.json").is_file():
        raise MaterialUnavailable(f"{archive.name} is no package of npm: it has no package/package.json")
    (folder / _DONE).write_text("".join(f"{line}\n" for line in lock.lines), encoding="utf-8")
    target = root() / lock.sha256
    shutil.rmtree(target, ignore_errors=True)
    folder.replace(target)


def _keep(path: Path, lock: Lock) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}")
    partial.write_text("".join(f"{line}\n" for line in lock.lines), encoding="utf-8")
    partial.replace(path)


def _request(name: str, version: str) -> Path:
    key = hashlib.sha256(json.dumps(["npm", name, version]).encode()).hexdigest()
    return root() / "requests" / f"{key}.lock"


def _about(folder: Path) -> dict[str, Any]:
    try:
        found = json.loads((folder / "package.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _npm(words: list[str], folder: str) -> str:
    """Standard output of npm; its last words are the error's. Raises `MaterialUnavailable`."""
    command = ["npm", "--loglevel=error", "--no-update-notifier", "--no-fund", "--no-audit", *words]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT_S,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MaterialUnavailable(f"npm did not finish: {error}") from error
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.startswith("npm")] or done.stderr.splitlines()
        raise MaterialUnavailable(" ".join(lines[:3])[-600:] or f"npm ended with exit code {done.returncode}")
    return done.stdout
