"""What was not tested here is never called reproduced, nor refuted; and no inflated number is ever reproduced."""
# ruff: noqa: ARG001 - all of a kind take the same arguments

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from verifier.verdict import Verdict, overall

from . import exhibits
from .exhibits import Exhibit, Plain, fast, reference, run_of, scaled, scores_of, seconds
from .lies_of_speed import rates
from .lying import Tell
from .unconfirmed import UNCONFIRMED

SHOWN = (*exhibits.recorded(), *exhibits.quiet())
OPEN = [
    (exhibit, lie)
    for exhibit in SHOWN
    for lie in UNCONFIRMED
    if (exhibit.quiet or not lie.rate) and lie.where(*exhibit.fresh())
]
RATE_LIKE = ("throughput/", "speedup/", "latency/", "memory/")


@pytest.mark.parametrize(("exhibit", "lie"), OPEN, ids=[f"{e.name}-{lie.name}" for e, lie in OPEN])
def test_what_was_not_tested_here_is_neither_reproduced_nor_refuted(exhibit, lie):
    claim, evidence = exhibit.fresh()
    lie.tell(claim, evidence)
    found = exhibits.verdicts(claim, evidence)
    assert found[lie.at(claim)].reason == lie.reason, found[lie.at(claim)]
    assert not [v for v in found.values() if v.verdict is Verdict.REFUTED]
    assert overall(tuple(found.values())) in (Verdict.INCONCLUSIVE, Verdict.NOT_TESTABLE)
    if lie.reason == "other_hardware" and lie.clause == "hardware":
        rate_like = [v for name, v in found.items() if name.startswith(RATE_LIKE) and not name.endswith("/file")]
        assert {v.verdict for v in rate_like} == {Verdict.NOT_TESTABLE}
        assert all(v.measured for v in rate_like), "what was measured is shown all the same"


def test_every_entry_is_tried_somewhere():
    assert {lie.name for _, lie in OPEN} == {lie.name for lie in UNCONFIRMED}


# --- numbers inflated by a tenth beyond their tolerance: whatever the host did, never reproduced


@dataclass(frozen=True, kw_only=True)
class Inflated:
    """A number that is a tenth too good, and how far it was really reached."""

    name: str
    tell: Tell
    clause: str
    reached: Callable[[Plain, Plain], tuple[float, float]]
    """Of the inflated claim: what was measured and what would do, both better when higher; by plain arithmetic."""


def _tolerance(claim: Plain, name: str) -> float:
    return float(claim["reproduction"]["tolerances"][name].split()[0]) / 100.0


def _rate(evidence: Plain, regime: str) -> float:
    """Items per second over the whole run, or over its second half if that is faster."""
    blocks = run_of(evidence, regime)["blocks"]
    halves = (blocks, blocks[len(blocks) // 2 :])
    return max(sum(b["items"] for b in part) / sum(b["seconds"] for b in part) for part in halves)


def _throughput(regime_of: Callable[[Plain], Plain]) -> Callable[[Plain, Plain], tuple[float, float]]:
    def reached(claim: Plain, evidence: Plain) -> tuple[float, float]:
        regime = regime_of(claim)
        limit = exhibits.rate_of(regime) * (1.0 - _tolerance(claim, "throughput"))
        return _rate(evidence, regime["name"]), limit

    return reached


def _gain(claim: Plain, evidence: Plain) -> tuple[float, float]:
    """The best of the ratios of whole runs and of their second halves."""
    ratios = []
    for start in (0.0, 0.5):
        a, b = (run_of(evidence, r["name"])["blocks"] for r in (fast(claim), reference(claim)))
        a, b = a[int(start * len(a)) :], b[int(start * len(b)) :]
        ratios.append(
            (sum(x["items"] for x in a) / sum(x["seconds"] for x in a))
            / (sum(x["items"] for x in b) / sum(x["seconds"] for x in b))
        )
    gain = float(claim["comparisons"][0]["throughput_gain"].split()[0])
    return max(ratios), gain * (1.0 - _tolerance(claim, "speedup"))


def _shorter(regime_of: Callable[[Plain], Plain], percentile: str) -> Inflated:
    """One percentile such that a tenth is missing even with the tolerance; those below it with it."""

    def tell(claim: Plain, evidence: Plain) -> None:
        stated = regime_of(claim)["performance"]["latency"]
        stated[percentile] = scaled(stated[percentile], 0.9 / (1.0 + _tolerance(claim, "latency")))

    def reached(claim: Plain, evidence: Plain) -> tuple[float, float]:
        stated = regime_of(claim)["performance"]["latency"]
        limit = seconds(stated[percentile]) * (1.0 + _tolerance(claim, "latency"))
        p = float(percentile.removeprefix("p")) / 100.0
        quantiles = run_of(evidence, regime_of(claim)["name"])["quantiles"]
        return -(next(q["high_s"] for q in quantiles if q["p"] == p) or float("inf")), -limit  # too few calls

    which = "slow" if regime_of is reference else "fast"
    return Inflated(name=f"{percentile} of {which}", tell=tell, clause=f"latency/{{{which}}}", reached=reached)


def _smaller(regime_of: Callable[[Plain], Plain]) -> Inflated:
    def tell(claim: Plain, evidence: Plain) -> None:
        regime = regime_of(claim)
        regime["peak_memory"] = scaled(regime["peak_memory"], 0.9 / (1.0 + _tolerance(claim, "memory")))

    def reached(claim: Plain, evidence: Plain) -> tuple[float, float]:
        peak = run_of(evidence, regime_of(claim)["name"])["peak_memory_bytes"]
        limit = float(regime_of(claim)["peak_memory"].split()[0]) * 2**20 * (1.0 + _tolerance(claim, "memory"))
        return -peak, -limit

    which = "slow" if regime_of is reference else "fast"
    return Inflated(name=f"memory of {which}", tell=tell, clause=f"memory/{{{which}}}/peak", reached=reached)


def _better(place: int) -> Inflated:
    """Accuracy beyond the criterion's margin: what nobody could call noise."""

    def tell(claim: Plain, evidence: Plain) -> None:
        margin = float(claim["evaluation"]["criterion"]["margin"].split()[0]) / 100.0
        row = fast(claim)["accuracy"][min(place, len(fast(claim)["accuracy"]) - 1)]
        row["value"] = round(row["value"] + margin + 0.002, 6)

    def reached(claim: Plain, evidence: Plain) -> tuple[float, float]:
        row = fast(claim)["accuracy"][min(place, len(fast(claim)["accuracy"]) - 1)]
        return scores_of(evidence, fast(claim)["name"])["metrics"][row["metric"]], row["value"] - 0.0015

    clause = "accuracy/{fast}/{metric}" if place == 0 else "accuracy/{fast}/{second}"
    return Inflated(name=f"metric {place + 1}", tell=tell, clause=clause, reached=reached)


_T, _TS, _S = "throughput/{fast}", "throughput/{slow}", "speedup/{fast}/{slow}"
INFLATED = (
    Inflated(name="rate of fast", tell=rates(fast_by=1.1), clause=_T, reached=_throughput(fast)),
    Inflated(name="rate of slow", tell=rates(slow_by=1.1, gain_by=0.9), clause=_TS, reached=_throughput(reference)),
    Inflated(name="both rates, fast", tell=rates(fast_by=1.1, slow_by=1.1), clause=_T, reached=_throughput(fast)),
    Inflated(name="both rates, slow", tell=rates(fast_by=1.1, slow_by=1.1), clause=_TS, reached=_throughput(reference)),
    Inflated(name="gain", tell=rates(gain_by=1.1), clause=_S, reached=lambda _c, _e: (0.0, 1.0)),  # contradicts itself
    Inflated(name="gain with its rate", tell=rates(fast_by=1.1, gain_by=1.1), clause=_S, reached=_gain),
    Inflated(name="gain by the reference", tell=rates(slow_by=1 / 1.1, gain_by=1.1), clause=_S, reached=_gain),
    *(_shorter(regime_of, p) for regime_of in (fast, reference) for p in ("p50", "p90", "p99")),
    _smaller(fast),
    _smaller(reference),
    _better(0),
    _better(1),
)
PAIRS = [(exhibit, one) for exhibit in SHOWN for one in INFLATED]


@pytest.mark.parametrize(("exhibit", "one"), PAIRS, ids=[f"{e.name}-{one.name}" for e, one in PAIRS])
def test_a_number_a_tenth_too_good_is_never_reproduced(exhibit: Exhibit, one: Inflated):
    claim, evidence = exhibit.fresh()
    one.tell(claim, evidence)
    measured, enough = one.reached(claim, evidence)
    if measured >= enough:
        assert not exhibit.quiet
        pytest.skip(f"reached here, the claim was measured on a slower day: {measured:.4g} against {enough:.4g}")
    names = {"fast": fast(claim)["name"], "slow": reference(claim)["name"]}
    metrics = [a["metric"] for a in fast(claim)["accuracy"]]
    clause = one.clause.format(**names, metric=metrics[0], second=metrics[-1])
    found = exhibits.verdicts(claim, evidence)[clause]
    assert found.verdict is not Verdict.REPRODUCED, (found, measured, enough)
