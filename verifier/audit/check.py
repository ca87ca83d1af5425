"""Whether an audit record is authentic, intact, and consistent with what it embeds.

The procedure; each step rejects the record, passes it, or says that less could be shown (*weak*):

1.  shape       bytes: one update with one signature that covers all before it but its own container; after it at most
                updates of the form that archives make
2.  digest      the signed digest is that of the file
3.  structure   bytes: the pages are one table of objects, and no byte lies outside
4.  signature   a PAdES certification signature that forbids changes, covers its whole revision, and holds
5.  update      the signature's update adds the signature and changes nothing else
6.  archive     what follows the signature is evidence of its validity and document time stamps, and nothing else
7.  content     nothing in the document acts, loads or hides
8.  attachments a claim, a record and its attestations, each with one name and one content, in the signed revision
9.  record      canonical JSON (RFC 8785) of this version's schema
10. consistency the record agrees with itself and with the embedded claim
11. claim       the embedded claim is the one that the reader holds, the record no older than asked (if given)
12. signer      the certificate is the one that the pages name
13. attestation the embedded attestations say what the record says, by the same key (if there are any)
14. pages       rendering the embedded record gives these very bytes
15. verdicts    judging the embedded evidence gives these very verdicts
16. time        time stamps belong to what they stand on, and their services lead to an anchor
17. revocation  no revocation list at hand, embedded or given, takes the signer back
18. trust       the signer leads to a trust anchor, or is one, is known not to be revoked, and is who was asked for
19. approvals   each countersignature beside the record is over this very file and holds (if there are any)

A record passes with exit code 0 only if every step passes; a weak step makes it 3, a rejection 1. No runtime, no
network and no file but the given bytes take part. Where the record was made by another version of renderer or judge,
the steps that compare with this version's are weak: that alone never makes a record an altered one.

Longer than other files: the steps are one procedure, read in order.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal

from cryptography import x509

from lynxspec.claim import Claim
from lynxspec.errors import LynxSpecError
from verifier.audit import archive, embedded, signature, structure, trust
from verifier.audit.attestation import Attestations, require
from verifier.audit.carried import Pool
from verifier.audit.countersignature import examine
from verifier.audit.keys import is_self_signed, name_of
from verifier.audit.objects import refuse
from verifier.audit.provenance import scoring_digest
from verifier.audit.record import Record, ScoreSummary, contradictions, digest, from_jcs, summary_of
from verifier.audit.render import RendererUnavailable, layout, render, versions
from verifier.audit.report import CHECK, CheckReport, Countersigned, Status, Step, report_json, report_text
from verifier.audit.texts import LIMITS
from verifier.errors import RecordRejected

__all__ = ["PROCEDURE", "CheckReport", "Step", "check", "report_json", "report_text"]

MAX_ROWS = 20_000
"""A record that prints more is not rendered again."""
MAX_POINTS = 500_000
"""As above, of points in its pictures."""
MAX_COUNTERSIGNATURE = 2**20
"""Largest countersignature that is read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weak:
    """A step that could show less."""

    reason: str
    message: str


@dataclass(slots=True, kw_only=True)
class _Examination:
    """What the steps have found so far."""

    pdf: bytes
    given: trust.Given
    claim_bytes: bytes | None = None
    countersignatures: tuple[tuple[str, bytes], ...] = ()
    not_before: str | None = None
    rerender: bool = True
    shape: structure.Shape = field(init=False)
    whole: Any = None
    """Reader of the whole file."""
    reader: Any = None
    """Reader of the signed revision: the only one that contents are taken from."""
    signed: signature.Signed | None = None
    evidence: archive.Evidence = field(default_factory=archive.Evidence)
    files: embedded.Attachments = field(init=False)
    record: Record | None = None
    claim: Claim = field(init=False)
    known: Pool = field(init=False)
    times: trust.Times = field(default_factory=trust.Times)
    countersigned: list[Countersigned] = field(default_factory=list)

    @property
    def the_record(self) -> Record:
        if self.record is None:
            raise RecordRejected("there is no record", "record-missing")
        return self.record

    @property
    def the_signature(self) -> signature.Signed:
        if self.signed is None:
            raise RecordRejected("there is no signature", "not-signed")
        return self.signed


def _shape(e: _Examination) -> str:
    e.shape = structure.shape(e.pdf)
    later = f", {len(e.shape.archive)} updates after it" if e.shape.archive else ""
    return f"pages end at byte {e.shape.pages_end}, the signature at {e.shape.signed_end}{later}"


def _digest(e: _Examination) -> str:
    signature.require_digest(e.pdf, e.shape)
    return "the file is as it was signed"


def _structure(e: _Examination) -> str:
    structure.require_contiguous_pages(e.pdf, e.shape)
    return "no bytes but those of the pages"


def _signature(e: _Examination) -> str:
    from pyhanko.pdf_utils.reader import PdfFileReader  # noqa: PLC0415 - slow to import

    e.whole = e.reader = PdfFileReader(io.BytesIO(e.pdf), strict=True)
    if e.shape.archive:
        e.reader = PdfFileReader(io.BytesIO(e.pdf[: e.shape.signed_end]), strict=True)
    if e.whole.encrypted:
        raise RecordRejected("the file is encrypted", "structure-encrypted")
    e.signed = signature.validate(e.reader)
    at = "no time" if e.signed.signed_at is None else e.signed.signed_at.isoformat()
    return f"certification signature, no changes allowed, stated time {at}"


def _update(e: _Examination) -> str:
    embedded.require_only_a_signature(e.reader, e.shape)
    return "the signature is all that was added"


def _archive(e: _Examination) -> str:
    if not e.shape.archive:
        return "nothing follows the signature"
    e.evidence = archive.archive(e.whole, e.pdf, e.shape)
    signature.require_only_archive_updates(e.whole, stamps=len(e.evidence.stamps))
    return f"nothing follows the signature but {', '.join(archive.names_of(e.evidence)) or 'an empty update'}"


def _content(e: _Examination) -> str:
    embedded.require_passive(e.reader, e.shape)
    return "no scripts, links, forms or annotations"


def _attachments(e: _Examination) -> str:
    e.files = embedded.attachments(e.reader)
    more = " with its attestations" if e.files.attestations is not None else ""
    return f"{e.files.claim_name} and record.json{more}"


def _record(e: _Examination) -> str:
    e.record = from_jcs(e.files.record)
    return f"{e.record.format}, id {e.record.id}, sha256 {digest(e.files.record)}"


def _consistency(e: _Examination) -> str | Weak:
    record = e.the_record
    found = contradictions(record)
    if found:
        raise RecordRejected(f"the record contradicts itself: {found[0]}", "record-contradiction")
    document = record.document
    if (document.attachment, document.sha256, document.bytes) != (
        e.files.claim_name,
        hashlib.sha256(e.files.claim).hexdigest(),
        len(e.files.claim),
    ):
        raise RecordRejected("the embedded claim is not the one that the record is about", "claim-swapped")
    e.claim = _parse(e.files.claim, document.attachment)
    if record.renderer.get("layout") != layout():
        return Weak(reason="other-version", message="made by another version: quotes from the claim were not compared")
    from verifier.audit.summary import summarize  # noqa: PLC0415 - only here
    from verifier.audit.system import system_rows  # noqa: PLC0415 - only here

    if record.claim != summarize(e.claim) or record.system != system_rows(e.claim, record.evidence):
        raise RecordRejected("the record quotes the claim wrongly", "record-misquotes")
    if record.limits != LIMITS:
        raise RecordRejected("the record states other limits than this version's records do", "limits-differ")
    if record.renderer.get("scoring") != scoring_digest():
        return Weak(reason="other-version", message="scored by another version: the score was not compared")
    if record.score != rescored(e.files.claim, document.attachment):
        raise RecordRejected("the record states another score than the claim has", "score-differs")
    return "verdicts follow from reasons, quotes and score are those of the claim"


def rescored(claim: bytes, name: str) -> ScoreSummary:
    """The score of the embedded claim by this version."""
    from lynxspec.importers.importer import load  # noqa: PLC0415 - only here
    from lynxspec.lint.engine import lint  # noqa: PLC0415 - only here
    from lynxspec.scoring import score  # noqa: PLC0415 - only here

    draft = load(claim, source=name)
    return summary_of(score(draft, lint(draft)))


def _parse(data: bytes, name: str) -> Claim:
    from lynxspec.document import read  # noqa: PLC0415 - only here
    from lynxspec.validation import validate_as  # noqa: PLC0415 - only here

    try:
        return validate_as(read(data, source=name), Claim)
    except LynxSpecError as error:
        raise RecordRejected(f"the embedded claim cannot be read: {error.message}", "claim-unreadable") from error


def _claim(e: _Examination) -> str | None:
    if e.not_before is not None and e.the_record.created < e.not_before:
        words = f"the record was made on {e.the_record.created}, before {e.not_before}: there may be a newer one"
        raise RecordRejected(words, "record-older")
    if e.claim_bytes is None:
        return None
    if e.claim_bytes != e.files.claim:
        raise RecordRejected("the record is about another claim than the one given", "other-claim")
    return "the embedded claim is the one given"


def _signer(e: _Examination) -> str:
    record, signed = e.the_record, e.the_signature
    if record.signer is None:
        raise RecordRejected("the pages name no signer, but the file is signed", "signer-differs")
    if record.signer.fingerprint != signed.fingerprint:
        raise RecordRejected("the file was signed by another identity than the pages name", "signer-differs")
    certificate = signed.certificate
    if (record.signer.name, record.signer.self_signed) != (name_of(certificate), is_self_signed(certificate)):
        raise RecordRejected("the pages describe the signer otherwise than the certificate does", "signer-differs")
    return f"{record.signer.name}, sha256 {signed.fingerprint}" + (", self-signed" if record.signer.self_signed else "")


def _attestation(e: _Examination) -> str | None:
    record, found = e.the_record, e.files.attestations
    if found is None:
        return None
    same = record.renderer.get("layout") == layout()
    require(found, record, digest(e.files.record), e.the_signature.certificate, same_version=same)
    return "the attestations say what the record says, by the same key"


@lru_cache(maxsize=4)
def _rendered(record: bytes, claim: bytes, attestations: Attestations | None) -> bytes:
    """The pages again; kept, since many copies of one record may be checked in one process."""
    return render(from_jcs(record), claim, attestations=attestations)


def _extent(record: Record) -> tuple[int, int]:
    """Rows and points that rendering would draw."""
    evidence = record.evidence
    rows = len(record.verdicts) + len(record.system) + len(record.limits) + len(record.score.disclosures)
    rows += sum(len(x.tensors) + len(x.operators) + len(x.storage) + len(x.layers) for x in evidence.ledgers)
    rows += sum(len(v.notes) for v in record.verdicts) + len(evidence.materials) + len(evidence.quantizations)
    sustain = evidence.sustain
    points = sum(len(run.bins) + len(run.blocks) for run in sustain.runs) if sustain is not None else 0
    return rows, points


def _not_rendered(e: _Examination) -> Weak | None:
    """Why the pages are not rendered again, if they are not."""
    if not e.rerender:
        return Weak(reason="not-rendered", message="the pages were NOT compared with the record, as asked")
    rows, points = _extent(e.the_record)
    if rows > MAX_ROWS or points > MAX_POINTS:
        return Weak(reason="record-too-large", message="the record is too large to render again")
    return None


def _require_plain(e: _Examination) -> dict[int, bytes]:
    """Objects of pages that are not known to be ours, without tricks in them."""
    from verifier.audit.alike import require_plain  # noqa: PLC0415 - only here

    found = structure.objects_of_pages(e.pdf[: e.shape.pages_end])
    require_plain(found)
    return found


def _pages(e: _Examination) -> str | Weak:
    less = _not_rendered(e)
    if less is not None:
        _require_plain(e)
        return less
    record = e.the_record
    try:
        same = versions() == record.renderer
        again = _rendered(e.files.record, e.files.claim, e.files.attestations)
    except RendererUnavailable as error:
        _require_plain(e)
        return Weak(reason="renderer-missing", message=f"pages were not compared: {error.message}. {error.hint}")
    if len(again) == e.shape.pages_end and e.pdf.startswith(again):
        if not same:
            return Weak(reason="other-version", message="the same pages, but the record names other versions than ours")
        return "rendering the record gives these very bytes"
    return _other_pages(e, again, same=same)


def _other_pages(e: _Examination, again: bytes, *, same: bool) -> Weak:
    """What can be said of pages that are not, byte for byte, what rendering gives here."""
    from verifier.audit.alike import alike  # noqa: PLC0415 - only here

    theirs = _require_plain(e)
    if same and not alike(structure.objects_of_pages(again), theirs):
        raise RecordRejected("the pages do not show what the record holds", "pages-differ")
    if _same_words(e, again):
        why = "the same words, but not the same bytes" if same else "made by another renderer; the words are the same"
        return Weak(reason="pages-same-words", message=f"pages: {why}")
    if same:
        raise RecordRejected("the pages do not show what the record holds", "pages-differ")
    return Weak(
        reason="other-renderer",
        message="the pages were NOT compared with the record: they were made by another renderer",
    )


def _same_words(e: _Examination, again: bytes) -> bool:
    from pyhanko.pdf_utils.reader import PdfFileReader  # noqa: PLC0415 - slow to import

    from verifier.audit.pagetext import page_texts  # noqa: PLC0415 - only here

    return page_texts(e.reader) == page_texts(PdfFileReader(io.BytesIO(again), strict=True))


def _verdicts(e: _Examination) -> str | Weak:
    from verifier.audit.rejudged import rejudged  # noqa: PLC0415 - only here

    words, reason = rejudged(e.claim, e.the_record)
    return Weak(reason=reason, message=words) if reason else words


def _time(e: _Examination) -> str | Weak:
    signed = e.the_signature
    e.known = trust.pool(signed, e.evidence, e.given)
    e.times = found = trust.times(e.pdf, signed, e.evidence, e.known, e.given)
    notes = "".join(f"; {note}" for note in found.notes)
    if e.known.unproven:
        whose = e.known.unproven[0].subject.rfc4514_string()
        words = f"whether the certificate of {whose:.80} in the file is as it was issued cannot be told"
        return Weak(reason="time-certificates", message=words)
    if e.known.unusual:
        words = f"a time stamp's container {e.known.unusual[0]}: nobody's signature covers that"
        return Weak(reason="time-stamp-unusual", message=words)
    if found.problem:
        times = [found.stamped_at, *found.archived_at]
        words = f"time stamps {', '.join(t.isoformat() for t in times if t)}: {found.problem}, it proves nothing{notes}"
        return Weak(reason="time-stamp-not-trusted", message=words)
    if found.stamped_at is None and found.proven is None:
        return "no time stamp: the time is the signer's own statement"
    if found.proven is None:
        return f"time stamp {found.stamped_at and found.stamped_at.isoformat()}{notes}"
    return f"signed before {found.proven.isoformat()}, by time stamp{notes}"


def _revocation(e: _Examination) -> str | Weak:
    words, reason = trust.judge_revocation(e.the_signature, e.known, e.times)
    return Weak(reason=reason, message=words) if reason else words


def _trust(e: _Examination) -> str | Weak:
    found = trust.judge_signer(e.the_signature, e.known, e.times, e.given)
    return found.message if found.trusted else Weak(reason=found.reason, message=found.message)


def _approvals(e: _Examination) -> str | Weak | None:
    if not e.countersignatures:
        return None
    record, own = e.the_record, e.the_signature
    unknown = []
    for name, data in e.countersignatures:
        if len(data) > MAX_COUNTERSIGNATURE:
            raise refuse(f"the countersignature {name} is too large", "countersign-shape")
        try:
            found = examine(data, e.pdf, record_id=record.id, record_sha256=digest(e.files.record))
        except RecordRejected as error:
            raise refuse(f"the countersignature {name} does not hold: {error.message}", error.reason) from error
        whose = trust.judge_approver(found.certificate, found.chain, e.known, e.given)
        if not whose.trusted:
            unknown.append(f"{name}: {whose.message}")
        e.countersigned.append(_countersigned(name, found, own, trusted=whose.trusted))
    if unknown:
        return Weak(reason="approver-not-trusted", message="; ".join(unknown))
    return f"{len(e.countersigned)} countersignatures over this file hold"


def _countersigned(name: str, found: Any, own: signature.Signed, *, trusted: bool) -> Countersigned:  # noqa: ANN401
    approval = found.approval
    return Countersigned(
        file=name,
        person=approval.person,
        function=approval.function,
        organisation=approval.organisation,
        time=approval.time,
        statement=approval.statement,
        signer=found.certificate.subject.rfc4514_string(),
        fingerprint=trust.fingerprint(found.certificate),
        trusted=trusted,
        second_person=found.certificate.public_key() != own.certificate.public_key(),
    )


PROCEDURE: tuple[tuple[str, Callable[[_Examination], str | Weak | None]], ...] = (
    ("shape", _shape),  # (1)
    ("digest", _digest),  # (2)
    ("structure", _structure),  # (3)
    ("signature", _signature),  # (4)
    ("update", _update),  # (5)
    ("archive", _archive),  # (6)
    ("content", _content),  # (7)
    ("attachments", _attachments),  # (8)
    ("record", _record),  # (9)
    ("consistency", _consistency),  # (10)
    ("claim", _claim),  # (11)
    ("signer", _signer),  # (12)
    ("attestation", _attestation),  # (13)
    ("pages", _pages),  # (14)
    ("verdicts", _verdicts),  # (15)
    ("time", _time),  # (16)
    ("revocation", _revocation),  # (17)
    ("trust", _trust),  # (18)
    ("approvals", _approvals),  # (19)
)
"""The steps of the module's docstring."""


def _step(number: int, name: str, act: Callable[[_Examination], str | Weak | None], e: _Examination) -> Step:
    def outcome(status: Status, message: str, reason: str = "") -> Step:
        return Step(number=number, name=name, status=status, reason=reason, message=message)

    try:
        found = act(e)
    except RecordRejected as error:
        return outcome("fail", error.message, error.reason)
    except Exception as error:  # noqa: BLE001 - whatever goes wrong, the record has not been shown to be good
        return outcome("fail", f"cannot be read: {type(error).__name__}: {error!s:.200}", f"{name}-unreadable")
    if found is None:
        return outcome("not_asked", "nothing to compare with")
    if isinstance(found, Weak):
        return outcome("weak", found.message, found.reason)
    return outcome("pass", found)


def check(
    pdf_bytes: bytes,
    *,
    trust: Sequence[x509.Certificate] = (),
    stamp_trust: Sequence[x509.Certificate] = (),
    signers: Sequence[str] = (),
    crls: Sequence[x509.CertificateRevocationList] = (),
    claim_bytes: bytes | None = None,
    not_before: str | None = None,
    countersignatures: Sequence[tuple[str, bytes]] = (),
    rerender: bool = True,
    at: datetime | None = None,
) -> CheckReport:
    """Check a signed record; never raises for anything that the bytes could hold.

    ``trust`` are anchors or pinned signers, ``stamp_trust`` anchors for time stamps alone; ``signers`` fingerprints of
    which one must have signed; ``crls`` revocation lists beside those in the file; ``claim_bytes`` the claim that the
    reader holds; ``not_before`` a day or moment (ISO 8601, UTC) since when the record must have been made, against
    older genuine ones; ``countersignatures`` names and contents of those beside the file; ``rerender`` false leaves out
    the comparison of the pages (weak); ``at`` the moment at which certificates must be valid (now).
    """
    return examined(
        pdf_bytes,
        trust=trust,
        stamp_trust=stamp_trust,
        signers=signers,
        crls=crls,
        claim_bytes=claim_bytes,
        not_before=not_before,
        countersignatures=countersignatures,
        rerender=rerender,
        at=at,
    )[0]


def examined(
    pdf_bytes: bytes,
    *,
    trust: Sequence[x509.Certificate] = (),
    stamp_trust: Sequence[x509.Certificate] = (),
    signers: Sequence[str] = (),
    crls: Sequence[x509.CertificateRevocationList] = (),
    claim_bytes: bytes | None = None,
    not_before: str | None = None,
    countersignatures: Sequence[tuple[str, bytes]] = (),
    rerender: bool = True,
    at: datetime | None = None,
) -> tuple[CheckReport, Record | None]:
    """As `check`, with the record that was read; ``None`` if it was rejected."""
    e = _Examination(
        pdf=bytes(pdf_bytes),
        given=_given(trust, stamp_trust, crls, signers, at),
        claim_bytes=claim_bytes,
        not_before=not_before,
        countersignatures=tuple(countersignatures),
        rerender=rerender,
    )
    steps: list[Step] = []
    failed = False
    for number, (name, act) in enumerate(PROCEDURE, start=1):
        if failed:
            steps.append(Step(number=number, name=name, status="not_reached", reason="", message=""))
        else:
            steps.append(_step(number, name, act, e))
            failed = steps[-1].status == "fail"
    report = _report(e, tuple(steps))
    return report, e.record if report.exit_code != 1 else None


def _given(
    anchors: Sequence[x509.Certificate],
    stamp_anchors: Sequence[x509.Certificate],
    crls: Sequence[x509.CertificateRevocationList],
    signers: Sequence[str],
    at: datetime | None,
) -> trust.Given:
    return trust.Given(
        anchors=tuple(anchors),
        stamp_anchors=tuple(stamp_anchors),
        crls=tuple(crls),
        signers=tuple(text.lower() for text in signers),
        at=at,
    )


def _report(e: _Examination, steps: tuple[Step, ...]) -> CheckReport:
    found = {step.status for step in steps}
    code: Literal[0, 1, 3] = 1 if "fail" in found else 3 if "weak" in found else 0
    record = e.record if code != 1 else None
    signed, times = e.signed, e.times
    return CheckReport(
        format=CHECK,
        exit_code=code,
        steps=steps,
        signer=None if signed is None else signed.certificate.subject.rfc4514_string(),
        fingerprint=None if signed is None else signed.fingerprint,
        signed_at=None if signed is None or signed.signed_at is None else signed.signed_at.isoformat(),
        stamped_at=None if times.stamped_at is None else times.stamped_at.isoformat(),
        stamp_trusted=times.trusted,
        archived_at=tuple(when.isoformat() for when in times.archived_at),
        proven_at=None if times.proven is None else times.proven.isoformat(),
        record_id=None if record is None else record.id,
        record_sha256=None if record is None else digest(e.files.record),
        claim_sha256=None if record is None else record.document.sha256,
        overall=None if record is None else record.overall.value,
        countersigned=tuple(e.countersigned) if code != 1 else (),
    )
