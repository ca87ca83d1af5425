"""`Lie`: one way to deceive, the exhibits it can be told over, and the clause and reason that must catch it.

A lie is told in one of two ways: the claim says what the evidence does not hold, or the evidence is that of a file
which does not hold what the claim says.
"""
# ruff: noqa: ARG001 - every question and every lie takes the claim and the evidence

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from .exhibits import Plain, artifact_of, fast, ledger_of, reference

OTHER = "a" * 64
Tell = Callable[[Plain, Plain], None]
Where = Callable[[Plain, Plain], bool]


@dataclass(frozen=True, kw_only=True)
class Lie:
    """One way to deceive."""

    name: str
    tell: Tell
    clause: str
    """Clause that must be refuted; ``{fast}`` and ``{slow}`` are the regimes, ``{metric}`` and ``{second}`` metrics."""
    reason: str
    where: Where = field(default=lambda _claim, _evidence: True)
    """Which exhibits it can be told over."""
    also: tuple[str, ...] = ()
    """Further clauses that it gives reason to refute."""
    rate: bool = False
    """Whether only a quiet host can show it."""

    def at(self, claim: Plain) -> str:
        """Id of the clause in a claim."""
        return _named(self.clause, claim)

    def allowed(self, claim: Plain) -> set[str]:
        """Ids of all clauses that it may refute."""
        return {_named(clause, claim) for clause in (self.clause, *self.also)}


def _named(clause: str, claim: Plain) -> str:
    names = [a["metric"] for a in fast(claim)["accuracy"]]
    return clause.format(fast=fast(claim)["name"], slow=reference(claim)["name"], metric=names[0], second=names[-1])


# --- which exhibits


def supplied(claim: Plain, evidence: Plain) -> bool:
    """The claimant hands over the quantized file."""
    return artifact_of(claim, "quantized_model") is not None


def own_reference(claim: Plain, evidence: Plain) -> bool:
    """The claimant hands over the reference."""
    file = artifact_of(claim, "reference_model")
    return file is not None and file["supplied_by"] == "claimant"


def calibrated(claim: Plain, evidence: Plain) -> bool:
    """Scales come from data."""
    return "data" in fast(claim)["calibration"]


def two_metrics(claim: Plain, evidence: Plain) -> bool:
    """More than one metric is stated."""
    return len(fast(claim)["accuracy"]) > 1


def has_class(tensor_class: str) -> Where:
    def found(claim: Plain, evidence: Plain) -> bool:
        listed = {t["tensor_class"] for t in ledger_of(evidence, fast(claim)["name"])["tensors"]}
        return tensor_class in listed and "format" in fast(claim)["precision"][tensor_class]

    return found


def neither(where: Where) -> Where:
    return lambda claim, evidence: not where(claim, evidence)


# --- what several lies do


def other_file(**found: float) -> Tell:
    """The recipe gives, twice, a file that differs so from the supplied one."""

    def tell(claim: Plain, evidence: Plain) -> None:
        made = evidence["quantizations"][0]
        made["sha256"] = made["repeat_sha256"] = OTHER
        same = {
            "regime": fast(claim)["name"],
            "supplied_sha256": fast(claim)["artifact"]["sha256"],
            "recipe_sha256": OTHER,
            "identical": False,
            "scales_compared": 100,
            "scales_different": 0,
            "worst_scale_ratio": 0.0,
            "zero_points_different": 0,
            "weights_different": 0,
            "examples": ["first"],
            "unmatched": 0,
        }
        evidence["comparisons"] = [same | found]

    return tell


def fewer(scores: Plain, metric: str, share: float) -> int:
    """Turn that share of the items from right to wrong, evenly over the set; gives their number."""
    items = scores["outcomes"][metric]
    right = [i for i, x in enumerate(items) if x == 1.0]
    count = round(share * len(items))
    for i in right[:: max(1, len(right) // count)][:count]:
        items[i] = 0.0
    scores["metrics"][metric] = sum(items) / len(items)
    return count
