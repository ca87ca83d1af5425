"""`Budget`: how long a verification may take, and where that time goes: to the clauses that are still open.

Without a number of seconds there is no end, and what is still open after the claim's window gets half as much again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from lynxspec.claim import Claim
from verifier.evidence import Evidence, SustainEvidence
from verifier.judge.case import Case
from verifier.judge.undecided import undecided
from verifier.schedule import Schedule

ENDING_S = 15.0
"""Judging, rendering, signing."""
OVERTIME = 0.5
"""Share of the time for the claim's window that open clauses may cost beyond it where no budget is given."""
LEAST_EVALUATION = 1 / 3
"""Share of the time left that evaluation gets at least, however long the claim's window is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Seconds from its making on."""

    seconds: float | None = None
    clock: Callable[[], float] = time.monotonic
    began: float = field(default_factory=time.monotonic)

    @property
    def left(self) -> float | None:
        """Seconds left for measuring; `None` without a budget."""
        return None if self.seconds is None else self.began + self.seconds - ENDING_S - self.clock()

    def with_overtime(self, plan: Schedule, regimes: int) -> Budget:
        """What measuring rates may take from now on: this budget, or the schedule and some time for open clauses."""
        if self.seconds is not None:
            return self
        total = plan.total(regimes) * (1.0 + OVERTIME) + ENDING_S
        return replace(self, seconds=total, began=self.clock())

    def for_evaluation(self, sustain_s: float) -> float | None:
        """Seconds that evaluating may take if rates will take ``sustain_s``; `None`: as many as it needs."""
        left = self.left
        return None if left is None else max(left - sustain_s, LEAST_EVALUATION * left, 0.0)

    def within(self, plan: Schedule, regimes: int) -> Schedule | None:
        """The schedule, with fewer blocks per process if there is no time for all; `None` if even that is too long.

        What is left out leaves the claim's window uncovered, and the clause then says so.
        """
        left = self.left
        if left is None or plan.total(regimes) <= left:
            return plan
        return plan.shortened(left, regimes)

    def next_round(self, claim: Claim, evidence: Evidence, sustained: SustainEvidence, plan: Schedule) -> float:
        """Counted seconds per regime of one more process for each; 0 if nothing is open that the time left can decide.

        The cheapest open clause comes first, since it frees the time for the next. Bounds allow for every look.
        """
        left, regimes = self.left, len(sustained.runs)
        if left is None or not regimes:
            return 0.0
        so_far = evidence.model_copy(update={"sustain": sustained})
        affordable = left / regimes - plan.process_overhead
        usual = plan.blocks * plan.seconds
        for clause in undecided(Case.of(claim, so_far)):
            rounds = max(clause.seconds / usual, 1.0)
            if clause.seconds + (rounds - 1.0) * plan.process_overhead <= affordable:
                return min(usual, affordable)
        return 0.0
