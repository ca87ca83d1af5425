"""The frontier: points with their intervals, what dominates what, which side of the limit, and the picture of it."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path

import pytest

from lynxspec.claim import Claim
from verifier.audit.frontier import Frontier, FrontierPoint, frontier
from verifier.audit.pictures import trade
from verifier.audit.summary import ClaimSummary, StatedAccuracy, summarize
from verifier.evidence import Evidence, SustainedRun
from verifier.verdict import ClauseKind, ClauseVerdict, Interval, Reason

_SPEC = importlib.util.spec_from_file_location("judge_fixtures", Path(__file__).with_name("fixtures.py"))
fixtures = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(fixtures)

REFERENCE = ("fp32", 1000.0, 0.970)
"""Regime, items per second, accuracy; the margin of the claim is one point, so that the limit is 0.960."""


def interval(low: float, high: float, unit: str = "images/s") -> Interval:
    return Interval(low=low, high=high, unit=unit, coverage=0.95, method="by hand")


def verdict(kind: ClauseKind, regime: str, held: Interval) -> ClauseVerdict:
    return ClauseVerdict(
        id=f"{kind.value}/{regime}",
        kind=kind,
        regime=regime,
        title="by hand",
        claimed="",
        measured="",
        interval=held,
        tolerance=None,
        decision_rule="",
        verdict=Reason.WITHIN_TOLERANCE.verdict,
        reason=Reason.WITHIN_TOLERANCE.code,
        explanation="by hand",
    )


def stage(*regimes, better: str = "higher") -> tuple[ClaimSummary, Evidence, tuple[ClauseVerdict, ...]]:
    """Regimes of (name, rate, accuracy); rates are known to 1 %, paired differences to 0.4 points."""
    summary = summarize(Claim.model_validate_json(json.dumps(fixtures.claim_data())))
    evidence = Evidence.model_validate_json(json.dumps(fixtures.evidence_data()))
    base = summary.regimes[1]
    stated, runs, scores, verdicts = [], [], [], []
    run, score = evidence.sustain.runs[0], evidence.scores[0]
    for name, rate, value in regimes:
        role = "reference" if name == "fp32" else "quantized"
        claimed = (StatedAccuracy(metric="top1", value=value + 0.002),)
        stated.append(
            base.model_copy(update={"name": name, "role": role, "rate_per_s": rate * 1.05, "accuracy": claimed})
        )
        runs.append(run.model_copy(update={"regime": name, "blocks": (block_of(run, rate),)}))
        scores.append(score.model_copy(update={"regime": name, "metrics": {"top1": value}}))
        verdicts.append(verdict(ClauseKind.THROUGHPUT, name, interval(rate * 0.99, rate * 1.01)))
        if role == "quantized":
            gain = (value - REFERENCE[2]) * (1 if better == "higher" else -1)
            held = interval(gain - 0.004, gain + 0.004, "difference")
            verdicts.append(verdict(ClauseKind.CRITERION, name, held))
    changed = {"regimes": tuple(stated), "better": better, "criterion_reference": "fp32", "metric": "top1"}
    sustain = evidence.sustain.model_copy(update={"runs": tuple(runs)})
    return (
        summary.model_copy(update=changed | {"margin": 0.01, "margin_share": None}),
        evidence.model_copy(update={"scores": tuple(scores), "sustain": sustain}),
        tuple(verdicts),
    )


def block_of(run: SustainedRun, rate: float):
    return run.blocks[0].model_copy(update={"seconds": 10.0, "items": round(rate * 10)})


def measured(found: Frontier) -> dict[str, FrontierPoint]:
    return {p.regime: p for p in found.points if p.source == "measured"}


def test_the_limit_is_the_measured_reference_less_the_margin() -> None:
    found = frontier(*stage(REFERENCE, ("int8", 2000.0, 0.968)))
    assert found.limit == pytest.approx(0.960)
    lower = frontier(*stage(REFERENCE, ("int8", 2000.0, 0.972), better="lower"))
    assert lower.limit == pytest.approx(0.980)


def test_a_point_has_the_intervals_of_its_clauses() -> None:
    point = measured(frontier(*stage(REFERENCE, ("int8", 2000.0, 0.968))))["int8"]
    assert (point.rate, point.rate_interval.low, point.rate_interval.high) == (2000.0, 1980.0, 2020.0)
    ends = point.accuracy_interval.low, point.accuracy_interval.high
    assert ends == pytest.approx((0.964, 0.972))  # the paired difference of -0.2 +- 0.4 points at the reference's 0.970


def test_of_a_metric_where_less_is_better_the_interval_is_turned() -> None:
    point = measured(frontier(*stage(REFERENCE, ("int8", 2000.0, 0.973), better="lower")))["int8"]
    ends = point.accuracy_interval.low, point.accuracy_interval.high
    assert ends == pytest.approx((0.969, 0.977))
    assert point.accepted


@pytest.mark.parametrize(("value", "accepted"), [(0.968, True), (0.961, None), (0.950, False)])
def test_only_a_whole_interval_on_one_side_of_the_limit_decides(value: float, accepted: bool | None) -> None:
    found = measured(frontier(*stage(REFERENCE, ("int8", 2000.0, value))))
    assert found["int8"].accepted is accepted
    assert found["fp32"].accepted is None


def test_a_regime_is_dominated_by_one_that_is_surely_faster_and_no_less_accurate() -> None:
    found = measured(frontier(*stage(REFERENCE, ("a", 2000.0, 0.966), ("b", 2500.0, 0.967), ("c", 3000.0, 0.962))))
    assert {name: point.dominated_by for name, point in found.items()} == {
        "fp32": None,  # slower, and more accurate than all
        "a": "b",
        "b": None,
        "c": None,
    }


def test_a_lead_within_the_intervals_dominates_nobody() -> None:
    found = measured(frontier(*stage(REFERENCE, ("a", 2000.0, 0.966), ("b", 2030.0, 0.967))))
    assert found["a"].dominated_by is None


def test_a_rate_that_shifted_stands_where_its_clause_puts_it() -> None:
    summary, evidence, verdicts = stage(REFERENCE, ("int8", 2000.0, 0.968))
    moved = [v for v in verdicts if v.id != "throughput/int8"]
    moved.append(verdict(ClauseKind.THROUGHPUT, "int8", interval(1700.0, 1760.0)))
    assert measured(frontier(summary, evidence, tuple(moved)))["int8"].rate == 1730.0


def test_what_was_not_measured_is_no_point() -> None:
    summary, evidence, verdicts = stage(REFERENCE, ("int8", 2000.0, 0.968))
    found = frontier(summary, evidence.model_copy(update={"sustain": None}), verdicts)
    assert {p.source for p in found.points} == {"claimed"}
    bare = summary.model_copy(update={"regimes": ()})
    assert frontier(bare, evidence, verdicts) is None


class Shown:
    """The three things of a record that the picture reads."""

    def __init__(self, claim: ClaimSummary, evidence: Evidence, verdicts: tuple[ClauseVerdict, ...]) -> None:
        self.claim, self.evidence, self.verdicts = claim, evidence, verdicts


FIVE = (
    REFERENCE,
    ("bf16", 1650.0, 0.9695),
    ("int8-static", 2400.0, 0.9655),
    ("int8-dynamic", 1900.0, 0.9640),
    ("int4", 2550.0, 0.9480),
)
TWO = (REFERENCE, ("int8", 1950.0, 0.968))
CASES = {2: TWO, 3: (*TWO, ("int4", 2100.0, 0.955)), 5: FIVE}


@pytest.mark.parametrize("count", CASES)
def test_every_regime_is_in_the_picture_with_its_name_inside_the_frame(count: int) -> None:
    svg = str(trade(Shown(*stage(*CASES[count]))))
    names = {name for name, _, _ in CASES[count]}
    texts = re.findall(r'<text x="([-\d.]+)" y="([-\d.]+)"[^>]*>([^<]*)<', svg)
    assert names <= {text.split(" (")[0] for _, _, text in texts}
    assert "acceptance limit" in svg
    assert all(0 <= float(x) <= 660 for x, _, _ in texts)
    assert svg.count("(reference)") == 1


def test_a_dominated_regime_says_so_in_the_picture() -> None:
    assert "int8-dynamic (dominated by int8-static)" in str(trade(Shown(*stage(*FIVE))))
    assert "dominated" not in str(trade(Shown(*stage(*CASES[2]))))
