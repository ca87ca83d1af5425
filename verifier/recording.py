"""`RunFolder`: a run on disk, from the claim to the signed record."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import ValidationError

from lynxspec.claim import Claim, Recipe
from lynxspec.errors import UnreadableInput
from verifier.audit import record as records
from verifier.audit.texts import NOT_STATED
from verifier.environments.prepare import Wishes, prepare
from verifier.evidence import Evidence
from verifier.judge import JUDGE, judge
from verifier.progress import Progress, Silent
from verifier.reproduction.also import Elsewhere, Target
from verifier.reproduction.budget import Budget
from verifier.reproduction.job import Job
from verifier.reproduction.run import reproduce
from verifier.store import RunStore, write_atomically

if TYPE_CHECKING:
    from verifier.audit.keys import Identity
    from verifier.audit.record import Performed, Record
    from verifier.audit.sign import Archive
    from verifier.opening import OpenClaim

EVIDENCE, RECORD, PDF = "evidence.json", "record.json", "record.pdf"
CLAIMS = ("claim.yaml", "claim.json")
"""Names of the claim's copy: its format must show, since the two are read differently."""


class RunFolder:
    """``DIR/claim.yaml`` (or ``.json``), ``evidence.json``, ``record.json``, ``record.pdf``, and the stages' files."""

    def __init__(self, root: Path, *, reading: bool = False) -> None:
        """Make the folder or go on in it; with ``reading`` only look at a finished run's."""
        self.root = root
        self.store = RunStore(root, reading=reading)

    def job(
        self,
        document: Claim | Recipe,
        source: bytes,
        path: Path,
        *,
        overrides: Mapping[str, Path],
        progress: Progress | None = None,
        wishes: Wishes | None = None,
    ) -> Job:
        """A job over this folder, with an environment for every tool: what is missing is built now."""
        return Job(
            document=document,
            source=source,
            sha256=hashlib.sha256(source).hexdigest(),
            folder=path.parent,
            store=self.store,
            overrides=overrides,
            progress=progress or Silent(),
            environments=prepare(document, wishes or Wishes(), progress),
        )

    def run(self, job: Job, *, detect_inert: bool = True, budget: Budget | None = None) -> Evidence:
        """Run what is not finished, and write all evidence down."""
        self.store.stage("began", job.sha256, str, _today)
        evidence = reproduce(job, detect_inert=detect_inert, budget=budget)
        text = evidence.model_dump_json(indent=1).encode()
        write_atomically(self.root / EVIDENCE, text)
        self.store.stage("ended", hashlib.sha256(text).hexdigest(), str, _today)
        return evidence

    def reproduce(
        self,
        opened: OpenClaim,
        *,
        overrides: Mapping[str, Path],
        progress: Progress,
        budget: Budget | None = None,
        wishes: Wishes | None = None,
        also: tuple[Target, ...] = (),
    ) -> Evidence:
        """Run the claim, keeping a copy of it; then its model and scheme on the runtimes of ``also``."""
        for name in CLAIMS:
            (self.root / name).unlink(missing_ok=True)
        write_atomically(self.root / CLAIMS[opened.path.suffix == ".json"], opened.source)
        job = self.job(opened.claim, opened.source, opened.path, overrides=overrides, progress=progress, wishes=wishes)
        evidence = self.run(job, budget=budget)
        if not also:
            return evidence
        elsewhere = Elsewhere(
            claim=opened.claim,
            folder=opened.path.parent,
            root=self.root,
            overrides=overrides,
            wishes=wishes or Wishes(),
            progress=progress,
            budget=budget or Budget(),
        )
        evidence = evidence.model_copy(update={"also": tuple(elsewhere.on(target) for target in also)})
        write_atomically(self.root / EVIDENCE, evidence.model_dump_json(indent=1).encode())
        return evidence

    @property
    def claim(self) -> Path:
        """The copy of the claim. Raises `UnreadableInput`."""
        for name in CLAIMS:
            if (self.root / name).is_file():
                return self.root / name
        raise UnreadableInput(
            f"{self.root}: no claim there", hint="`lynxspec verify CLAIM --out DIR` makes such a folder"
        )

    def evidence(self) -> Evidence:
        """The evidence of a finished run. Raises `UnreadableInput`."""
        path = self.root / EVIDENCE
        try:
            return Evidence.model_validate_json(path.read_bytes())
        except OSError as error:
            raise UnreadableInput(
                f"{path}: {error.strerror}", hint="`lynxspec verify CLAIM --out DIR` makes it"
            ) from error
        except ValidationError as error:
            raise UnreadableInput(f"{path}: not evidence of this version: {error.errors()[0]['msg']}") from error

    def _performed(self, performed: Performed, opened: OpenClaim, evidence: Evidence) -> Performed:
        """With the days on which this folder's run began and ended, if nobody stated others and they are known."""
        if performed.performed != NOT_STATED:
            return performed
        key = hashlib.sha256(evidence.model_dump_json(indent=1).encode()).hexdigest()
        days = [
            self.store.stage(name, of, str, lambda: "", keep=lambda _: False)
            for name, of in (("began", opened.sha256), ("ended", key))
        ]
        if not all(days):
            return performed
        return performed.model_copy(update={"performed": days[0] if days[0] == days[1] else " to ".join(days)})

    def record(
        self,
        opened: OpenClaim,
        evidence: Evidence,
        *,
        performed: Performed,
        identity: Identity | None,
        page: Literal["A4", "Letter"] = "A4",
    ) -> Record:
        """Judge ``evidence`` and put the record together; the same inputs give the same record again.

        The id is made from all that the record says, so that no two records share one.
        """
        from verifier.audit.render import versions  # noqa: PLC0415 - the renderer takes half a second to load

        if evidence.claim_sha256 != opened.sha256:
            raise UnreadableInput(
                f"{self.root}: the evidence there is of another claim than {opened.path}",
                hint="finish the run: `lynxspec verify CLAIM --out DIR`",
            )
        verdicts = judge(opened.claim, evidence)
        blank = records.make(
            opened.claim,
            opened.source,
            name=opened.path.name,
            record_id=_uuid8("0" * 32),
            created="2026-01-01T00:00:00Z",
            scorecard=opened.scorecard,
            verdicts=verdicts,
            evidence=evidence,
            judge=JUDGE,
            renderer=versions(),
            performed=self._performed(performed, opened, evidence),
            page=page,
            signer=identity.statement() if identity else None,
        )
        key = records.digest(records.to_jcs(blank))
        return blank.model_copy(update={"id": _uuid8(key), "created": self._created(key)})

    def _created(self, key: str) -> str:
        """When this record was first made: a second call with the same inputs must give the same record."""
        now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return self.store.stage("created", key, str, lambda: now, keep=lambda _: not self.store.reading)

    def sign(
        self,
        record: Record,
        opened: OpenClaim,
        identity: Identity,
        *,
        tsa: str | None,
        archive: Archive | None = None,
    ) -> Path:
        """Attest, render and sign; write ``record.pdf`` (unless it is there), ``record.json`` and the attestations."""
        from verifier.audit.attestation import attest  # noqa: PLC0415 - as above
        from verifier.audit.render import render  # noqa: PLC0415 - as above
        from verifier.audit.sign import sign  # noqa: PLC0415 - as above

        path = self.root / PDF
        attestations = attest(record, identity)
        unsigned = render(record, opened.source, opened.path.name, attestations=attestations)
        if archive is not None or not _is_signed(path, unsigned, stamped=tsa is not None):
            write_atomically(path, sign(unsigned, identity, tsa=tsa, archive=archive))
        write_atomically(self.root / RECORD, records.to_jcs(record))
        for name, content in attestations.files():
            write_atomically(self.root / name, content)
        return path


def _today() -> str:
    return dt.datetime.now(dt.UTC).strftime("%Y-%m-%d")


def _is_signed(path: Path, unsigned: bytes, *, stamped: bool) -> bool:
    """Whether ``path`` is a sound record over these very pages, with a time stamp if one is asked for."""
    if not path.is_file():
        return False
    pdf = path.read_bytes()
    if not pdf.startswith(unsigned):
        return False
    from verifier.audit.check import check  # noqa: PLC0415 - only a second call needs it

    report = check(pdf)
    return report.exit_code != 1 and (report.stamped_at is not None or not stamped)


def _uuid8(key: str) -> str:
    """A UUID of version 8 (RFC 9562) from a digest: the same run gives the same id."""
    digits = key[:12] + "8" + key[13:16] + "8" + key[17:32]
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:32]))
