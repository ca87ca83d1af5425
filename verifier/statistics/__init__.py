"""Intervals and tests that verdicts rest on: numbers in, numbers out; no clock, no file, fixed seeds."""

from verifier.statistics.analysis import analyse, analyse_ratio
from verifier.statistics.decision import decide, seconds_to_decide
from verifier.statistics.intervals import (
    COVERAGE,
    MIN_BATCHES,
    Estimate,
    Floats,
    binomial_upper,
    coefficient_of_variation,
    quantile_bounds,
    ratio_interval,
    t_interval,
)
from verifier.statistics.latency import burst_quantile_bounds, quantile_samples
from verifier.statistics.paired import (
    JACKKNIFE_GROUPS,
    RESAMPLES,
    metric_values,
    paired_bca,
    tango_interval,
    tango_statistic,
)
from verifier.statistics.rates import Answer, Drift, Processes, RateAnalysis, RateDecision, RateState, Shift

__all__ = [
    "COVERAGE",
    "JACKKNIFE_GROUPS",
    "MIN_BATCHES",
    "RESAMPLES",
    "Answer",
    "Drift",
    "Estimate",
    "Floats",
    "Processes",
    "RateAnalysis",
    "RateDecision",
    "RateState",
    "Shift",
    "analyse",
    "analyse_ratio",
    "binomial_upper",
    "burst_quantile_bounds",
    "coefficient_of_variation",
    "decide",
    "metric_values",
    "paired_bca",
    "quantile_bounds",
    "quantile_samples",
    "ratio_interval",
    "seconds_to_decide",
    "t_interval",
    "tango_interval",
    "tango_statistic",
]
