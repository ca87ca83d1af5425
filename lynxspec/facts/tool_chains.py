"""What tool chains do, by version: removed, inert, lossy, slow or unsupported methods and options.

One file a tool in ``data/tool_chains/``, read together; a file that is added is found. ``[tool.NAME]`` has other
spellings, the newest release that the facts know, and the execution providers. ``[options.NAME.quantizer]`` and
``.runtime`` list what a plug-in takes: true means true or false, "number" any number, "list" a list, else one of the
words; ``[expected]`` names options that a recipe should state. In a ``[[fact]]``, ``when`` holds features of a regime
that all must match, ``unless`` features of which none may; no ``versions`` means all. A ``[[default]]`` is what a tool
takes where the parameter of a method is not given: the same word has other defaults elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, Literal

from lynxspec.errors import InternalError
from lynxspec.facts.source import list_files, read_toml

Feature = bool | int | float | str
Release = tuple[int, ...]

_RELEASE = re.compile(
    r"v?(\d{1,9}(?:\.\d{1,9}){0,4})(?:[.+_-]?(?:post|rc|dev|a|b|alpha|beta|cu|rocm|cpu|g)?[0-9a-z.+_-]*)?"
)
_LOOSE = re.compile(
    r"(?i).*(latest|nightly|main|master|head|trunk|stable|\bdev\b|unknown)|.*[._-][x*]$|^[x*]$|.*\d[.]?\+$"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One thing that a tool does in some versions, given features of a regime."""

    id: str
    tool: str
    role: Literal["quantizer", "runtime"]
    versions: str
    """Range such as ``>=10.1,<11``; empty for all."""
    status: str
    """``removed``, ``unsupported``, ``inert``, ``lossy``, ``slow``, ``deprecated``, ``fallback``, ``substitutes`` or
    ``contradicts``."""
    severity: Literal["error", "warning", "info"]
    when: Mapping[str, tuple[Feature, ...]]
    """Features that all must have one of these values; ``*`` is any."""
    unless: Mapping[str, tuple[Feature, ...]]
    """Features of which none may have one of these values."""
    note: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A tool with the newest release that these facts know."""

    name: str
    newest: str | None
    providers: tuple[str, ...]
    """Execution providers of the runtime; empty if it has none or they are not listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Default:
    """What a tool takes where a parameter of a method is not given."""

    tool: str
    method: str
    parameter: str
    value: float
    source: str


@cache
def _document() -> dict[str, Any]:
    """All tools' files as one: tables by tool, rows in the order of the files."""
    whole: dict[str, Any] = {"tool": {}, "options": {}, "expected": {}, "fact": [], "default": []}
    for name in list_files("tool_chains", ".toml"):
        for key, part in read_toml(f"tool_chains/{name}").items():
            if isinstance(whole[key], dict):
                whole[key].update(part)
            else:
                whole[key] += part
    return whole


@cache
def _names() -> Mapping[str, str]:
    pairs = ((alias, name) for name, entry in _document()["tool"].items() for alias in (name, *entry["aliases"]))
    return dict(pairs)


@cache
def facts() -> Mapping[tuple[str, str], tuple[Fact, ...]]:
    """All facts by tool and role."""
    found: dict[tuple[str, str], list[Fact]] = {}
    for row in _document()["fact"]:
        fact = Fact(
            id=row["id"],
            tool=row["tool"],
            role=row["role"],
            versions=row.get("versions", ""),
            status=row["status"],
            severity=row["severity"],
            when=MappingProxyType({key: tuple(values) for key, values in row["when"].items()}),
            unless=MappingProxyType({key: tuple(values) for key, values in row.get("unless", {}).items()}),
            note=row["note"],
            source=row["source"],
        )
        found.setdefault((fact.tool, fact.role), []).append(fact)
    return {key: tuple(values) for key, values in found.items()}


@cache
def defaults() -> tuple[Default, ...]:
    """Defaults of methods, by tool."""
    return tuple(
        Default(
            tool=row["tool"],
            method=row["method"],
            parameter=row["parameter"],
            value=float(row["value"]),
            source=row["source"],
        )
        for row in _document()["default"]
    )


@cache
def tool(name: str) -> Tool | None:
    """The tool of that name or alias."""
    known = _names().get(name.lower())
    if known is None:
        return None
    entry = _document()["tool"][known]
    return Tool(name=known, newest=entry.get("newest"), providers=tuple(entry.get("providers", ())))


@cache
def canonical(name: str) -> str:
    """The name that these facts know a tool by; other names as they are, in lower case."""
    known = tool(name)
    return known.name if known else name.lower()


@cache
def release(version: str) -> Release | None:
    """The release numbers of an exact version, without pre-release, local and build parts."""
    if is_loose(version):
        return None
    match = _RELEASE.fullmatch(version.lower())
    return tuple(int(part) for part in match[1].split(".")) if match else None


@cache
def is_loose(version: str) -> bool:
    """Whether ``version`` names a moving target or a range instead of one release."""
    return _LOOSE.fullmatch(version) is not None or not re.search(r"\d", version)


def _compare(one: Release, other: Release) -> int:
    width = max(len(one), len(other))
    left, right = (release + (0,) * (width - len(release)) for release in (one, other))
    return (left > right) - (left < right)


@cache
def within(version: str, versions: str) -> bool:
    """Whether an exact version lies in a range such as ``>=10.1,<11``; a loose version lies in the empty one only."""
    if not versions:
        return True
    have = release(version)
    if have is None:
        return False
    return all(_holds(have, part.strip()) for part in versions.split(","))


def _holds(have: Release, part: str) -> bool:
    match = re.fullmatch(r"(>=|<=|==|<|>)\s*([0-9.]+)", part)
    limit = release(match[2]) if match else None
    if match is None or limit is None:
        raise InternalError(f"{part!r} in tool_chains/*.toml is not a version bound", hint="write it like >=1.2,<2")
    order = _compare(have, limit)
    return {">=": order >= 0, "<=": order <= 0, "==": order == 0, "<": order < 0, ">": order > 0}[match[1]]


@cache
def options(name: str, role: str) -> Mapping[str, Any] | None:
    """Options of a tool in a role with what they take; ``None`` if they are not listed here."""
    known = tool(name)
    found: Mapping[str, Any] | None = _document()["options"].get(known.name, {}).get(role) if known else None
    return found


@cache
def expected_options(name: str) -> tuple[str, ...]:
    """Options of a quantizer that change its result and whose defaults differ by call or version."""
    known = tool(name)
    return tuple(_document()["expected"].get(known.name, ())) if known else ()


def takes(allowed: object, value: object) -> bool:
    """Whether an option that takes ``allowed`` (see ``options`` in ``data/tool_chains/*.toml``) takes ``value``."""
    if allowed is True:
        return isinstance(value, bool)
    if allowed == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    if allowed == "list":
        return isinstance(value, tuple)
    return isinstance(allowed, list) and value in allowed and not isinstance(value, bool)


def newer_than_known(known: Tool, version: str) -> bool:
    """Whether ``version`` is of a later minor release than any that these facts know."""
    have, newest = release(version), release(known.newest) if known.newest else None
    return have is not None and newest is not None and _compare(have[:2], newest[:2]) > 0


def _matches(wanted: Mapping[str, tuple[Feature, ...]], features: Mapping[str, Feature], *, every: bool) -> bool:
    answers = (key in features and ("*" in values or features[key] in values) for key, values in wanted.items())
    return all(answers) if every else any(answers)


def lookup(name: str, version: str, *, role: str, features: Mapping[str, Feature]) -> tuple[Fact, ...]:
    """Facts about this tool in this version that bear on a regime with these features."""
    known = tool(name)
    if known is None:
        return ()
    return tuple(
        fact
        for fact in facts().get((known.name, role), ())
        if within(version, fact.versions)
        and _matches(fact.when, features, every=True)
        and not _matches(fact.unless, features, every=False)
    )
