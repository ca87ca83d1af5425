"""Our quantiles are those of `scipy.stats`, which is too slow to import wherever a record is checked."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from scipy import stats

from verifier.statistics import distributions as ours


@pytest.fixture(scope="module")
def drawn() -> list[tuple[int, int, float]]:
    draw = np.random.default_rng(20261129)
    return [(int(draw.integers(1, 3000)), int(draw.integers(1, 3000)), float(draw.random())) for _ in range(500)]


def test_continuous_quantiles_are_exactly_those_of_scipy(drawn):
    for a, b, p in drawn:
        assert ours.normal_quantile(p) == stats.norm.ppf(p)
        assert ours.normal_share(4 * p - 2) == stats.norm.cdf(4 * p - 2)
        assert ours.student_quantile(p, a) == stats.t.ppf(p, a)
        assert ours.beta_quantile(p, a, b) == stats.beta.ppf(p, a, b)


def test_binomial_quantiles_are_exactly_those_of_scipy(drawn):
    for a, _, p in drawn:
        for share in (0.005, 0.025, 0.05, 0.5, 0.95, 0.975, 0.995):
            for chance in (p, 0.01, 0.5, 0.9, 0.99):
                if share == chance == 0.5:
                    continue  # a tie for odd n, which scipy breaks by its rounding
                assert ours.binomial_quantile(share, a, chance) == stats.binom.ppf(share, a, chance)


def test_a_tie_is_broken_downwards():
    # P(B <= k) of 2k + 1 fair trials is one half exactly, so k is the smallest that reaches it
    for k in (0, 1, 22, 117, 736, 1500):
        assert ours.binomial_quantile(0.5, 2 * k + 1, 0.5) == k


def test_the_sign_test_is_the_exact_binomial_test(drawn):
    for a, b, _ in drawn:
        assert ours.sign_test(a, b) == pytest.approx(stats.binomtest(a, a + b, 0.5).pvalue, rel=1e-9, abs=1e-300)
    assert ours.sign_test(3, 3) == 1.0
    assert ours.sign_test(0, 5) == 2 * 0.5**5


def test_judging_does_not_load_scipy_stats():
    code = "import sys, verifier.judge, verifier.audit.check; print('scipy.stats' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True, text=True)
    assert out.stdout.strip() == "False"
