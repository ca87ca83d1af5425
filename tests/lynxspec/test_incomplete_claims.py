"""The wrong claims under ``examples/claims/incomplete``: each says in its head what the linter finds in it."""

from __future__ import annotations

from pathlib import Path as File

import pytest

from lynxspec.importers.claim_file import read
from lynxspec.lint.engine import lint
from lynxspec.lint.rule import Severity

FILES = sorted((File(__file__).parents[2] / "examples" / "claims" / "incomplete").glob("*.claim.yaml"))
MARK = "# Findings at warning or above: "


def test_there_is_one_for_each_group_of_rules() -> None:
    assert [file.name[0] for file in FILES] == list("1234567")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_the_findings_are_those_that_the_file_announces(file: File) -> None:
    content = file.read_bytes()
    announced = next(line for line in content.decode().splitlines() if line.startswith(MARK))
    findings = lint(read(content, file.name))
    serious = {f.code for f in findings if f.severity >= Severity.WARNING}
    assert serious == set(announced.removeprefix(MARK).split(", "))
    assert any(code.startswith(f"LXS{file.name[0]}") for code in serious)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_line_that_is_wrong_has_a_finding(file: File) -> None:
    content = file.read_bytes()
    lines = enumerate(content.decode().splitlines(), start=1)
    wrong = {number for number, line in lines if "# WRONG" in line}
    findings = lint(read(content, file.name))
    assert wrong <= {location.span.line for finding in findings for location in finding.locations}
