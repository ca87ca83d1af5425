"""Traces of a rate whose truth is known, and what this verifier and other tools' rules say of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from verifier.statistics import Answer, RateAnalysis, RateState, analyse, decide
from verifier.statistics.sequential import half_width

Floats = NDArray[np.float64]

DURATION = 600
"""Seconds and blocks that each claim declares."""
NOISE = 0.01
"""Standard deviation of a block of one second relative to the rate."""
TIMES = np.arange(DURATION) + 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """A rate over time with noise; the truth is the level at which it settles, or the window's mean if it does not."""

    name: str
    curve: Callable[[np.random.Generator], Floats]
    """Relative rate in each second."""
    phi: float = 0.0
    """Autocorrelation of neighbouring blocks."""
    truth: float = 1.0
    allowed: float = 0.005
    """Error of the sustained estimate allowed at p95."""
    stationary: bool = False


def _flat(_: np.random.Generator) -> Floats:
    return np.ones(DURATION)


def _square(rng: np.random.Generator) -> Floats:
    return 1.0 + 0.06 * np.where((TIMES + rng.uniform(0.0, 24.0)) % 24.0 < 12.0, 1.0, -1.0)


TRACES = (
    Trace(name="independent, 1 %", curve=_flat, stationary=True),
    Trace(name="AR(0.3)", curve=_flat, phi=0.3, stationary=True),
    Trace(name="AR(0.5)", curve=_flat, phi=0.5, stationary=True),
    Trace(name="AR(0.9)", curve=_flat, phi=0.9, stationary=True),
    Trace(name="AR(0.95)", curve=_flat, phi=0.95, stationary=True),
    Trace(name="cold ramp, -30 % tau 8 s", curve=lambda _: 1.0 - 0.3 * np.exp(-TIMES / 8.0)),
    Trace(name="boost decay, +15 % tau 60 s", curve=lambda _: 1.0 + 0.15 * np.exp(-TIMES / 60.0)),
    Trace(name="throttle, -12 % at 90 s", curve=lambda _: np.where(TIMES < 90.0, 1.0, 0.88), truth=0.88),
    Trace(
        name="slow drift, +6 % tau 200 s",
        curve=lambda _: 1.0 + 0.06 * np.exp(-TIMES / 200.0),
        truth=float(np.mean(1.0 + 0.06 * np.exp(-TIMES / 200.0))),
        allowed=0.015,
    ),
    Trace(name="square wave, ±6 % period 24 s", curve=_square),
)

RULES = (("3 s", 3), ("10 s", 10), ("60 s", 60), ("600 s", 600))
"""What other tools average: trtexec 3 s, optimum-benchmark 10 s, a fixed minute, MLPerf 600 s."""

ESTIMATES = 10000
"""Runs from which the error of the estimates is taken: they need one look each, verdicts hundreds."""

EDGE, HONEST, SHORT = 1.0, 0.98, 1.02
"""The limit over the truth: where both errors are worst; of a claim that tells the truth, with 2 % tolerance; of one
whose truth lies 2 % below its limit."""
LIMITS = (EDGE, HONEST, SHORT)
BURST = 3
"""Index in `Outcome.answers` of the claim that states what the first three seconds show, with 2 % tolerance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a whole run says of the rate."""

    error: float
    """Sustained estimate (the window's mean of a drifting rate) over the truth, less 1."""
    drifting: bool
    others: tuple[float, ...]
    """The same error of each of `RULES`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one run, with a look every second."""

    estimate: Estimate
    answers: tuple[Answer, ...]
    """First decision for each of `LIMITS`, then for the claim of the first three seconds; or open at the end."""
    seconds: tuple[int, ...]
    """When it fell."""


def noise(rng: np.random.Generator, shape: tuple[int, int], phi: float) -> Floats:
    """Stationary first-order autoregressions with standard deviation 1, one a row."""
    settle = 400 if phi else 0
    shocks = rng.normal(size=(shape[0], shape[1] + settle)) * math.sqrt(1.0 - phi * phi)
    return np.asarray(lfilter([1.0], [1.0, -phi], shocks, axis=1)[:, settle:])


def series(trace: Trace, runs: int, seed: int) -> Floats:
    """Rates of ``runs`` runs, one a row."""
    rng = np.random.default_rng(seed)
    curves = np.stack([trace.curve(rng) for _ in range(runs)])
    return curves * (1.0 + NOISE * noise(rng, (runs, DURATION), trace.phi))


def look(rates: Floats) -> RateAnalysis:
    """The analysis after that many seconds of a run."""
    return analyse(rates, np.ones(len(rates)), declared_s=DURATION)


def verdict(analysis: RateAnalysis, n: int, limit: float, *, equilibrium: bool = False) -> Answer:
    """The decision at a look; the claim is its own limit, with no tolerance."""
    return decide(
        analysis, claimed=limit, tolerance=0.0, covered_s=n, declared_s=DURATION, equilibrium=equilibrium
    ).answer


def possible(rates: Floats) -> Floats:
    """Least upper bound that any plateau ending at each second can have: below it no limit refutes. One row a run.

    The bound of a plateau is at least that with uncorrelated blocks and no trend, so that seconds at which even the
    least of them reaches the limit need no analysis; a test compares with looking at every second.
    """
    runs, n = rates.shape
    sums = np.concatenate([np.zeros((runs, 1)), np.cumsum(rates - 1.0, axis=1)], axis=1)
    squares = np.concatenate([np.zeros((runs, 1)), np.cumsum((rates - 1.0) ** 2, axis=1)], axis=1)
    least = np.full((runs, n + 1), np.inf)
    widths = np.array([half_width(k, 1.0, horizon=DURATION) if k else np.inf for k in range(n + 1)])
    for end in range(20, n + 1):
        lengths = np.arange(end, 7, -1)
        mean = (sums[:, [end]] - sums[:, : len(lengths)]) / lengths
        power = (squares[:, [end]] - squares[:, : len(lengths)] - lengths * mean**2) / (lengths - 1)
        bound = 1.0 + mean + np.sqrt(np.maximum(power, 0.0)) * widths[lengths]
        later = bound.min(axis=1)
        mean = (1.0 + sums[:, end] / end) * end + later * (n - end)
        least[:, end] = np.maximum(later, mean / n)
    return least


def simulate(trace: Trace, runs: int, seed: int, *, every: bool = False) -> list[Outcome]:
    """Run the verifier's sequence of looks, one a second, on ``runs`` runs."""
    rates = series(trace, runs, seed)
    least = np.full((runs, DURATION + 1), -np.inf) if every else possible(rates)
    return [_one(trace, rates[i], least[i], every=every) for i in range(runs)]


def _one(trace: Trace, rates: Floats, least: Floats, *, every: bool) -> Outcome:
    kept: dict[int, RateAnalysis] = {}

    def at(n: int) -> RateAnalysis:
        if n not in kept:
            kept[n] = look(rates[:n])
        return kept[n]

    found = []
    for limit, step in [*((f * trace.truth, 1) for f in LIMITS), (0.98 * float(rates[:3].mean()), 1)]:
        # where refuting is right, only its time is at stake: a look in ten seconds shows it
        stride = step if limit <= trace.truth or every else 10
        looks = range(20, DURATION, stride)
        hit = next((n for n in looks if least[n] < limit and verdict(at(n), n, limit) is not Answer.OPEN), DURATION)
        found.append((verdict(at(hit), hit, limit), hit))
    return Outcome(
        estimate=_estimate(trace, rates, at(DURATION)),
        answers=tuple(answer for answer, _ in found),
        seconds=tuple(n for _, n in found),
    )


def estimates(trace: Trace, runs: int, seed: int) -> list[Estimate]:
    """What the verifier and other tools' rules take for the rate at the end of each run."""
    return [_estimate(trace, rates, look(rates)) for rates in series(trace, runs, seed)]


def _estimate(trace: Trace, rates: Floats, last: RateAnalysis) -> Estimate:
    value = last.sustained.value if last.sustained else last.window.value if last.window else math.nan
    return Estimate(
        error=value / trace.truth - 1.0,
        drifting=last.state is RateState.DRIFTING,
        others=tuple(float(rates[:n].mean()) / trace.truth - 1.0 for _, n in RULES),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Error rates of one trace, all as shares."""

    name: str
    runs: int
    """Runs with a look every second: those of the verdicts."""
    estimates: int
    """Runs of the errors."""
    error: float
    """95 % point of the absolute error of the sustained estimate."""
    drifting: float
    edge_refuted: float
    edge_confirmed: float
    honest_refuted: float
    honest_confirmed: float
    short_confirmed: float
    short_refuted: float
    seconds: float
    """Median time of the decision on the claim that falls short."""
    burst_confirmed: float
    """Share of runs in which a claim of what the first three seconds showed was confirmed."""
    others: tuple[tuple[float, float, float, float], ...]
    """Of each of `RULES`: error at p95, honest claims refuted, short ones confirmed, burst ones confirmed, by the rule
    "reproduced if the mean reaches the limit, else refuted"."""


def row(trace: Trace, outcomes: list[Outcome], found: list[Estimate]) -> Row:
    """The shares over all runs of a trace: verdicts from ``outcomes``, errors from ``found``."""

    def share(index: int, answer: Answer) -> float:
        return float(np.mean([o.answers[index] is answer for o in outcomes]))

    errors = np.array([e.error for e in found])
    others = np.array([e.others for e in found])
    burst = 0.98 * (1.0 + others[:, 0])
    return Row(
        name=trace.name,
        runs=len(outcomes),
        estimates=len(found),
        error=float(np.quantile(np.abs(errors), 0.95)),
        drifting=float(np.mean([e.drifting for e in found])),
        edge_refuted=share(0, Answer.REFUTED),
        edge_confirmed=share(0, Answer.REPRODUCED),
        honest_refuted=share(1, Answer.REFUTED),
        honest_confirmed=share(1, Answer.REPRODUCED),
        short_confirmed=share(2, Answer.REPRODUCED),
        short_refuted=share(2, Answer.REFUTED),
        seconds=float(np.median([o.seconds[2] for o in outcomes])),
        burst_confirmed=share(BURST, Answer.REPRODUCED),
        others=tuple(
            (
                float(np.quantile(np.abs(others[:, k]), 0.95)),
                float(np.mean(1.0 + others[:, k] < HONEST)),
                float(np.mean(1.0 + others[:, k] >= SHORT)),
                float(np.mean(1.0 + others[:, k] >= burst)),
            )
            for k in range(len(RULES))
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Early:
    """Confirmations before the declared duration, with thermal evidence and a look every ten seconds."""

    name: str
    runs: int
    edge: float
    short: float
    """Share confirmed although the truth lies 2 % below the limit."""
    honest: float
    seconds: float
    """Median time of the confirmation of honest claims."""


def early(trace: Trace, runs: int, seed: int) -> Early:
    """The evidence is taken as given, on traces too where a sensor would deny it."""
    first: dict[float, list[float]] = {limit: [] for limit in LIMITS}
    for line in series(trace, runs, seed):
        looks = [(n, look(line[:n])) for n in range(60, DURATION, 10)]
        for limit in LIMITS:
            answers = ((n, verdict(a, n, limit * trace.truth, equilibrium=True)) for n, a in looks)
            n, answer = next(((n, a) for n, a in answers if a is not Answer.OPEN), (DURATION, Answer.OPEN))
            first[limit].append(n if answer is Answer.REPRODUCED else math.nan)
    edge, honest, short = (np.array(first[limit]) for limit in LIMITS)
    return Early(
        name=trace.name,
        runs=runs,
        edge=float(np.isfinite(edge).mean()),
        short=float(np.isfinite(short).mean()),
        honest=float(np.isfinite(honest).mean()),
        seconds=float(np.median(honest[np.isfinite(honest)])) if np.isfinite(honest).any() else math.nan,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeated:
    """What an honest claim meets where processes differ."""

    processes: int
    deviation: float
    """Standard deviation between processes, relative."""
    blocks: int
    runs: int
    covered: float
    """Share of runs whose sustained bounds hold the truth."""
    half: float
    """Median half-width of the bounds."""
    refuted: float
    """Claims at the edge refuted, with a look after every tenth of the run."""
    confirmed: float
    """Claims at the edge confirmed."""
    reproduced: tuple[float, float]
    """Honest claims reproduced, with 2 % and with 5 % tolerance."""


def repeated(
    processes: int, deviation: float, *, blocks: int = 600, phi: float = 0.3, runs: int, seed: int
) -> Repeated:
    """Simulate ``runs`` runs of that many fresh processes, the same number of blocks in each."""
    rng = np.random.default_rng(seed)
    numbers = np.repeat(np.arange(processes), blocks // processes)
    n = len(numbers)
    rates = 1.0 + NOISE * noise(rng, (runs, n), phi) + deviation * rng.normal(size=(runs, processes))[:, numbers]
    covered, halves, edge, honest = [], [], [], []
    for line in rates:
        looks = [k * n // 10 for k in range(1, 10)] + [n]
        answers = []
        for k in looks:
            found = analyse(line[:k], np.ones(k), declared_s=n, processes=numbers[:k].tolist())
            answers.append(decide(found, claimed=1.0, tolerance=0.0, covered_s=k, declared_s=n, equilibrium=False))
        edge.append(next((d.answer for d in answers if d.answer is not Answer.OPEN), Answer.OPEN))
        low, high = answers[-1].low, answers[-1].high
        covered.append(low is None or high is None or low <= 1.0 <= high)
        halves.append(math.inf if low is None or high is None else (high - low) / 2.0)
        honest.append(
            [
                decide(found, claimed=1.0, tolerance=t, covered_s=n, declared_s=n, equilibrium=False).answer
                is Answer.REPRODUCED
                for t in (0.02, 0.05)
            ]
        )
    return Repeated(
        processes=processes,
        deviation=deviation,
        blocks=n,
        runs=runs,
        covered=float(np.mean(covered)),
        half=float(np.median(halves)),
        refuted=float(np.mean([a is Answer.REFUTED for a in edge])),
        confirmed=float(np.mean([a is Answer.REPRODUCED for a in edge])),
        reproduced=tuple(float(x) for x in np.mean(honest, axis=0)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Extended:
    """What becomes of a claim at the edge where rounds are added, one process each, until it is decided."""

    planned: int
    most: int
    runs: int
    refuted: float
    confirmed: float
    covered: float
    """Share of runs whose last bounds hold the truth."""


def extended(planned: int, most: int, *, runs: int, seed: int, told: bool = True) -> Extended:
    """Simulate ``runs`` runs whose processes differ by 1 %, 60 blocks each; ``told``: whether rounds count as added."""
    rng = np.random.default_rng(seed)
    answers, covered = [], []
    for _ in range(runs):
        line = 1.0 + NOISE * noise(rng, (1, 60 * most), 0.3)[0] + np.repeat(0.01 * rng.normal(size=most), 60)
        for k in range(planned, most + 1):
            n = 60 * k
            numbers = np.repeat(np.arange(k), 60).tolist()
            added = k - planned if told else 0
            found = analyse(line[:n], np.ones(n), declared_s=60 * planned, processes=numbers, added=added)
            answer = decide(
                found, claimed=1.0, tolerance=0.0, covered_s=n, declared_s=60 * planned, equilibrium=False
            ).answer
            if answer is not Answer.OPEN:
                break
        answers.append(answer)
        covered.append(found.sustained is None or found.sustained.low <= 1.0 <= found.sustained.high)
    return Extended(
        planned=planned,
        most=most,
        runs=runs,
        refuted=float(np.mean([a is Answer.REFUTED for a in answers])),
        confirmed=float(np.mean([a is Answer.REPRODUCED for a in answers])),
        covered=float(np.mean(covered)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How often the bounds held the truth."""

    phi: float
    blocks: int
    runs: int
    window: float
    """Of the window's mean, at the end."""
    sequence: float
    """Of the sustained rate, at the end."""
    always: float | None
    """Of the sustained rate, at every second from the twentieth on; `None` where it was not looked at."""


def coverage(phi: float, blocks: int, *, runs: int, followed: int, seed: int) -> Coverage:
    """Simulate stationary runs; ``followed`` of them with a look every second."""
    rates = 1.0 + NOISE * noise(np.random.default_rng(seed), (runs, blocks), phi)
    window, last, always = [], [], []
    for i, line in enumerate(rates):
        held = True
        for n in range(20, blocks) if i < followed else ():
            found = analyse(line[:n], np.ones(n), declared_s=blocks).sustained
            held = held and (found is None or found.low <= 1.0 <= found.high)
            if not held:
                break
        found = analyse(line, np.ones(blocks), declared_s=blocks)
        window.append(found.window is not None and found.window.low <= 1.0 <= found.window.high)
        last.append(found.sustained is None or found.sustained.low <= 1.0 <= found.sustained.high)
        if i < followed:
            always.append(held and last[-1])
    return Coverage(
        phi=phi,
        blocks=blocks,
        runs=runs,
        window=float(np.mean(window)),
        sequence=float(np.mean(last)),
        always=float(np.mean(always)) if followed else None,
    )
