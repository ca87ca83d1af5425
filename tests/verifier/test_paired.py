"""Paired accuracy: worked examples of the cited papers, exact error rates by enumeration, coverage by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from verifier.statistics.anytime import SHARES, anytime_difference, anytime_proportions, decided_at, log_wealth
from verifier.statistics.intervals import binomial_upper
from verifier.statistics.paired import (
    acceleration,
    bca_bounds,
    bca_level,
    design_effect,
    guarded_interval,
    mcnemar,
    paired_bca,
    paired_proportions,
    step_down,
    tango_interval,
)

AIRWAY = (1, 7, 21)
"""Airway hyper-responsiveness before and after transplantation (Bentur et al. 2009; Fagerland et al. 2013)."""


# worked examples


def test_the_exact_mcnemar_test_gives_the_published_p_value():
    # Fagerland, Lydersen and Laake 2013, table 6: P = 0.0703 = 2 (1 + 8) / 2^8
    assert mcnemar(1, 7) == pytest.approx(18 / 256)
    assert mcnemar(0, 0) == 1.0


def bonett_price(gained, lost, n, z):
    """Adjusted Wald interval of Bonett and Price 2012, equation 4: one success added to each discordant cell."""
    a, b = (gained + 1) / (n + 2), (lost + 1) / (n + 2)
    half = z * math.sqrt((a + b - (a - b) ** 2) / (n + 2))
    return a - b - half, a - b + half


def test_tangos_interval_is_near_that_of_bonett_and_price():
    # Fagerland, Lydersen and Laake 2014, table 6: Bonett-Price -0.508 to -0.013
    assert bonett_price(*AIRWAY, 1.959964) == pytest.approx((-0.508, -0.013), abs=5e-4)
    for counts in ((15, 10, 2000), (30, 40, 1000), (3, 9, 500), (60, 60, 5000)):
        found = tango_interval(*counts, 0.95)
        assert found is not None
        assert (found.low, found.high) == pytest.approx(bonett_price(*counts, 1.959964), abs=0.006)


SPATIAL = (48, 36, 20, 29, 42, 42, 20, 42, 22, 41, 45, 14, 6, 0, 33, 28, 34, 4, 32, 24, 47, 41, 24, 26, 30, 41)
"""First column of the spatial test data of Efron and Tibshirani 1993, table 14.1."""


def test_the_bca_interval_of_the_spatial_test_data_is_that_of_the_book():
    # Efron and Tibshirani 1993, chapter 14: variance 171.5, acceleration 0.061, 90 % interval 115.8 to 259.6
    data = np.array(SPATIAL, dtype=float)
    assert data.var() == pytest.approx(171.5, abs=0.05)
    bend = acceleration(np.array([np.delete(data, i).var() for i in range(26)]))
    assert bend == pytest.approx(0.061, abs=5e-4)
    rng = np.random.default_rng(1)
    draws = data[rng.integers(0, 26, size=(40_000, 26))].var(axis=1)
    low, high = bca_bounds(float(data.var()), draws, bend, 0.05, 0.05)
    assert low == pytest.approx(115.8, abs=2.5)  # theirs are of 2000 resamples
    assert high == pytest.approx(259.6, abs=5.0)


def test_bca_levels_are_those_of_the_book():
    # Efron and Tibshirani 1993, section 14.3: bias correction 0.146, acceleration 0.061: 0.110 and 0.985 for 90 %
    assert bca_level(0.05, 0.146, 0.061) == pytest.approx(0.110, abs=5e-4)
    assert bca_level(0.95, 0.146, 0.061) == pytest.approx(0.985, abs=6e-4)  # from rounded inputs
    assert bca_level(0.05, 0.0, 0.0) == pytest.approx(0.05)


def test_exact_bounds_of_a_proportion_are_those_of_the_tables():
    # Two of ten, 95 %: 0.0252 to 0.5561 (Clopper and Pearson 1934)
    assert binomial_upper(2, 10, 0.025) == pytest.approx(0.5561, abs=5e-5)
    assert 1 - binomial_upper(8, 10, 0.025) == pytest.approx(0.0252, abs=5e-5)


def test_holms_procedure_rejects_what_his_rule_rejects():
    # Sorted 0.005, 0.01, 0.03, 0.04 against 0.05/4, 0.05/3, 0.05/2, 0.05: the first two, and none after the third fails
    p = (0.01, 0.04, 0.03, 0.005)
    found = step_down(4, lambda i, level: p[i] <= level, 0.05)
    assert [rejected for rejected, _ in found] == [True, False, False, True]
    assert [level for _, level in found] == pytest.approx([0.0125, 0.025, 0.025, 0.0125])
    assert step_down(1, lambda _, level: level >= 0.05, 0.05) == ((True, 0.05),)
    assert step_down(0, lambda _i, _level: True, 0.05) == ()


def test_holms_procedure_goes_on_with_a_larger_level_after_each_rejection():
    p = (0.04, 0.02, 0.01)
    assert [rejected for rejected, _ in step_down(3, lambda i, level: p[i] <= level, 0.05)] == [True, True, True]


# few and degenerate items


def test_no_differing_item_leaves_the_exact_bound():
    # 0.99^298 > 0.05 > 0.99^299: fewer than 299 items that never differ cannot exclude a loss of one point
    for n, decided in ((298, False), (299, True)):
        found = guarded_interval(0, 0, n)
        assert found is not None
        assert (found.low > -0.01) == decided


def test_a_few_losses_are_bounded_exactly():
    found = guarded_interval(0, 2, 100)
    assert found is not None
    assert found.low <= -stats.beta.ppf(0.95, 3, 98)
    assert found.high >= -stats.beta.ppf(0.05, 2, 99)


@pytest.mark.parametrize("n", [1, 3, 9, 40])
def test_a_handful_of_items_neither_confirms_nor_refutes_a_margin_of_a_point(n):
    for gained, lost in ((0, 0), (0, 1), (1, 0)):
        found = guarded_interval(gained, lost, n, above=0.025)
        assert found is not None
        assert found.low <= -0.01 <= found.high


def test_differences_that_are_none_have_no_interval():
    assert paired_proportions([]) is None
    assert paired_proportions([0.5, 0.0]) is None
    assert paired_proportions([math.nan]) is None
    assert paired_proportions([0.0] * 3, [1, 2]) is None
    assert paired_bca("mean", [math.nan] * 20, [0.0] * 20, []) is None


def test_a_metric_that_many_resamples_lack_has_no_interval():
    # One positive of 40: more than a third of all resamples hold none
    labels = [1.0] + [0.0] * 39
    assert paired_bca("auc", list(range(40)), list(range(1, 41)), labels) is None


def test_one_differing_item_leaves_more_than_resampling_shows():
    # One loss of 100: the exact upper bound is 4.7 points; resamples alone hold at most about three
    first, second = [0.0] + [1.0] * 99, [1.0] * 100
    found = paired_bca("mean", first, second, [])
    assert found is not None
    assert found.low <= -stats.beta.ppf(0.95, 2, 99)
    assert found.high >= 0.02 - 1e-9


# clusters


def _some(n=400, seed=3):
    return np.random.default_rng(seed).choice([-1.0, 0.0, 1.0], p=[0.06, 0.9, 0.04], size=n)


def test_an_item_given_five_times_is_one_item():
    d = _some()
    alone, copied = paired_proportions(d), paired_proportions(np.repeat(d, 5), list(np.repeat(np.arange(400), 5)))
    naive = paired_proportions(np.repeat(d, 5))
    assert alone is not None
    assert copied is not None
    assert naive is not None
    assert copied.high - copied.low == pytest.approx(alone.high - alone.low, rel=0.06)  # 40 differing items: t for z
    assert copied.low < alone.low < alone.high < copied.high
    assert naive.high - naive.low < 0.5 * (alone.high - alone.low)


def test_copied_items_do_not_narrow_the_bootstrap():
    rng = np.random.default_rng(4)
    truth = rng.normal(size=150)
    first, second = truth + rng.normal(size=150), truth + rng.normal(size=150)
    widths = []
    for times in (1, 4):
        a, b, c = (list(np.repeat(x, times)) for x in (first, second, truth))
        found = paired_bca("pearson", a, b, c, clusters=list(np.repeat(np.arange(150), times)))
        assert found is not None
        widths.append(found.high - found.low)
    assert widths[1] == pytest.approx(widths[0], rel=0.08)


def test_clusters_of_one_item_change_nothing():
    d = _some()
    assert paired_proportions(d, list(range(400))) == paired_proportions(d)
    assert design_effect(d, []) == 1.0


def test_the_design_effect_of_alike_items_is_their_number():
    # n items in n/5 clusters of five equal values: the variance is five times as large, but for G/(G - 1) and t/z
    d = np.repeat(_some(2000), 5)
    assert design_effect(d, list(np.repeat(np.arange(2000), 5))) == pytest.approx(5.0, rel=0.01)


def test_a_difference_in_a_few_clusters_shows_nothing_of_how_alike_they_are():
    d, member = np.zeros(500), list(np.repeat(np.arange(100), 5))
    d[0:45:5] = -1.0  # one item in each of nine clusters, and of eighteen
    few = design_effect(d, member)
    d[0:90:5] = -1.0
    assert few >= 5.0 > 1.5 > design_effect(d, member)


def test_clusters_without_a_difference_are_taken_to_be_alike():
    assert design_effect(np.zeros(100), list(np.repeat(np.arange(20), 5))) >= 5.0
    assert design_effect(np.zeros(100), [7] * 100) == 100.0


# looks at any time


def test_the_stake_is_the_mean_of_the_bets():
    outcomes, mean = np.array([0.0, -1, 0, 1, 1, 0, 0, -1, 1, 0]), -0.02
    bets = SHARES / (1 + mean)
    by_hand = np.prod(1 + bets[:, None] * (outcomes[None, :] - mean), axis=1).mean()
    found = log_wealth(np.array(3.0), np.array(2.0), np.array(10.0), mean)
    assert math.exp(float(found)) == pytest.approx(by_hand)


def test_a_bet_does_not_grow_on_average_where_the_hypothesis_holds():
    # One item at the edge of the hypothesis: expected stake 1, whatever the discordance
    mean = -0.03
    for gained in (0.0, 0.1, 0.4):
        p = np.array([gained, gained - mean, 1 - 2 * gained + mean])
        one, no = np.eye(3)[:, :2], np.ones(3)
        stakes = np.exp(log_wealth(one[:, 0], one[:, 1], no, mean))
        assert float(p @ stakes) == pytest.approx(1.0)


def test_bounds_at_any_time_are_wider_than_those_of_one_look():
    one, any_time = guarded_interval(10, 15, 2000), anytime_proportions(10, 15, 2000)
    assert one is not None
    assert any_time.low < one.low < one.high < any_time.high
    assert any_time.high - any_time.low < 2.2 * (one.high - one.low)


def test_the_decision_comes_when_the_bound_passes_the_margin():
    rng = np.random.default_rng(6)
    second = np.ones(6000)
    first = (rng.random(6000) > 0.005).astype(float)
    decision = decided_at(first, second, 0.02)
    assert decision is not None
    assert decision.met
    before = anytime_difference(first[: decision.items - 1], second[: decision.items - 1])
    after = anytime_difference(first[: decision.items], second[: decision.items])
    assert before.low <= -0.02 < after.low
    worse = decided_at((rng.random(6000) > 0.1).astype(float), second, 0.02)
    assert worse is not None
    assert not worse.met
    assert decided_at(first[:50], second[:50], 0.02) is None


@pytest.mark.parametrize("outcomes", [([1.0], [0.5]), ([1.0], [1.0, 0.0]), ([], []), ([math.nan], [1.0])])
def test_outcomes_that_are_not_right_or_wrong_are_refused(outcomes):
    with pytest.raises(ValueError, match="outcomes must be 0 or 1"):
        anytime_difference(*outcomes)


@pytest.mark.parametrize("counts", [(1, 1, 1), (-1, 0, 5), (0, 0, 0)])
def test_impossible_counts_are_refused(counts):
    with pytest.raises(ValueError, match="of"):
        anytime_proportions(*counts)


# error rates, exactly: all outcomes with their probabilities


def _outcomes(n, p_lost, p_gained):
    """Counts (gained, lost) and their trinomial probabilities, all but 1e-7 of them."""
    reach = [int(n * p + 8 * math.sqrt(n * p + 1)) + 3 for p in (p_gained, p_lost)]
    gained, lost = (x.ravel() for x in np.meshgrid(*(np.arange(min(r, n) + 1) for r in reach)))
    inside = gained + lost <= n
    gained, lost = gained[inside], lost[inside]
    rest = 1 - p_lost - p_gained
    chance = stats.multinomial.pmf(np.stack([gained, lost, n - gained - lost], 1), n, [p_gained, p_lost, rest])
    kept = chance > 1e-9
    return gained[kept], lost[kept], chance[kept]


def _rates(n, margin, p_gained, loss=None, below=0.05, above=0.025):
    """Chances to find the criterion met and not met at a true loss, the margin if it is not given."""
    met = missed = 0.0
    for won, gone, chance in zip(*_outcomes(n, p_gained + (margin if loss is None else loss), p_gained), strict=True):
        found = guarded_interval(int(won), int(gone), n, below=below, above=above)
        met += chance * (found.low > -margin)
        missed += chance * (found.high < -margin)
    return met, missed


@pytest.mark.parametrize(("n", "margin", "p_gained"), [(200, 0.02, 0.0), (200, 0.01, 0.002), (500, 0.01, 0.005)])
def test_a_criterion_at_its_edge_is_decided_wrongly_in_one_case_of_twenty_at_most(n, margin, p_gained):
    met, missed = _rates(n, margin, p_gained)
    assert met <= 0.055
    assert missed <= 0.045


@pytest.mark.slow
@pytest.mark.parametrize("margin", [0.002, 0.005, 0.01, 0.02, 0.05])
def test_the_exact_error_rates_over_all_sizes_and_discordances(margin):
    worst = [0.0, 0.0]
    for n in (100, 200, 300, 500, 1000, 2000, 5000):
        for p_gained in (0.0, 0.0005, 0.002, 0.005, 0.02):
            rates = _rates(n, margin, p_gained)
            worst = [max(pair) for pair in zip(worst, rates, strict=True)]
    print(f"margin {margin}: falsely met {worst[0]:.4f}, falsely not met {worst[1]:.4f}")  # noqa: T201
    assert worst[0] <= 0.057  # published range of the score interval at its edge: 4.4 to 5.7 %
    assert worst[1] <= 0.045


@pytest.mark.slow
@pytest.mark.parametrize(("n", "expected"), [(1000, 0.35), (2000, 0.56), (5000, 0.89), (10_000, 0.99)])
def test_power_is_that_of_an_independent_simulation_and_far_above_unpaired(n, expected):
    # margin 1 point, discordance 4 %, true loss 0.2 points; unpaired z there: 0.001, 0.001, 0.015, 0.16
    power, _ = _rates(n, 0.01, 0.019, loss=0.002)
    assert power == pytest.approx(expected, abs=0.02)
    error = math.sqrt(2 * 0.75 * 0.25 / n)  # two shares near 75 % taken for independent
    reach = stats.norm.sf((stats.norm.ppf(0.95) * error - 0.01 + 0.002) / math.sqrt(0.04 / n))
    assert reach == pytest.approx({1000: 0.001, 2000: 0.001, 5000: 0.015, 10_000: 0.16}[n], abs=0.015)
    assert power > 5 * reach


@pytest.mark.slow
@pytest.mark.parametrize(("n", "gained", "lost"), [(300, 0.03, 0.05), (1000, 0.01, 0.02), (2000, 0.02, 0.022)])
def test_tangos_95_percent_interval_covers_93_to_97_percent(n, gained, lost):
    covered = 0.0
    for won, gone, chance in zip(*_outcomes(n, lost, gained), strict=True):
        found = guarded_interval(int(won), int(gone), n, below=0.025, above=0.025)
        covered += chance * (found.low <= gained - lost <= found.high)
    print(f"Tango n={n}: {covered:.4f}")  # noqa: T201
    assert 0.93 <= covered <= 0.97


# error rates by simulation


def _grouped(rng, documents, size, loss, flip=0.04, alike=0.5):
    """Differences of items in documents of 1 to 2 ``size`` - 1 items; in some documents all items fare alike."""
    sizes = rng.integers(1, 2 * size, size=documents)
    member = np.repeat(np.arange(documents), sizes)
    p = [(flip - loss) / 2, 1 - flip, (flip + loss) / 2]
    own = rng.choice([1.0, 0.0, -1.0], p=p, size=len(member))
    shared = rng.choice([1.0, 0.0, -1.0], p=p, size=documents)[member]
    return np.where(rng.random(documents)[member] < alike, shared, own), list(member)


@pytest.mark.slow
@pytest.mark.parametrize(("documents", "size"), [(100, 5), (300, 5), (500, 3), (60, 20), (100, 20)])
def test_items_of_one_document_do_not_confirm_more_often_than_one_time_in_twenty(documents, size):
    rng, runs = np.random.default_rng(21), 1500
    met = missed = naive = 0
    for _ in range(runs):
        d, member = _grouped(rng, documents, size, 0.01)
        found, plain = paired_proportions(d, member, above=0.025), paired_proportions(d)
        met += found.low > -0.01
        missed += found.high < -0.01
        naive += plain.low > -0.01
    print(f"{documents} documents of {size}: met {met / runs:.4f} missed {missed / runs:.4f} naive {naive / runs:.4f}")  # noqa: T201
    assert met / runs <= 0.07  # 20 items that stand and fall together in half of the documents: 6.1 to 6.4 %
    assert missed / runs <= 0.05


@pytest.mark.slow
@pytest.mark.parametrize(("documents", "size"), [(150, 5), (300, 10), (400, 3)])
def test_tangos_interval_with_documents_covers_93_percent_at_least(documents, size):
    rng, runs, covered = np.random.default_rng(22), 1500, 0
    for _ in range(runs):
        d, member = _grouped(rng, documents, size, 0.01, flip=0.1, alike=0.2)
        found = paired_proportions(d, member, below=0.025, above=0.025)
        covered += found.low <= -0.01 <= found.high
    print(f"{documents} documents of {size}: {covered / runs:.4f}")  # noqa: T201
    assert covered / runs >= 0.93  # wide where a few documents make up the variance


def _spearman(rng):
    truth = rng.normal(size=150)
    return truth + 0.6 * rng.normal(size=150), truth + 0.6 * rng.normal(size=150), truth, []


def _auc(rng):
    labels = (rng.random(200) < 0.3).astype(float)
    clean = rng.normal(size=200) + 1.5 * labels
    return clean + 0.3 * rng.normal(size=200), clean + 0.3 * rng.normal(size=200), labels, []


def _f1(rng):
    labels = np.where(rng.random(600) < 0.3, 1.0, -1.0)
    said = np.where(rng.random(600) < 0.1, -labels, labels)
    return *(np.where(rng.random(600) < 0.03, -said, said) for _ in range(2)), labels, []


def _documents(rng):
    """Scores between 0 and 1, such as a word-overlap measure, in documents of 1 to 9 items."""
    member = np.repeat(np.arange(120), rng.integers(1, 10, size=120))
    shift = 0.05 * rng.normal(size=120)[member]
    base = rng.beta(4, 2, size=len(member))
    first = np.clip(base + shift + 0.05 * rng.normal(size=len(member)), 0, 1)
    second = np.clip(base - shift + 0.05 * rng.normal(size=len(member)), 0, 1)
    return first, second, np.array([]), list(member)


def _ranked_documents(rng):
    member = np.repeat(np.arange(120), rng.integers(1, 6, size=120))
    truth = rng.normal(size=len(member)) + rng.normal(size=120)[member]
    first, second = (truth + 0.6 * rng.normal(size=len(member)) + 0.6 * rng.normal(size=120)[member] for _ in range(2))
    return first, second, truth, list(member)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "draw", "runs"),
    [
        ("spearman", _spearman, 1200),
        ("auc", _auc, 1200),
        ("f1", _f1, 1200),
        ("mean", _documents, 2500),
        ("spearman", _ranked_documents, 500),
    ],
    ids=["spearman", "auc", "f1", "mean over documents", "spearman over documents"],
)
def test_the_bootstraps_95_percent_interval_covers_93_to_97_percent(kind, draw, runs):
    rng, covered = np.random.default_rng(23), 0
    for _ in range(runs):
        first, second, labels, member = draw(rng)
        found = paired_bca(kind, list(first), list(second), list(labels), clusters=member, below=0.025, above=0.025)
        assert found is not None
        covered += found.low <= 0.0 <= found.high  # both models are equally good
    print(f"{kind} {draw.__name__}: {covered / runs:.4f}")  # noqa: T201
    error = 2 * math.sqrt(0.95 * 0.05 / runs)  # of the simulation
    assert 0.93 - error / 2 <= covered / runs <= 0.97 + error / 2


def _peeked(rng, runs, n, gained, lost, margin, alpha):
    """Share of runs in which a look after some item finds the hypothesis "at most -margin" rejected, and where."""
    at = []
    for _ in range(runs // 100):
        u = rng.random((100, n))
        won, gone = np.cumsum(u < gained, axis=1), np.cumsum(u > 1 - lost, axis=1)
        count = np.broadcast_to(np.arange(1.0, n + 1), won.shape)
        above = log_wealth(won.astype(float), gone.astype(float), count, -margin) >= -math.log(alpha)
        at += [int(np.argmax(row)) + 1 if row.any() else 0 for row in above]
    return np.array(at)


@pytest.mark.parametrize(("gained", "lost"), [(0.0, 0.05), (0.1, 0.15)])
def test_a_look_after_every_item_errs_in_one_case_of_twenty_at_most(gained, lost):
    at = _peeked(np.random.default_rng(31), 600, 600, gained, lost, 0.05, 0.05)
    assert (at > 0).mean() <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / 600)


@pytest.mark.slow
@pytest.mark.parametrize(("gained", "lost"), [(0.0, 0.01), (0.005, 0.015), (0.02, 0.03)])
def test_looks_after_every_item_err_in_5_percent_at_most(gained, lost):
    rng = np.random.default_rng(32)
    wrong = (_peeked(rng, 3000, 3000, gained, lost, 0.01, 0.05) > 0).mean()
    # The other side: "at least -margin" is the same question with the roles exchanged.
    other = (_peeked(rng, 3000, 3000, lost, gained, -0.01, 0.05) > 0).mean()
    print(f"gained {gained} lost {lost}: falsely met {wrong:.4f}, falsely not met {other:.4f}")  # noqa: T201
    assert max(wrong, other) <= 0.05  # so that the two-sided sequence of bounds covers 95 % and more at 2.5 % each


@pytest.mark.slow
@pytest.mark.parametrize(("n", "expected", "items"), [(1000, 0.15, 938), (2000, 0.29, 1720), (5000, 0.70, 3048)])
def test_looking_at_any_time_has_not_much_less_power_than_an_asymptotic_sequence(n, expected, items):
    # an independent confidence sequence, margin 1 point, discordance 4 %, true loss 0.2 points; ours holds exactly
    at = _peeked(np.random.default_rng(33), 1000, n, 0.019, 0.021, 0.01, 0.05)
    used = np.where(at > 0, at, n).mean()
    print(f"n={n}: power {(at > 0).mean():.3f} with {used:.0f} items on average; peer {expected} with {items}")  # noqa: T201
    assert (at > 0).mean() >= 0.6 * expected


@pytest.mark.slow
def test_several_regimes_at_the_edge_are_falsely_confirmed_in_one_case_of_twenty_at_most():
    rng, runs, n, regimes = np.random.default_rng(41), 4000, 1000, 4
    any_met = naive = 0
    for _ in range(runs):
        counts = rng.multinomial(n, [0.01, 0.02, 0.97], size=regimes)
        found = step_down(
            regimes, lambda i, level, c=counts: guarded_interval(c[i][0], c[i][1], n, below=level).low > -0.01, 0.05
        )
        any_met += any(rejected for rejected, _ in found)
        naive += any(guarded_interval(c[0], c[1], n).low > -0.01 for c in counts)
    print(f"four regimes: any falsely met {any_met / runs:.4f}, without Holm {naive / runs:.4f}")  # noqa: T201
    assert any_met / runs <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / runs)
    assert naive / runs > 0.12
