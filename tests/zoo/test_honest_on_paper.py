"""Evidence as another day, reader or machine would have given it never refutes a true claim."""

from __future__ import annotations

import numpy as np
import pytest

from verifier.verdict import Verdict

from . import exhibits
from .honest import VARIATIONS

SHOWN = (*exhibits.recorded(), *exhibits.quiet())
RATES = ("throughput", "speedup", "latency")
CASES = [(exhibit, variation) for exhibit in SHOWN for variation in VARIATIONS]


@pytest.mark.parametrize(("exhibit", "variation"), CASES, ids=[f"{e.name}-{v.name}" for e, v in CASES])
def test_an_honest_variation_refutes_nothing_and_leaves_what_is_no_rate_reproduced(exhibit, variation):
    for seed in range(3):
        claim, evidence = exhibit.fresh()
        variation.vary(np.random.default_rng(seed), claim, evidence)
        found = exhibits.verdicts(claim, evidence)
        assert not [v for v in found.values() if v.verdict is Verdict.REFUTED]
        left = [v for v in found.values() if v.kind not in RATES and v.verdict is not Verdict.REPRODUCED]
        assert not [v for v in left if not v.id.startswith(variation.opens or RATES)], left


@pytest.mark.parametrize("exhibit", SHOWN, ids=lambda e: e.name)
@pytest.mark.parametrize("seed", range(60))
def test_no_mixture_of_honest_variations_refutes_anything(exhibit, seed):
    rng = np.random.default_rng(seed)
    claim, evidence = exhibit.fresh()
    chosen = sorted(rng.choice(len(VARIATIONS), size=5, replace=False))
    for place in chosen:
        VARIATIONS[place].vary(rng, claim, evidence)
    found = exhibits.verdicts(claim, evidence)
    refuted = [v for v in found.values() if v.verdict is Verdict.REFUTED]
    assert not refuted, ([VARIATIONS[i].name for i in chosen], refuted)


def test_there_are_twenty_honest_variations_and_more():
    assert len({v.name for v in VARIATIONS}) == len(VARIATIONS) >= 20
