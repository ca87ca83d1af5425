"""The rate was measured over less than 600 s, and thermal equilibrium is not shown.

## What it checks
The window of each sustained rate. From 30 s on this is information, since the rate is printed with its window; a
shorter one is a warning.

## Why it matters to a buyer
On accelerators that throttle after a minute and a half, a window of 60 s overstates the sustained rate by a tenth and
more.

## Disclose instead
Measure for 600 s, or show with temperatures, clocks and throttle reasons that equilibrium was reached.

## References
MLPerf Inference rules: 600 s at least. Benchmark defaults of 3 s to 60 s overstated a rate that later throttles by 12
% in full in simulation, a mean over 600 s by 2 %.
"""

from __future__ import annotations

from collections.abc import Iterator

from lynxspec.claim import present
from lynxspec.disclosure import SUSTAINED_WINDOW_S
from lynxspec.draft import Draft
from lynxspec.lint.regimes import numbered, sustained
from lynxspec.lint.rule import Effect, Hit, Rule, Severity
from lynxspec.vocabulary import Component

_MOMENTARY_S = 30.0
"""Below this lie the defaults of common benchmark tools (3 s, 5 s, 10 s): a burst."""


def _check(draft: Draft) -> Iterator[Hit]:
    for path, regime in numbered(draft.claim) if draft.claim else ():
        rate = sustained(regime)
        if rate is None or rate.window.base >= SUSTAINED_WINDOW_S:
            continue
        equilibrium = present(rate.thermal_equilibrium)
        if equilibrium is not None and equilibrium.shown:
            continue
        quantized = regime.role == "quantized"
        yield Hit(
            message=f"{regime.name}: {rate.rate} is a rate over {rate.window}, not over {SUSTAINED_WINDOW_S:g} s",
            at=((*path, "performance", "sustained", "window"),),
            regime=regime.name,
            severity=Severity.WARNING if rate.window.base < _MOMENTARY_S else Severity.INFO,
            effect=Effect.WEAKENS,
            component=Component.SUSTAINED_THROUGHPUT if quantized else Component.BASELINE,
        )


RULE = Rule(
    code="LXS214",
    name="short-window",
    severity=Severity.WARNING,
    component=Component.SUSTAINED_THROUGHPUT,
    summary="The window of the sustained rate is short.",
    remedy="Measure for 600 s or show thermal equilibrium.",
    question="What throughput is sustained over at least ten minutes?",
    check=_check,
)
