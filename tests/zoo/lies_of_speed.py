"""Lies about rates, gains and latencies, and a fast model that is not the accurate one."""
# ruff: noqa: ARG001 - every lie takes the claim and the evidence

from __future__ import annotations

from collections.abc import Callable

from .exhibits import Plain, fast, reference, run_of, scaled, scores_of
from .lying import Lie, Tell, calibrated


def rates(*, fast_by: float = 1.0, slow_by: float = 1.0, gain_by: float = 1.0, qualifier: str = "") -> Tell:
    """Claimed rates and published gain times these factors."""

    def tell(claim: Plain, evidence: Plain) -> None:
        for regime, factor in ((fast(claim), fast_by), (reference(claim), slow_by)):
            sustained = regime["performance"]["sustained"]
            sustained["rate"] = scaled(sustained["rate"], factor)
        comparison = claim["comparisons"][0]
        comparison["throughput_gain"] = scaled(comparison["throughput_gain"], gain_by)
        comparison["qualifier"] = qualifier or comparison["qualifier"]

    return tell


def _boost(claim: Plain, evidence: Plain) -> None:
    """The claimed rate is that of the first sixth of the window, before the processor got warm."""
    run = run_of(evidence, fast(claim)["name"])
    for block in run["blocks"][len(run["blocks"]) // 6 :]:
        block["seconds"] /= 0.6
    run["window_s"] = sum(block["seconds"] for block in run["blocks"])


def _latency(regime_of: Callable[[Plain], Plain], factor: float, *percentiles: str) -> Tell:
    def tell(claim: Plain, evidence: Plain) -> None:
        stated = regime_of(claim)["performance"]["latency"]
        for p in percentiles:
            stated[p] = scaled(stated[p], factor)

    return tell


def _tail(p: float, factor: float) -> Tell:
    """From that percentile on calls take so many times what is claimed."""

    def tell(claim: Plain, evidence: Plain) -> None:
        for quantile in run_of(evidence, fast(claim)["name"])["quantiles"]:
            if quantile["p"] >= p:
                for key in ("value_s", "low_s", "high_s"):
                    quantile[key] *= factor

    return tell


def _timed(share: float, *, pairs: bool) -> Tell:
    """That share of the timed outputs, right in the evaluation, are wrong; ``pairs`` as newer evidence keeps them."""

    def tell(claim: Plain, evidence: Plain) -> None:
        regime = fast(claim)
        run, metric = run_of(evidence, regime["name"]), regime["accuracy"][0]["metric"]
        lost = round(share * run["timed_items"])
        run["timed_disagreements"] = lost
        run["timed_scores"][metric] = regime["accuracy"][0]["value"] - share
        pair = {"metric": metric, "items": run["timed_items"], "gained": 0, "lost": lost}
        run["timed_pairs"] = [pair] if pairs else []

    return tell


def wrong_in_large_calls(claim: Plain, evidence: Plain) -> None:
    """Evaluated one at a time, timed in larger calls in which the model answers worse."""
    claim["evaluation"]["batch_size"] = 1
    regime = fast(claim)
    scores, metric = scores_of(evidence, regime["name"]), regime["accuracy"][0]["metric"]
    items = [0.0 if i % 10 == 0 else x for i, x in enumerate(scores["outcomes"][metric])]
    lost = int(sum(scores["outcomes"][metric]) - sum(items))
    probe = {
        "batch": claim["load"]["batch"],
        "items": len(items),
        "seed": None,
        "status": "ok",
        "message": "",
        "disagreements": lost,
        "gained": {metric: 0},
        "lost": {metric: lost},
        "metrics": {metric: sum(items) / len(items)},
        "outcomes": {metric: items},
    }
    scores["batches"] = [probe]


_T, _TS, _BELOW = "throughput/{fast}", "throughput/{slow}", "below_claim"
RATES = (
    Lie(name="half as fast again", tell=rates(fast_by=1.5), clause=_T, reason=_BELOW, rate=True),
    Lie(name="a quarter faster", tell=rates(fast_by=1.25), clause=_T, reason=_BELOW, rate=True),
    Lie(
        name="reference half as fast again",
        tell=rates(slow_by=1.5, gain_by=1 / 1.5),
        clause=_TS,
        reason=_BELOW,
        rate=True,
    ),
    Lie(
        name="both half as fast again",
        tell=rates(fast_by=1.5, slow_by=1.5),
        clause=_T,
        reason=_BELOW,
        also=(_TS,),
        rate=True,
    ),
    Lie(
        name="both three times as fast",
        tell=rates(fast_by=3.0, slow_by=3.0),
        clause=_TS,
        reason=_BELOW,
        also=(_T,),
        rate=True,
    ),
    Lie(
        name="rate of the first minute",
        tell=_boost,
        clause="speedup/{fast}/{slow}",  # of the rate itself the window's mean decides, and that is not known so well
        reason=_BELOW,
        also=(_T,),
        rate=True,
    ),
)

_S = "speedup/{fast}/{slow}"
GAINS = (
    Lie(name="published above its own rates", tell=rates(gain_by=1.5), clause=_S, reason="self_contradictory"),
    Lie(name="published a little above its own rates", tell=rates(gain_by=1.1), clause=_S, reason="self_contradictory"),
    Lie(
        name="gain and rate alike",
        tell=rates(fast_by=1.5, gain_by=1.5),
        clause=_S,
        reason=_BELOW,
        also=(_T,),
        rate=True,
    ),
    Lie(
        name="gain over an understated reference",
        tell=rates(slow_by=1 / 1.5, gain_by=1.5),
        clause=_S,
        reason=_BELOW,
        rate=True,
    ),
    Lie(
        name="at least a gain that was not reached",
        tell=rates(slow_by=1 / 1.5, gain_by=1.5, qualifier="at_least"),
        clause=_S,
        reason=_BELOW,
        rate=True,
    ),
)

_L = "latency/{fast}"
ALL = ("p50", "p90", "p99")
LATENCIES = (
    Lie(name="half the latency", tell=_latency(fast, 0.5, *ALL), clause=_L, reason=_BELOW, rate=True),
    Lie(name="half the median", tell=_latency(fast, 0.5, "p50"), clause=_L, reason=_BELOW, rate=True),
    Lie(
        name="half the latency of the reference",
        tell=_latency(reference, 0.5, *ALL),
        clause="latency/{slow}",
        reason=_BELOW,
        rate=True,
    ),
    Lie(name="a hidden tenth", tell=_tail(0.9, 1.8), clause=_L, reason=_BELOW, rate=True),
    Lie(name="a hidden hundredth", tell=_tail(0.99, 3.0), clause=_L, reason=_BELOW, rate=True),
)

_O = "timed_outputs/{fast}"
OUTPUTS = (
    Lie(name="another model when timed", tell=_timed(0.3, pairs=True), clause=_O, reason=_BELOW),
    Lie(name="another model when timed, without pairs", tell=_timed(0.3, pairs=False), clause=_O, reason=_BELOW),
    Lie(name="wrong in large calls", tell=wrong_in_large_calls, clause=_O, reason=_BELOW, where=calibrated),
)

LIES = (*RATES, *GAINS, *LATENCIES, *OUTPUTS)
