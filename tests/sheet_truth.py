"""Hand-written numbers of vendor texts, and how many of them a lint report has right.

``python tests/sheet_truth.py FOLDER [--batch N] [--misses]``; the notation is in ``tests/data/sheet_truth/README.md``.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from lynxspec.errors import LynxSpecError
from lynxspec.importers.importer import load
from lynxspec.lint.engine import lint, rules
from lynxspec.reporters import reporter
from lynxspec.reporters.reporter import LintedDocument, LintRun, View
from lynxspec.scoring import score

TRUTH = Path(__file__).parent / "data" / "sheet_truth"
BATCHES = (1, 2, 3)
NAMES = ("model", "precision", "against", "hardware", "batch", "metric", "dataset")
COMPONENTS = (
    "throughput_gain",
    "accuracy_result",
    "accuracy_reference",
    "batch_or_concurrency",
    "sustained_throughput",
    "calibration_data",
)
UNITS = {"throughput_gain": "x", "calibration_data": "samples"}
ROLES = {"accuracy_reference": ["reference"], "batch_or_concurrency": ["quantized", "reference"]}
FIELDS = {"component", "value", "unit", "strength", "role", "disputed", "or", *NAMES}

Report = dict[str, Any]
Number = Mapping[str, Any]
"""A value of a report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One way to write a cell."""

    units: tuple[str, ...]
    roles: tuple[str, ...]
    names: Mapping[str, tuple[str, ...]]
    """What it belongs to: per field of `NAMES` the words of which one must agree."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A number that a reader finds in a text."""

    component: str
    low: float
    high: float
    strength: str
    disputed: bool
    readings: tuple[Reading, ...]

    def __str__(self) -> str:
        """The cell on one line."""
        reading = self.readings[0]
        number = f"{self.low:g}" if self.low == self.high else f"{self.low:g}..{self.high:g}"
        names = ", ".join(f"{field}={'/'.join(words)}" for field, words in reading.names.items())
        return f"{self.component} {number} {reading.units[0]} [{'/'.join(reading.roles)}] {names}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One text's cells against its report."""

    text: str
    right: tuple[Cell, ...]
    missed: tuple[Cell, ...]
    firmness: tuple[Cell, ...]
    """Right, but with another strength."""
    beyond: tuple[Number, ...]
    """Numbers of the report that no reader finds."""


def read(file: Path) -> dict[str, tuple[Cell, ...]]:
    """All cells of a truth file, by text."""
    document = YAML(typ="safe").load(file.read_text(encoding="utf-8"))
    return {text: tuple(_cells(entries)) for text, entries in document.items()}


def _cells(entries: list[dict[str, Any]]) -> Iterator[Cell]:
    seen = []
    for entry in entries:
        for fields in _expanded(entry) if "grid" in entry else [entry]:
            cell = _cell(fields)
            if cell not in seen:
                seen.append(cell)
                yield cell


def _expanded(entry: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The entries that a grid stands for."""
    for more, numbers in entry["rows"]:
        given = str(numbers).split()
        if len(given) != len(entry["columns"]):
            raise ValueError(f"{len(given)} numbers for {len(entry['columns'])} columns: {more} {numbers}")
        for column, number in zip(entry["columns"], given, strict=True):
            if number != ".":
                yield {**entry["grid"], **column, **more, "value": number}


def _cell(fields: dict[str, Any]) -> Cell:
    if not set(fields) <= FIELDS or fields["component"] not in COMPONENTS:
        raise ValueError(f"not a cell: {fields}")
    ends = [float(end) for end in str(fields["value"]).split("..")]
    return Cell(
        component=fields["component"],
        low=ends[0],
        high=ends[-1],
        strength=fields.get("strength", "exact"),
        disputed=fields.get("disputed", False),
        readings=tuple(_reading({**fields, **change}) for change in [{}, *fields.get("or", [])]),
    )


def _reading(fields: dict[str, Any]) -> Reading:
    component = fields["component"]
    stated = {name: _words(fields.get(name, "")) for name in NAMES}
    return Reading(
        units=_words(fields.get("unit", UNITS.get(component, ""))),
        roles=_words(fields.get("role", ROLES.get(component, "quantized"))),
        names={name: words for name, words in stated.items() if any(words)},
    )


def _words(given: Any) -> tuple[str, ...]:
    return tuple(str(word) for word in given) if isinstance(given, list) else (str(given),)


def agrees(cell: Cell, value: Number) -> bool:
    """Whether a value of a report is that cell."""
    if value["component"] != cell.component or value["low"] is None or value["high"] is None:
        return False
    same = math.isclose(value["low"], cell.low, rel_tol=1e-6) and math.isclose(value["high"], cell.high, rel_tol=1e-6)
    return same and any(_reads(reading, value) for reading in cell.readings)


def _reads(reading: Reading, value: Number) -> bool:
    return (
        value["unit"] in reading.units
        and value["role"] in reading.roles
        and all(any(names_agree(word, value[name]) for word in words) for name, words in reading.names.items())
    )


def names_agree(one: str, other: str) -> bool:
    """Whether one name contains the other, but for case, blanks and punctuation; an empty name agrees with none."""
    return _contains(one, other) or _contains(other, one)


def _contains(whole: str, part: str) -> bool:
    """From the start of a word or number on, and not ending inside a number: ``4`` is in ``INT4``, not in ``14``."""
    text, inside_word, inside_number = _folded(whole)
    sought = _folded(part)[0]
    at = text.find(sought) if sought else -1
    while at >= 0:
        if at not in inside_word and at + len(sought) not in inside_number:
            return True
        at = text.find(sought, at + 1)
    return False


def _folded(name: str) -> tuple[str, set[int], set[int]]:
    """Letters and digits only; the offsets that are inside a run of letters or digits, and those inside digits."""
    plain = unicodedata.normalize("NFKC", name.replace("™", " ")).casefold()
    text = "".join(c for c in plain if c.isalnum())
    inside_word, inside_number, offset = set(), set(), 0
    for before, here in pairwise(f" {plain}"):
        if here.isalnum() and before.isalnum() and before.isdigit() == here.isdigit():
            inside_word.add(offset)
            if here.isdigit():
                inside_number.add(offset)
        offset += here.isalnum()
    return text, inside_word, inside_number


def compare(text: str, cells: Iterable[Cell], report: Report) -> Outcome:
    """Look for each cell among the report's values."""
    values = tuple(_values(report))
    certain, disputed = [], []
    for cell in cells:
        (disputed if cell.disputed else certain).append(cell)
    found = {id(cell): [value for value in values if agrees(cell, value)] for cell in certain}
    right = tuple(cell for cell in certain if found[id(cell)])
    return Outcome(
        text=text,
        right=right,
        missed=tuple(cell for cell in certain if not found[id(cell)]),
        firmness=tuple(c for c in right if all(v["strength"] != c.strength for v in found[id(c)])),
        beyond=tuple(v for v in values if not any(agrees(cell, v) for cell in (*certain, *disputed))),
    )


def _values(report: Report) -> Iterator[Number]:
    """Each number of the report once, whatever regimes and places repeat it."""
    seen = []
    for document in report["documents"]:
        for claim in document["claims"]:
            for value in (value for regime in claim["regimes"] for value in regime["values"]):
                bare = {key: held for key, held in value.items() if key != "evidence"}
                if value["component"] in COMPONENTS and value["low"] is not None and bare not in seen:
                    seen.append(bare)
                    yield bare


def report_of(origin: Path | bytes, source: str) -> Report:
    """The JSON report on one sheet."""
    draft = load(origin, source=source)
    findings = lint(draft, profile="buyer")
    linted = LintedDocument(draft=draft, findings=findings, scorecard=score(draft, findings))
    run = LintRun(documents=(linted,), failures=(), rules=rules(), profile="buyer")
    report: Report = json.loads(reporter.load("json").render(run, View()))
    return report


def outcomes(folder: Path, batch: int) -> tuple[Outcome, ...]:
    """All texts of a batch; a text that gives no report has nothing right."""
    made = []
    for text, cells in read(TRUTH / f"batch{batch}.yaml").items():
        file = folder / f"{text}.txt"
        try:
            report = report_of(file, file.name)
        except LynxSpecError as error:
            _say(f"{text}: no report: {error}")
            report = {"documents": []}
        made.append(compare(text, cells, report))
    return tuple(made)


def figures(held: Iterable[Outcome]) -> tuple[int, int]:
    """How many cells are right, and of how many."""
    pairs = [(len(o.right), len(o.right) + len(o.missed)) for o in held]
    return sum(right for right, _ in pairs), sum(total for _, total in pairs)


def show(title: str, held: tuple[Outcome, ...], *, misses: bool) -> None:
    """Print the figures of some texts, and what is wrong in them if asked for."""
    right, total = figures(held)
    firmness, beyond = sum(len(o.firmness) for o in held), sum(len(o.beyond) for o in held)
    share = f"{100 * right / total:.1f} %" if total else "nothing to find"
    _say(f"{title}: {right}/{total} right ({share}); {firmness} with another strength; {beyond} beyond the truth")
    if not misses:
        return
    for outcome in held:
        lines = [("missed", str(cell)) for cell in outcome.missed]
        lines += [(f"strength should be {cell.strength}", str(cell)) for cell in outcome.firmness]
        lines += [("beyond", _one_line(value)) for value in outcome.beyond]
        for what, line in lines:
            _say(f"  {outcome.text}: {what}: {line}")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _one_line(value: Number) -> str:
    names = ", ".join(f"{name}={value[name]}" for name in NAMES if value[name])
    return f"{value['component']} {value['low']}..{value['high']} {value['unit']} [{value['role']}] {names}"


def main() -> None:
    """Print the figures per batch and over all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="folder of the texts, <id>.txt each")
    parser.add_argument("--batch", type=int, choices=BATCHES, help="only this batch")
    parser.add_argument(
        "--misses", action="store_true", help="list every cell that is not right; quotes names and numbers"
    )
    arguments = parser.parse_args()
    batches = (arguments.batch,) if arguments.batch else BATCHES
    every: tuple[Outcome, ...] = ()
    for batch in batches:
        held = outcomes(arguments.folder, batch)
        show(f"batch {batch}", held, misses=arguments.misses)
        every += held
    if len(batches) > 1:
        show("all", every, misses=False)


if __name__ == "__main__":
    main()
