"""`Case`: a claim and its evidence, with the questions that every judge asks of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from lynxspec.claim import Claim, Regime, present
from lynxspec.claim.units import MARGIN, SHARE, Quantity
from verifier.evidence import (
    Evidence,
    ItemScores,
    Material,
    PrecisionLedger,
    QuantizationRun,
    SustainedRun,
)
from verifier.judge.clause import Finding, absent, failed
from verifier.judge.materiality import Difference, Effect, concerning
from verifier.judge.platform import hardware_differences, same_machine, tool_differences
from verifier.verdict import ClauseKind, Reason

Ledger = Literal["supplied_artifact", "recipe_artifact", "built", "executed"]


CEILINGS = {"throughput": "10 %", "speedup": "10 %", "latency": "25 %", "memory": "50 %"}
"""Largest tolerance that is applied, whatever a claim allows itself: with 95 % every rate would be reproduced."""
ACCURACY_CEILING = {"points": 1.0, "%": 1.0, "absolute": 0.01}
"""The same for accuracy, by unit; our metrics lie between -1 and 1."""


def bounded(claim: Claim) -> Claim:
    """The claim with tolerances no wider than the ceilings."""
    tolerances = claim.reproduction.tolerances
    changed: dict[str, Quantity] = {}
    for name, text in CEILINGS.items():
        ceiling = SHARE.parse(text)
        if getattr(tolerances, name).base > ceiling.base:  # fields of one frozen model, by the names above
            changed[name] = ceiling
    most = ACCURACY_CEILING[tolerances.accuracy.unit]
    if abs(tolerances.accuracy.value) > most:
        changed["accuracy"] = MARGIN.of(most, tolerances.accuracy.unit)
    if not changed:
        return claim
    applied = tolerances.model_copy(update=changed)
    return claim.model_copy(update={"reproduction": claim.reproduction.model_copy(update={"tolerances": applied})})


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is judged."""

    claim: Claim
    evidence: Evidence
    hardware: tuple[Difference, ...] = field(default=())
    """Differences of the hardware."""

    @classmethod
    def of(cls, claim: Claim, evidence: Evidence) -> Case:
        """Compare the hardware once for all judges, and bound the tolerances that the claimant set itself."""
        return cls(claim=bounded(claim), evidence=evidence, hardware=hardware_differences(claim, evidence.host))

    @property
    def quantized(self) -> tuple[Regime, ...]:
        """All regimes but references."""
        return tuple(regime for regime in self.claim.regimes if regime.role != "reference")

    @property
    def rounds_added(self) -> int:
        """Fresh processes per regime that were measured because the ones before left a clause open."""
        return self.evidence.sustain.rounds_added if self.evidence.sustain else 0

    @property
    def on_same_machine(self) -> bool:
        """Whether this is the machine that the claim was measured on."""
        return same_machine(self.claim, self.evidence.host)

    @property
    def on_other_hardware(self) -> bool:
        """Whether the hardware clause itself finds other hardware."""
        return bool(concerning(ClauseKind.HARDWARE, Effect.BLOCKS, self.hardware))

    def differences(self, regime: Regime, model: str | None = None) -> tuple[Difference, ...]:
        """All differences that concern a regime, for a clause about the model of that digest."""
        return (*self.hardware, *tool_differences(regime, self.evidence, model=model))

    def artifact_sha256(self, regime: Regime) -> str | None:
        """Digest of the regime's claimed model file."""
        file = present(regime.artifact)
        return file.sha256 if file else None

    def quantization(self, regime: Regime) -> QuantizationRun | None:
        """The recipe's run; a successful one is preferred."""
        runs = [run for run in self.evidence.quantizations if run.regime == regime.name]
        return next((run for run in runs if run.status == "ok"), runs[0] if runs else None)

    def ledger(self, regime: Regime, kind: Ledger) -> PrecisionLedger | None:
        """A ledger of that kind; a readable one of the claimed file is preferred."""
        found = [x for x in self.evidence.ledgers if x.regime == regime.name and x.ledger == kind]
        claimed = self.artifact_sha256(regime)
        found.sort(key=lambda x: (x.status != "ok", x.sha256 != claimed))
        return found[0] if found else None

    def scores(self, regime: Regime) -> ItemScores | Finding:
        """The evaluation of the claimed file, else of what the recipe gave; or why there is none."""
        found = [x for x in self.evidence.scores if x.regime == regime.name]
        claimed = self.artifact_sha256(regime)
        found.sort(key=lambda x: (x.status != "ok", x.sha256 != claimed, x.subject != "supplied_artifact"))
        if not found:
            return absent(self.evidence.failures, regime.name, "evaluat", "score")
        return found[0] if found[0].status == "ok" else failed(found[0].message)

    def run(self, regime: Regime) -> SustainedRun | Finding:
        """The timed run of the regime, or why there is none."""
        sustained = self.evidence.sustain
        found = [x for x in sustained.runs if x.regime == regime.name] if sustained else []
        found.sort(key=lambda x: x.status != "ok")
        if not found:
            return absent(self.evidence.failures, regime.name, "sustain")
        return found[0] if found[0].status == "ok" else failed(found[0].message)

    def material(self, name: str) -> Material | None:
        """A file as found, by its handle."""
        return next((m for m in self.evidence.materials if m.name == name), None)

    def dataset_doubt(self) -> Finding | None:
        """Why the evaluation set is not known to be the declared one; `None` if it is."""
        name = present(self.claim.evaluation.dataset)
        declared = next((d for d in self.claim.data if d.name == name), None)
        found = self.material(name) if name else None
        if found is None or declared is None:
            return Reason.NOT_REACHED, "The evaluation set was not materialized, so that its identity is not known."
        if found.status == "ok" and found.sha256 == declared.sha256:
            return None
        if found.status == "unavailable":
            return Reason.MATERIAL_UNAVAILABLE, f"The evaluation set {name} is not to be had: {found.message}."
        return Reason.NOT_REACHED, f"The evaluation set {name} has another digest than the claim states."
