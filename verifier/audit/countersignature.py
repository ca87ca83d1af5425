"""A countersignature: a second person approves a finished record; the PDF stays untouched.

It lies beside the PDF as ``RECORD.pdf.countersign.json``, further ones as ``RECORD.pdf.countersign.2.json``, ``.3`` and
so on without a gap, and is a bundle of `verifier.audit.envelope` over this in-toto statement::

    {"_type": "https://in-toto.io/Statement/v1",
     "subject": [{"name": FILE NAME OF THE PDF, "digest": {"sha256": OF THE WHOLE PDF FILE}}],
     "predicateType": "https://lynxspec.org/attestation/countersignature/v1",
     "predicate": {"role": "approves",
                   "person": TEXT, "function": TEXT, "organisation": TEXT,      each as given, or "not stated"
                   "time": "2026-11-29T07:30:00Z",                               by the approver's own clock
                   "statement": TEXT,                                            what the approval means, one fixed text
                   "record": {"id": UUID, "sha256": OF record.json},
                   "certificates": [BASE64 DER, ...]}}                           the approver's first, then its chain

Who checks one (`lynxspec check` does; `examine` is the code) must see, in this order, else the countersignature is
rejected, which says nothing against the record itself:

1. the bundle and the statement are canonical JSON of exactly this shape;
2. the signature is by the key of the first certificate, of an admitted kind, and the bundle's hint names that key;
3. the subject's digest is that of the PDF at hand (the name is free: files are renamed), and id and digest of the
   record are those of the record inside;
4. the approver leads to a trust anchor or is pinned, by the rules for signers; otherwise *who* signed is only what the
   file says of itself, and must be reported so.

The stated time is nobody's but the approver's. A countersignature by the record's own signer is reported as such: it
is no second person.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pydantic import Field, ValidationError

from lynxspec.claim import Frozen
from lynxspec.claim.base import NotBlank, Sha256
from verifier.audit.envelope import STATEMENT_TYPE, opened, refuse, require_signature, seal
from verifier.audit.keys import Identity, admitted
from verifier.audit.record import RecordName, UtcTime
from verifier.audit.texts import NOT_STATED
from verifier.errors import SigningFailed

PREDICATE_TYPE: Literal["https://lynxspec.org/attestation/countersignature/v1"] = (
    "https://lynxspec.org/attestation/countersignature/v1"
)
STATEMENT: Literal["I have examined this audit record and approve it."] = (
    "I have examined this audit record and approve it."
)
MOST = 32
"""Countersignatures of one record that are looked for."""


class Digest(Frozen):
    """Digest of a subject."""

    sha256: Sha256
    """Of the whole file."""


class Subject(Frozen):
    """The PDF that was approved."""

    name: NotBlank
    """File name when it was approved."""
    digest: Digest
    """Which bytes."""


class ApprovedRecord(Frozen):
    """The record inside that PDF."""

    id: RecordName
    """Its id."""
    sha256: Sha256
    """Digest of record.json."""


class Approval(Frozen):
    """Who approves what, when."""

    role: Literal["approves"]
    """What the signature means."""
    person: NotBlank
    """Name as given."""
    function: NotBlank
    """What the person is, as given."""
    organisation: NotBlank
    """As given."""
    time: UtcTime
    """By the approver's own clock."""
    statement: Literal["I have examined this audit record and approve it."]
    """The same in words."""
    record: ApprovedRecord
    """What is approved, by the record's own names."""
    certificates: Annotated[tuple[NotBlank, ...], Field(min_length=1, max_length=8)]
    """The approver's certificate, then its chain: DER in base64."""


class Countersignature(Frozen):
    """The whole statement."""

    type: Annotated[Literal["https://in-toto.io/Statement/v1"], Field(alias="_type")]
    """in-toto, version 1."""
    subject: Annotated[tuple[Subject, ...], Field(min_length=1, max_length=1)]
    """The PDF."""
    predicateType: Literal["https://lynxspec.org/attestation/countersignature/v1"]  # noqa: N815 - in-toto's spelling
    """This kind of statement."""
    predicate: Approval
    """Who approves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """A countersignature that holds; whether its signer is trusted is for the reader's anchors to say."""

    approval: Approval
    certificate: x509.Certificate
    """The approver's."""
    chain: tuple[x509.Certificate, ...]


def path_of(pdf: Path, number: int) -> Path:
    """Where the countersignature of that number (from 1) lies."""
    return pdf.with_name(f"{pdf.name}.countersign{'' if number == 1 else f'.{number}'}.json")


def beside(pdf: Path) -> tuple[Path, ...]:
    """The countersignatures of a record, in order, up to the first gap."""
    found = []
    for number in range(1, MOST + 1):
        path = path_of(pdf, number)
        if not path.is_file():
            break
        found.append(path)
    return tuple(found)


def countersign(
    pdf: bytes,
    identity: Identity,
    *,
    name: str,
    record_id: str,
    record_sha256: str,
    time: str,
    person: str = NOT_STATED,
    function: str = NOT_STATED,
    organisation: str = NOT_STATED,
) -> bytes:
    """The countersignature of ``pdf``, whose record the caller has checked. Raises `SigningFailed`."""
    certificates = (identity.certificate, *identity.chain)
    statement = {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": name, "digest": {"sha256": hashlib.sha256(pdf).hexdigest()}}],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "role": "approves",
            "person": person,
            "function": function,
            "organisation": organisation,
            "time": time,
            "statement": STATEMENT,
            "record": {"id": record_id, "sha256": record_sha256},
            "certificates": [base64.b64encode(c.public_bytes(Encoding.DER)).decode() for c in certificates],
        },
    }
    return seal(statement, identity)


def examine(bundle: bytes, pdf: bytes, *, record_id: str, record_sha256: str) -> Examined:
    """Steps 1 to 3 of the module's documentation. Raises `RecordRejected`, and nothing else for any bytes."""
    envelope = opened(bundle)  # (1)
    try:
        statement = Countersignature.model_validate_json(envelope.statement)
        approval = statement.predicate
        certificates = [
            x509.load_der_x509_certificate(base64.b64decode(text, validate=True)) for text in approval.certificates
        ]
    except (ValidationError, ValueError) as error:
        raise refuse("it is not a countersignature of this version", "countersign-shape") from error
    try:
        admitted(certificates[0].public_key())  # (2)
    except SigningFailed as error:
        raise refuse(error.message, "weak-algorithm") from error
    require_signature(envelope, certificates[0])
    if statement.subject[0].digest.sha256 != hashlib.sha256(pdf).hexdigest():  # (3)
        raise refuse("it approves another file", "countersign-other-file")
    if (approval.record.id, approval.record.sha256) != (record_id, record_sha256):
        raise refuse("it names another record than the one inside", "countersign-other-record")
    return Examined(approval=approval, certificate=certificates[0], chain=tuple(certificates[1:]))
