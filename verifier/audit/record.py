"""The record: claim, evidence and verdicts as data, in the canonical JSON of RFC 8785."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import rfc8785
from pydantic import Field, ValidationError

from lynxspec.claim import Claim, Frozen
from lynxspec.claim.base import NotBlank, Sha256
from lynxspec.scoring import Scorecard
from lynxspec.vocabulary import REQUIRED
from verifier.audit.frontier import Frontier, frontier
from verifier.audit.summary import ClaimSummary, summarize
from verifier.audit.system import SystemRow, system_rows
from verifier.audit.texts import LIMITS, NOT_STATED
from verifier.errors import RecordRejected
from verifier.evidence import Evidence
from verifier.verdict import ClauseVerdict, Reason, Verdict, overall

RECORD: Literal["lynxspec-record/1"] = "lynxspec-record/1"
"""Version of these types; older ones stay readable."""

MAX_BYTES = 64 * 2**20
"""Largest record that is read."""
MAX_DEPTH = 64
"""Deepest nesting that is read."""
MAX_VALUES = 2_000_000
"""Most values in lists and objects that are read: each takes memory many times its text."""
MAX_INTEGER = 2**53 - 1
"""Largest integer that every JSON reader keeps exactly (RFC 8785, appendix D)."""

_TOKENS = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[\[{\]}]', re.DOTALL)

UtcTime = Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$")]
"""A moment as ``2026-11-20T17:42:50Z``."""


RecordName = Annotated[str, Field(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
"""Unique name of a record: a UUID."""


class ClaimDocument(Frozen):
    """The claim file, embedded beside the record byte for byte."""

    name: NotBlank
    """File name as given."""
    attachment: Literal["claim.yaml", "claim.json"]
    """Name under which it is embedded."""
    sha256: Sha256
    """Digest of its bytes."""
    bytes: Annotated[int, Field(ge=0)]
    """Its size."""


class DisclosureRow(Frozen):
    """How far one component was disclosed."""

    component: str
    """A `Component`."""
    required: bool
    """Whether it is one of the sixteen."""
    status: Literal["disclosed", "partial", "contradicted", "missing", "not_applicable"]
    """As scored."""
    value: str | None
    """What the claim states."""


class ScoreSummary(Frozen):
    """The scorecard of the claim."""

    model: str
    """Version of the score model."""
    score: float
    """0 to 100."""
    grade: Literal["A", "B", "C", "D", "E", "F"]
    """The same as a letter."""
    points: float
    """Points reached."""
    denominator: float
    """Points that could be reached."""
    complete: bool
    """No required component is missing or contradicted."""
    deployment_grade: bool
    """All required components are fully disclosed or not applicable."""
    disclosures: tuple[DisclosureRow, ...]
    """All components."""


class Performed(Frozen):
    """What only people can say: who did this, where, when and for whom, as given; nothing is invented.

    The particulars of ISO/IEC 17025:2017, 7.8.2.1 and 7.8.3.1, that no program can know.
    """

    person: NotBlank = NOT_STATED
    """Person who authorises the record."""
    function: NotBlank = NOT_STATED
    """What that person is."""
    organisation: NotBlank = NOT_STATED
    """Organisation that issues the record."""
    address: NotBlank = NOT_STATED
    """Its address."""
    contact: NotBlank = NOT_STATED
    """How to reach it."""
    accreditation: NotBlank = NOT_STATED
    """Accreditation of the laboratory for this work."""
    independence: NotBlank = NOT_STATED
    """How the issuer stands to claimant and customer, conflicts of interest included."""
    place: NotBlank = NOT_STATED
    """Where the work was done."""
    customer: NotBlank = NOT_STATED
    """For whom."""
    customer_contact: NotBlank = NOT_STATED
    """How to reach them."""
    received: NotBlank = NOT_STATED
    """When the items under test were received."""
    performed: NotBlank = NOT_STATED
    """When the work was done."""
    condition: NotBlank = NOT_STATED
    """Condition of the items when they were received."""
    environment: NotBlank = NOT_STATED
    """Conditions that no sensor of the machine shows: room, cooling, other tenants."""
    availability: NotBlank = NOT_STATED
    """Since when the hardware and software under test can be bought or had."""
    deviations: NotBlank = NOT_STATED
    """Additions to, deviations and exclusions from the method, beyond those that the program found."""
    external: NotBlank = NOT_STATED
    """Results that come from others."""
    opinions: NotBlank = NOT_STATED
    """Opinions and interpretations of the person who authorises; no part of the verdicts."""
    supersedes: RecordName | None = None
    """Id of the record that this one takes the place of; ``None`` if none is stated."""
    changes: NotBlank = NOT_STATED
    """What differs from that record, and why."""


class SignerStatement(Frozen):
    """The identity that this record is meant to be signed with."""

    name: NotBlank
    """Subject of the certificate."""
    fingerprint: Sha256
    """SHA-256 of the certificate."""
    self_signed: bool
    """Whether nobody but the signer vouches for the certificate."""


class Record(Frozen):
    """Everything that an audit record states, and what it rests on."""

    format: Literal["lynxspec-record/1"]
    id: RecordName
    """Unique name of the record."""
    created: UtcTime
    """When it was made."""
    document: ClaimDocument
    """The claim file."""
    claim: ClaimSummary
    """What the pages quote from it."""
    score: ScoreSummary
    """How much it discloses."""
    overall: Verdict
    """Verdict on the claim."""
    verdicts: tuple[ClauseVerdict, ...]
    """Verdict on each clause."""
    evidence: Evidence
    """What was measured, in full."""
    system: tuple[SystemRow, ...]
    """System and tools as claimed and as found; what differs is a deviation."""
    judge: NotBlank
    """Version of the judge."""
    renderer: dict[str, str]
    """Versions of everything that shapes the pages."""
    performed: Performed
    """Who, where, for whom."""
    signer: SignerStatement | None
    """Who is to sign; ``None`` for a record that stays unsigned."""
    limits: tuple[str, ...]
    """Limits of the statement."""
    page: Literal["A4", "Letter"] = "A4"
    """Size of the pages."""
    frontier: Frontier | None = None
    """Every regime as a point of throughput and accuracy; ``None`` too in records of earlier versions."""


def summary_of(card: Scorecard) -> ScoreSummary:
    """What the record keeps of a scorecard."""
    return ScoreSummary(
        model=card.model,
        score=card.score,
        grade=card.grade,
        points=card.points,
        denominator=card.denominator,
        complete=card.complete,
        deployment_grade=card.deployment_grade,
        disclosures=tuple(
            DisclosureRow(
                component=component.value,
                required=component in REQUIRED,
                status=disclosure.status.value,
                value=disclosure.value,
            )
            for component, disclosure in card.disclosures.items()
        ),
    )


def make(
    claim: Claim,
    claim_bytes: bytes,
    *,
    name: str,
    record_id: str,
    created: str,
    scorecard: Scorecard,
    verdicts: Sequence[ClauseVerdict],
    evidence: Evidence,
    judge: str,
    renderer: dict[str, str],
    performed: Performed | None = None,
    signer: SignerStatement | None = None,
    page: Literal["A4", "Letter"] = "A4",
) -> Record:
    """Put a record together from what the stages gave."""
    summary = summarize(claim)
    return Record(
        format=RECORD,
        id=record_id,
        created=created,
        document=ClaimDocument(
            name=name,
            attachment="claim.json" if name.lower().endswith(".json") else "claim.yaml",
            sha256=hashlib.sha256(claim_bytes).hexdigest(),
            bytes=len(claim_bytes),
        ),
        claim=summary,
        score=summary_of(scorecard),
        overall=overall(tuple(verdicts)),
        verdicts=tuple(verdicts),
        evidence=evidence,
        system=system_rows(claim, evidence),
        judge=judge,
        renderer=renderer,
        performed=performed or Performed(),
        signer=signer,
        limits=LIMITS,
        page=page,
        frontier=frontier(summary, evidence, verdicts),
    )


def to_jcs(record: Record) -> bytes:
    """Canonical bytes of ``record`` (RFC 8785); they are read back once, so that what is written is readable."""
    data = rfc8785.dumps(record.model_dump(mode="json"))
    from_jcs(data)
    return data


def digest(data: bytes) -> str:
    """SHA-256 of a record's canonical bytes, as printed on each page."""
    return hashlib.sha256(data).hexdigest()


def _refuse(message: str, reason: str, what: str = "record.json") -> RecordRejected:
    return RecordRejected(f"{what} {message}", reason, hint="Ask the issuer for an unaltered copy.")


def _integer(text: str) -> int:
    if len(text) > 17 or abs(int(text)) > MAX_INTEGER:
        raise _Unclear("holds an integer beyond 2^53", "json-big-integer")
    return int(text)


def _real(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise _Unclear("holds a number beyond the range of doubles", "json-not-finite")
    return value


def _constant(text: str) -> float:
    raise _Unclear(f"holds {text}, which JSON does not have", "json-not-finite")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    if len(set(keys)) != len(keys):
        raise _Unclear("names a key twice", "json-duplicate-key")
    return dict(pairs)


class _Unclear(Exception):
    """JSON that two readers could read in two ways; what and its code."""


def _bounded_depth(data: bytes) -> None:
    """Count brackets outside strings before the recursive parser sees them."""
    depth = 0
    for token in _TOKENS.finditer(data):
        mark = token[0]
        if mark in (b"[", b"{"):
            depth += 1
            if depth > MAX_DEPTH:
                raise _Unclear(f"nests deeper than {MAX_DEPTH}", "json-depth")
        elif mark in (b"]", b"}"):
            depth -= 1


def _parsed(data: bytes) -> Any:  # noqa: ANN401 - any JSON value
    if len(data) > MAX_BYTES:
        raise _Unclear(f"is larger than {MAX_BYTES} bytes", "json-size")
    if data.count(b",") > MAX_VALUES:
        raise _Unclear(f"holds more than {MAX_VALUES} values", "json-size")
    _bounded_depth(data)
    try:
        text = data.decode("utf-8")
        value = json.loads(
            text, object_pairs_hook=_unique, parse_int=_integer, parse_float=_real, parse_constant=_constant
        )
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise _Unclear(f"is not JSON: {error}", "json-syntax") from error
    try:
        canonical = rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        raise _Unclear(f"has no canonical form: {error}", "json-not-canonical") from error
    if canonical != data:
        raise _Unclear("is not in canonical form (RFC 8785)", "json-not-canonical")
    return value


def strict_json(data: bytes, what: str = "record.json") -> Any:  # noqa: ANN401 - any JSON value
    """Parse canonical JSON; whatever two readers could read in two ways is refused. ``what`` names it in the error."""
    try:
        return _parsed(data)
    except _Unclear as error:
        message, reason = error.args
        raise _refuse(message, reason, what) from error


def from_jcs(data: bytes) -> Record:
    """Read a record strictly; raises `RecordRejected`."""
    value = strict_json(data)
    found = value.get("format") if isinstance(value, dict) else None
    if found != RECORD:
        raise _refuse(f"has format {found!r:.60}; this version reads {RECORD!r}", "record-format")
    try:
        return Record.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise _refuse(f"does not follow its schema at {place}: {first['msg']}", "record-schema") from error


def contradictions(record: Record) -> tuple[str, ...]:
    """What the record says in two ways that do not agree; empty if it is consistent."""
    found = []
    if record.overall is not overall(record.verdicts):
        found.append("the overall verdict does not follow from the clauses")
    for verdict in record.verdicts:
        try:
            reason = Reason.of(verdict.reason)
        except KeyError:
            found.append(f"clause {verdict.id} names an unknown reason")
            continue
        if reason.verdict is not verdict.verdict:
            found.append(f"clause {verdict.id} is {verdict.verdict} for a reason that means {reason.verdict}")
    if len({v.id for v in record.verdicts}) != len(record.verdicts):
        found.append("two clauses have one id")
    if record.evidence.claim_sha256 != record.document.sha256:
        found.append("the evidence is for another claim file")
    if record.frontier is not None and record.frontier != frontier(record.claim, record.evidence, record.verdicts):
        found.append("the points of the frontier do not follow from claim, evidence and clauses")
    return tuple(found)
