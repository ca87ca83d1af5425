"""The signature of a record: what it is made of, whether it holds, and whether the reader trusts its signer."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from verifier.audit.finisher import FIELD
from verifier.audit.keys import require_strength
from verifier.audit.structure import Shape, digest_of
from verifier.errors import RecordRejected, SigningFailed

for _name in ("pyhanko", "pyhanko_certvalidator"):
    logging.getLogger(_name).addHandler(logging.NullHandler())  # our report says it, not a stray line on stderr


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A signature that holds."""

    certificate: x509.Certificate
    signed_at: str | None
    """Time that the signer states."""
    stamped_at: str | None
    """Time in the time stamp, if there is one."""
    trusted: bool
    trust_problem: str
    """Why it is not trusted; empty if it is."""
    stamp_trusted: bool

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate."""
        return hashlib.sha256(self.certificate.public_bytes(Encoding.DER)).hexdigest()


def _refuse(message: str, reason: str) -> RecordRejected:
    return RecordRejected(message, reason, hint="Ask the issuer for an unaltered copy.")


def require_digest(pdf: bytes, shape: Shape) -> None:
    """The digest in the container must be that of the file: the quick test that most alterations fail."""
    import asn1crypto.tsp  # noqa: F401, PLC0415 - must be loaded before any container is read
    from asn1crypto import cms  # noqa: PLC0415

    container = cms.ContentInfo.load(shape.cms, strict=True)
    if container["content_type"].native != "signed_data":
        raise _refuse("the signature container is of another kind", "signature-container")
    signers = container["content"]["signer_infos"]
    if len(signers) != 1:
        raise _refuse(f"the container holds {len(signers)} signers", "signature-count")
    attributes = {a["type"].native: a["values"] for a in signers[0]["signed_attrs"]}
    algorithm = signers[0]["digest_algorithm"]["algorithm"].native
    if algorithm not in ("sha256", "sha384", "sha512"):
        raise _refuse(f"the digest algorithm {algorithm} is not admitted", "weak-algorithm")
    if "signing_certificate_v2" not in attributes:
        raise _refuse("the signature does not name its certificate", "signature-certificate")
    if [v.native for v in attributes["message_digest"]] != [digest_of(pdf, shape, algorithm)]:
        raise _refuse("the file was altered after it was signed", "signature-altered")


def _context(trust: Sequence[x509.Certificate], at: datetime | None) -> Any:  # noqa: ANN401 - pyHanko's
    from asn1crypto import x509 as asn1_x509  # noqa: PLC0415
    from pyhanko_certvalidator import ValidationContext  # noqa: PLC0415

    roots = [asn1_x509.Certificate.load(c.public_bytes(Encoding.DER)) for c in trust]
    return ValidationContext(trust_roots=roots, allow_fetching=False, moment=at, revocation_mode="soft-fail")


def _require_certification(root: Any, found: Any) -> None:  # noqa: ANN401 - pyHanko's catalog and embedded signature
    from pyhanko.sign.fields import MDPPerm  # noqa: PLC0415

    if found.field_name != FIELD:
        raise _refuse(f"the signature stands in the field {found.field_name!r:.60}", "signature-field")
    if found.sig_object["/SubFilter"] != "/ETSI.CAdES.detached":
        raise _refuse("the signature is not a PAdES signature", "signature-kind")
    transforms = [reference["/TransformMethod"] for reference in found.sig_object["/Reference"]]
    certifies = "/Perms" in root and "/DocMDP" in root["/Perms"] and "/DocMDP" in transforms
    if not certifies or found.docmdp_level is not MDPPerm.NO_CHANGES:
        raise _refuse("the signature does not forbid changes", "signature-permissions")


def validate(
    reader: Any,  # noqa: ANN401 - a pyHanko reader
    *,
    trust: Sequence[x509.Certificate],
    at: datetime | None,
) -> Signed:
    """Validate the one signature; raises `RecordRejected` if it does not hold."""
    from pyhanko.sign.validation import validate_pdf_signature  # noqa: PLC0415 - slow to import
    from pyhanko.sign.validation.status import SignatureCoverageLevel  # noqa: PLC0415

    signatures = reader.embedded_signatures
    if len(signatures) != 1:
        raise _refuse(f"the file holds {len(signatures)} signatures", "signature-count")
    found = signatures[0]
    _require_certification(reader.root, found)
    status = validate_pdf_signature(found, _context(trust, at))
    if not status.intact:
        raise _refuse("the file was altered after it was signed", "signature-altered")
    if not status.valid:
        raise _refuse("the signature value is wrong", "signature-invalid")
    if status.coverage is not SignatureCoverageLevel.ENTIRE_FILE or not status.docmdp_ok:
        raise _refuse("the signature does not cover the whole file", "signature-range")
    if status.md_algorithm not in ("sha256", "sha384", "sha512"):
        raise _refuse(f"the digest algorithm {status.md_algorithm} is not admitted", "weak-algorithm")
    certificate = x509.load_der_x509_certificate(status.signing_cert.dump())
    key = certificate.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey):
        raise _refuse("the signer's key is of a kind that is not admitted", "weak-algorithm")
    try:
        require_strength(key)
    except SigningFailed as error:
        raise _refuse(error.message, "weak-algorithm") from error
    stamp = status.timestamp_validity
    if stamp is not None and not (stamp.intact and stamp.valid):
        raise _refuse("the time stamp does not belong to the signature", "time-stamp")
    proven = stamp.timestamp if stamp is not None and stamp.trusted else None
    problem = _problem(status, certificate, trust, proven or at or datetime.now(UTC))
    return Signed(
        certificate=certificate,
        signed_at=None if status.signer_reported_dt is None else status.signer_reported_dt.isoformat(),
        stamped_at=None if stamp is None else stamp.timestamp.isoformat(),
        trusted=not problem,
        trust_problem=problem,
        stamp_trusted=proven is not None,
    )


def _problem(status: Any, certificate: x509.Certificate, trust: Sequence[x509.Certificate], moment: datetime) -> str:  # noqa: ANN401
    """Why the signer is not trusted, for people; empty if it is. Anchors do not expire for pyHanko, here they do."""
    if not trust:
        return "no trust anchor was given"
    if moment > certificate.not_valid_after_utc:
        return f"the signer's certificate expired on {certificate.not_valid_after_utc:%Y-%m-%d}"
    if moment < certificate.not_valid_before_utc:
        return f"the signer's certificate is valid from {certificate.not_valid_before_utc:%Y-%m-%d} only"
    if status.trusted:
        return ""
    indication = status.trust_problem_indic
    return "the signer does not lead to a trust anchor" + (f" ({indication.name})" if indication else "")
