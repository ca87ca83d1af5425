"""The signature of a record: what it is made of, and whether it holds."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from verifier.audit.carried import require_plain, signed_data
from verifier.audit.finisher import FIELD
from verifier.audit.keys import admitted
from verifier.audit.objects import refuse
from verifier.audit.structure import Shape, digest_of
from verifier.errors import SigningFailed

for _name in ("pyhanko", "pyhanko_certvalidator"):
    logging.getLogger(_name).addHandler(logging.NullHandler())  # our report says it, not a stray line on stderr


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A signature that holds; whether its signer is to be trusted is `verifier.audit.trust`'s affair."""

    certificate: x509.Certificate
    others: tuple[x509.Certificate, ...]
    """Further certificates in the container."""
    signed_at: datetime | None
    """Time that the signer states."""
    stamp: Any
    """Time stamp token over the signature (CMS signed data), if there is one."""
    value: bytes
    """The signature value: what the token is over."""

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate."""
        return hashlib.sha256(self.certificate.public_bytes(Encoding.DER)).hexdigest()


ADMITTED_DIGESTS = ("sha256", "sha384", "sha512")
_SIGNED_ATTRIBUTES = {
    "content_type",
    "message_digest",
    "signing_certificate_v2",
    "signing_time",
    "cms_algorithm_protection",
    "adobe_revocation_info_archival",
    "1.2.840.113549.1.9.16.2.16",  # commitment type
    "1.2.840.113549.1.9.16.2.15",  # signature policy
    "signature_policy_identifier",
    "commitment_type_indication",
    "content_time_stamp",
}


def require_digest(pdf: bytes, shape: Shape) -> None:
    """The digest in the container must be that of the file: the quick test that most alterations fail."""
    content = signed_data(shape.cms, "signature-container")
    require_plain(content)
    (signer,) = content["signer_infos"]
    attributes = _attributes(signer["signed_attrs"])
    algorithm = signer["digest_algorithm"]["algorithm"].native
    if algorithm not in ADMITTED_DIGESTS:
        raise refuse(f"the digest algorithm {algorithm:.40} is not admitted", "weak-algorithm")
    if "signing_certificate_v2" not in attributes:
        raise refuse("the signature does not name its certificate", "signature-certificate")
    if not set(attributes) <= _SIGNED_ATTRIBUTES:
        unknown = ", ".join(sorted(set(attributes) - _SIGNED_ATTRIBUTES))
        raise refuse(f"the signature makes further statements: {unknown:.80}", "signature-attributes")
    if [v.native for v in attributes["message_digest"]] != [digest_of(pdf, shape.gap, shape.signed_end, algorithm)]:
        raise refuse("the file was altered after it was signed", "signature-altered")


def _attributes(attributes: Any) -> dict[str, Any]:  # noqa: ANN401 - asn1crypto's
    """Attributes by name; one that stands twice could be read in two ways."""
    found = {}
    for attribute in attributes:
        name = attribute["type"].native
        if name in found or len(attribute["values"]) != 1:
            raise refuse(f"the attribute {name:.40} stands twice in the signature", "signature-attributes")
        found[name] = attribute["values"]
    return found


def _require_certification(root: Any, found: Any) -> None:  # noqa: ANN401 - pyHanko's catalog and embedded signature
    from pyhanko.sign.fields import MDPPerm  # noqa: PLC0415

    if found.field_name != FIELD:
        raise refuse(f"the signature stands in the field {found.field_name!r:.60}", "signature-field")
    if found.sig_object["/SubFilter"] != "/ETSI.CAdES.detached":
        raise refuse("the signature is not a PAdES signature", "signature-kind")
    stated = {str(each["/TransformMethod"]): each["/TransformParams"] for each in found.sig_object["/Reference"]}
    certifies = "/Perms" in root and "/DocMDP" in root["/Perms"] and set(stated) == {"/DocMDP", "/FieldMDP"}
    if certifies and (stated["/DocMDP"]["/P"] != 1 or stated["/FieldMDP"]["/Action"] != "/All"):
        certifies = False
    if not certifies or found.docmdp_level is not MDPPerm.NO_CHANGES:
        raise refuse("the signature does not forbid changes", "signature-permissions")


def validate(reader: Any) -> Signed:  # noqa: ANN401 - a pyHanko reader of the signed revision
    """Validate the one signature; raises `RecordRejected` if it does not hold."""
    from pyhanko.sign.validation.status import SignatureCoverageLevel  # noqa: PLC0415 - slow to import

    signatures = reader.embedded_signatures
    if len(signatures) != 1:
        raise refuse(f"the file holds {len(signatures)} signatures", "signature-count")
    found = signatures[0]
    _require_certification(reader.root, found)
    status = _status(found)
    if not status.intact:
        raise refuse("the file was altered after it was signed", "signature-altered")
    if not status.valid:
        raise refuse("the signature value is wrong", "signature-invalid")
    if status.coverage is not SignatureCoverageLevel.ENTIRE_FILE or not status.docmdp_ok:
        raise refuse("the signature does not cover the whole file", "signature-range")
    if status.md_algorithm not in ADMITTED_DIGESTS:
        raise refuse(f"the digest algorithm {status.md_algorithm} is not admitted", "weak-algorithm")
    return _signed(status, found)


def _status(found: Any) -> Any:  # noqa: ANN401 - pyHanko's embedded signature and status
    """Word of pyHanko; whom to trust is not its affair here."""
    from pyhanko.sign.validation import validate_pdf_signature  # noqa: PLC0415 - slow to import
    from pyhanko_certvalidator import ValidationContext  # noqa: PLC0415

    nobody = ValidationContext(trust_roots=[], allow_fetching=False, revocation_mode="none")
    return validate_pdf_signature(found, nobody)


def require_only_archive_updates(whole: Any, *, stamps: int) -> None:  # noqa: ANN401 - a pyHanko reader of the file
    """Also pyHanko must find nothing after the signature but what archives add."""
    from pyhanko.sign.diff_analysis import ModificationLevel  # noqa: PLC0415 - slow to import

    signatures = whole.embedded_regular_signatures
    if len(signatures) != 1 or len(whole.embedded_signatures) != 1 + stamps:
        raise refuse(f"the file holds {len(whole.embedded_signatures)} signatures", "signature-count")
    status = _status(signatures[0])
    level = status.modification_level
    if not (status.intact and status.valid and status.docmdp_ok) or level > ModificationLevel.LTA_UPDATES:
        raise refuse("the file was changed after it was signed", "archive-changes")


def _signed(status: Any, found: Any) -> Signed:  # noqa: ANN401 - pyHanko's status and embedded signature
    certificate = x509.load_der_x509_certificate(status.signing_cert.dump())
    try:
        admitted(certificate.public_key())
    except SigningFailed as error:
        raise refuse(error.message, "weak-algorithm") from error
    unsigned = found.signer_info["unsigned_attrs"]
    added = _attributes(unsigned) if len(unsigned) else {}
    if not set(added) <= {"signature_time_stamp_token"}:
        raise refuse("something was added to the signature that it does not cover", "signature-attributes")
    stamps = added.get("signature_time_stamp_token")
    return Signed(
        certificate=certificate,
        others=tuple(x509.load_der_x509_certificate(c.dump()) for c in found.other_embedded_certs),
        signed_at=status.signer_reported_dt,
        stamp=None if stamps is None else stamps[0]["content"],
        value=found.signer_info["signature"].native,
    )
