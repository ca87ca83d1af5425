"""Rates, windows and latencies of a regime cannot all be true.

## What it checks
Latency percentiles rise; the rate is possible with the calls in flight (by Little's law, calls in flight divided by
the mean latency, where half of all calls take at least the median) and not far below it; the number of timed calls
fits rate and window; the latency budget is kept; each regime was measured over the load's window, after its
warm-up, with its repetitions; the rate counts the load's items; the scenario fits batch and concurrency; spread and
tolerances are possible.

## Why it matters to a buyer
A rate is sustained only over its window, and a rate that latency forbids was measured under another load than the
one named.

## Disclose instead
Rate, window, warm-up, latency percentiles and number of calls of one and the same run.

## References
Little (1961), L = lambda W.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from lynxspec.claim import Claim, present
from lynxspec.claim.throughput import Latency, Sustained
from lynxspec.draft import Draft
from lynxspec.lint.regimes import latency, numbered, sustained
from lynxspec.lint.rule import Effect, Hit, Rule, Severity
from lynxspec.location import Path
from lynxspec.vocabulary import Component

_MANY_PER_CALL = frozenset({"tokens", "words", "frames", "samples"})
"""Items of which one call may yield many: the bound by calls in flight does not hold."""


def _performance(claim: Claim) -> Iterator[tuple[Path, str, Sustained | None, Latency | None]]:
    for path, regime in numbered(claim):
        yield (*path, "performance"), regime.name, sustained(regime), latency(regime)


def _monotone(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    for path, name, _, spent in _performance(claim) if claim else ():
        if spent is None:
            continue
        steps = [("p50", spent.p50), ("p90", spent.p90), ("p99", present(spent.p99))]
        given = [(field, value) for field, value in steps if value is not None]
        for (low, small), (high, large) in pairwise(given):
            if small.base > large.base:
                yield Hit(
                    message=f"{name}: {low} is {small}, above {high} of {large}",
                    at=((*path, "latency", high), (*path, "latency", low)),
                    regime=name,
                    effect=Effect.CONTRADICTS,
                )
            elif large.base > 20 * small.base > 0:
                yield Hit(
                    message=f"{name}: {high} ({large}) is {large.base / small.base:.0f} times {low} ({small})",
                    at=((*path, "latency", high), (*path, "latency", low)),
                    regime=name,
                    severity=Severity.WARNING,
                )


_OVERRUN = 1.1
"""A window that exceeds the load's by more than this is another window."""


def _window(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    if claim is None:
        return
    load = claim.load
    for path, name, rate, _ in _performance(claim):
        if rate is None:
            continue
        for field, mine, theirs in (("window", rate.window, load.window), ("warm_up", rate.warm_up, load.warm_up)):
            # the last call of each block ends after the block does, so a measured window is a little longer
            if not 0.999 * theirs.base <= mine.base <= _OVERRUN * theirs.base:
                shorter = field == "window" and mine.base < theirs.base
                yield Hit(
                    message=f"{name}: {field.replace('_', '-')} of {mine}, the load says {theirs}",
                    at=((*path, "sustained", field), ("load", field)),
                    regime=name,
                    severity=Severity.ERROR if shorter else Severity.WARNING,
                    effect=Effect.CONTRADICTS if shorter else Effect.NONE,
                )
        if rate.repetitions != load.repetitions:
            yield Hit(
                message=f"{name}: {rate.repetitions} repetitions, the load says {load.repetitions}",
                at=((*path, "sustained", "repetitions"), ("load", "repetitions")),
                regime=name,
                severity=Severity.WARNING,
            )
    if load.block.base > load.window.base:
        message = f"a block of {load.block} is longer than the window of {load.window}"
        yield Hit(message=message, at=(("load", "block"), ("load", "window")), severity=Severity.ERROR)
    elif load.block.base * 2 > load.window.base:
        message = f"a block of {load.block} leaves one block in {load.window}: regimes are not interleaved"
        yield Hit(message=message, at=(("load", "block"), ("load", "window")), severity=Severity.WARNING)


def _little(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    if claim is None or claim.load.item in _MANY_PER_CALL:
        return
    load = claim.load
    for path, name, rate, spent in _performance(claim):
        if rate is None or spent is None or spent.p50.base <= 0 or rate.rate.base <= 0:
            continue
        at = ((*path, "sustained", "rate"), (*path, "latency", "p50"), ("load", "batch"), ("load", "concurrency"))
        bound = load.batch * load.concurrency / spent.p50.base
        share = rate.rate.base / bound
        said = f"{name}: {rate.rate} with {load.concurrency} x {load.batch} in flight and a median of {spent.p50}"
        if share > 2:  # half of the calls take at least the median, so the mean is at least half of it
            yield Hit(
                message=f"{said}: at most {2 * bound:.4g} is possible",
                at=at,
                regime=name,
                severity=Severity.ERROR,
                effect=Effect.CONTRADICTS,
            )
        elif share > 1.1:
            yield Hit(message=f"{said} would give {bound:.4g}", at=at, regime=name, effect=Effect.WEAKENS)
        elif share < 0.33 and load.scenario != "server":
            yield Hit(message=f"{said} would give {bound:.4g}: callers were idle", at=at, regime=name)
        elif share > 0.95 and load.scenario == "server":
            yield Hit(
                message=f"{said}: random arrivals cannot keep every caller busy; this is a closed loop",
                at=(("load", "scenario"), *at),
                regime=name,
            )


def _calls(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    if claim is None or claim.load.item in _MANY_PER_CALL:
        return
    for path, name, rate, spent in _performance(claim):
        if rate is None or spent is None:
            continue
        expected = rate.rate.base * rate.window.base / claim.load.batch
        if expected <= 0:
            continue
        at = (
            (*path, "latency", "samples"),
            (*path, "sustained", "rate"),
            (*path, "sustained", "window"),
            ("load", "batch"),
        )
        if spent.samples > 1.2 * expected * rate.repetitions + 1 or spent.samples > 1e4 * expected:
            message = f"{name}: {spent.samples} calls timed, but rate and window hold {expected:.4g} each run"
            yield Hit(message=message, at=at, regime=name, severity=Severity.WARNING, effect=Effect.WEAKENS)
        elif spent.samples < 0.5 * expected:
            message = f"{name}: {spent.samples} of about {expected:.4g} calls were timed: say which"
            yield Hit(message=message, at=at, regime=name, severity=Severity.INFO)


def _budget(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    budget = present(claim.load.latency_budget) if claim else None
    if claim is None or budget is None:
        return
    for path, name, _, spent in _performance(claim):
        if spent is None:
            continue
        tail = present(spent.p99)
        field, value = ("p99", tail) if tail is not None else ("p90", spent.p90)
        at = ((*path, "latency", field), ("load", "latency_budget"))
        if value.base > budget.base:
            yield Hit(message=f"{name}: {field} of {value} breaks the budget of {budget}", at=at, regime=name)
        elif budget.base > 100 * value.base:
            message = f"{name}: the budget of {budget} is {budget.base / max(value.base, 1e-12):.0f} times {field}"
            yield Hit(message=message, at=tuple(reversed(at)), regime=name, severity=Severity.INFO)


def _items(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    for path, name, rate, _ in _performance(claim) if claim else ():
        if claim is not None and rate is not None and rate.rate.unit != f"{claim.load.item}/s":
            yield Hit(
                message=f"{name}: the rate counts {rate.rate.unit}, the load {claim.load.item}",
                at=((*path, "sustained", "rate"), ("load", "item")),
                regime=name,
                effect=Effect.WEAKENS,
            )


def _scenario(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    if claim is None:
        return
    load = claim.load
    place: Path = ("load", "scenario")
    if load.scenario == "single_stream" and load.batch * load.concurrency > 1:
        message = f"single stream with batch {load.batch} and {load.concurrency} calls in flight"
        yield Hit(message=message, at=(place, ("load", "batch"), ("load", "concurrency")), effect=Effect.WEAKENS)
    if load.scenario == "offline" and present(load.latency_budget) is not None:
        message = "an offline run has no callers that a latency budget could hold for"
        yield Hit(message=message, at=(place, ("load", "latency_budget")), severity=Severity.INFO)
    if load.scenario == "server" and present(load.latency_budget) is None:
        message = "a server scenario without a latency budget"
        yield Hit(message=message, at=(place, ("load", "latency_budget")), effect=Effect.WEAKENS)


def _zero_spread(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    for path, name, rate, _ in _performance(claim) if claim else ():
        if rate is not None and rate.spread.base == 0:
            message = f"{name}: a spread of exactly zero is not a measurement"
            yield Hit(message=message, at=((*path, "sustained", "spread"),), regime=name, effect=Effect.WEAKENS)
        if rate is not None and float(rate.drift.split()[0]) == 0:
            message = f"{name}: a drift of exactly zero; give its digits"
            at = ((*path, "sustained", "drift"),)
            yield Hit(message=message, at=at, regime=name, severity=Severity.INFO)


def _narrow(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    if claim is None:
        return
    tolerances = claim.reproduction.tolerances
    for field, share in (
        ("throughput", tolerances.throughput),
        ("speedup", tolerances.speedup),
        ("latency", tolerances.latency),
        ("memory", tolerances.memory),
    ):
        if share.base < 0.005:
            message = f"a tolerance of {share} on {field} is below run-to-run noise"
            yield Hit(message=message, at=(("reproduction", "tolerances", field),))


RULES = (
    Rule(
        code="LXS351",
        name="latency-not-rising",
        severity=Severity.ERROR,
        component=Component.LATENCY,
        summary="latency percentiles fall, or jump",
        remedy="give percentiles of one run with enough calls",
        question="What are the latency percentiles, and over how many calls?",
        check=_monotone,
    ),
    Rule(
        code="LXS352",
        name="window-differs-from-load",
        severity=Severity.ERROR,
        component=Component.SUSTAINED_THROUGHPUT,
        summary="a regime was not measured over the load's window, warm-up or repetitions",
        remedy="measure every regime under the stated load",
        question="Over which window was each rate measured?",
        check=_window,
    ),
    Rule(
        code="LXS354",
        name="rate-contradicts-latency",
        severity=Severity.WARNING,
        component=Component.SUSTAINED_THROUGHPUT,
        summary="the rate does not fit the calls in flight and their latency",
        remedy="give rate and latency of the same run, batch and concurrency",
        question="At which batch and concurrency were rate and latency measured, and in the same run?",
        check=_little,
    ),
    Rule(
        code="LXS355",
        name="timed-calls-contradict-rate",
        severity=Severity.WARNING,
        component=Component.LATENCY,
        summary="the number of timed calls does not fit rate and window",
        remedy="state how many calls were timed in the window",
        question="How many calls entered the latency percentiles?",
        check=_calls,
    ),
    Rule(
        code="LXS356",
        name="latency-budget-broken",
        severity=Severity.WARNING,
        component=Component.LATENCY,
        summary="the tail latency breaks the stated budget",
        remedy="give the rate at which the budget is kept",
        question="At which rate is the latency budget kept?",
        check=_budget,
    ),
    Rule(
        code="LXS357",
        name="rate-counts-other-items",
        severity=Severity.WARNING,
        component=Component.SUSTAINED_THROUGHPUT,
        summary="the rate counts other items than the load",
        remedy="count the load's items",
        question="What is one item of the rate?",
        check=_items,
    ),
    Rule(
        code="LXS358",
        name="scenario-contradicts-load",
        severity=Severity.WARNING,
        component=Component.BATCH_OR_CONCURRENCY,
        summary="scenario, batch, concurrency and latency budget do not fit",
        remedy="name the scenario that was run",
        question="How many callers were there, and did they wait for answers?",
        check=_scenario,
    ),
    Rule(
        code="LXS359",
        name="spread-exactly-zero",
        severity=Severity.WARNING,
        component=Component.SUSTAINED_THROUGHPUT,
        summary="the rate is said not to have varied at all",
        remedy="give the standard deviation of the block rates",
        question="How much did the rate vary between blocks?",
        check=_zero_spread,
    ),
    Rule(
        code="LXS361",
        name="tolerance-below-noise",
        severity=Severity.INFO,
        component=None,
        summary="a tolerance is narrower than what two runs of one machine differ by",
        remedy="accept tolerances near the run-to-run spread",
        question="",
        check=_narrow,
    ),
)
