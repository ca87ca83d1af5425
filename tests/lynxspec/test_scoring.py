"""The score model: worked examples, gates, and laws that hold for any draft."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lynxspec.draft import Disclosure, Draft, DraftRegime, Places
from lynxspec.lint.engine import lint
from lynxspec.lint.rule import Confidence, Effect, Finding, Severity
from lynxspec.scoring import STRENGTH, WEIGHTS, Scorecard, grade, score
from lynxspec.vocabulary import REQUIRED, Component, Status

Statuses = dict[Component, Status]
ALL_TOLD = dict.fromkeys(Component, Status.DISCLOSED)


def _regime(statuses: Statuses, name: str = "int8", role: Any = "quantized") -> DraftRegime:
    disclosures = {c: Disclosure(status=s, value=None) for c, s in statuses.items()}
    return DraftRegime(name=name, role=role, path=(), disclosures=disclosures)


def _draft(*regimes: DraftRegime) -> Draft:
    return Draft(source="x", kind="sheet", places=Places(source="x"), regimes=regimes, claim=None)


def _score(statuses: Statuses, *findings: Finding) -> Scorecard:
    return score(_draft(_regime(statuses)), findings)


def _finding(component: Component, effect: Effect, **more: Any) -> Finding:
    values: dict[str, Any] = {
        "code": "LXS299",
        "rule": "made-up",
        "severity": Severity.WARNING,
        "confidence": Confidence.CERTAIN,
        "message": "m",
        "remedy": "r",
        "component": component,
        "locations": (),
        "regime": None,
        "effect": effect,
    }
    return Finding(**{**values, **more})


statuses = st.fixed_dictionaries({c: st.sampled_from(Status) for c in Component})
components = st.sampled_from(Component)


def test_the_weights_are_a_hundred_and_each_required_component_outweighs_each_other_one() -> None:
    assert sum(WEIGHTS.values()) == 100
    assert set(WEIGHTS) == set(Component)
    assert min(WEIGHTS[c] for c in REQUIRED) > max(w for c, w in WEIGHTS.items() if c not in REQUIRED)


def test_the_complete_claim_has_full_marks(draft: Callable[..., Draft]) -> None:
    whole = draft()
    card = score(whole, lint(whole))
    assert (card.score, card.grade, card.points, card.denominator) == (100, "A", 100, 100)
    assert card.complete
    assert card.deployment_grade


def test_a_partial_required_component_costs_two_and_a_half_points_and_the_deployment_grade() -> None:
    card = _score({**ALL_TOLD, Component.WORKLOAD_RELEVANCE: Status.PARTIAL})
    assert (card.score, card.grade) == (97.5, "B")
    assert card.complete
    assert not card.deployment_grade


def test_one_missing_required_component_caps_the_grade_at_d() -> None:
    card = _score({**ALL_TOLD, Component.CALIBRATION_DATA: Status.MISSING})
    assert (card.score, card.grade, card.complete) == (95, "D", False)


def test_not_applicable_leaves_the_denominator() -> None:
    gone = {Component.CALIBRATION_DATA: Status.NOT_APPLICABLE, Component.CALIBRATION_METHOD: Status.NOT_APPLICABLE}
    card = _score({**ALL_TOLD, **gone})
    assert (card.points, card.denominator, card.score, card.grade) == (90, 90, 100, "A")
    assert card.deployment_grade


def test_the_document_is_its_weakest_quantized_regime() -> None:
    weak = {**ALL_TOLD, Component.LATENCY: Status.MISSING}
    card = score(_draft(_regime(ALL_TOLD, "a"), _regime(weak, "b")), ())
    assert card.score == 97
    assert card.disclosures[Component.LATENCY].status is Status.MISSING


def test_the_reference_answers_for_its_accuracy_and_the_baseline_alone() -> None:
    reference = _regime(dict.fromkeys(Component, Status.MISSING), "fp32", "reference")
    card = score(_draft(reference, _regime(ALL_TOLD)), ())
    missing = {c for c, d in card.disclosures.items() if d.status is Status.MISSING}
    assert missing == {Component.ACCURACY_REFERENCE, Component.BASELINE}
    assert card.score == 90


def test_a_document_without_quantized_regime_scores_nothing() -> None:
    card = score(_draft(_regime(ALL_TOLD, "fp32", "reference")), ())
    assert (card.score, card.grade, card.complete, card.denominator) == (0, "F", False, 100)


def test_a_contradiction_counts_as_nothing_and_an_ignored_one_does_not_act() -> None:
    lie = _finding(Component.THROUGHPUT_GAIN, Effect.CONTRADICTS)
    assert _score(ALL_TOLD, lie).score == 95
    assert not _score(ALL_TOLD, lie).complete
    assert _score(ALL_TOLD, replace(lie, ignored="the vendor said so")).score == 100


def test_a_finding_about_one_regime_leaves_the_others_alone() -> None:
    lie = _finding(Component.LATENCY, Effect.WEAKENS, regime="b")
    card = score(_draft(_regime(ALL_TOLD, "a"), _regime(ALL_TOLD, "b")), (lie,))
    assert [r.score for r in card.regimes] == [100, 98.5]


def test_an_error_that_stands_caps_the_grade_at_c() -> None:
    assert _score(ALL_TOLD, _finding(Component.HARDWARE, Effect.NONE, severity=Severity.ERROR)).grade == "C"


@pytest.mark.parametrize(
    ("value", "letter"),
    [
        (100, "A"),
        (90, "A"),
        (89.9, "B"),
        (80, "B"),
        (79.9, "C"),
        (65, "C"),
        (50, "D"),
        (30, "E"),
        (29.9, "F"),
        (0, "F"),
    ],
)
def test_letters_follow_the_table(value: float, letter: str) -> None:
    assert grade(value, complete=True, deployment_grade=True) == letter


@given(statuses, components)
def test_disclosing_more_never_costs_points(before: Statuses, component: Component) -> None:
    ladder = (Status.MISSING, Status.PARTIAL, Status.DISCLOSED)
    cards = [_score({**before, component: status}) for status in ladder]
    assert cards[0].score <= cards[1].score <= cards[2].score
    assert cards[0].grade >= cards[1].grade >= cards[2].grade
    assert cards[0].complete <= cards[1].complete <= cards[2].complete


@given(statuses, components)
def test_only_not_applicable_leaves_the_denominator(before: Statuses, component: Component) -> None:
    card = _score({**before, component: Status.MISSING})
    left = {c for c, s in before.items() if s is Status.NOT_APPLICABLE and c is not component}
    assert card.denominator == 100 - sum(WEIGHTS[c] for c in left)


@given(statuses, components, st.sampled_from(Effect))
def test_a_finding_never_raises_the_score(before: Statuses, component: Component, effect: Effect) -> None:
    if before[component] is not Status.NOT_APPLICABLE:
        assert _score(before, _finding(component, effect)).score <= _score(before).score
    assert _score(before, _finding(component, effect)).grade >= _score(before).grade or (
        before[component] is Status.NOT_APPLICABLE
    )


@given(st.lists(statuses, min_size=1, max_size=3), statuses)
def test_another_quantized_regime_never_raises_the_score(held: list[Statuses], more: Statuses) -> None:
    fewer = score(_draft(*(_regime(s, f"q{i}") for i, s in enumerate(held))), ())
    added = score(_draft(*(_regime(s, f"q{i}") for i, s in enumerate([*held, more]))), ())
    assert added.score <= fewer.score
    for component in Component:
        assert STRENGTH[added.disclosures[component].status] <= STRENGTH[fewer.disclosures[component].status]


@given(statuses)
def test_the_gates_hold_whatever_the_score(given_statuses: Statuses) -> None:
    card = _score(given_statuses)
    required = {given_statuses[c] for c in REQUIRED}
    assert card.complete == (not required & {Status.MISSING, Status.CONTRADICTED})
    assert card.deployment_grade == (required <= {Status.DISCLOSED, Status.NOT_APPLICABLE})
    assert card.grade >= ("A" if card.deployment_grade else "B" if card.complete else "D")
    assert 0 <= card.score <= 100
