"""Several documents at once: sheets in folders, several read as one claim, and the ranking."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lynxspec.cli import COMMANDS, run
from lynxspec.cli.targets import SHEETS, targets
from lynxspec.draft import Disclosure, Draft, DraftRegime, Places
from lynxspec.errors import UnreadableInput
from lynxspec.importers.importer import importers
from lynxspec.lint.engine import lint
from lynxspec.reporters.reporter import LintedDocument, ranked, worst_gap
from lynxspec.scoring import Scorecard, score
from lynxspec.vocabulary import Component, Status

CLAIM = (Path(__file__).parents[1] / "data" / "complete.claim.yaml").read_text()
TELLS = """\
# Nordlicht-8B in INT8

We quantized weights and activations of Nordlicht-8B to INT8, weights per channel, with llm-compressor 0.7.0.
Calibration used 512 samples of UltraChat with the minmax method. The lm_head is kept in BF16.
"""
ADVERTISES = "# Fjord\n\nOur INT8 model is blazingly fast.\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sheets" / "deep").mkdir(parents=True)
    (tmp_path / "sheets" / ".git").mkdir()
    for name, text in (
        ("tells.md", TELLS),
        ("deep/advertises.TXT", ADVERTISES),
        ("deep/model.claim.yaml", CLAIM),
        ("deep/model.draft.yaml", "kind: draft"),
        ("deep/weights.bin", "x"),
        ("deep/settings.yaml", "a: 1"),
        ("._tells.md", "left behind by a file system"),
        (".git/hidden.md", "hidden"),
    ):
        (tmp_path / "sheets" / name).write_text(text)
    return tmp_path


def test_a_folder_means_claims_and_sheets_and_nothing_hidden() -> None:
    assert targets(["sheets"]) == ("sheets/tells.md", "sheets/deep/advertises.TXT", "sheets/deep/model.claim.yaml")


def test_every_kind_of_sheet_is_found_and_can_be_read() -> None:
    for end in SHEETS:
        Path(f"sheets/deep/a{end}").touch()
    found = {Path(str(name)).name for name in targets(["sheets/deep"])}
    assert {f"a{end}" for end in SHEETS} <= found
    assert set(SHEETS) <= {end for importer in importers() for end in importer.suffixes}


def test_a_folder_without_documents_is_an_error_that_names_what_was_looked_for() -> None:
    Path("empty").mkdir()
    (error,) = targets(["empty"])
    assert isinstance(error, UnreadableInput)
    assert ".pdf" in str(error.hint)


def test_a_folder_ends_in_a_ranking_the_best_first(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(COMMANDS, ["lint", "sheets"]) == 1
    out = capfd.readouterr().out
    rows = [line.split() for line in out.split("\nRanking\n")[1].splitlines() if line.strip()]
    assert rows[0] == ["rank", "grade", "score", "complete", "file", "worst", "gap"]
    assert [row[4] for row in rows[1:]] == [
        "sheets/deep/model.claim.yaml",
        "sheets/tells.md",
        "sheets/deep/advertises.TXT",
    ]
    assert [row[0] for row in rows[1:]] == ["1", "2", "3"]
    assert [row[3] for row in rows[1:]] == ["yes", "NO", "NO"]
    assert rows[1][5] == "none"
    assert rows[3][-1] == "missing"


def test_markdown_has_the_same_ranking(capfd: pytest.CaptureFixture[str]) -> None:
    run(COMMANDS, ["lint", "sheets", "--format", "markdown"])
    table = capfd.readouterr().out.split("## Ranking")[1].strip().splitlines()
    assert table[0] == "| rank | grade | score | complete | file | worst gap |"
    assert [row.split("|")[5].strip(" `") for row in table[2:]] == [
        "sheets/deep/model.claim.yaml",
        "sheets/tells.md",
        "sheets/deep/advertises.TXT",
    ]


def test_one_sheet_or_claims_alone_are_not_ranked(capfd: pytest.CaptureFixture[str]) -> None:
    run(COMMANDS, ["lint", "sheets/tells.md"])
    Path("a.claim.yaml").write_text(CLAIM)
    Path("b.claim.yaml").write_text(CLAIM)
    run(COMMANDS, ["lint", "a.claim.yaml", "b.claim.yaml"])
    run(COMMANDS, ["lint", "--quiet", "sheets"])
    assert "Ranking" not in capfd.readouterr().out


def test_what_could_not_be_read_is_in_the_ranking_too(capfd: pytest.CaptureFixture[str]) -> None:
    Path("sheets/broken.claim.yaml").write_text("kind: nothing")
    assert run(COMMANDS, ["lint", "sheets"]) == 2
    last = [line for line in capfd.readouterr().out.splitlines() if line.strip()][-1].split()
    assert last == ["-", "-", "-", "-", "sheets/broken.claim.yaml", "no", "result"]


def linted(source: str, card: Scorecard, **more: Any) -> LintedDocument:
    draft = Draft(source=source, kind="sheet", places=Places(source=source), regimes=(), claim=None)
    return LintedDocument(draft=draft, findings=(), scorecard=replace(card, **more))


def sheet(**statuses: Status) -> Draft:
    told = {
        c: Disclosure(status=statuses.get(c.value, Status.DISCLOSED), value="x", path=(c.value,)) for c in Component
    }
    told[Component.PEAK_ONLY] = Disclosure(status=Status.NOT_APPLICABLE, value=None)
    regime = DraftRegime(name="INT8", role="quantized", path=(), disclosures=told)
    return Draft(source="s.md", kind="sheet", places=Places(source="s.md"), regimes=(regime,), claim=None)


def test_the_grade_ranks_before_the_score_and_equals_share_a_rank() -> None:
    card = score(sheet(), ())
    documents = (
        linted("gated.md", card, grade="D", score=95.0),
        linted("b.md", card, grade="B", score=81.0),
        linted("a.md", card, grade="B", score=81.0),
        linted("c.md", card, grade="C", score=70.0),
    )
    assert [(rank, d.draft.source) for rank, d in ranked(documents)] == [
        (1, "a.md"),
        (1, "b.md"),
        (3, "c.md"),
        (4, "gated.md"),
    ]


@pytest.mark.parametrize(
    ("statuses", "gap"),
    [
        ({}, "none"),
        ({"latency": Status.MISSING, "granularity": Status.PARTIAL}, "latency missing"),
        ({"latency": Status.MISSING, "granularity": Status.MISSING}, "granularity missing"),
        ({"runtime": Status.CONTRADICTED, "granularity": Status.MISSING}, "runtime contradicted"),
    ],
)
def test_the_worst_gap_is_by_status_then_required(statuses: dict[str, Status], gap: str) -> None:
    draft = sheet(**statuses)
    findings = lint(draft)
    assert worst_gap(LintedDocument(draft=draft, findings=findings, scorecard=score(draft, findings))) == gap


# --- several documents as one claim


def document(capfd: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    run(COMMANDS, ["lint", "--format", "json", "--fail-on", "never", *words])
    (found,) = json.loads(capfd.readouterr().out)["documents"]
    return found  # type: ignore[no-any-return]


def test_together_two_sheets_say_more_than_each(capfd: pytest.CaptureFixture[str]) -> None:
    Path("notes.md").write_text("# Notes\n\nThe acceptance criterion is a loss of at most 1 point of MMLU.\n")
    alone = document(capfd, "sheets/tells.md")
    both = document(capfd, "--together", "sheets/tells.md", "notes.md")
    assert alone["disclosures"]["acceptance_criterion"]["status"] == "missing"
    assert both["disclosures"]["acceptance_criterion"]["status"] != "missing"
    assert both["disclosures"]["calibration_data"]["status"] == alone["disclosures"]["calibration_data"]["status"]
    assert both["path"] == "sheets/tells.md + notes.md"


@pytest.mark.parametrize(
    "words",
    [["sheets/tells.md", "nowhere.md"], ["sheets/tells.md", "sheets/deep/model.claim.yaml"], ["-", "sheets/tells.md"]],
)
def test_together_with_something_unread_gives_no_result(words: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert run(COMMANDS, ["lint", "--together", *words]) == 2
    out, err = capfd.readouterr()
    assert "Grade" not in out
    assert err.startswith("error: ")
