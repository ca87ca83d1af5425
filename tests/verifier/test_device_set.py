"""The set that a machine with a card runs: what it says where there is none, and lies that its evidence must catch."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lynxspec.claim import Claim
from verifier.accelerators import cards
from verifier.cli import COMMANDS
from verifier.commands.device_set import Row, lies_over, table
from verifier.evidence import Evidence
from verifier.judge import judge
from verifier.opening import open_claim
from verifier.verdict import Verdict

RECORDS = Path(__file__).parents[2] / "examples" / "records"


def doctor(*arguments: str) -> int:
    from lynxspec.cli import run  # noqa: PLC0415 - as the program imports it

    return run(COMMANDS, ["doctor", *arguments])


@pytest.fixture
def without_card() -> None:
    if cards().cards:
        pytest.skip("there is a card here")


@pytest.mark.usefixtures("without_card")
def test_without_a_card_the_set_ends_with_three_and_says_why(capsys, tmp_path):
    (tmp_path / "x.recipe.yaml").write_text("")
    assert doctor("--gpu") == 3
    assert doctor("--gpu", str(tmp_path)) == 3
    out = capsys.readouterr().out
    assert out.count("no card: ") == 2
    assert "nvidia-ml-py is not installed" in out or "no card can be asked" in out


def test_a_folder_without_recipes_is_a_mistake_of_the_caller(capsys, tmp_path):
    assert doctor("--gpu", str(tmp_path), "--dry-run") == 2
    assert "holds no *.recipe.yaml" in capsys.readouterr().err


def test_a_recipe_that_cannot_be_measured_is_told_in_the_table_and_ends_with_three(capsys, tmp_path):
    (tmp_path / "broken.recipe.yaml").write_text("kind: recipe\n")
    assert doctor("--gpu", str(tmp_path), "--dry-run", "--out", str(tmp_path / "out")) == 3
    table_ = capsys.readouterr().out
    assert "broken" in table_
    assert "not measured" in table_


@pytest.mark.parametrize("lie", [0, 1, 2], ids=["accuracy", "precision", "rate"])
@pytest.mark.parametrize("record", ["mobilenetv2-mnist-int8", "minilm-reviews-int8"])
def test_each_lie_is_refuted_by_evidence_of_an_honest_claim_at_its_own_clause(record, lie):
    claim = open_claim(RECORDS / record / "claim.yaml").claim
    evidence = Evidence.model_validate_json((RECORDS / record / "evidence.json").read_bytes())
    honest = {v.id: v.verdict for v in judge(claim, evidence)}
    _, clause, told = tuple(lies_over(claim.model_dump(mode="json")))[lie]
    found = {v.id: v.verdict for v in judge(Claim.model_validate_json(json.dumps(told)), evidence)}
    assert honest[clause] is Verdict.REPRODUCED
    assert found[clause] is Verdict.REFUTED


def test_the_table_has_a_line_for_what_was_not_measured_too():
    text = table(
        (Row(name="float8", result="not measured: no card"), Row(name="int8", result="reproduced", gain="2 x"))
    )
    assert "float8                   not measured: no card" in text
    assert "  gain   2 x" in text
