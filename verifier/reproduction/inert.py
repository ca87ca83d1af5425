"""The search for declared options that do nothing: each is changed in turn, and the artifact's digest compared.

1. Every variant runs on a few calibration samples, which is quick.
2. One that gives the same artifact there runs on all of them, since a percentile or an average may need many samples
   to show: what differs then does something. Where the time allotted is over the finding says that it saw a few only.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from verifier.errors import ToolFailed
from verifier.evidence import InertOption

FEW_SAMPLES = 8
"""Calibration samples of a shortened run, if whole batches and strides allow so few."""
SEARCH_S = 120.0
SEARCH_RUNS = 4
"""The search ends after this time, or after that of so many full runs if they take longer."""

Command = Mapping[str, Any]
Variants = Callable[[Command], list[tuple[str, str, str, dict[str, Any]]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """An artifact of one run."""

    sha256: str
    samples: int | None
    """Calibration samples that were read; ``None`` where none are used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """What the search found."""

    inert: tuple[InertOption, ...] = ()
    tried: tuple[str, ...] = ()
    untried: tuple[str, ...] = ()


def find_inert(
    command: Command,
    whole: Made,
    *,
    variants: Variants,
    run: Callable[[Command], Made],
    seconds: float,
    clock: Callable[[], float] = time.monotonic,
) -> Effects:
    """Options of ``command`` whose change leaves the artifact as it is; ``whole`` is what the command itself gives.

    Raises `ToolFailed` only from ``variants``. A variant that the tool refuses is not inert.
    """
    deadline = clock() + seconds
    few = {**command, "limit": FEW_SAMPLES}
    listed = variants(few)
    base = _base(few, whole, run) if listed else None
    found: list[InertOption] = []
    tried: list[str] = []
    untried: list[str] = []
    for option, declared, other, varied in listed:
        against = whole if varied.get("limit") is None else base
        if against is None or clock() >= deadline:
            untried.append(option)
            continue
        tried.append(option)
        if _same(varied, against, run):
            every = against.samples == whole.samples
            setting = {"option": option, "declared": declared, "compared_with": other}
            found.append(InertOption(**setting, samples=against.samples, every_sample=every))
    if not all(option.every_sample for option in found):
        wholly = {option: varied for option, _, _, varied in variants(command)}
        found = list(_confirmed(found, wholly, whole, run, lambda: clock() < deadline))
    return Effects(inert=tuple(found), tried=tuple(tried), untried=tuple(untried))


def _base(few: Command, whole: Made, run: Callable[[Command], Made]) -> Made | None:
    """What the recipe gives on a few samples; a tool that fails on so few says nothing about the recipe."""
    if not few.get("calibration_data"):
        return whole
    try:
        return run(few)
    except ToolFailed:
        return None


def _same(varied: Command, against: Made, run: Callable[[Command], Made]) -> bool:
    try:
        return run(varied).sha256 == against.sha256
    except ToolFailed:
        return False


def _confirmed(
    found: list[InertOption],
    wholly: Mapping[str, Command],
    whole: Made,
    run: Callable[[Command], Made],
    in_time: Callable[[], bool],
) -> Iterator[InertOption]:
    """Step 2."""
    for option in found:
        if option.every_sample or option.option not in wholly or not in_time():
            yield option
        elif _same(wholly[option.option], whole, run):
            yield option.model_copy(update={"samples": whole.samples, "every_sample": True})
