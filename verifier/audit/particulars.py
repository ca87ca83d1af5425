"""What makes the pages a test report: the particulars that ISO/IEC 17025:2017, clause 7.8, asks for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from verifier.audit.record import Record
from verifier.audit.texts import NOT_STATED, PARTICULARS, REFERENCE, SENSOR_WORD
from verifier.evidence.telemetry import Reading, SourceReport, Validity
from verifier.verdict import ClauseVerdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One sensor during the measurement."""

    name: str
    value: str
    """Mean and span, or why there are no readings."""


def reference(verdict: ClauseVerdict) -> str:
    """Place in the claim that a clause is about: the specification that its statement of conformity refers to."""
    return REFERENCE[verdict.kind].format(regime=verdict.regime or "*")


def particulars(record: Record, digest: str) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    """Groups of labels and values, in the order in which they are printed; what nobody stated says so."""
    given = record.performed
    known = {
        **{name: str(value) for name, value in given if value is not None},
        "supersedes": given.supersedes or NOT_STATED,
        "id": f"{record.id}, sha256 {digest}",
        "issued": record.created,
        "items": "; ".join(f"{m.name}: {_found(m.sha256)}" for m in record.evidence.materials) or "none were taken",
        "claim": f"{record.claim.id} of {record.claim.date}, {record.document.name}, sha256 {record.document.sha256}",
        "claimant": f"{record.claim.issuer}; measured by {record.claim.measured_by}",
        "method": f"LynxSpec {record.renderer.get('lynxspec', NOT_STATED)}, judge {record.judge}, "
        f"program digest {record.renderer.get('judging', NOT_STATED)}",
        "sampling": "; ".join(f.value for f in record.claim.workload if f.label == "Evaluation set") or NOT_STATED,
        "signer": "not signed" if record.signer is None else record.signer.name,
    }
    return tuple((heading, tuple((label, known[name]) for name, label in rows)) for heading, rows in PARTICULARS)


def _found(sha256: str | None) -> str:
    return "not to be had" if sha256 is None else f"{sha256[:12]}\u2026"


def conditions(record: Record) -> tuple[Condition, ...]:
    """What the machine's own sensors read while speed was measured; empty if nothing was sampled."""
    sustained = record.evidence.sustain
    telemetry = sustained.telemetry if sustained is not None else None
    if telemetry is None:
        return ()
    return tuple(row for source in telemetry.sources for row in _source(source))


def _source(source: SourceReport) -> Iterable[Condition]:
    name = SENSOR_WORD.get(source.name, source.name.replace("_", " ").replace(".", " "))
    if source.status is not Validity.OK:
        why = source.status.value.replace("_", " ")
        yield Condition(name=name, value=f"{why}: {source.message}" if source.message else why)
        return
    parts = [text for text in map(_reading, source.readings) if text]
    yield Condition(name=name, value="; ".join(parts[:8]) or "no readings")


def _reading(reading: Reading) -> str:
    """A gauge with its span, a counter with its rise per second, a mask with the share of time."""
    label = reading.name.replace("_", " ")
    if reading.status is not Validity.OK or reading.mean is None:
        return f"{label}: {reading.status.value.replace('_', ' ')}"
    if reading.kind == "gauge" and reading.low is not None and reading.high is not None:
        return f"{label} {reading.mean:.4g} {reading.unit} ({reading.low:.4g} to {reading.high:.4g})"
    if reading.kind == "mask":
        return f"{label} set {reading.mean * 100:.3g} % of the time"
    unit = "" if reading.unit == "1" else f" {reading.unit}"
    return f"{label} {reading.mean:.3g}{unit} per second"
