"""Sample sizes against worked examples and published tables."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lynxspec.sample_size import decidable_margin, items_at_best, items_to_decide, power, quantile, tail_samples


def test_the_formula_gives_the_worked_example() -> None:
    # by hand: (1.6449 + 0.8416)^2 * 0.04 / (0.01 - 0.002)^2 = 6.1826 * 0.04 / 0.000064 = 3864.1
    assert items_to_decide(margin=0.01, loss=0.002, discordance=0.04) == 3865


@pytest.mark.parametrize(("items", "expected"), [(1000, 0.35), (2000, 0.56), (5000, 0.89), (10000, 0.99)])
def test_power_agrees_with_the_simulation_of_tangos_bound(items: int, expected: float) -> None:
    # simulated rates of acceptance at margin 1 point, discordance 4 %, true loss 0.2 points
    assert power(items=items, margin=0.01, loss=0.002, discordance=0.04) == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize(
    ("percentile", "calls"), [(0.5, 11), (0.9, 64), (0.95, 130), (0.97, 219), (0.99, 662), (0.999, 6636)]
)
def test_tail_samples_are_those_of_mlperf_early_stopping(percentile: float, calls: int) -> None:
    assert tail_samples(percentile) == calls


def test_zero_events_follow_the_rule_of_three() -> None:
    # ln(0.05) / ln(0.99) = 298.07
    assert items_at_best(margin=0.01, loss=0.0) == 299


def test_a_loss_that_uses_up_the_margin_is_decided_by_no_sample() -> None:
    assert items_to_decide(margin=0.01, loss=0.01, discordance=0.04) is None
    assert items_at_best(margin=0.01, loss=0.02) is None


def test_normal_quantiles_are_those_of_the_tables() -> None:
    assert quantile(0.95) == pytest.approx(1.6449, abs=1e-4)
    assert quantile(0.8) == pytest.approx(0.8416, abs=1e-4)


shares = st.floats(0.001, 0.3)


@given(margin=shares, loss=st.floats(0, 0.2), discordance=shares)
def test_the_most_favourable_case_never_needs_more_items_than_a_test_with_power(
    margin: float, loss: float, discordance: float
) -> None:
    best = items_at_best(margin=margin, loss=loss)
    enough = items_to_decide(margin=margin, loss=loss, discordance=discordance)
    assert (best is None) == (enough is None)
    if best is not None and enough is not None and margin <= discordance:
        assert best <= enough


@given(loss=st.floats(0, 0.1), discordance=shares, items=st.integers(10, 10**6))
def test_the_decidable_margin_is_decided_by_its_items(loss: float, discordance: float, items: int) -> None:
    margin = decidable_margin(items=items, loss=loss, discordance=discordance)
    needed = items_to_decide(margin=margin, loss=loss, discordance=discordance)
    assert needed is not None
    assert needed == pytest.approx(items, abs=1.01 + 1e-6 * items)
