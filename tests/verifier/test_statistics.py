"""Intervals against published figures, peers, and simulations whose truth is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import f1_score, roc_auc_score

from verifier.statistics import (
    binomial_upper,
    coefficient_of_variation,
    metric_values,
    paired_bca,
    quantile_bounds,
    ratio_interval,
    t_interval,
    tango_interval,
    tango_statistic,
)


@pytest.mark.parametrize(
    ("gained", "lost", "n", "coverage", "low", "high"),
    [
        (9, 3, 32, 0.95, -0.027, 0.390),  # Tango 1998, section 6.2, sleeping difficulties
        (1, 7, 21, 0.95, -0.517, -0.026),  # Fagerland, Lydersen and Laake 2014, table 6, airway hyper-responsiveness
    ],
)
def test_tangos_interval_gives_the_published_bounds(gained, lost, n, coverage, low, high):
    found = tango_interval(gained, lost, n, coverage)
    assert found is not None
    assert (round(found.low, 3), round(found.high, 3)) == (low, high)


def test_tangos_statistic_gives_the_published_value():
    # Tango 1998, section 6.1, contact lenses: 44 pairs, 0 and 1 discordant, margin 0.1
    assert tango_statistic(0, 1, 44, -0.1) == pytest.approx(1.709, abs=5e-4)
    found = tango_interval(0, 1, 44, 0.90)
    assert found is not None
    assert found.low == pytest.approx(-0.096, abs=5e-4)


def test_tangos_statistic_at_no_difference_is_mcnemars():
    assert tango_statistic(15, 5, 100, 0.0) == pytest.approx((15 - 5) / math.sqrt(20))


def test_models_that_never_differ_leave_a_bound_that_shrinks_with_the_items():
    # b = c = 0: the statistic is -n d / sqrt(n d (1 - d)), so that the bound is z^2 / (n + z^2)
    z2 = stats.norm.ppf(0.95) ** 2
    for n in (10, 100, 2000):
        found = tango_interval(0, 0, n)
        assert found is not None
        assert found.low == pytest.approx(-z2 / (n + z2), abs=1e-6)


@pytest.mark.parametrize("counts", [(0, 5, 5), (5, 0, 5), (2, 2, 4), (0, 0, 1)])
def test_tangos_interval_stays_inside_the_possible(counts):
    found = tango_interval(*counts)
    assert found is not None
    assert -1.0 <= found.low <= found.value <= found.high <= 1.0


@pytest.mark.parametrize("counts", [(1, 1, 0), (-1, 0, 5), (4, 4, 5)])
def test_impossible_counts_have_no_interval(counts):
    assert tango_interval(*counts) is None


def test_students_interval_of_his_own_sleep_data():
    # Student 1908: extra hours of sleep, difference of two drugs in ten patients
    found = t_interval([1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4])
    assert found is not None
    assert (found.value, found.low, found.high) == pytest.approx((1.58, 0.7001142, 2.4598858), abs=1e-6)


def test_a_median_of_ten_lies_between_the_second_and_the_ninth():
    # Binomial tables, n = 10, p = 1/2: P(B <= 1) = 0.0107 and P(B <= 2) = 0.0547
    assert quantile_bounds(list(range(1, 11)), 0.5) == (5.0, 2.0, 9.0)


@pytest.mark.parametrize(("n", "bounded"), [(367, False), (368, True)])  # 0.99^367 = 0.02501, 0.99^368 = 0.02476
def test_a_99th_percentile_has_an_upper_bound_from_368_calls_on(n, bounded):
    assert (quantile_bounds(np.arange(n, dtype=float), 0.99)[2] is not None) == bounded


def test_no_success_in_ten_bounds_a_proportion_by_0_2589():
    assert binomial_upper(0, 10, 0.05) == pytest.approx(1.0 - 0.05 ** (1 / 10))
    assert binomial_upper(10, 10, 0.05) == 1.0


def test_fewer_than_four_blocks_have_no_interval():
    assert ratio_interval([0.1, 0.2, 0.3]) is None


def test_correlated_blocks_widen_the_interval():
    slow = [0.0] * 10 + [0.1] * 10 + [0.0] * 10 + [0.1] * 10
    mixed = [0.0, 0.1] * 20
    wide, narrow = ratio_interval(slow), ratio_interval(mixed)
    assert wide is not None
    assert narrow is not None
    assert wide.high - wide.low > 1.3 * (narrow.high - narrow.low)


def test_a_ratio_is_the_geometric_mean():
    found = ratio_interval([math.log(2.0), math.log(8.0)] * 4)
    assert found is not None
    assert found.value == pytest.approx(4.0)


def test_variation_is_deviation_over_mean():
    assert coefficient_of_variation([9.0, 11.0]) == pytest.approx(math.sqrt(2) / 10)
    assert coefficient_of_variation([1.0]) == 0.0


def _ranked(n=120, seed=4):
    rng = np.random.default_rng(seed)
    labels = rng.normal(size=n)
    return labels, labels + rng.normal(scale=0.5, size=n), labels + rng.normal(scale=0.6, size=n)


@pytest.mark.parametrize("kind", ["spearman", "pearson", "auc", "f1", "mean"])
def test_metrics_agree_with_scipy_and_scikit_learn(kind):
    labels, scores, _ = _ranked()
    expected = {
        "spearman": lambda: stats.spearmanr(scores, labels).statistic,
        "pearson": lambda: stats.pearsonr(scores, labels).statistic,
        "auc": lambda: roc_auc_score(labels > 0, scores),
        "f1": lambda: f1_score(labels > 0, scores > 0),
        "mean": scores.mean,
    }[kind]()
    assert metric_values(kind, scores[None, :], labels[None, :])[0] == pytest.approx(expected, abs=1e-12)


def test_the_bootstrap_agrees_with_scipys_paired_bca():
    labels, first, second = _ranked()

    def difference(a, b, c):
        return stats.spearmanr(a, c).statistic - stats.spearmanr(b, c).statistic

    peer = stats.bootstrap(
        (first, second, labels),
        difference,
        paired=True,
        vectorized=False,
        method="BCa",
        confidence_level=0.9,
        n_resamples=2000,
        rng=np.random.default_rng(3),
    ).confidence_interval
    found = paired_bca("spearman", list(first), list(second), list(labels))
    assert found is not None
    width = peer.high - peer.low
    assert found.low == pytest.approx(peer.low, abs=0.08 * width)
    assert found.high == pytest.approx(peer.high, abs=0.08 * width)


def test_the_bootstrap_is_corrected_for_bias_as_scipys_is():
    # Correlations near one are biased and skewed: here the plain percentile interval lies elsewhere.
    rng = np.random.default_rng(8)
    labels = rng.exponential(size=25)
    first, second = labels + rng.normal(scale=0.15, size=25), rng.permutation(labels)

    def difference(a, b, c):
        return stats.pearsonr(a, c).statistic - stats.pearsonr(b, c).statistic

    bounds = {}
    level = stats.norm.cdf(stats.t.ppf(0.05, 24) * math.sqrt(25 / 24))  # ours is widened for 25 items
    for method in ("BCa", "percentile"):
        bounds[method] = stats.bootstrap(
            (first, second, labels),
            difference,
            paired=True,
            vectorized=False,
            method=method,
            confidence_level=1 - 2 * level,
            n_resamples=4000,
            rng=np.random.default_rng(3),
        ).confidence_interval
    found = paired_bca("pearson", list(first), list(second), list(labels))
    assert found is not None
    gap = abs(bounds["BCa"].low - bounds["percentile"].low) + abs(bounds["BCa"].high - bounds["percentile"].high)
    assert abs(found.low - bounds["BCa"].low) + abs(found.high - bounds["BCa"].high) < 0.4 * gap


def test_equal_outcomes_leave_what_the_rule_of_three_leaves():
    labels, first, _ = _ranked()
    found = paired_bca("auc", list(first), list(first), list(labels > 0))
    assert found is not None
    # No event in n items: at 95 % its share may still be up to 3/n (Hanley and Lippman-Hand 1983).
    assert (found.low, found.value, found.high) == pytest.approx((-3 / len(labels), 0.0, 3 / len(labels)))


def test_a_metric_that_is_not_defined_has_no_interval():
    assert paired_bca("auc", [0.1] * 20, [0.2] * 20, [1.0] * 20) is None
    assert paired_bca("spearman", [1.0] * 5, [1.0] * 5, [1.0] * 5) is None


def _autoregressive(rng, n, phi, spread):
    noise = rng.normal(scale=spread * math.sqrt(1 - phi * phi), size=n)
    level, values = rng.normal(scale=spread), []
    for shock in noise:
        level = phi * level + shock
        values.append(level)
    return np.array(values)


@pytest.mark.slow
@pytest.mark.parametrize(("n", "discordance"), [(500, 0.04), (2000, 0.03), (5000, 0.05)])
def test_a_model_that_loses_the_whole_margin_is_accepted_in_one_case_of_twenty(n, discordance):
    rng = np.random.default_rng(12)
    margin, runs = 0.01, 20_000
    gained = (discordance - margin) / 2
    table = rng.multinomial(n, [gained, discordance - gained, 1 - discordance], size=runs)
    pairs, times = np.unique(table[:, :2], axis=0, return_counts=True)
    accepted = 0
    for (won, lost), count in zip(pairs, times, strict=True):
        found = tango_interval(int(won), int(lost), n)
        assert found is not None
        accepted += int(count) * (found.low > -margin)
    assert 0.03 <= accepted / runs <= 0.065


@pytest.mark.slow
def test_the_ratio_of_neighbours_covers_the_true_gain_under_shared_noise():
    rng = np.random.default_rng(13)
    hits, runs = 0, 3000
    for _ in range(runs):
        shared = _autoregressive(rng, 40, 0.8, 0.05)
        logs = math.log(1.95) + rng.normal(scale=0.01, size=40) + 0.05 * shared
        found = ratio_interval(list(logs))
        assert found is not None
        hits += found.low <= 1.95 <= found.high
    assert hits / runs >= 0.90


@pytest.mark.slow
def test_the_bootstrap_covers_the_true_difference():
    rng = np.random.default_rng(14)
    below, runs = 0, 300
    for _ in range(runs):
        truth = rng.normal(size=200)
        first, second = truth + rng.normal(size=200), truth + rng.normal(size=200)  # equal models: difference 0
        found = paired_bca("spearman", list(first), list(second), list(truth))
        assert found is not None
        below += found.low > 0.0
    assert below / runs <= 0.09
