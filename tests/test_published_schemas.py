"""The schemas in the repository are those that the models give."""

from __future__ import annotations

import sys
from pathlib import Path

from lynxspec.cli import run
from verifier.cli import COMMANDS

SCHEMAS = Path(__file__).parents[1] / "schemas"


def test_the_published_schemas_are_current(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["lynxspec", "schema", "--check", "--out", str(SCHEMAS)])
    assert run(COMMANDS) == 0, capsys.readouterr().err


def test_a_schema_that_was_changed_by_hand_is_found(monkeypatch, tmp_path):
    for file in SCHEMAS.iterdir():
        text = file.read_text()
        (tmp_path / file.name).write_text(text.replace("tensor", "vector", 1) if "audit" in file.name else text)
    monkeypatch.setattr(sys, "argv", ["lynxspec", "schema", "--check", "--out", str(tmp_path)])
    assert run(COMMANDS) == 1
