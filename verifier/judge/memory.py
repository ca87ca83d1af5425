"""Judges of size: peak memory of the process, and the model file on disk."""

from __future__ import annotations

from collections.abc import Iterator

from lynxspec.claim import Regime, present
from verifier.evidence import SustainedRun
from verifier.judge.case import Case
from verifier.judge.clause import Finding, clause, deviations, gate
from verifier.verdict import ClauseKind, ClauseVerdict, Reason

MEMORY_RULE = (
    "Reproduced if the largest resident set of the worker process is within the tolerance. Refuted only if that "
    "set less what the process held before it loaded the model exceeds it, on the same hardware and runtime "
    "version: the interpreter and the libraries are ours, not the claim's. Between the two it is inconclusive."
)
SIZE_RULE = "The claimed file's own size: reproduced if it is within the tolerance, refuted if it is larger."


def judge_memory(case: Case) -> Iterator[ClauseVerdict]:
    """Peak memory of each regime that states one, then the sizes of files."""
    for regime in case.claim.regimes:
        yield from _peak(case, regime)
        yield from _file(case, regime)


def _peak(case: Case, regime: Regime) -> Iterator[ClauseVerdict]:
    claimed = present(regime.peak_memory)
    if claimed is None:
        return
    tolerance = case.claim.reproduction.tolerances.memory
    run = case.run(regime)
    measured = None
    if isinstance(run, SustainedRun):
        finding = _resident(run, claimed.base * (1.0 + tolerance.base))
        measured = (
            f"{_mib(run.peak_memory_bytes)}, of which {_mib(run.baseline_memory_bytes)} before the model was loaded"
        )
    else:
        finding = run
    differences = case.differences(regime, run.sha256 if isinstance(run, SustainedRun) else None)
    yield clause(
        ClauseKind.MEMORY,
        regime.name,
        gate(ClauseKind.MEMORY, finding, differences),
        part="peak",
        title=f"Peak memory of regime {regime.name}",
        claimed=str(claimed),
        measured=measured,
        tolerance=str(tolerance),
        rule=MEMORY_RULE,
        notes=deviations(ClauseKind.MEMORY, differences),
    )


def _resident(run: SustainedRun, limit: float) -> Finding:
    peak, net = run.peak_memory_bytes, run.peak_memory_bytes - run.baseline_memory_bytes
    if peak <= 0 or net < 0:
        return Reason.TOOL_FAILED, "The worker did not report its resident set."
    words = f"The process held {_mib(peak)} at most, {_mib(net)} of it for the model; limit {_mib(limit)}."
    if peak <= limit:
        return Reason.WITHIN_TOLERANCE, words
    if net > limit and not run.memory_separated:
        return Reason.EVIDENCE_TOO_WEAK, f"{words} Our own inputs are among it."
    if net > limit:
        return Reason.BELOW_CLAIM, f"{words} The model alone exceeds it."
    return Reason.EVIDENCE_TOO_WEAK, f"{words} Our interpreter and libraries make the difference."


def _file(case: Case, regime: Regime) -> Iterator[ClauseVerdict]:
    """Only where the claimed file itself is here, by digest; another file's size says nothing."""
    file = present(regime.artifact)
    if file is None:
        return
    sizes = [m.bytes for m in case.evidence.materials if m.sha256 == file.sha256]
    sizes += [q.bytes for q in case.evidence.quantizations if q.status == "ok" and q.sha256 == file.sha256]
    here = next((size for size in sizes if size is not None and size > 0), None)
    if here is None:
        return
    tolerance = case.claim.reproduction.tolerances.memory
    words = f"The file takes {here} bytes, claimed {file.size}."
    if here > file.size.base * (1.0 + tolerance.base):
        finding: Finding = (Reason.DIFFERS_FROM_CLAIM, words)
    elif here < file.size.base * (1.0 - tolerance.base):
        finding = (Reason.BETTER_THAN_CLAIMED, words)
    else:
        finding = (Reason.WITHIN_TOLERANCE, words)
    yield clause(
        ClauseKind.MEMORY,
        regime.name,
        finding,
        part="file",
        title=f"Size of the model file of regime {regime.name}",
        claimed=str(file.size),
        measured=f"{here} B",
        tolerance=str(tolerance),
        rule=SIZE_RULE,
    )


def _mib(size: float) -> str:
    return f"{size / 2**20:.1f} MiB"
