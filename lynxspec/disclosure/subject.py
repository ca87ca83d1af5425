"""One regime of a claim with what it is compared with, and the ways in which an answer counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lynxspec.claim import Claim, NotApplicable, Regime, Unknown, present
from lynxspec.claim.throughput import Comparison
from lynxspec.draft import Disclosure
from lynxspec.location import Path
from lynxspec.vocabulary import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One regime with what it is compared with; indices locate both in the document."""

    claim: Claim
    regime: Regime
    path: Path
    reference: Regime | None
    reference_path: Path
    comparison: Comparison | None
    comparison_path: Path

    @property
    def is_reference(self) -> bool:
        """Whether the regime is what others are compared with."""
        return self.regime.role == "reference"

    @property
    def estimated(self) -> bool:
        """Whether its numbers come from elsewhere than a measurement."""
        return self.claim.identity.nature != "measured"


def subject_of(claim: Claim, index: int) -> Subject:
    """Find the regime at ``index`` with its comparison and reference."""
    regime = claim.regimes[index]
    pairs = [(i, c) for i, c in enumerate(claim.comparisons) if c.quantized == regime.name]
    at, comparison = pairs[0] if pairs else (0, None)
    names = [r.name for r in claim.regimes]
    if comparison is not None and comparison.reference in names:
        ref: int | None = names.index(comparison.reference)
    else:
        ref = next((i for i, r in enumerate(claim.regimes) if r.role == "reference"), None)
    return Subject(
        claim=claim,
        regime=regime,
        path=("regimes", index),
        reference=None if ref is None else claim.regimes[ref],
        reference_path=("regimes",) if ref is None else ("regimes", ref),
        comparison=comparison,
        comparison_path=("comparisons", at) if comparison is not None else ("comparisons",),
    )


def told(value: str, path: Path) -> Disclosure:
    """Disclosed."""
    return Disclosure(status=Status.DISCLOSED, value=value, path=path)


def partly(value: str, path: Path, note: str) -> Disclosure:
    """Partial, and ``note`` says what is lacking."""
    return Disclosure(status=Status.PARTIAL, value=value, path=path, note=note)


def absent(answer: object, path: Path, *, may_not_apply: bool = False) -> Disclosure:
    """Of an answer that is no value: missing, unless it is a ``not_applicable`` that can be true."""
    if isinstance(answer, NotApplicable):
        if may_not_apply:
            return Disclosure(status=Status.NOT_APPLICABLE, value=None, path=path, note=answer.not_applicable)
        note = f"answered with not_applicable ({answer.not_applicable}), which cannot be true here"
        return Disclosure(status=Status.MISSING, value=None, path=path, note=note)
    if isinstance(answer, Unknown):
        note = f"declared unknown: {answer.unknown}"
        return Disclosure(status=Status.MISSING, value=None, path=path, note=note)
    return Disclosure(status=Status.MISSING, value=None, path=path, note="not stated")


def spell(scheme: object) -> str:
    """Name the number format of a scheme."""
    fmt: Any = scheme.format if scheme is not None else "?"  # type: ignore[attr-defined]
    return str(fmt)


def rates(s: Subject) -> tuple[float, float] | None:
    """Sustained rates of the regime and its reference, if both are given and count the same item."""
    if s.reference is None:
        return None
    mine, theirs = present(s.regime.performance.sustained), present(s.reference.performance.sustained)
    if mine is None or theirs is None or mine.rate.unit != theirs.rate.unit or not theirs.rate.base:
        return None
    return mine.rate.base, theirs.rate.base
