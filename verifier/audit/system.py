"""The system and the tools as the claim states them, beside what was found; what differs is a deviation."""

from __future__ import annotations

from lynxspec.claim import Claim, Frozen, NotApplicable, Unknown, present
from verifier.audit.summary import tools, words
from verifier.evidence import Evidence
from verifier.evidence.environment import EnvironmentReport, Role
from verifier.judge.platform import same_version, version_of


class SystemRow(Frozen):
    """One property of the system under test."""

    name: str
    """Which property."""
    claimed: str
    """As the claim states it."""
    found: str
    """As found on the machine of this run."""
    same: bool | None
    """Whether they agree; ``None`` where the claim states nothing that could be compared."""


def _row(name: str, claimed: object, found: str | None) -> SystemRow:
    """Compare two spellings; an absence on either side compares to nothing."""
    stated = None if present(claimed) is None else words(claimed)
    return SystemRow(
        name=name,
        claimed=words(claimed),
        found=found or "not found",
        same=None if stated is None or not found else stated.split() == found.split(),
    )


def _gib(count: float) -> str:
    return f"{count / 2**30:.1f} GiB"


def _host(claim: Claim, evidence: Evidence) -> list[SystemRow]:
    stated, found = claim.hardware.host, evidence.host
    rows = [
        _row("Processor", stated.cpu, found.cpu),
        _row("Stepping", stated.stepping, found.stepping),
        _row("Logical processors", str(stated.logical_cpus), str(found.logical_cpus)),
        SystemRow(
            name="Memory",
            claimed=str(stated.memory),
            found=_gib(found.memory_bytes),
            same=abs(found.memory_bytes / stated.memory.base - 1) < 0.1,  # the kernel keeps some for itself
        ),
        SystemRow(
            name="Instruction sets",
            claimed=", ".join(sorted(stated.isa)) or "none stated",
            found=", ".join(sorted(found.isa)) or "none found",
            same=set(stated.isa) <= set(found.isa),
        ),
        _row("Operating system", stated.os, found.os),
        _row("Kernel", stated.kernel, found.kernel),
        _row("Virtualization", stated.virtualization, found.virtualization),
        _row("Machine (digest of its id)", stated.machine, found.machine),
    ]
    if claim.hardware.kind == "cpu":
        rows.append(
            SystemRow(name="Accelerators", claimed="none", found=", ".join(found.accelerators) or "none", same=None)
        )
    else:
        product = f"{claim.hardware.count} x {claim.hardware.product}"
        names = ", ".join(found.accelerators)
        same = bool(found.accelerators) and all(claim.hardware.product in a for a in found.accelerators)
        rows.insert(0, SystemRow(name="Accelerator", claimed=product, found=names or "none", same=same))
    return rows


def _tools(claim: Claim, evidence: Evidence) -> list[SystemRow]:
    rows: dict[tuple[str, str], SystemRow] = {}
    for regime in claim.regimes:
        for role, tool in tools(regime.toolchain):
            known = None if isinstance(tool, NotApplicable | Unknown) else tool
            if known is None:
                continue
            part: Role = "quantizer" if role == "Quantizer" else "runtime"
            found = version_of(regime, evidence, part, known.name)
            place = evidence.environment(regime.name, part)
            rows[role, f"{known.name} {known.version}"] = SystemRow(
                name=role,
                claimed=f"{known.name} {known.version}",
                found=f"{known.name} {found}{_lock(place)}" if found else "not to be had",
                same=same_version(known.version, found),
            )
    return list(rows.values())


def _lock(place: EnvironmentReport | None) -> str:
    """Where an environment other than the verifier's own was used: its packages, and the digest of their lock."""
    if place is None or place.origin not in ("built", "given"):
        return ""
    return f", {len(place.lock)} packages, lock sha256 {place.lock_sha256}"


def _runs(claim: Claim, evidence: Evidence) -> list[SystemRow]:
    """Where the run itself was shorter or smaller than the claim's."""
    windows = [
        SystemRow(
            name=f"Measured window, {run.regime}",
            claimed=str(claim.load.window),
            found=f"{run.window_s:.0f} s",
            same=run.window_s >= claim.load.window.base * 0.99,
        )
        for run in (evidence.sustain.runs if evidence.sustain else ())
        if run.status == "ok"
    ]
    samples = present(claim.evaluation.samples)
    fewer = [
        SystemRow(name=f"Evaluated items, {s.regime}", claimed=str(samples), found=str(s.samples), same=False)
        for s in evidence.scores
        if samples is not None and s.status == "ok" and s.samples != samples
    ]
    return [*windows, *fewer]


def system_rows(claim: Claim, evidence: Evidence) -> tuple[SystemRow, ...]:
    """All rows in the order in which they are printed."""
    return (*_host(claim, evidence), *_tools(claim, evidence), *_runs(claim, evidence))
