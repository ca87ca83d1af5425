"""Stage 1: find every file of the claim and check its digest before anything reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from lynxspec.claim import present
from lynxspec.claim.subject import Artifact, Dataset
from verifier.artifacts import obtain
from verifier.errors import MaterialUnavailable
from verifier.evidence import Material
from verifier.reproduction.job import Files, Job

Supplier = Literal["claimant", "mirror", "third_party"]


def materialize(job: Job) -> tuple[tuple[Material, ...], Files]:
    """Materials as found, and the verified files. Files are cached by digest, so that a resumed run fetches nothing."""
    materials: list[Material] = []
    paths: dict[str, Path] = {}
    entries: tuple[Artifact | Dataset, ...] = (*job.document.model.artifacts, *job.document.data)
    for entry in entries:
        material, path = _one(job, entry)
        materials.append(material)
        if path is not None:
            paths[entry.name] = path
    return tuple(materials), Files(paths=paths)


def _supplier(uri: str | None) -> Supplier:
    """Data that lies beside the claim came with it; whatever is fetched comes from a mirror."""
    return "mirror" if uri and (uri.startswith("pkg:") or "://" in uri) else "claimant"


def _one(job: Job, entry: Artifact | Dataset) -> tuple[Material, Path | None]:
    artifact = entry if isinstance(entry, Artifact) else None
    uri = present(entry.uri)
    override = job.overrides.get(entry.name)
    supplied_by: Supplier = artifact.supplied_by if artifact else _supplier(uri)
    where = uri or ""
    if override is not None:
        # The reader's own copy says nothing about what the claimant supplies: a wrong digest is the reader's affair.
        supplied_by, where = "third_party", f"given by the reader: {override.name}"

    def found(
        status: Literal["ok", "mismatch", "unavailable"],
        message: str,
        sha256: str | None = None,
        size: int | None = None,
    ) -> Material:
        return Material(
            name=entry.name,
            uri=where,
            role=artifact.role if artifact else "data",
            supplied_by=supplied_by,
            expected_sha256=entry.sha256,
            sha256=sha256,
            bytes=size,
            status=status,
            message=message,
        )

    if uri is None and override is None:
        return found("unavailable", "the claim gives no address; pass the file with --model or --data NAME=PATH"), None
    limit = artifact.bytes if artifact else None
    try:
        path, digest = obtain(uri or "", sha256=entry.sha256, folder=job.folder, override=override, limit=limit)
    except MaterialUnavailable as error:
        return found("unavailable", error.message + (f" ({error.hint})" if error.hint else "")), None
    size = path.stat().st_size
    if digest != entry.sha256:
        if supplied_by == "claimant" and _supplier(uri) == "mirror":
            supplied_by = "mirror"  # it passed through others' hands: a proxy's own page is not the claimant's file
        message = f"expected sha256 {entry.sha256[:16]}…, found {digest[:16]}…; the file is not used"
        return found("mismatch", message, digest, size), None
    return found("ok", "", digest, size), path
