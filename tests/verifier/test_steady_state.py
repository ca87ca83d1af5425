"""Sustained rates: hand-worked examples of the methods, and simulations whose truth is known."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from scipy.signal import lfilter

from verifier.statistics import (
    Answer,
    RateState,
    analyse,
    analyse_ratio,
    burst_quantile_bounds,
    decide,
    quantile_bounds,
    quantile_samples,
    seconds_to_decide,
)
from verifier.statistics.rates import DRIFT_LIMIT
from verifier.statistics.sequential import half_width, looks_until, mixture_scale
from verifier.statistics.steady import burg, long_run, mser5, shifts, trend

from . import rate_simulation as simulation
from . import rate_tables as tables

METHOD = Path(__file__).parents[2] / "verifier" / "METHOD.md"

# Luteinizing hormone at 10-minute intervals, 48 values: Diggle, Time Series (1990), table A.1; R's data set `lh`
HORMONE = [
    *(2.4, 2.4, 2.4, 2.2, 2.1, 1.5, 2.3, 2.3, 2.5, 2.0, 1.9, 1.7, 2.2, 1.8, 3.2, 3.2),
    *(2.7, 2.2, 2.2, 1.9, 1.9, 1.8, 2.7, 3.0, 2.3, 2.0, 2.0, 2.9, 2.9, 2.7, 2.7, 2.3),
    *(2.6, 2.4, 1.8, 1.7, 1.5, 1.4, 2.1, 3.3, 3.5, 3.5, 3.1, 2.6, 2.1, 3.4, 3.0, 2.9),
]


def rates(values, **options):
    return analyse(values, np.ones(len(values)), **{"declared_s": float(len(values))} | options)


def held(analysis, claimed, tolerance=0.02, *, covered_s=None, declared_s=None, equilibrium=False):
    return decide(
        analysis,
        claimed=claimed,
        tolerance=tolerance,
        covered_s=analysis.covered_s if covered_s is None else covered_s,
        declared_s=analysis.declared_s if declared_s is None else declared_s,
        equilibrium=equilibrium,
    )


def noisy(n=600, *, phi=0.0, sd=0.01, seed=1):
    return 1000.0 * (1.0 + sd * simulation.noise(np.random.default_rng(seed), (1, n), phi)[0])


# --- MSER-5


def test_truncation_is_the_one_worked_by_hand():
    # batches of five: 9, 9, 1, 2, 1, 2, 1, 2, 1, 2 after d of them the sum of squares about the mean over (10 - d)^2 is
    # d=0: (9*9*2+4*1+4*4 - 900/10)/100 = 0.92; d=1: (81+20-21*21/9)/81 = 0.642; d=2: (20-144/8)/64 = 0.03125;
    # d=3: (19-121/7)/49 = 0.0350; d=4: (15-81/6)/36 = 0.0417: the least is at two batches, ten values
    values = np.repeat([9.0, 9.0, 1.0, 2.0, 1.0, 2.0, 1.0, 2.0, 1.0, 2.0], 5)
    assert mser5(values) == 10


def test_truncation_is_the_least_of_whites_statistic():
    values = simulation.series(simulation.TRACES[6], 1, 3)[0]
    batches = values.reshape(-1, 5).mean(axis=1)
    statistic = [np.var(batches[d:]) / len(batches[d:]) for d in range(len(batches) // 2 + 1)]
    assert mser5(values) == 5 * int(np.argmin(statistic))


def test_more_than_half_is_never_truncated():
    assert mser5(np.concatenate([np.linspace(1.0, 2.0, 400), np.full(200, 5.0)])) == 0


def test_noise_is_not_dropped_as_settling():
    runs = [noisy(seed=seed, phi=0.9) for seed in range(10)]
    assert any(mser5(values) for values in runs)
    assert [rates(values).truncated_s for values in runs] == [0.0] * 10
    ramp = noisy() * (1.0 - 0.3 * np.exp(-np.arange(600) / 8.0))
    assert 15.0 <= rates(ramp).truncated_s <= 60.0


# --- long-run variance


def test_burgs_recursion_gives_the_published_fit():
    # R, help page of `ar`: ar(lh, method = "burg") gives 0.6588, -0.0608, -0.2234, sigma^2 0.1786, order 3 by AIC
    values = np.array(HORMONE) - np.mean(HORMONE)
    rows, variances = burg(values, 5)
    assert [round(x, 4) for x in rows[3]] == [0.6588, -0.0608, -0.2234]
    assert round(variances[3], 4) == 0.1786
    scores = [len(values) * math.log(v) + 2 * p for p, v in enumerate(variances)]
    assert int(np.argmin(scores)) == 3


@pytest.mark.parametrize(
    ("coefficients", "known"),
    [
        ([0.5], 3.0),  # (1 + phi) / (1 - phi)
        ([0.9], 19.0),
        ([0.5, 0.3], 1.0 / (1.0 - 0.8) ** 2 / 2.243590),  # sigma^2 / (1 - sum)^2 over the AR(2)'s variance
    ],
)
def test_the_variance_ratio_is_that_of_the_process(coefficients, known):
    shocks = np.random.default_rng(4).normal(size=60_000)
    values = lfilter([1.0], [1.0, *(-c for c in coefficients)], shocks)[1000:]
    assert long_run(values - values.mean()).ratio == pytest.approx(known, rel=0.08)


def test_the_variance_of_an_ar2_is_the_textbooks():
    # Box and Jenkins, equation 3.2.28: (1 - b) / (1 + b) / ((1 - b)^2 - a^2) for coefficients a, b
    a, b = 0.5, 0.3
    assert (1 - b) / (1 + b) / ((1 - b) ** 2 - a**2) == pytest.approx(2.243590, abs=1e-6)


def test_the_bias_of_a_short_autoregression_is_put_right():
    # Marriott and Pope 1954: a fitted coefficient is too small by (1 + 3 phi) / n, here 0.104 at 0.9 in 36 blocks
    runs = simulation.noise(np.random.default_rng(3), (400, 36), 0.9)
    plain = [sum(burg(x - x.mean(), 1)[0][1]) for x in runs]
    assert np.mean(plain) == pytest.approx(0.9 - 3.7 / 36, abs=0.03)
    put_right = np.median([long_run(x - x.mean()).ratio for x in runs])
    assert put_right > 2.0 * np.median([(1 + p) / (1 - p) for p in plain])


def test_negative_correlation_is_never_credited():
    values = np.tile([1.0, -1.0], 100) + np.random.default_rng(1).normal(size=200) * 0.1
    assert long_run(values - values.mean()).ratio == 1.0


def test_constant_blocks_have_no_variance():
    found = rates([100.0] * 60)
    assert found.sustained is not None
    assert (found.sustained.low, found.sustained.high) == (100.0, 100.0)
    assert found.state is RateState.STEADY
    assert found.truncated_s == 0.0


# --- confidence sequence


def test_the_width_is_the_papers_formula():
    # alpha 0.05, horizon 100: -2 ln alpha = 5.991465, r^2 = (5.991465 + ln 6.991465) / 100 = 0.0793615;
    # at n = 100, n r^2 = 7.93615, sqrt(2 * 8.93615 / (100 * 7.93615) * ln(sqrt(8.93615) / 0.05)) = 0.303530
    assert mixture_scale(100, 0.05) ** 2 == pytest.approx(0.0793615, abs=1e-6)
    assert half_width(100, 1.0, horizon=100) == pytest.approx(0.303530, abs=1e-5)


def test_the_sequence_is_narrowest_where_it_was_told_to_be():
    at = {h: half_width(100, 1.0, horizon=h) for h in (25, 50, 100, 200, 400)}
    assert min(at, key=at.__getitem__) == 100


def test_a_random_walk_leaves_the_sequence_in_one_case_of_twenty_at_most():
    steps = np.random.default_rng(2).normal(size=(4000, 2000))
    means = np.cumsum(steps, axis=1) / np.arange(1, 2001)
    widths = np.array([half_width(n, 1.0, horizon=500) for n in range(1, 2001)])
    assert np.mean((np.abs(means) > widths).any(axis=1)) <= 0.05


def test_few_degrees_of_freedom_widen_it():
    assert half_width(10, 1.0, horizon=100, freedom=5.0) > 1.3 * half_width(10, 1.0, horizon=100)


def test_the_looks_that_a_margin_needs_reach_it():
    n = looks_until(0.01, 0.1, horizon=600, ratio=3.0)
    assert n is not None
    assert half_width(n, 0.1, horizon=600, freedom=n / 3.0 - 1.0) == pytest.approx(0.01, rel=1e-6)
    assert looks_until(0.0, 0.1, horizon=600, ratio=1.0) is None


# --- shifts and drift


def test_a_throttled_rate_shows_its_jump_and_both_levels():
    values = noisy()
    values[90:] *= 0.88
    found = rates(values)
    assert found.state is RateState.SHIFTED
    assert [s.at_s for s in found.shifts] == [pytest.approx(90.0, abs=2.0)]
    assert found.initial == pytest.approx(1000.0, rel=0.005)
    assert found.sustained is not None
    assert found.sustained.value == pytest.approx(880.0, rel=0.005)


def test_a_gradual_change_is_no_jump():
    for curve in (np.exp(-np.arange(600) / 60.0) * 0.15, -np.exp(-np.arange(600) / 8.0) * 0.3, np.zeros(600)):
        assert shifts(curve + noisy() / 1000.0 - 1.0) == []
    slow = 0.06 * np.exp(-np.arange(600) / 200.0)
    assert sum(bool(shifts(slow + noisy(seed=seed) / 1000.0 - 1.0)) for seed in range(20)) <= 4


def test_a_boost_is_reported_as_initial_and_not_as_sustained():
    found = rates(noisy() * (1.0 + 0.15 * np.exp(-np.arange(600) / 60.0)))
    assert found.sustained is not None
    assert found.sustained.value == pytest.approx(1000.0, rel=0.005)
    assert found.initial is not None
    assert found.initial > 1100.0


def test_a_drifting_rate_has_a_range_and_no_point():
    found = rates(noisy() * np.linspace(1.05, 0.95, 600))
    assert found.state is RateState.DRIFTING
    assert found.sustained is None
    assert found.range_low is not None
    assert found.range_high is not None
    assert found.range_low < 955.0
    assert found.range_high > 1045.0
    assert found.drift is not None
    assert found.drift.per_window == pytest.approx(-0.1, abs=0.01)
    decision = held(found, 1000.0)
    assert (decision.answer, decision.code, decision.value) == (Answer.OPEN, "drifting", None)
    assert held(found, 800.0).answer is Answer.REPRODUCED
    assert held(found, 1300.0).answer is Answer.REFUTED


def test_drift_is_bounded_and_not_merely_not_found():
    short, long = rates(noisy(60), declared_s=600.0), rates(noisy(300), declared_s=600.0)
    assert short.drift is not None
    assert long.drift is not None
    assert not short.drift.significant
    assert short.drift.bound > DRIFT_LIMIT
    assert short.state is RateState.UNSETTLED
    assert long.drift.bound <= DRIFT_LIMIT
    assert long.state is RateState.STEADY


def test_the_slope_of_fresh_processes_is_that_within_them():
    steps = np.concatenate([np.full(50, x) for x in (0.0, 1.0, 2.0)])
    ramp = np.tile(np.arange(50) * 0.1, 3)
    pieces = [(steps + ramp)[a : a + 50] for a in (0, 50, 100)]
    assert trend(pieces).slope == pytest.approx(0.1)


# --- decisions


def test_a_true_claim_is_reproduced_over_its_window_and_not_before():
    values = noisy()
    full, part = rates(values), rates(values[:300], declared_s=600.0)
    assert (held(full, 1000.0).answer, held(full, 1000.0).code) == (Answer.REPRODUCED, "held_over_window")
    early = held(part, 1000.0)
    assert (early.answer, early.code) == (Answer.OPEN, "window_not_covered")
    assert early.more_s == pytest.approx(300.0)


def test_thermal_evidence_allows_an_early_confirmation_that_says_so():
    part = rates(noisy(300), declared_s=600.0)
    decision = held(part, 1000.0, equilibrium=True)
    assert (decision.answer, decision.code, decision.early) == (Answer.REPRODUCED, "held_at_equilibrium", True)
    drifting = rates(noisy(300) * np.linspace(1.1, 1.0, 300), declared_s=600.0)
    assert held(drifting, 1000.0, equilibrium=True).answer is Answer.OPEN


def test_a_gross_lie_is_refuted_early():
    decision = held(rates(noisy(40), declared_s=600.0), 2000.0)
    assert (decision.answer, decision.code, decision.early) == (Answer.REFUTED, "below_limit_early", True)


def test_a_cold_start_is_not_refuted_while_it_warms_up():
    values = noisy() * (1.0 - 0.3 * np.exp(-np.arange(600) / 8.0))
    for n in range(20, 120, 5):
        assert held(rates(values[:n], declared_s=600.0), 1000.0).answer is not Answer.REFUTED


def test_a_claim_of_the_boost_is_not_confirmed_by_the_mean_nor_by_the_first_plateau():
    values = noisy()
    values[540:] *= 0.88  # the window's mean lies above the limit, the last plateau below it
    decision = held(rates(values), 1000.0)
    assert (decision.answer, decision.code) == (Answer.OPEN, "shifted")


def test_a_rate_that_rose_at_last_is_not_confirmed_by_its_last_plateau():
    values = noisy()
    values[:300] *= 0.88  # the last plateau reaches the limit, the window's mean does not
    decision = held(rates(values), 1000.0)
    assert (decision.answer, decision.code) == (Answer.OPEN, "shifted")


def test_a_rate_that_still_rises_is_not_refuted():
    warming = 1.0 - 0.2 * np.exp(-np.arange(600) / 60.0)
    for curve in (warming, np.linspace(0.94, 1.06, 600)):  # the mean of both reaches the limit
        values = noisy() * curve
        for n in range(20, 600, 20):
            assert held(rates(values[:n], declared_s=600.0), 1000.0).answer is not Answer.REFUTED


def test_a_claim_at_its_limit_stays_open():
    decision = held(rates(noisy()), 1000.0, 0.0)
    assert (decision.answer, decision.code) == (Answer.OPEN, "interval_too_wide")


def test_an_open_clause_says_what_it_would_cost_and_then_is_decided():
    values = noisy(4000, sd=0.05)
    first = rates(values[:200], declared_s=200.0)
    cost = seconds_to_decide(first, 1000.0, 0.005)
    assert held(first, 1000.0, 0.005).answer is Answer.OPEN
    assert cost is not None
    later = rates(values[: 200 + 2 * math.ceil(cost)], declared_s=200.0)
    assert held(later, 1000.0, 0.005).answer is Answer.REPRODUCED
    assert seconds_to_decide(first, first.sustained.value, 0.0) is None


def test_nothing_is_said_of_too_few_blocks():
    for n in (0, 1, 3):
        found = rates([100.0] * n, declared_s=60.0)
        assert (found.state, found.sustained, found.window) == (RateState.UNSETTLED, None, None)
        assert held(found, 100.0).answer is Answer.OPEN
    five = rates([100.0, 101.0, 99.0, 100.0, 102.0])
    assert five.sustained is None
    assert five.window is not None


def test_input_that_is_no_measurement_is_refused():
    with pytest.raises(ValueError, match="length"):
        analyse([1.0, 2.0], [1.0], declared_s=2.0)
    with pytest.raises(ValueError, match="positive"):
        analyse([1.0, 2.0], [1.0, 0.0], declared_s=2.0)
    with pytest.raises(ValueError, match="positive"):
        analyse([1.0, math.nan], [1.0, 1.0], declared_s=2.0)
    with pytest.raises(ValueError, match="logarithm"):
        analyse_ratio(([1.0, 0.0], [1.0, 1.0]), ([1.0, 1.0], [1.0, 1.0]), declared_s=2.0)
    with pytest.raises(ValueError, match="paired"):
        analyse_ratio(([1.0, 2.0], [1.0]), ([1.0, 1.0], [1.0]), declared_s=2.0)


# --- processes


def test_means_of_processes_further_apart_than_noise_widen_the_bounds_and_are_named():
    numbers = [0] * 100 + [1] * 100 + [2] * 100
    alike = rates(noisy(300), processes=numbers)
    apart = rates(noisy(300) * np.repeat([0.98, 1.0, 1.02], 100), processes=numbers)
    assert alike.processes is not None
    assert apart.processes is not None
    assert alike.processes.p_value > 0.05
    assert apart.processes.p_value < 1e-6
    assert apart.processes.share > 0.9
    assert apart.processes.relative_sd == pytest.approx(0.02, rel=0.2)
    assert apart.sustained is not None
    # t(2) = 4.303 times 2 % over the root of three
    assert apart.sustained.high - apart.sustained.value == pytest.approx(1000.0 * 4.303 * 0.02 / math.sqrt(3), rel=0.2)
    assert apart.shifts == ()


def test_processes_that_were_added_one_by_one_widen_what_their_means_are_good_for():
    numbers = np.repeat(np.arange(5), 60).tolist()
    line = noisy(300) * np.repeat([0.98, 1.0, 1.02, 0.99, 1.01], 60)
    planned, added = rates(line, processes=numbers), rates(line, processes=numbers, added=2)
    assert planned.sustained is not None
    assert added.sustained is not None
    widths = [found.sustained.high - found.sustained.value for found in (planned, added)]
    # two-sided Student's t with 4 degrees of freedom: 2.776 at 5 %, 5.321 at 0.6 %, a fifth of it times 3 of 5
    assert widths[1] / widths[0] == pytest.approx(5.321 / 2.776, rel=1e-3)


def test_fewer_than_three_processes_decide_nothing():
    for numbers in ([0] * 300, [0] * 150 + [1] * 150):
        found = rates(noisy(300), processes=numbers)
        assert held(found, 800.0).code == "too_few_processes"
        assert held(found, 2000.0).code == "too_few_processes"
    assert held(rates(noisy(300), processes=[i // 100 for i in range(300)]), 1000.0).answer is Answer.REPRODUCED


# --- speed-up


def test_shared_noise_cancels_in_the_ratio_of_neighbours():
    rng = np.random.default_rng(5)
    shared = 1.0 + 0.05 * simulation.noise(rng, (1, 300), 0.9)[0]
    fast = 2000.0 * shared * (1.0 + 0.01 * rng.normal(size=300))
    slow = 1000.0 * shared * (1.0 + 0.01 * rng.normal(size=300))
    ones = np.ones(300)
    found = analyse_ratio((fast, slow), (ones, ones), declared_s=300.0)
    alone = analyse(fast, ones, declared_s=300.0)
    assert found.sustained is not None
    assert alone.sustained is not None
    assert found.sustained.value == pytest.approx(2.0, rel=0.003)
    relative = (found.sustained.high - found.sustained.low) / found.sustained.value
    assert relative < 0.3 * (alone.sustained.high - alone.sustained.low) / alone.sustained.value
    assert held(found, 2.0).answer is Answer.REPRODUCED
    assert held(found, 2.2).answer is Answer.REFUTED


def test_a_ratio_turned_over_is_the_reciprocal():
    rng = np.random.default_rng(6)
    a, b = 100.0 + rng.normal(size=60), 50.0 + rng.normal(size=60)
    ones = np.ones(60)
    one = analyse_ratio((a, b), (ones, ones), declared_s=60.0).sustained
    other = analyse_ratio((b, a), (ones, ones), declared_s=60.0).sustained
    assert one is not None
    assert other is not None
    assert (one.value, one.low, one.high) == pytest.approx((1 / other.value, 1 / other.high, 1 / other.low))


# --- latency


def test_early_stopping_counts_are_mlperfs():
    # MLPerf inference rules, appendix on early stopping, and LoadGen: confidence 0.99, one call beyond
    assert quantile_samples(0.9, confidence=0.99, sides=1, beyond=1) == 64
    assert quantile_samples(0.99, confidence=0.99, sides=1, beyond=1) == 662
    # with none beyond: ln(0.01) / ln(p)
    assert quantile_samples(0.9, confidence=0.99, sides=1) == 44
    assert quantile_samples(0.99, confidence=0.99, sides=1) == 459


def test_the_calls_that_a_percentile_needs_are_wilks():
    # Wilks 1941: 59 for p95 and 299 for p99 at 95 %, one-sided
    assert quantile_samples(0.95, sides=1) == 59
    assert quantile_samples(0.99, sides=1) == 299
    assert quantile_samples(0.99) == math.ceil(math.log(0.025) / math.log(0.99)) == 368


@pytest.mark.parametrize("p", [0.5, 0.9, 0.99])
def test_bounds_exist_from_that_number_on(p):
    n = quantile_samples(p)
    assert quantile_bounds(np.arange(n), p)[2] is not None
    assert quantile_bounds(np.arange(n - 1), p)[2] is None


def test_a_percentile_outside_its_range_is_refused():
    with pytest.raises(ValueError, match="no such bound"):
        quantile_samples(1.0)


def test_bursts_widen_the_bounds_of_a_percentile():
    rng = np.random.default_rng(7)
    calls = np.exp(simulation.noise(rng, (1, 5000), 0.9)[0])
    _, low, high = burst_quantile_bounds(calls, 0.9)
    _, near, far = quantile_bounds(calls, 0.9)
    assert None not in (low, high, near, far)
    assert high - low > 2.0 * (far - near)
    independent = rng.permutation(calls)
    _, low, high = burst_quantile_bounds(independent, 0.9)
    assert high - low < 2.0 * (far - near)


@pytest.mark.slow
@pytest.mark.parametrize(("phi", "least"), [(0.0, 0.95), (0.5, 0.95), (0.9, 0.90)])
@pytest.mark.parametrize("p", [0.5, 0.9, 0.99])
def test_bounds_hold_for_calls_in_bursts(phi, least, p):
    rng = np.random.default_rng(8)
    truth = math.exp(stats.norm.ppf(p))
    found = [burst_quantile_bounds(x, p) for x in np.exp(simulation.noise(rng, (600, 2000), phi))]
    covered = np.mean([(low is None or low <= truth) and (high is None or truth <= high) for _, low, high in found])
    assert covered >= least - 2.0 * math.sqrt(least * (1.0 - least) / 600)


# --- simulation


def test_skipping_looks_that_cannot_refute_changes_no_outcome():
    for trace in (simulation.TRACES[2], simulation.TRACES[7]):
        fast, every = (simulation.simulate(trace, 3, 9, every=x) for x in (False, True))
        for a, b in zip(fast, every, strict=True):
            assert (a.estimate, a.answers) == (b.estimate, b.answers)
            for answer, one, other in zip(a.answers[:2], a.seconds, b.seconds, strict=False):
                assert answer is not Answer.REFUTED or one == other


@pytest.mark.parametrize("index", [0, 5, 6, 7, 9])
def test_few_runs_of_each_trace_meet_their_truth(index):
    trace = simulation.TRACES[index]
    outcomes = simulation.simulate(trace, 6, 11)
    found = simulation.row(trace, outcomes, [outcome.estimate for outcome in outcomes])
    assert found.error <= 1.5 * trace.allowed
    assert found.honest_refuted == 0.0
    assert found.short_confirmed == 0.0


def test_the_manual_shows_every_trace_and_case():
    shown = committed()
    assert [line[0] for line in shown["accuracy"]] == [t.name for t in simulation.TRACES]
    assert [line[0] for line in shown["decisions"]] == [t.name for t in simulation.TRACES]
    assert len(shown["processes"]) == len(tables.PROCESS_CASES)
    assert len(shown["coverage"]) == len(tables.COVERAGE_CASES)


def committed() -> dict[str, list[list[str]]]:
    """Cells of each table in the manual."""
    found = re.findall(r"<!-- (\w+) -->\n(.*?)\n<!-- end -->", METHOD.read_text(encoding="utf-8"), re.DOTALL)
    return {
        name: [[c.strip() for c in line.strip("|").split("|")] for line in text.splitlines()[2:]]
        for name, text in found
    }


@pytest.fixture(scope="module")
def studied():
    return tables.studies(0.4)


def worst(events: float, runs: int) -> float:
    """Least share that ``events`` of ``runs`` leave possible at 99.9 %: a limit is missed if even it lies above."""
    count = round(events * runs)
    return float(stats.beta.ppf(0.001, count, runs - count + 1)) if count else 0.0


def agrees(shown: str, fresh: float, runs: int) -> bool:
    """Whether a share in the manual (of at least as many runs) and a fresh one differ by no more than chance."""
    share = float(shown) / 100.0
    middle = min(max((share + fresh) / 2.0, 1.0 / runs), 1.0 - 1.0 / runs)
    return abs(share - fresh) <= 4.5 * math.sqrt(2.0 * middle * (1.0 - middle) / runs)


@pytest.mark.slow
def test_the_sustained_estimate_is_within_half_a_percent(studied):
    for found, trace in zip(studied[0], simulation.TRACES, strict=True):
        assert found.error <= trace.allowed, found


@pytest.mark.slow
def test_false_verdicts_are_as_rare_as_promised(studied):
    for found, trace in zip(studied[0], simulation.TRACES, strict=True):
        if trace.phi <= 0.5:
            assert worst(found.edge_refuted, found.runs) <= 0.05, found
            assert worst(found.edge_confirmed, found.runs) <= 0.05, found
        assert worst(found.honest_refuted, found.runs) <= 0.01, found
        assert worst(found.short_confirmed, found.runs) <= 0.01, found
        if trace.name.startswith(("boost", "throttle", "slow")):
            assert found.burst_confirmed == 0.0, found


@pytest.mark.slow
def test_inconclusive_is_no_hiding_place_for_stationary_runs(studied):
    for found, trace in zip(studied[0], simulation.TRACES, strict=True):
        if trace.stationary:
            for share in (found.honest_confirmed, found.short_refuted):
                assert 1.0 - worst(1.0 - share, found.runs) >= 0.9, found


@pytest.mark.slow
def test_thermal_evidence_confirms_early_without_more_errors(studied):
    for found in studied[1]:
        assert worst(found.edge, found.runs) <= 0.05, found
        assert worst(found.short, found.runs) <= 0.01, found


@pytest.mark.slow
def test_bounds_hold_whatever_the_variation_between_processes(studied):
    for found in studied[2]:
        assert 1.0 - worst(1.0 - found.covered, found.runs) >= 0.95, found
        assert worst(found.refuted, found.runs) <= 0.05, found
        assert worst(found.confirmed, found.runs) <= 0.05, found


@pytest.mark.slow
@pytest.mark.parametrize(("planned", "most", "runs"), [(3, 12, 600), (5, 20, 400)])
def test_rounds_that_are_added_until_a_claim_is_decided_cost_no_more_errors_than_one_look(planned, most, runs):
    found = simulation.extended(planned, most, runs=runs, seed=5)
    assert worst(found.refuted, runs) <= 0.035, found
    assert worst(found.confirmed, runs) <= 0.035, found
    assert 1.0 - worst(1.0 - found.covered, runs) >= 0.93, found
    careless = simulation.extended(planned, most, runs=runs // 4, seed=6, told=False)
    assert careless.covered < 0.93  # the simulation can tell


@pytest.mark.slow
def test_intervals_cover_as_they_say(studied):
    for found in studied[3]:
        if found.phi <= 0.5:
            error = 3.1 * math.sqrt(0.05 * 0.95 / found.runs)
            assert 0.93 - error <= found.window <= 0.97 + error, found
            assert 1.0 - worst(1.0 - found.sequence, found.runs) >= 0.95, found
            if found.always is not None:
                assert 1.0 - worst(1.0 - found.always, round(found.runs / 8)) >= 0.95, found


@pytest.mark.slow
def test_the_manuals_error_rates_are_those_of_a_fresh_simulation(studied):
    shown = committed()
    for line, found in zip(shown["accuracy"], studied[0], strict=True):
        assert float(line[2]) == pytest.approx(100.0 * found.error, rel=0.35, abs=0.02), found
    for line, found in zip(shown["decisions"], studied[0], strict=True):
        cells = [x for cell in line[1:] for x in re.findall(r"\d+\.\d", cell)]
        fresh = (
            *(found.edge_refuted, found.edge_confirmed, found.honest_refuted, found.honest_confirmed),
            *(found.short_confirmed, found.short_refuted, found.burst_confirmed),
        )
        for cell, share in zip(cells, fresh, strict=True):
            assert agrees(cell, share, found.runs), (line, found)
    for line, found in zip(shown["early"], studied[1], strict=True):
        assert agrees(line[2], found.edge, found.runs), found
    for line, found in zip(shown["processes"], studied[2], strict=True):
        assert agrees(line[3], found.covered, found.runs), found
    for line, found in zip(shown["coverage"], studied[3], strict=True):
        assert agrees(line[3], found.window, found.runs), found
        assert agrees(line[4], found.sequence, found.runs), found
