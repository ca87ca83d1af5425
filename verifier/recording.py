"""`RunFolder`: a run on disk, from the claim to the signed record."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from lynxspec.claim import Claim, Recipe
from lynxspec.errors import UnreadableInput
from verifier.audit import record as records
from verifier.evidence import Evidence
from verifier.judge import JUDGE, judge
from verifier.progress import Progress, Silent
from verifier.reproduction.job import Job
from verifier.reproduction.run import reproduce
from verifier.store import RunStore, key_of, write_atomically

if TYPE_CHECKING:
    from verifier.audit.keys import Identity
    from verifier.audit.record import Performed, Record
    from verifier.opening import OpenClaim

CLAIM, EVIDENCE, RECORD, PDF = "claim.yaml", "evidence.json", "record.json", "record.pdf"


class RunFolder:
    """``DIR/claim.yaml``, ``evidence.json``, ``record.json``, ``record.pdf``, and the stages' own files below it."""

    def __init__(self, root: Path) -> None:
        """Make the folder, or open an earlier run's."""
        self.root = root
        self.store = RunStore(root)

    def job(
        self,
        document: Claim | Recipe,
        source: bytes,
        path: Path,
        *,
        overrides: Mapping[str, Path],
        progress: Progress | None = None,
    ) -> Job:
        """A job over this folder."""
        return Job(
            document=document,
            source=source,
            sha256=hashlib.sha256(source).hexdigest(),
            folder=path.parent,
            store=self.store,
            overrides=overrides,
            progress=progress or Silent(),
        )

    def run(self, job: Job, *, detect_inert: bool = True) -> Evidence:
        """Run what is not finished, and write all evidence down."""
        evidence = reproduce(job, detect_inert=detect_inert)
        write_atomically(self.root / EVIDENCE, evidence.model_dump_json(indent=1).encode())
        return evidence

    def reproduce(self, opened: OpenClaim, *, overrides: Mapping[str, Path], progress: Progress) -> Evidence:
        """Run the claim, keeping a copy of it."""
        write_atomically(self.root / CLAIM, opened.source)
        job = self.job(opened.claim, opened.source, opened.path, overrides=overrides, progress=progress)
        return self.run(job)

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

    def record(
        self, opened: OpenClaim, evidence: Evidence, *, performed: Performed, identity: Identity | None
    ) -> Record:
        """Judge ``evidence`` and put the record together; the same inputs give the same record again."""
        from verifier.audit.render import versions  # noqa: PLC0415 - the renderer takes half a second to load

        verdicts = judge(opened.claim, evidence)
        statement = identity.statement() if identity else None
        key = key_of(
            claim=opened.sha256,
            evidence=evidence.model_dump(mode="json"),
            performed=performed.model_dump(),
            signer=statement.model_dump() if statement else None,
            judge=JUDGE,
        )
        made = records.make(
            opened.claim,
            opened.source,
            name=opened.path.name,
            record_id=_uuid8(key),
            created=self._created(key),
            scorecard=opened.scorecard,
            verdicts=verdicts,
            evidence=evidence,
            judge=JUDGE,
            renderer=versions(),
            performed=performed,
            signer=statement,
        )
        write_atomically(self.root / RECORD, records.to_jcs(made))
        return made

    def _created(self, key: str) -> str:
        """When this record was first made: a second call with the same inputs must give the same record."""
        now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return self.store.stage("created", key, str, lambda: now)

    def render(self, record: Record, opened: OpenClaim) -> bytes:
        """The unsigned PDF."""
        from verifier.audit.render import render  # noqa: PLC0415 - as above

        return render(record, opened.source, opened.path.name)

    def sign(self, record: Record, identity: Identity, *, tsa: str | None, opened: OpenClaim | None = None) -> Path:
        """Render, sign, and write ``record.pdf``; an earlier one over the same record is kept."""
        from verifier.audit.render import render  # noqa: PLC0415 - as above
        from verifier.audit.sign import sign  # noqa: PLC0415 - as above

        path = self.root / PDF
        source = opened.source if opened else (self.root / CLAIM).read_bytes()
        unsigned = render(record, source, record.document.name)
        if path.is_file() and path.read_bytes().startswith(unsigned):
            return path
        write_atomically(path, sign(unsigned, identity, tsa=tsa))
        return path


def _uuid8(key: str) -> str:
    """A UUID of version 8 (RFC 9562) from a digest: the same run gives the same id."""
    digits = key[:12] + "8" + key[13:16] + "8" + key[17:32]
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:32]))
