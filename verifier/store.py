"""A run's folder: each finished stage's evidence, written atomically and found again by what it was made from."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from verifier.artifacts import digest_of

T = TypeVar("T")


def key_of(**parts: Any) -> str:  # noqa: ANN401 - any plain data
    """Digest of everything that a stage depends on."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


class RunStore:
    """``evidence/``: one JSON file a stage; ``files/``: models and arrays by digest; ``scratch/`` is thrown away."""

    def __init__(self, root: Path, *, reading: bool = False) -> None:
        """Make the folders; what a killed run left in ``scratch`` is removed. ``reading`` changes nothing."""
        self.root = root
        self.reading = reading
        self.evidence = root / "evidence"
        self.files = root / "files"
        self.scratch = root / "scratch"
        if not reading:
            shutil.rmtree(self.scratch, ignore_errors=True)
            for folder in (self.evidence, self.files, self.scratch):
                folder.mkdir(parents=True, exist_ok=True)
        self.resumed: list[str] = []
        """Stages whose evidence was found, in order."""
        self.executed: list[str] = []
        """Stages that were run, in order."""

    def stage(
        self,
        name: str,
        key: str,
        kind: Any,  # noqa: ANN401 - a type form
        work: Callable[[], T],
        *,
        keep: Callable[[T], bool] = lambda _: True,
    ) -> T:
        """The evidence of stage ``name`` for ``key``: read if it was finished before, else made by ``work``.

        It is written down only if ``keep`` says so: a failure is tried again by the next run.
        """
        path = self.evidence / f"{name.replace('/', '-')}.{key[:16]}.json"
        adapter: TypeAdapter[T] = TypeAdapter(kind)
        if path.is_file():
            try:
                value = adapter.validate_json(path.read_bytes())
            except ValidationError:
                path.unlink()  # another version of these types wrote it: make it again
            else:
                self.resumed.append(name)
                return value
        value = work()
        if keep(value):
            write_atomically(path, adapter.dump_json(value, indent=1))
        self.executed.append(name)
        return value

    def keep(self, path: Path, suffix: str = "") -> tuple[Path, str]:
        """Move a file of ``scratch`` to its place by digest."""
        digest = digest_of(path)
        target = self.files / f"{digest}{suffix}"
        if not target.exists():
            path.replace(target)
        return target, digest

    def file(self, digest: str, suffix: str = "") -> Path | None:
        """A kept file, if it is still there and still itself."""
        path = self.files / f"{digest}{suffix}"
        return path if path.is_file() and digest_of(path) == digest else None

    def temporary(self, suffix: str) -> Path:
        """A new name in ``scratch``."""
        handle, name = tempfile.mkstemp(suffix=suffix, dir=self.scratch)
        os.close(handle)
        return Path(name)


def write_atomically(path: Path, content: bytes) -> None:
    """A reader sees the old file or the new one, whatever kills us."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            os.fchmod(file.fileno(), 0o644)  # a temporary file is private; evidence and records are there to be read
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
