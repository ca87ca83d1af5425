"""Judge of the precision that an engine's builder gives the model, where it can be seen without executing anything."""

from __future__ import annotations

from collections.abc import Iterator

from lynxspec.claim import Regime
from verifier.evidence import PrecisionLedger
from verifier.evidence.inspection import EngineBuild
from verifier.judge.case import Case
from verifier.judge.clause import Finding, clause, deviations, failed, gate
from verifier.judge.execution import computed, expected_compute, products_found
from verifier.verdict import ClauseKind, ClauseVerdict, Reason, Verdict

RULE = (
    "The declared version of the runtime parses the file and builds an engine for the claim's device, on a machine "
    "without it. Products are typed by what they read; at most 5 % of their number may be typed otherwise than "
    "declared, beside what exceptions name and what is so in the file already: more is refuted. A file that parser or "
    "builder refuses is inconclusive, and a device that this version builds for only where it stands is not testable. "
    "What is executed, and how fast, is for the clauses of execution alone."
)

_TYPED = "The products are typed as declared, or as file and policy say."


def judge_precision_built(case: Case) -> Iterator[ClauseVerdict]:
    """For each regime whose model was given to its runtime's builder."""
    for regime in case.claim.regimes:
        ledger = case.ledger(regime, "built")
        expected = expected_compute(regime)
        if ledger is None or expected is None:
            continue  # only some runtimes build engines, and a clause about others would be empty
        notes: list[str] = []
        differences = case.differences(regime, ledger.sha256)
        finding = _built(case, regime, ledger, expected, notes)
        yield clause(
            ClauseKind.PRECISION_BUILT,
            regime.name,
            gate(ClauseKind.PRECISION_BUILT, finding, differences),
            title=f"Precision of the engine that is built for regime {regime.name}",
            claimed=f"{expected} products on {_device(case)}",
            measured=_measured(ledger),
            tolerance="5 % of the products",
            rule=RULE,
            notes=(
                *(note.replace(" run in ", " are typed in ") for note in notes),
                *_builds(ledger),
                *deviations(ClauseKind.PRECISION_BUILT, differences),
            ),
        )


def _built(  # noqa: PLR0911 - one return per way in which it ends
    case: Case, regime: Regime, ledger: PrecisionLedger, expected: str, notes: list[str]
) -> Finding:
    if ledger.status != "ok":
        return failed(ledger.message)
    refused = next((build for build in ledger.builds if build.by == "parser"), None)
    if refused is not None:
        return Reason.ENGINE_REFUSED, f"{refused.message}."
    typed = computed(case, regime, ledger, expected, notes)
    if typed[0] is Reason.OTHER_PRECISION_EXECUTED:
        return Reason.OTHER_PRECISION_BUILT, typed[1]
    if typed[0].verdict is not Verdict.REPRODUCED:
        return typed
    own = ledger.builds[0] if ledger.builds else None
    if own is None or own.by == "target":
        why = own.message if own else "This runtime builds only on the device itself"
        return Reason.NO_TARGET, f"{_TYPED} {why}."
    if own.status == "refused":
        return Reason.ENGINE_REFUSED, f"For compute capability {own.target}: {own.message}."
    return Reason.AS_DECLARED, f"{_TYPED} An engine is built for compute capability {own.target}."


def _device(case: Case) -> str:
    return case.claim.hardware.product


def _measured(ledger: PrecisionLedger) -> str | None:
    if ledger.status != "ok" or not ledger.operators:
        return None
    return products_found(ledger)


def _builds(ledger: PrecisionLedger) -> list[str]:
    """What was built and what was refused, by kind of device."""
    built = [f"{build.target} ({_megabytes(build)})" for build in ledger.builds if build.status == "built"]
    notes = [f"engines were built for compute capabilities {', '.join(built)}"] if built else []
    refused = [build for build in ledger.builds if build.by == "builder" and build.status == "refused"]
    for message in dict.fromkeys(build.message for build in refused):
        targets = ", ".join(build.target for build in refused if build.message == message)
        notes.append(f"none for {targets}: {message}")
    return notes


def _megabytes(build: EngineBuild) -> str:
    return f"{(build.bytes or 0) / 1e6:.1f} MB"
