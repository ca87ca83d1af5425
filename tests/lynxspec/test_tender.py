"""`lynxspec explain rfp`: disclosure clauses to paste into a tender."""

from __future__ import annotations

import json
import re

import pytest

from lynxspec.cli import COMMANDS, run
from lynxspec.cli.tender import CLAUSES, markdown, text
from lynxspec.vocabulary import REQUIRED, Component


def test_every_component_has_one_clause_and_the_required_ones_come_first() -> None:
    assert len(CLAUSES) == len(Component) == 23
    assert {clause.component for clause in CLAUSES} == set(Component)
    assert {clause.component for clause in CLAUSES[:16]} == REQUIRED
    assert all("shall" in clause.text for clause in CLAUSES[:16])
    assert not any("shall" in clause.text for clause in CLAUSES[16:])


def test_clauses_are_numbered_through_and_the_last_refers_to_the_right_one() -> None:
    assert [int(n) for n in re.findall(r"(?m)^(\d+)\. ", text())] == list(range(1, 24))
    assert [int(n) for n in re.findall(r"(?m)^(\d+)\. ", markdown())] == list(range(1, 24))
    assert CLAUSES[15].component is Component.SUSTAINED_THROUGHPUT
    assert "clause 16" in CLAUSES[22].text


@pytest.mark.parametrize(
    ("component", "units"),
    [
        (Component.THROUGHPUT_GAIN, ["factor (x)"]),
        (Component.SUSTAINED_THROUGHPUT, ["tokens/s", "600 s", "%"]),
        (Component.LATENCY, ["ms"]),
        (Component.HARDWARE, ["GiB", "W", "MHz"]),
        (Component.ACCEPTANCE_CRITERION, ["points", "%"]),
        (Component.CALIBRATION_DATA, ["number of samples", "SHA-256"]),
    ],
)
def test_a_clause_names_what_to_deliver_and_in_which_unit(component: Component, units: list[str]) -> None:
    (clause,) = [c for c in CLAUSES if c.component is component]
    assert all(unit in clause.text for unit in units)


def test_acceptance_is_by_lint_and_verify() -> None:
    for page in (text(), markdown()):
        acceptance = page.lower().split("acceptance\n")[-1]
        assert "`lynxspec lint`" in acceptance
        assert "`lynxspec verify`" in acceptance
        assert "grade a or b" in " ".join(acceptance.split())


def test_the_command_prints_each_format_and_text_fits_a_page(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(COMMANDS, ["explain", "rfp"]) == 0
    out = capfd.readouterr().out
    assert out == text()
    assert max(map(len, out.splitlines())) <= 80
    assert run(COMMANDS, ["explain", "rfp", "--format", "markdown"]) == 0
    assert capfd.readouterr().out == markdown()
    assert run(COMMANDS, ["explain", "rfp", "--format", "json"]) == 0
    clauses = json.loads(capfd.readouterr().out)["clauses"]
    assert [c["number"] for c in clauses if c["required"]] == list(range(1, 17))


def test_markdown_is_for_the_tender_alone(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(COMMANDS, ["explain", "LXS101", "--format", "markdown"]) == 2
    assert "explain rfp" in capfd.readouterr().err
