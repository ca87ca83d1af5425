"""What this machine can and cannot test of a claim, and how long it will take, before anything runs."""

from __future__ import annotations

from dataclasses import dataclass

from lynxspec.claim import Claim, Recipe, Regime, present
from verifier.environments.prepare import Wishes, foreseen, places
from verifier.evidence import EVIDENCE, Evidence, HostReport
from verifier.host import describe
from verifier.judge import judge
from verifier.schedule import schedule
from verifier.verdict import ClauseVerdict, Verdict

QUANTIZATION_S = 25.0
"""A post-training recipe with its repetition and the search for inert options: 10 to 40 s on the shipped examples."""
FIXED_S = 20.0
"""Fetching from the cache, inspection, judging, rendering, signing."""
UNKNOWN_RATE = 100.0
"""Items per second assumed where the document states no rate (recipes)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The clauses as far as they can be foreseen, and the time."""

    host: HostReport
    testable: tuple[ClauseVerdict, ...]
    """Clauses that will be measured."""
    not_testable: tuple[ClauseVerdict, ...]
    """Clauses that cannot be, with the reason."""
    on_paper: tuple[ClauseVerdict, ...]
    """Clauses that the claim's own numbers decide."""
    stages: tuple[tuple[str, float], ...]
    """Stage and estimated seconds."""
    tools: tuple[tuple[str, str], ...] = ()
    """Each quantizer and runtime, with where it will run."""

    @property
    def seconds(self) -> float:
        """Estimated time of the whole run."""
        return sum(seconds for _, seconds in self.stages)


def plan(claim: Claim, sha256: str, host: HostReport | None = None, *, wishes: Wishes | None = None) -> Plan:
    """Judge the claim with nothing but the host known: what is still open then is what will be measured."""
    found = host or describe()
    tools = foreseen(claim, wishes or Wishes())
    bare = Evidence(
        format=EVIDENCE,
        claim_sha256=sha256,
        host=found,
        materials=(),
        quantizations=(),
        ledgers=(),
        weight_errors=(),
        comparisons=(),
        scores=(),
        sustain=None,
        failures=(),
        environments=tuple(report for report, _ in tools),
    )
    verdicts = judge(claim, bare)
    return Plan(
        host=found,
        testable=tuple(v for v in verdicts if v.verdict is Verdict.INCONCLUSIVE),
        not_testable=tuple(v for v in verdicts if v.verdict is Verdict.NOT_TESTABLE),
        on_paper=tuple(v for v in verdicts if v.verdict in (Verdict.REPRODUCED, Verdict.REFUTED)),
        stages=estimate(claim),
        tools=places(tools),
    )


def estimate(document: Claim | Recipe) -> tuple[tuple[str, float], ...]:
    """Seconds per stage; evaluation from the claimed rates, three passes of each regime."""
    samples = present(document.evaluation.samples) or 0
    passes = 0.0
    for regime in document.regimes:
        rate = UNKNOWN_RATE
        if isinstance(regime, Regime):
            sustained = present(regime.performance.sustained)
            rate = sustained.rate.base if sustained else UNKNOWN_RATE
        passes += 3.5 * samples / rate + 3
    quantized = sum(1 for regime in document.regimes if regime.role == "quantized")
    return (
        ("quantize", QUANTIZATION_S * quantized),
        ("evaluate", passes),
        ("sustain", schedule(document.load).total(len(document.regimes))),
        ("everything else", FIXED_S),
    )
