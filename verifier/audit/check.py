"""Whether an audit record is authentic, intact, and consistent with what it embeds.

The procedure; each step rejects the record, passes it, or says that less could be shown (*weak*):

1.  shape       bytes: one update with one signature that covers all but its own container
2.  digest      the signed digest is that of the file
3.  structure   bytes: the pages are one table of objects, and no byte lies outside
4.  signature   a PAdES certification signature that forbids changes, covers the whole file, and holds
5.  update      the update adds the signature and changes nothing else
6.  content     nothing in the document acts, loads or hides
7.  attachments a claim and a record, each with one name and one content
8.  record      canonical JSON (RFC 8785) of this version's schema
9.  consistency the record agrees with itself and with the embedded claim
10. claim       the embedded claim is the one that the reader holds (if given)
11. signer      the certificate is the one that the pages name
12. pages       rendering the embedded record gives these very bytes
13. verdicts    judging the embedded evidence gives these very verdicts
14. trust       the signer leads to a trust anchor, or is one

A record passes with exit code 0 only if every step passes; a weak step makes it 3, a rejection 1. No runtime, no
network and no file but the given bytes take part.

Longer than other files: the steps are one procedure, read in order.
"""

from __future__ import annotations

import hashlib
import io
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from importlib import metadata
from typing import Any, Literal

from cryptography import x509

from lynxspec.claim import Claim, Frozen
from lynxspec.errors import LynxSpecError
from verifier.audit import embedded, signature, structure
from verifier.audit.attestation import Attestations, require
from verifier.audit.keys import is_self_signed, name_of
from verifier.audit.provenance import judging_digest, scoring_digest
from verifier.audit.record import Record, ScoreSummary, contradictions, digest, from_jcs, summary_of
from verifier.audit.render import RendererUnavailable, layout, render, versions
from verifier.audit.texts import LIMITS
from verifier.errors import RecordRejected
from verifier.verdict import ClauseVerdict, Interval

CHECK: Literal["lynxspec-check/1"] = "lynxspec-check/1"
"""Version of the report."""
MAX_CLAUSES = 5000
"""A record with more is not rendered again."""

_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?")

Status = Literal["pass", "weak", "fail", "not_asked", "not_reached"]


class Step(Frozen):
    """Outcome of one step."""

    number: int
    """Place in the procedure."""
    name: str
    """Name in the procedure."""
    status: Status
    """``pass``; ``weak``: less could be shown; ``fail``; ``not_asked``; ``not_reached`` after a failure."""
    reason: str
    """Code, e.g. ``signature-altered``; empty for a pass."""
    message: str
    """What was found."""


class CheckReport(Frozen):
    """What can be said of a record."""

    format: Literal["lynxspec-check/1"]
    exit_code: Literal[0, 1, 3]
    """0 authentic and trusted; 1 rejected; 3 intact, but less could be shown."""
    steps: tuple[Step, ...]
    """All steps in order."""
    signer: str | None
    """Subject of the certificate."""
    fingerprint: str | None
    """SHA-256 of the certificate."""
    signed_at: str | None
    """Time that the signer states."""
    stamped_at: str | None
    """Time in the time stamp, if there is one."""
    stamp_trusted: bool
    """Whether the time stamp's service leads to a trust anchor."""
    record_id: str | None
    """Id of the record; only of a record that was not rejected."""
    record_sha256: str | None
    """Digest of record.json; as above."""
    claim_sha256: str | None
    """Digest of the embedded claim; as above."""
    overall: str | None
    """Verdict on the claim; as above."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weak:
    """A step that could show less."""

    reason: str
    message: str


@dataclass(slots=True, kw_only=True)
class _Examination:
    """What the steps have found so far."""

    pdf: bytes
    trust: tuple[x509.Certificate, ...]
    claim_bytes: bytes | None
    at: datetime | None
    shape: structure.Shape = field(init=False)
    reader: Any = None
    signed: signature.Signed | None = None
    files: embedded.Attachments = field(init=False)
    record: Record | None = None
    claim: Claim = field(init=False)


def _shape(e: _Examination) -> str:
    e.shape = structure.shape(e.pdf)
    return f"pages end at byte {e.shape.pages_end}, the signature at {len(e.pdf)}"


def _digest(e: _Examination) -> str:
    signature.require_digest(e.pdf, e.shape)
    return "the file is as it was signed"


def _structure(e: _Examination) -> str:
    structure.require_contiguous_pages(e.pdf, e.shape)
    return "no bytes but those of the pages"


def _signature(e: _Examination) -> str:
    from pyhanko.pdf_utils.reader import PdfFileReader  # noqa: PLC0415 - slow to import

    e.reader = PdfFileReader(io.BytesIO(e.pdf), strict=True)
    if e.reader.encrypted:
        raise RecordRejected("the file is encrypted", "structure-encrypted")
    e.signed = signature.validate(e.reader, trust=e.trust, at=e.at)
    stamp = "no time stamp"
    if e.signed.stamped_at:
        trusted = "trusted" if e.signed.stamp_trusted else "its service is not trusted, it proves nothing"
        stamp = f"time stamp {e.signed.stamped_at} ({trusted})"
    return f"certification signature, no changes allowed, stated time {e.signed.signed_at}, {stamp}"


def _update(e: _Examination) -> str:
    embedded.require_only_a_signature(e.reader, e.shape)
    return "the signature is all that was added"


def _content(e: _Examination) -> str:
    embedded.require_passive(e.reader, e.shape)
    return "no scripts, links, forms or annotations"


def _attachments(e: _Examination) -> str:
    e.files = embedded.attachments(e.reader)
    return f"{e.files.claim_name} and record.json"


def _record(e: _Examination) -> str:
    e.record = from_jcs(e.files.record)
    return f"{e.record.format}, id {e.record.id}, sha256 {digest(e.files.record)}"


def _known(e: _Examination) -> Record:
    if e.record is None:
        raise RecordRejected("there is no record", "record-missing")
    return e.record


def _consistency(e: _Examination) -> str | Weak:
    record = _known(e)
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
    if e.claim_bytes is None:
        return None
    if e.claim_bytes != e.files.claim:
        raise RecordRejected("the record is about another claim than the one given", "other-claim")
    return "the embedded claim is the one given"


def _signer(e: _Examination) -> str:
    record, signed = _known(e), e.signed
    if record.signer is None or signed is None:
        raise RecordRejected("the pages name no signer, but the file is signed", "signer-differs")
    if record.signer.fingerprint != signed.fingerprint:
        raise RecordRejected("the file was signed by another identity than the pages name", "signer-differs")
    certificate = signed.certificate
    if (record.signer.name, record.signer.self_signed) != (name_of(certificate), is_self_signed(certificate)):
        raise RecordRejected("the pages describe the signer otherwise than the certificate does", "signer-differs")
    if e.files.attestations is not None:
        same = record.renderer.get("layout") == layout()
        require(e.files.attestations, record, digest(e.files.record), certificate, same_version=same)
    return f"{record.signer.name}, sha256 {signed.fingerprint}" + (", self-signed" if record.signer.self_signed else "")


@lru_cache(maxsize=4)
def _rendered(record: bytes, claim: bytes, attestations: Attestations | None) -> bytes:
    """The pages again; kept, since many copies of one record may be checked in one process."""
    return render(from_jcs(record), claim, attestations=attestations)


def _pages(e: _Examination) -> str | Weak:
    record = _known(e)
    if len(record.verdicts) > MAX_CLAUSES:
        return Weak(reason="record-too-large", message="the record is too large to render again")
    try:
        same = versions() == record.renderer
        again = _rendered(e.files.record, e.files.claim, e.files.attestations)
    except RendererUnavailable as error:
        return Weak(reason="renderer-missing", message=f"pages were not compared: {error.message}. {error.hint}")
    if again == e.pdf[: e.shape.pages_end]:
        if not same:
            return Weak(reason="other-version", message="the same pages, but the record names other versions than ours")
        return "rendering the record gives these very bytes"
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
    from verifier.judge import JUDGE, judge  # noqa: PLC0415 - only here

    record = _known(e)
    if record.judge != JUDGE:
        return Weak(reason="other-judge", message=f"judged by {record.judge}; this version judges by {JUDGE}")
    again = judge(e.claim, record.evidence)
    if again == record.verdicts:
        return "judging the embedded evidence gives these very verdicts"
    ours = {
        "judging": judging_digest(),
        "scoring": scoring_digest(),
        "numpy": metadata.version("numpy"),
        "scipy": metadata.version("scipy"),
    }
    if any(record.renderer.get(name) != version for name, version in ours.items()):
        return Weak(reason="other-judge", message="judged by other versions of our code or libraries: not compared")
    if [_essence(v) for v in again] != [_essence(v) for v in record.verdicts]:
        raise RecordRejected("the embedded evidence gives other verdicts", "verdicts-differ")
    pairs = list(zip(again, record.verdicts, strict=True))
    quoted = [(x, y) for a, b in pairs for x, y in zip(_numbers(a), _numbers(b), strict=True)]
    near = all(math.isclose(x, y, rel_tol=2e-3, abs_tol=1e-9) for x, y in quoted)
    if not near or not all(_close(a.interval, b.interval) for a, b in pairs):
        raise RecordRejected("the embedded evidence gives other numbers", "verdicts-differ")
    return Weak(reason="last-digits", message="the same verdicts; numbers differ in their last digits")


def _essence(verdict: ClauseVerdict) -> tuple[object, ...]:
    """What another processor's last digits cannot change."""
    v = verdict
    words = tuple(_NUMBER.sub("#", text or "") for text in (v.measured, v.explanation, *v.notes))
    return v.id, v.kind, v.regime, v.title, v.claimed, v.tolerance, v.decision_rule, v.verdict, v.reason, words


def _numbers(verdict: ClauseVerdict) -> list[float]:
    """All numbers that the clause's texts quote."""
    texts = (verdict.measured, verdict.explanation, *verdict.notes)
    return [float(found) for text in texts for found in _NUMBER.findall(text or "")]


def _close(first: Interval | None, second: Interval | None) -> bool:
    if first is None or second is None:
        return first is second
    pairs = ((first.low, second.low), (first.high, second.high), (first.coverage, second.coverage))
    return (first.unit, first.method) == (second.unit, second.method) and all(
        math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-12) for a, b in pairs
    )


def _trust(e: _Examination) -> str | Weak:
    if e.signed is None:
        raise RecordRejected("there is no signature", "not-signed")
    if not e.signed.trusted:
        return Weak(reason="signer-not-trusted", message=f"not trusted: {e.signed.trust_problem}")
    return "the signer is trusted"


PROCEDURE: tuple[tuple[str, Callable[[_Examination], str | Weak | None]], ...] = (
    ("shape", _shape),  # (1)
    ("digest", _digest),  # (2)
    ("structure", _structure),  # (3)
    ("signature", _signature),  # (4)
    ("update", _update),  # (5)
    ("content", _content),  # (6)
    ("attachments", _attachments),  # (7)
    ("record", _record),  # (8)
    ("consistency", _consistency),  # (9)
    ("claim", _claim),  # (10)
    ("signer", _signer),  # (11)
    ("pages", _pages),  # (12)
    ("verdicts", _verdicts),  # (13)
    ("trust", _trust),  # (14)
)
"""The steps of the module's docstring."""


def _step(number: int, name: str, act: Callable[[_Examination], str | Weak | None], e: _Examination) -> Step:
    try:
        found = act(e)
    except RecordRejected as error:
        return Step(number=number, name=name, status="fail", reason=error.reason, message=error.message)
    except Exception as error:  # noqa: BLE001 - whatever goes wrong, the record has not been shown to be good
        message = f"cannot be read: {type(error).__name__}: {error!s:.200}"
        return Step(number=number, name=name, status="fail", reason=f"{name}-unreadable", message=message)
    if found is None:
        return Step(number=number, name=name, status="not_asked", reason="", message="nothing given to compare with")
    if isinstance(found, Weak):
        return Step(number=number, name=name, status="weak", reason=found.reason, message=found.message)
    return Step(number=number, name=name, status="pass", reason="", message=found)


def check(
    pdf_bytes: bytes,
    *,
    trust: Sequence[x509.Certificate] = (),
    claim_bytes: bytes | None = None,
    at: datetime | None = None,
) -> CheckReport:
    """Check a signed record; never raises for anything that the bytes could hold.

    ``trust`` are anchors or pinned signers; ``claim_bytes`` the claim that the reader holds; ``at`` the moment at which
    certificates must be valid (now).
    """
    e = _Examination(pdf=bytes(pdf_bytes), trust=tuple(trust), claim_bytes=claim_bytes, at=at)
    steps: list[Step] = []
    for number, (name, act) in enumerate(PROCEDURE, start=1):
        if any(step.status == "fail" for step in steps):
            steps.append(Step(number=number, name=name, status="not_reached", reason="", message=""))
        else:
            steps.append(_step(number, name, act, e))
    return _report(e, tuple(steps))


def _report(e: _Examination, steps: tuple[Step, ...]) -> CheckReport:
    found = {step.status for step in steps}
    code: Literal[0, 1, 3] = 1 if "fail" in found else 3 if "weak" in found else 0
    record = e.record if code != 1 else None
    signed = e.signed
    return CheckReport(
        format=CHECK,
        exit_code=code,
        steps=steps,
        signer=None if signed is None else signed.certificate.subject.rfc4514_string(),
        fingerprint=None if signed is None else signed.fingerprint,
        signed_at=None if signed is None else signed.signed_at,
        stamped_at=None if signed is None else signed.stamped_at,
        stamp_trusted=signed is not None and signed.stamp_trusted,
        record_id=None if record is None else record.id,
        record_sha256=None if record is None else digest(e.files.record),
        claim_sha256=None if record is None else record.document.sha256,
        overall=None if record is None else record.overall.value,
    )


_MARKS = {"pass": "ok", "weak": "weak", "fail": "FAIL", "not_asked": "-", "not_reached": "-"}
_WORDS = {0: "authentic and trusted", 1: "REJECTED", 3: "intact, but less than everything could be shown"}


def report_text(report: CheckReport) -> str:
    """The report for people."""
    lines = [f"{_WORDS[report.exit_code]}"]
    lines.extend(
        f"{step.number:>3}  {_MARKS[step.status]:<5} {step.name:<12} {step.message}"
        + (f" [{step.reason}]" if step.reason else "")
        for step in report.steps
    )
    if report.signer:
        lines.append(f"signer       {report.signer}")
        lines.append(f"fingerprint  {report.fingerprint}")
    if report.overall:
        lines.append(f"verdict      {report.overall}, according to record.json (record {report.record_id})")
    return "\n".join(_printable(line) for line in lines) + "\n"


def _printable(line: str) -> str:
    """Names come from the file: nothing in them may steer a terminal."""
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in line)


def report_json(report: CheckReport) -> str:
    """The report for programs."""
    return report.model_dump_json(indent=2) + "\n"
