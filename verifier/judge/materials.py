"""Judge of files: is each one the file that the claim names by digest."""

from __future__ import annotations

from collections.abc import Iterator

from lynxspec.claim import present
from lynxspec.claim.subject import Artifact, Dataset
from verifier.evidence import Material
from verifier.judge.case import Case
from verifier.judge.clause import Finding, absent, clause
from verifier.verdict import ClauseKind, ClauseVerdict, Reason

RULE = (
    "Reproduced if the SHA-256 of the file equals the claim's; refuted if it differs and the claimant supplied "
    "the file; inconclusive if it differs and came from a mirror or a third party; not testable if the file is "
    "not to be had."
)


def judge_materials(case: Case) -> Iterator[ClauseVerdict]:
    """One clause per file of the claim; a quantized file that nobody supplies is left to the artifact's clause."""
    entries: tuple[Artifact | Dataset, ...] = (*case.claim.model.artifacts, *case.claim.data)
    for entry in entries:
        found = case.material(entry.name)
        withheld = isinstance(entry, Artifact) and entry.role == "quantized_model" and present(entry.uri) is None
        if withheld and (found is None or found.status == "unavailable"):
            continue
        finding = _identity(case, entry, found)
        yield clause(
            ClauseKind.MATERIALS,
            None,
            finding,
            part=entry.name,
            title=f"File {entry.name} is the one that the claim names",
            claimed=f"sha256 {entry.sha256}",
            measured=f"sha256 {found.sha256}" if found is not None and found.sha256 else None,
            tolerance="none: digests are equal or not",
            rule=RULE,
        )


def _identity(case: Case, entry: Artifact | Dataset, found: Material | None) -> Finding:
    if found is None:
        return absent(case.evidence.failures, None, "material")
    if found.expected_sha256 != entry.sha256:
        return Reason.TOOL_FAILED, "The evidence was taken for another digest than this claim states."
    if found.sha256 is None or found.status == "unavailable":
        return Reason.MATERIAL_UNAVAILABLE, f"The file is not to be had: {found.message or 'no address worked'}."
    if found.sha256 == entry.sha256:
        return Reason.BIT_EXACT, "The file has the claimed digest."
    words = f"The file has digest {found.sha256[:16]}…, the claim states {entry.sha256[:16]}…"
    claimants = found.supplied_by == "claimant" and (isinstance(entry, Dataset) or entry.supplied_by == "claimant")
    if claimants:
        return Reason.CLAIMANT_FILE_DIFFERS, f"{words}; the claimant supplied it."
    source = "a mirror" if found.supplied_by == "mirror" else "a third party"
    return Reason.MIRROR_FILE_DIFFERS, f"{words}; it came from {source}, which proves nothing about the claimant."
