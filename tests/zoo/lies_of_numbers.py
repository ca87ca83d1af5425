"""Lies about what computes, how accurate it is, whether that is enough, and how large it is."""
# ruff: noqa: ARG001 - every lie takes the claim and the evidence

from __future__ import annotations

from collections.abc import Callable

from .exhibits import Plain, fast, ledger_of, reference, run_of, scores_of
from .lying import Lie, Tell, fewer, two_metrics

# --- execution


def _in_float(share: float, *, number: float = 0.5) -> Tell:
    """That share of the products' time, and of their number, runs in FP32 though the file means it otherwise."""

    def tell(claim: Plain, evidence: Plain) -> None:
        ledger = ledger_of(evidence, fast(claim)["name"], executed=True)
        groups = [o for o in ledger["operators"] if o["compute"] != "fp32"]
        for group in groups:
            moved = round(group["count"] * number)
            time = (group["time_share"] or 0.0) * share
            group["count"] -= moved
            group["time_share"] -= time
            float_group = {"compute": "fp32", "count": moved, "time_share": time, "examples": ["was_quantized"]}
            ledger["operators"].append(group | float_group)

    return tell


def _reference_runs_in(fmt: str) -> Tell:
    def tell(claim: Plain, evidence: Plain) -> None:
        for group in ledger_of(evidence, reference(claim)["name"], executed=True)["operators"]:
            group["compute"] = fmt

    return tell


# --- accuracy


def _stated(regime_of: Callable[[Plain], Plain], by: float, metric: int = 0) -> Tell:
    def tell(claim: Plain, evidence: Plain) -> None:
        row = regime_of(claim)["accuracy"][metric]
        row["value"] = round(row["value"] + by, 6)

    return tell


def _lossless(claim: Plain, evidence: Plain) -> None:
    fast(claim)["accuracy"][0]["value"] = reference(claim)["accuracy"][0]["value"]


def _loses(claim: Plain, evidence: Plain) -> bool:
    """The reference is better by more than tolerance and rounding (0.1 and 0.05 points)."""
    values = [r["accuracy"][0]["value"] for r in (reference(claim), fast(claim))]
    return bool(values[0] - values[1] > 0.00151)


def _metrics_exchanged(regime_of: Callable[[Plain], Plain]) -> Tell:
    def tell(claim: Plain, evidence: Plain) -> None:
        a, b = regime_of(claim)["accuracy"][:2]
        a["value"], b["value"] = b["value"], a["value"]

    return tell


def _worse_model(claim: Plain, evidence: Plain) -> None:
    """The claim holds for another model than the one that came with it."""
    fewer(scores_of(evidence, fast(claim)["name"]), claim["evaluation"]["metrics"][0]["name"], 0.01)


def _gap(claim: Plain, evidence: Plain) -> tuple[float, float]:
    """Mean difference of paired outcomes, and its standard error by the textbook formula for discordant pairs."""
    name = claim["evaluation"]["criterion"]["metric"]
    a, b = (scores_of(evidence, r["name"])["outcomes"][name] for r in (fast(claim), reference(claim)))
    gained, lost, n = sum(x > y for x, y in zip(a, b)), sum(x < y for x, y in zip(a, b)), len(a)  # noqa: B905
    mean = (gained - lost) / n
    return mean, ((gained + lost) / n - mean**2) ** 0.5 / n**0.5


def _surely_loses(claim: Plain, evidence: Plain) -> bool:
    mean, error = _gap(claim, evidence)
    return mean + 2.2 * error < -0.0015


def _tighter_margin(claim: Plain, evidence: Plain) -> None:
    mean, error = _gap(claim, evidence)
    claim["evaluation"]["criterion"]["margin"] = f"{-50.0 * (mean + 2.2 * error):.3f} points"


def _loss_beyond_the_margin(claim: Plain, evidence: Plain) -> None:
    """The claim states the loss truly and calls it acceptable by a criterion that it breaks."""
    scores, criterion = scores_of(evidence, fast(claim)["name"]), claim["evaluation"]["criterion"]
    fewer(scores, criterion["metric"], float(criterion["margin"].split()[0]) / 100.0 + 0.03)
    row = next(a for a in fast(claim)["accuracy"] if a["metric"] == criterion["metric"])
    row["value"] = scores["metrics"][criterion["metric"]]


# --- size


def _small_peak(regime_of: Callable[[Plain], Plain]) -> Tell:
    def tell(claim: Plain, evidence: Plain) -> None:
        run = run_of(evidence, regime_of(claim)["name"])
        net = run["peak_memory_bytes"] - run["baseline_memory_bytes"]
        regime_of(claim)["peak_memory"] = f"{net / 2**20 / 1.5:.1f} MiB"  # 20 % of tolerance, and more

    return tell


def _small_file(regime_of: Callable[[Plain], Plain]) -> Tell:
    def tell(claim: Plain, evidence: Plain) -> None:
        file = regime_of(claim)["artifact"]
        file["size"] = f"{int(float(file['size'].split()[0]) / 2)} B"

    return tell


_X, _OTHERWISE = "precision_executed/{fast}", "other_precision_executed"
EXECUTED = (
    Lie(name="all products in fp32", tell=_in_float(1.0, number=1.0), clause=_X, reason=_OTHERWISE),
    Lie(name="half of the products in fp32", tell=_in_float(0.5), clause=_X, reason=_OTHERWISE),
    Lie(name="a fifth of the time in fp32", tell=_in_float(0.2, number=0.4), clause=_X, reason=_OTHERWISE),
    Lie(
        name="reference runs in bf16",
        tell=_reference_runs_in("bf16"),
        clause="precision_executed/{slow}",
        reason=_OTHERWISE,
    ),
    Lie(
        name="reference runs in int8",
        tell=_reference_runs_in("int8"),
        clause="precision_executed/{slow}",
        reason=_OTHERWISE,
    ),
)

_Q, _Q2 = "accuracy/{fast}/{metric}", "accuracy/{fast}/{second}"
_R, _R2 = "reference_accuracy/{slow}/{metric}", "reference_accuracy/{slow}/{second}"
_BELOW, _DIFFERS = "below_claim", "differs_from_claim"
ACCURACY = (
    Lie(name="two points better", tell=_stated(fast, 0.02), clause=_Q, reason=_BELOW),
    Lie(name="a fifth of a point better", tell=_stated(fast, 0.002), clause=_Q, reason=_BELOW),
    Lie(name="lossless", tell=_lossless, clause=_Q, reason=_BELOW, where=_loses),
    Lie(name="second metric better", tell=_stated(fast, 0.02, 1), clause=_Q2, reason=_BELOW, where=two_metrics),
    Lie(name="metrics exchanged", tell=_metrics_exchanged(fast), clause=_Q2, reason=_BELOW, where=two_metrics),
    Lie(name="another model's accuracy", tell=_worse_model, clause=_Q, reason=_BELOW),
)
REFERENCE = (
    Lie(name="understated reference", tell=_stated(reference, -0.02), clause=_R, reason=_DIFFERS),
    Lie(name="reference understated a little", tell=_stated(reference, -0.002), clause=_R, reason=_DIFFERS),
    Lie(name="overstated reference", tell=_stated(reference, 0.02), clause=_R, reason=_DIFFERS),
    Lie(
        name="second metric of the reference understated",
        tell=_stated(reference, -0.02, 1),
        clause=_R2,
        reason=_DIFFERS,
        where=two_metrics,
    ),
    Lie(
        name="metrics of the reference exchanged",
        tell=_metrics_exchanged(reference),
        clause=_R,
        reason=_DIFFERS,
        where=two_metrics,
        also=(_R2,),
    ),
)
_C, _NOT_MET = "criterion/{fast}", "criterion_not_met"
CRITERION = (
    Lie(name="tighter margin than held", tell=_tighter_margin, clause=_C, reason=_NOT_MET, where=_surely_loses),
    Lie(name="loss beyond the margin", tell=_loss_beyond_the_margin, clause=_C, reason=_NOT_MET),
)

SIZE = (
    Lie(name="small peak memory", tell=_small_peak(fast), clause="memory/{fast}/peak", reason=_BELOW),
    Lie(name="small peak of the reference", tell=_small_peak(reference), clause="memory/{slow}/peak", reason=_BELOW),
    Lie(name="small file", tell=_small_file(fast), clause="memory/{fast}/file", reason=_DIFFERS),
    Lie(name="small file of the reference", tell=_small_file(reference), clause="memory/{slow}/file", reason=_DIFFERS),
)

LIES = (*EXECUTED, *ACCURACY, *REFERENCE, *CRITERION, *SIZE)
