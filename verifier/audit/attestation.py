"""What a record attests, in the words of other tools: two in-toto statements, signed by the record's signer.

``record.test-result.sigstore.json`` speaks in-toto's own predicate ``test-result/v0.1``, which generic policy tools
read; ``record.intoto.sigstore.json`` speaks ours. Both are bundles of `verifier.audit.envelope`, signed *before*
the PDF is, by the same key; both are embedded in it (relationship Supplement) and lie beside it. Their subjects are
the model files that were tested and the claim: whoever holds a model finds what was found about it.

A signed record embeds both or neither (records without a signer, and those of earlier versions). The name tree is
sorted, so a signed record of this version holds, in this order::

    claim.yaml (or claim.json)            Source
    record.intoto.sigstore.json           Supplement
    record.json                           Data
    record.test-result.sigstore.json      Supplement

Who checks a record (`lynxspec check` does; `require` is the code) must see that

1. each is a bundle of exactly the shape of `verifier.audit.envelope`;
2. each statement is, byte for byte, the one that `statements` makes of the embedded record.json - where another version
   of LynxSpec made the record (`renderer["layout"]` differs), at least type, predicate type, subjects and the record's
   digest in the predicate are (``same_version=False``);
3. each is signed by the key of the certificate that signed the PDF;
4. rendering again is done with the embedded bundles: ``render(record, claim, attestations=...)``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import rfc8785
from cryptography import x509
from pydantic import Field

from lynxspec.claim import Frozen
from lynxspec.claim.base import NotBlank, Sha256
from verifier.audit.envelope import STATEMENT_TYPE, opened, refuse, require_signature, seal
from verifier.audit.keys import Identity
from verifier.audit.record import Record, RecordName, UtcTime, digest, strict_json, to_jcs
from verifier.verdict import ClauseKind, Verdict

OURS = "record.intoto.sigstore.json"
TEST_RESULT = "record.test-result.sigstore.json"
NAMES = (OURS, TEST_RESULT)
"""Names under which they are embedded and written, in the order in which `statements` gives them."""
TEST_RESULT_TYPE = "https://in-toto.io/attestation/test-result/v0.1"
PREDICATE_TYPE = "https://lynxspec.org/attestation/audit-record/v1"

_RESULT = {
    Verdict.REPRODUCED: "PASSED",
    Verdict.INCONCLUSIVE: "WARNED",
    Verdict.NOT_TESTABLE: "WARNED",
    Verdict.REFUTED: "FAILED",
}


class Resource(Frozen):
    """A file, known by its digest (an in-toto ResourceDescriptor)."""

    name: NotBlank
    """Handle."""
    digest: dict[Literal["sha256"], Sha256]
    """Of its bytes."""


class RecordResource(Frozen):
    """The record that is attested."""

    id: RecordName
    """Its id."""
    created: UtcTime
    """When it was made."""
    format: Literal["lynxspec-record/1"]
    """Version of its types."""
    sha256: Sha256
    """Digest of record.json."""


class ClaimResource(Frozen):
    """The claim that was tested."""

    id: NotBlank
    """Handle that the claimant gave it."""
    issuer: NotBlank
    """Who claims."""
    sha256: Sha256
    """Digest of the claim file."""


class DisclosureResult(Frozen):
    """How much the claim discloses."""

    model: NotBlank
    """Version of the score model."""
    score: float
    """0 to 100."""
    grade: Literal["A", "B", "C", "D", "E", "F"]
    """The same as a letter."""
    complete: bool
    """No required component is missing or contradicted."""
    deployment_grade: bool
    """All required components are fully disclosed or not applicable."""


class ClauseResult(Frozen):
    """One clause, judged; the record has intervals, tolerances, rules and explanations."""

    id: NotBlank
    """Kind and regime."""
    kind: ClauseKind
    """What kind of statement it is."""
    regime: str | None
    """Handle of the regime; ``None`` for the whole claim."""
    claimed: str
    """As claimed."""
    measured: str | None
    """As measured; proves nothing about the claim unless the verdict is reproduced or refuted."""
    verdict: Verdict
    """Verdict."""
    reason: NotBlank
    """Code of the reason."""


class EvidenceResource(Frozen):
    """What the verdicts rest on, by digest."""

    format: NotBlank
    """Version of its types."""
    sha256: Sha256
    """Digest of the evidence in record.json, alone and canonical."""
    raw: tuple[Resource, ...]
    """Files of raw evidence that record.json only names: time stamps of calls, telemetry."""


class AuditPredicate(Frozen):
    """Our predicate: the verdicts, and by digest all that they rest on."""

    record: RecordResource
    """The record."""
    claim: ClaimResource
    """The claim."""
    overall: Verdict
    """Verdict on the claim."""
    disclosure: DisclosureResult
    """How much it discloses."""
    clauses: tuple[ClauseResult, ...]
    """Verdict on each clause."""
    judge: NotBlank
    """Version of the judge."""
    evidence: EvidenceResource
    """What the verdicts rest on."""
    renderer: dict[str, str]
    """Versions of everything that shapes verdicts, score and pages."""


class AuditStatement(Frozen):
    """The whole statement."""

    type: Annotated[Literal["https://in-toto.io/Statement/v1"], Field(alias="_type")]
    """in-toto, version 1."""
    subject: tuple[Resource, ...]
    """The model files as they were found, and the claim."""
    predicateType: Literal["https://lynxspec.org/attestation/audit-record/v1"]  # noqa: N815 - in-toto's spelling
    """This kind of statement."""
    predicate: AuditPredicate
    """What is attested."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attestations:
    """Both bundles, as embedded and as written beside the PDF."""

    ours: bytes
    test_result: bytes

    def files(self) -> tuple[tuple[str, bytes], ...]:
        """Names and contents."""
        return (OURS, self.ours), (TEST_RESULT, self.test_result)


def subjects(record: Record) -> tuple[Resource, ...]:
    """The model's files as they were found, and the claim; files that were not to be had are no subjects."""
    files = [(m.name, m.sha256) for m in record.evidence.materials if m.role != "data" and m.sha256 is not None]
    return tuple(_resource(name, sha256) for name, sha256 in (*files, _claim(record)))


def _claim(record: Record) -> tuple[str, str]:
    return record.document.attachment, record.document.sha256


def _resource(name: str, sha256: str) -> Resource:
    return Resource(name=name, digest={"sha256": sha256})


def _raw(record: Record) -> tuple[Resource, ...]:
    sustained = record.evidence.sustain
    if sustained is None:
        return ()
    found = [(f"timestamps of {run.regime}", run.timestamps_sha256) for run in sustained.runs]
    if sustained.telemetry is not None:
        found.append(("telemetry", sustained.telemetry.trace_sha256))
    return tuple(_resource(name, sha256) for name, sha256 in found if sha256 is not None)


def _test_result(record: Record, record_sha256: str) -> dict[str, Any]:
    """Predicate ``test-result`` version 0.1: tests are clauses."""
    named: dict[str, list[str]] = {"PASSED": [], "WARNED": [], "FAILED": []}
    for verdict in record.verdicts:
        named[_RESULT[verdict.verdict]].append(verdict.id)
    data = [_resource(m.name, m.sha256) for m in record.evidence.materials if m.role == "data" and m.sha256 is not None]
    return {
        "result": _RESULT[record.overall],
        "configuration": [r.model_dump(mode="json") for r in (_resource("record.json", record_sha256), *data)],
        "passedTests": named["PASSED"],
        "warnedTests": named["WARNED"],
        "failedTests": named["FAILED"],
    }


def _predicate(record: Record, record_sha256: str) -> AuditPredicate:
    score = record.score
    return AuditPredicate(
        record=RecordResource(id=record.id, created=record.created, format=record.format, sha256=record_sha256),
        claim=ClaimResource(id=record.claim.id, issuer=record.claim.issuer, sha256=record.document.sha256),
        overall=record.overall,
        disclosure=DisclosureResult(
            model=score.model,
            score=score.score,
            grade=score.grade,
            complete=score.complete,
            deployment_grade=score.deployment_grade,
        ),
        clauses=tuple(
            ClauseResult(
                id=v.id,
                kind=v.kind,
                regime=v.regime,
                claimed=v.claimed,
                measured=v.measured,
                verdict=v.verdict,
                reason=v.reason,
            )
            for v in record.verdicts
        ),
        judge=record.judge,
        evidence=EvidenceResource(
            format=record.evidence.format,
            sha256=digest(rfc8785.dumps(record.evidence.model_dump(mode="json"))),
            raw=_raw(record),
        ),
        renderer=record.renderer,
    )


def statements(record: Record, record_sha256: str) -> tuple[bytes, bytes]:
    """Our statement and the generic one, canonical; the same record gives the same bytes."""
    about: dict[str, Any] = {
        "_type": STATEMENT_TYPE,
        "subject": [subject.model_dump(mode="json") for subject in subjects(record)],
    }
    predicate = _predicate(record, record_sha256).model_dump(mode="json")
    ours = {**about, "predicateType": PREDICATE_TYPE, "predicate": predicate}
    generic = {**about, "predicateType": TEST_RESULT_TYPE, "predicate": _test_result(record, record_sha256)}
    return rfc8785.dumps(ours), rfc8785.dumps(generic)


def attest(record: Record, identity: Identity) -> Attestations:
    """Both statements, signed. Raises `SigningFailed`."""
    ours, generic = (seal(strict_json(text), identity) for text in statements(record, digest(to_jcs(record))))
    return Attestations(ours=ours, test_result=generic)


def require(
    found: Attestations, record: Record, record_sha256: str, certificate: x509.Certificate, *, same_version: bool
) -> None:
    """Steps 1 to 3 of the module's documentation. Raises `RecordRejected`."""
    for bundle, made in zip((found.ours, found.test_result), statements(record, record_sha256), strict=True):
        envelope = opened(bundle)  # (1)
        if envelope.statement != made and (same_version or not _agrees(envelope.statement, made)):  # (2)
            raise refuse("the attestation says something else than the record", "attestation-differs")
        require_signature(envelope, certificate)  # (3)


def _agrees(statement: bytes, made: bytes) -> bool:
    """Whether a statement of another version is about the same things: subjects, and the record's digest."""
    theirs, ours = strict_json(statement), strict_json(made)
    if not isinstance(theirs, dict) or not isinstance(theirs.get("predicate"), dict):
        return False
    same = all(theirs.get(key) == ours[key] for key in ("_type", "subject", "predicateType"))
    return same and _record_of(theirs["predicate"]) == _record_of(ours["predicate"])


def _record_of(predicate: dict[str, Any]) -> object:
    """Digest of record.json that a predicate of either kind names."""
    try:
        if "configuration" in predicate:
            return predicate["configuration"][0]["digest"]["sha256"]
        return predicate["record"]["sha256"]
    except (KeyError, IndexError, TypeError):
        return None
