"""``lynxspec judge``: recorded evidence judged again, by the claim's tolerances or by the reader's own."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from lynxspec.cli import run
from verifier.cli import COMMANDS

RECORD = Path(__file__).parents[2] / "examples" / "records" / "minilm-reviews-int8"


@pytest.fixture
def inflated(tmp_path: Path) -> Path:
    """The shipped claim with an INT8 accuracy that is 0.8 points too high."""
    text = (RECORD / "claim.yaml").read_text()
    before, _, after = text.partition("name: int8")
    assert after.count("metric: accuracy, value: 0.") == 1
    head, _, tail = after.partition("metric: accuracy, value: ")
    value, _, rest = tail.partition("}")
    path = tmp_path / "lie.claim.yaml"
    path.write_text(f"{before}name: int8{head}metric: accuracy, value: {float(value) + 0.008:.4f}}}{rest}")
    return path


def judged(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["lynxspec", "judge", str(RECORD), *arguments])
    return run(COMMANDS)


def test_the_shipped_evidence_gives_its_verdicts_again(monkeypatch):
    assert judged(monkeypatch) == 0


def test_a_reader_sees_what_another_tolerance_would_change(monkeypatch, inflated, capsys):
    assert judged(monkeypatch, "--claim", str(inflated)) == 1
    assert judged(monkeypatch, "--claim", str(inflated), "--tolerance", "accuracy=1 points") == 0
    assert "other tolerances than the claim's: accuracy=1 points" in capsys.readouterr().err


def test_the_json_names_the_tolerances_that_were_applied(monkeypatch, capsys):
    judged(monkeypatch, "--tolerance", "throughput=2 %", "--format", "json")
    assert json.loads(capsys.readouterr().out)["tolerances"]["throughput"] == "2 %"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("throughput=50 %", "wider than is ever applied"),
        ("rate=5 %", "not a tolerance"),
        ("throughput", "not a tolerance"),
        ("throughput=five", "--tolerance throughput=five"),
    ],
)
def test_a_tolerance_that_is_none_is_refused_with_the_reason(monkeypatch, capsys, change, words):
    assert judged(monkeypatch, "--tolerance", change) == 2
    assert words in capsys.readouterr().err
