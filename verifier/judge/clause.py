"""How a judged clause is put together: its verdict always follows from its reason."""

from __future__ import annotations

import math

from verifier.evidence import Failure
from verifier.judge.materiality import HARDWARE_AXES, Axis, Difference, Effect, concerning, listed
from verifier.verdict import ClauseKind, ClauseVerdict, Interval, Reason, Verdict

LONGEST = 2000
"""Texts from tools and vendors are cut here."""

Finding = tuple[Reason, str]
"""A reason with its explanation."""


def clause(
    kind: ClauseKind,
    regime: str | None,
    finding: Finding,
    *,
    title: str,
    claimed: str,
    rule: str,
    measured: str | None = None,
    interval: Interval | None = None,
    tolerance: str | None = None,
    part: str = "",
    notes: tuple[str, ...] = (),
) -> ClauseVerdict:
    """A `ClauseVerdict` with the verdict of its reason."""
    reason, explanation = finding
    return ClauseVerdict(
        id="/".join(x for x in (kind.value, regime, part) if x),
        kind=kind,
        regime=regime,
        title=_cut(title),
        claimed=_cut(claimed),
        measured=None if measured is None else _cut(measured),
        interval=interval,
        tolerance=tolerance,
        decision_rule=_cut(rule),
        verdict=reason.verdict,
        reason=reason.code,
        explanation=_cut(explanation) or f"{reason.sentence}.",
        notes=tuple(_cut(note) for note in notes),
    )


def gate(kind: ClauseKind, finding: Finding, differences: tuple[Difference, ...]) -> Finding:
    """Let a finding pass, or replace it by what the differences from the claim's setting leave of it.

    A blocking difference makes the clause not testable whatever was found; a weakening one turns a refutation into
    `PLATFORM_MAY_DIFFER`. Confirmations pass a weakening difference, our own failures pass everything.
    """
    reason, explanation = finding
    blocking = concerning(kind, Effect.BLOCKS, differences)
    if blocking:
        hardware = [d for d in blocking if d.axis in HARDWARE_AXES]
        idle = any(d.axis is Axis.EXECUTION for d in blocking)
        code = Reason.OTHER_HARDWARE if hardware else Reason.CANNOT_EXECUTE if idle else Reason.TOOL_ABSENT
        return code, f"Not testable on this machine: {listed(blocking)}."
    weakening = concerning(kind, Effect.WEAKENS, differences)
    if reason.verdict is Verdict.REFUTED and weakening:
        return Reason.PLATFORM_MAY_DIFFER, f"{explanation} It refutes nothing here, since {listed(weakening)}."
    return finding


def deviations(kind: ClauseKind, differences: tuple[Difference, ...]) -> tuple[str, ...]:
    """What differs without deciding the clause, for its notes."""
    quiet = {Axis.OPERATING_SYSTEM, Axis.MACHINE}
    weaker = (*concerning(kind, Effect.WEAKENS, differences), *concerning(kind, Effect.NOTED, differences))
    return tuple(str(d) for d in weaker if d.axis not in quiet)


def absent(failures: tuple[Failure, ...], regime: str | None, *stages: str) -> Finding:
    """Why evidence is missing: our tool failed in one of ``stages``, or an earlier one gave no result."""
    for failure in failures:
        concerns = failure.regime is None or regime is None or failure.regime == regime
        if concerns and any(stage in failure.stage.casefold() for stage in stages):
            if failure.not_built:
                return Reason.NOT_IMPLEMENTED, f"This verifier cannot test it: {failure.message}."
            return Reason.TOOL_FAILED, f"Our stage {failure.stage or '?'} failed: {failure.message or 'no message'}."
    broken = [failure for failure in failures if not failure.not_built]
    if broken:
        first = broken[0]
        return Reason.NOT_REACHED, f"Not measured, since stage {first.stage or '?'} failed: {first.message or '?'}."
    return Reason.NOT_REACHED, "Not measured: no stage gave a result for it."


def failed(message: str) -> Finding:
    """A tool of ours ended without an answer."""
    return Reason.TOOL_FAILED, f"Our tool failed: {message.strip() or 'it gave no message'}."


def number(value: float, digits: int = 4) -> str:
    """A number for people, without a trailing zero parade."""
    if not math.isfinite(value):
        return str(value)
    text = f"{value:.{digits}g}"
    return f"{value:.0f}" if abs(value) >= 10**digits or "e+" in text else text


def percent(share: float, digits: int = 3) -> str:
    """A fraction as percent."""
    return f"{number(100.0 * share, digits)} %"


def _cut(text: str) -> str:
    text = text.strip()
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
