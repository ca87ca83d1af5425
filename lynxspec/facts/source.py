"""Data files of this package, read as they were shipped."""

from __future__ import annotations

import csv
import tomllib
from importlib.resources import files
from typing import Any

from lynxspec.errors import InternalError


def read_text(name: str) -> str:
    """A data file as text."""
    try:
        return files("lynxspec.facts").joinpath("data", name).read_text(encoding="utf-8")
    except OSError as error:
        raise InternalError(
            f"the data file {name} is missing from the installed package", hint="install lynxspec again"
        ) from error


def read_rows(name: str) -> list[dict[str, str]]:
    """A table with a header line."""
    return list(csv.DictReader(read_text(name).splitlines()))


def read_toml(name: str) -> dict[str, Any]:
    """A TOML document."""
    return tomllib.loads(read_text(name))


def list_files(folder: str, suffix: str) -> tuple[str, ...]:
    """Names of a folder's data files, sorted: what is added there is found."""
    found = files("lynxspec.facts").joinpath("data", folder).iterdir()
    return tuple(sorted(entry.name for entry in found if entry.name.endswith(suffix)))
