"""The project's own spec sheets: what a reader finds in them is what the linter reads off them."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from lynxspec.draft import Draft, Quote
from lynxspec.importers.importer import load
from lynxspec.lint.engine import lint
from lynxspec.scoring import score
from lynxspec.vocabulary import Component, Status

_SPEC = importlib.util.spec_from_file_location("sheet_truth", Path(__file__).parents[1] / "sheet_truth.py")
assert _SPEC is not None
assert _SPEC.loader is not None
sheet_truth = importlib.util.module_from_spec(_SPEC)
sys.modules.setdefault("sheet_truth", sheet_truth)  # its dataclasses look their module up
_SPEC.loader.exec_module(sheet_truth)

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "examples" / "spec-sheets"
SHEETS = {file.stem: file for file in sorted(FOLDER.iterdir()) if file.name != "README.md"}
TRUTH = {
    file.stem: YAML(typ="safe").load(file.read_text(encoding="utf-8"))
    for file in sorted((ROOT / "tests" / "data" / "spec_sheets").glob("*.yaml"))
}
LETTERS = {"disclosed": "D", "partial": "P", "contradicted": "C", "missing": "·"}

every_sheet = pytest.mark.parametrize("name", sorted(TRUTH))


@cache
def read(name: str) -> Draft:
    return load(SHEETS[name].read_bytes(), source=SHEETS[name].name)


def expected(name: str) -> dict[str, str]:
    """Component to status."""
    return {c: told if isinstance(told, str) else told[0] for c, told in TRUTH[name]["components"].items()}


def found(draft: Draft) -> dict[str, str]:
    """Component to status; a contradiction takes the place of what each side says alone."""
    torn = {conflict.component for conflict in draft.conflicts}
    statuses = {c.value: "contradicted" if c in torn else draft.overview[c].status.value for c in Component}
    return {c: "missing" if status == Status.NOT_APPLICABLE.value else status for c, status in statuses.items()}


def places(text: str, words: str) -> Iterator[tuple[int, int]]:
    """Where words stand in a text."""
    return ((match.start(), match.end()) for match in re.finditer(re.escape(words), text))


def touches(draft: Draft, quotes: tuple[Quote, ...], words: str) -> bool:
    """Whether a quote shares a character with the words."""
    spans = list(places(draft.sheets[0].text, words))
    marked = [(q.start, q.end) for q in quotes if q.start is not None and q.end is not None]
    return any(start < end_ and begin < end for start, end in marked for begin, end_ in spans)


def test_each_sheet_has_its_truth() -> None:
    assert sorted(SHEETS) == sorted(TRUTH)
    assert len(SHEETS) == 14


@every_sheet
def test_the_truth_tells_of_each_component_in_the_sheets_own_words(name: str) -> None:
    assert list(TRUTH[name]["components"]) == [c.value for c in Component]
    text = SHEETS[name].read_text(encoding="utf-8")
    for told in TRUTH[name]["components"].values():
        assert told == "missing" or (told[0] in LETTERS and len(told) > 1)
        foreign = [words for words in told[1:] if words not in text] if isinstance(told, list) else []
        assert len(foreign) < max(1, len(told) - 1), foreign


def test_the_readme_shows_the_same_statuses() -> None:
    lines = (FOLDER / "README.md").read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    numbered = {row[0]: row[1] for row in rows if row[0].isdigit()}
    matrix = {row[0]: row[1:] for row in rows if row[0] in {c.value for c in Component}}
    names = [re.sub(r"^\[|\]\(.*$|`", "", numbered[str(i + 1)]) for i in range(len(numbered))]
    assert sorted(names) == sorted(file.name for file in SHEETS.values())
    for i, file in enumerate(names):
        wanted = expected(file.rpartition(".")[0])
        assert {c: cells[i] for c, cells in matrix.items()} == {c: LETTERS[status] for c, status in wanted.items()}, (
            file
        )


@every_sheet
def test_a_sheet_discloses_what_a_reader_finds_in_it(name: str) -> None:
    says, wanted = found(read(name)), expected(name)
    wrong = {c: f"{says[c]}, not {wanted[c]}" for c in wanted if says[c] != wanted[c]}
    assert wrong == {}


@every_sheet
def test_the_evidence_is_the_words_that_decide(name: str) -> None:
    draft = read(name)
    missed = []
    for component, told in TRUTH[name]["components"].items():
        if isinstance(told, str):
            continue
        status, *words = told
        if status == "contradicted":
            quotes = tuple(q for c in draft.conflicts if c.component == component for q in c.places)
            hit = bool(quotes) and all(touches(draft, quotes, w) for w in words)
        else:
            hit = any(touches(draft, draft.overview[Component(component)].evidence, w) for w in words)
        missed += [] if hit else [component]
    assert missed == []


@pytest.mark.parametrize("name", sorted(name for name, truth in TRUTH.items() if "numbers" in truth))
def test_the_numbers_are_right_and_belong_to_what_the_sheet_says(name: str) -> None:
    cells: Any = tuple(sheet_truth._cells(TRUTH[name]["numbers"]))
    outcome = sheet_truth.compare(name, cells, sheet_truth.report_of(SHEETS[name], SHEETS[name].name))
    assert [str(cell) for cell in outcome.missed] == []
    assert [str(cell) for cell in outcome.firmness] == []
    if TRUTH[name].get("all_numbers"):
        assert [sheet_truth._one_line(value) for value in outcome.beyond] == []


def test_the_complete_sheet_is_complete_and_its_weakened_copy_is_not() -> None:
    text = SHEETS["yolov8s-parcels-complete"].read_text(encoding="utf-8")
    whole = load(text.encode(), source="whole.md")
    less = load(
        text.replace("We accept at most 1.0 point loss of mAP against FP16 on each set. ", "").encode(),
        source="less.md",
    )
    assert score(whole, lint(whole, profile="buyer")).complete
    assert not score(less, lint(less, profile="buyer")).complete


def test_a_sheet_with_nothing_scores_nothing() -> None:
    draft = read("announcement")
    card = score(draft, lint(draft, profile="buyer"))
    assert (card.score, card.grade) == (0.0, "F")
