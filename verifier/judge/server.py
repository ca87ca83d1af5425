"""What a run under random arrivals says of a rate: whether the arrivals were answered in time.

How many items were served says nothing: we set the rate of arrivals ourselves, and their count is chance.
"""

from __future__ import annotations

from lynxspec.claim.throughput import Sustained
from verifier.evidence import SustainedRun
from verifier.evidence.load import OpenLoop
from verifier.judge.clause import Finding, number, percent
from verifier.statistics.distributions import beta_quantile
from verifier.verdict import Reason

KEPT = 0.99
"""Share of arrivals that must be answered within the latency budget: the 99th percentile, as in MLPerf's server
scenario."""
ONE_SIDED = 0.05
"""Error rate of the bound on that share."""
COVERED = 0.99
"""Share of the claim's window that counts as all of it."""
OUR_SHARE = 0.1
"""Share of a latency budget that our own caller may take to wake up before a miss is no longer the model's."""

RULE = (
    "Items arrive at random (Poisson) at the claimed rate. Reproduced if the lower 95 % bound (Clopper and Pearson) of "
    "the share that is answered within the latency budget, counted from the time an item was due, is 99 % or more over "
    "the claim's window, and the upper bound of the 99th percentile, with bursts allowed for, lies within it; without "
    "a budget, if nothing was left waiting. Never refuted: one interruption of the host delays a whole queue."
)


def judge_arrivals(  # noqa: PLR0911 - one return per outcome of the rule
    run: SustainedRun, claimed: Sustained, loop: OpenLoop
) -> Finding:
    """Whether the claimed rate was held, by what became of the arrivals."""
    if abs(loop.arrival_rate / claimed.rate.base - 1.0) > 1e-6:
        return (
            Reason.NOT_REACHED,
            f"Items arrived at {number(loop.arrival_rate)} a second; {claimed.rate} is claimed.",
        )
    if loop.offered <= 0:
        return Reason.NOT_REACHED, "No arrival was counted."
    waiting = f"{loop.unserved} of {loop.offered} arrivals were left waiting"
    if loop.within_budget is None or loop.budget_s is None:
        if loop.unserved or loop.gave_up:
            return Reason.EVIDENCE_TOO_WEAK, f"{waiting}: the rate was not held here."
        return _whole(run, claimed, f"All {loop.offered} arrivals were served; no latency budget is claimed.")
    kept = min(loop.within_budget, loop.offered)
    words = (
        f"{percent(kept / loop.offered)} of {loop.offered} arrivals were answered within {loop.budget_s * 1e3:.4g} ms"
    )
    low = 0.0 if kept == 0 else beta_quantile(ONE_SIDED, kept, loop.offered - kept + 1)
    if low >= KEPT and not loop.gave_up:
        # A queue makes neighbours late together, so that fewer arrivals stand for themselves than were counted.
        late = next((q.high_s for q in run.quantiles if abs(q.p - KEPT) < 1e-9), None)
        if late is not None and late <= loop.budget_s:
            return _whole(run, claimed, f"{words}.")
        return (
            Reason.TOO_FEW_ITEMS,
            f"{words}: late ones come in bursts, too few arrivals to show that {percent(KEPT)} are.",
        )
    if loop.wake_p99_s is not None and loop.wake_p99_s > OUR_SHARE * loop.budget_s:
        ours = f"our own caller took up to {loop.wake_p99_s * 1e3:.3g} ms to wake up"
        return Reason.HOST_DISTURBED, f"{words}, where {percent(KEPT)} must be; {ours}."
    if kept / loop.offered >= KEPT and not loop.gave_up:
        return Reason.TOO_FEW_ITEMS, f"{words}: too few arrivals to show that {percent(KEPT)} are."
    return Reason.EVIDENCE_TOO_WEAK, f"{words}, where {percent(KEPT)} must be; {waiting}."


def _whole(run: SustainedRun, claimed: Sustained, words: str) -> Finding:
    if run.window_s < COVERED * claimed.window.base:
        return Reason.WINDOW_NOT_COVERED, f"{words} It was measured over {run.window_s:.0f} s only."
    return Reason.HELD_OVER_WINDOW, f"{words} It held over {number(run.window_s)} s."
