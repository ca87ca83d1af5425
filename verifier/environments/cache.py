"""Built environments on disk: ``XDG_CACHE_HOME/lynxspec/environments/LOCK_DIGEST/``, reused and collected."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from verifier.environments.interpreter import own
from verifier.environments.lock import Lock, install, request_key, resolve
from verifier.errors import MaterialUnavailable

_DONE = "complete"
"""Written last: a folder without it is a build that was killed."""
_VENV_TIMEOUT_S = 300

_SMALL = frozenset({"nvidia-ml-py", "nvidia-modelopt"})
"""Packages of a maker of accelerators that bring no build for one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """An environment in the cache."""

    folder: Path
    lock: Lock
    bytes: int
    used: float
    """When it was last used, seconds since 1970."""

    @property
    def interpreter(self) -> Path:
        """Its Python."""
        return self.folder / "bin" / "python"


def root() -> Path:
    """Folder of all environments."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "lynxspec" / "environments"


def known(requirements: Iterable[str]) -> Lock | None:
    """The lock that these requirements were resolved to before."""
    path = _request(requirements)
    return _read(path) if path.is_file() else None


def find(lock: Lock) -> Built | None:
    """The finished environment of that lock; its time of use is set to now."""
    folder = root() / lock.sha256
    if not (folder / _DONE).is_file():
        return None
    (folder / _DONE).touch()
    return _built(folder)


def make(requirements: tuple[str, ...], *, refused: tuple[str, ...] = ()) -> Built:
    """Resolve, unless that was done before, and build, unless it is there. Raises `MaterialUnavailable`.

    A lock with packages whose names begin with one of ``refused`` is not built.
    """
    with _alone():
        pip = _resolver()
        lock = known(requirements)
        if lock is None:
            lock = resolve(pip, requirements)
            _request(requirements).parent.mkdir(parents=True, exist_ok=True)
            _write(_request(requirements), lock)
        strange = [name for name in lock.packages if name.startswith(refused) and name not in _SMALL] if refused else []
        if strange:
            raise MaterialUnavailable(
                f"{requirements[0]} would bring a build for accelerators ({len(strange)} packages, {strange[0]} ...)",
                hint="install a build for processors yourself and give it with --env NAME=PATH",
            )
        return find(lock) or _build(pip, lock)


def everything() -> tuple[Built, ...]:
    """All finished environments, the one that was used last first."""
    found = (_built(path.parent) for path in root().glob(f"[0-9a-f]*/{_DONE}"))
    return tuple(sorted(found, key=lambda built: -built.used))


def remove(built: Iterable[Built]) -> int:
    """Delete environments, and what killed builds have left. How many bytes that frees."""
    freed = 0
    if not root().is_dir():
        return freed
    with _alone():
        for each in built:
            freed += each.bytes
            (each.folder / _DONE).unlink(missing_ok=True)
            shutil.rmtree(each.folder, ignore_errors=True)
        for folder in root().glob("[0-9a-f]*"):
            if not (folder / _DONE).is_file():
                shutil.rmtree(folder, ignore_errors=True)
    return freed


def _request(requirements: Iterable[str]) -> Path:
    return root() / "requests" / f"{request_key(requirements, own().python)}.lock"


def _read(path: Path) -> Lock:
    return Lock(lines=tuple(path.read_text(encoding="utf-8").splitlines()))


def _write(path: Path, lock: Lock) -> None:
    partial = path.with_suffix(f".{os.getpid()}")
    partial.write_text("".join(f"{line}\n" for line in lock.lines), encoding="utf-8")
    partial.replace(path)


def _built(folder: Path) -> Built:
    size = sum(path.lstat().st_size for path in folder.rglob("*"))
    done = folder / _DONE
    return Built(folder=folder, lock=_read(done), bytes=size, used=done.stat().st_mtime)


def _build(pip: list[str], lock: Lock) -> Built:
    """A bare environment, filled by the resolver's pip: it holds nothing that the lock does not name."""
    folder = root() / lock.sha256
    shutil.rmtree(folder, ignore_errors=True)
    _venv(folder, "--without-pip")
    install([*pip, "--python", str(folder / "bin" / "python")], lock, folder)
    _write(folder / _DONE, lock)
    return _built(folder)


def _resolver() -> list[str]:
    """The pip of an environment of its own: the verifier's may lack it, and must not be changed."""
    folder = root() / f"resolver-{own().python}"
    if not (folder / _DONE).is_file():
        shutil.rmtree(folder, ignore_errors=True)
        _venv(folder)
        (folder / _DONE).touch()
    return [str(folder / "bin" / "python"), "-I", "-m", "pip"]


def _venv(folder: Path, *options: str) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-I", "-m", "venv", *options, str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_VENV_TIMEOUT_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MaterialUnavailable(f"no environment could be made: {error}") from error
    if done.returncode:
        raise MaterialUnavailable(
            f"no environment could be made: {(done.stdout + done.stderr).strip()[-300:]}",
            hint="install Python's venv module (Debian: python3-venv), or give environments with --env NAME=PATH",
        )


@contextmanager
def _alone() -> Iterator[None]:
    """One process at a time builds or deletes."""
    root().mkdir(parents=True, exist_ok=True)
    with (root() / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def idle_days(built: Built) -> float:
    """Days since it was last used."""
    return (time.time() - built.used) / 86400
