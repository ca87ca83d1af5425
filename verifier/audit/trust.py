"""Whom a reader may believe: time stamps, revocation, and the way from a signer to an anchor. No network takes part.

Evidence that helps to decide (certificates, revocation lists and answers) comes from the record or from the reader; it
never makes anything trusted by itself. Proof of time runs backwards, as in ETSI EN 319 102-1 (5.6): the newest document
time stamp is judged now, each older one at the time that the next newer one proves, then the time stamp in the
signature, then the signer at the earliest time that is proven.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, Literal

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding

from verifier.audit.archive import Evidence, Stamp
from verifier.audit.carried import Pool, certificates_in, chain, issued, signed_data, strange, unproven
from verifier.audit.objects import refuse
from verifier.audit.signature import ADMITTED_DIGESTS, Signed
from verifier.audit.structure import digest_of

SKEW = timedelta(hours=1)
"""How far the clocks of a signer and of a time stamp service may differ."""
PURPOSES = {
    "1.3.6.1.5.5.7.3.4",  # e-mail protection
    "1.3.6.1.5.5.7.3.36",  # document signing, RFC 9336
    "2.5.29.37.0",  # any
    "1.3.6.1.4.1.311.10.3.12",  # document signing, Microsoft
    "1.2.840.113583.1.1.5",  # authentic documents, Adobe
    "1.3.6.1.5.5.7.3.2",  # client authentication: what many authorities put into certificates of persons
}
"""Extended key usages of certificates that sign documents."""
_COMPROMISED = {
    x509.ReasonFlags.key_compromise,
    x509.ReasonFlags.ca_compromise,
    x509.ReasonFlags.aa_compromise,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What the reader brings along."""

    anchors: tuple[x509.Certificate, ...] = ()
    """Authorities and signers that they trust."""
    stamp_anchors: tuple[x509.Certificate, ...] = ()
    """Authorities and time stamp services that they trust for time alone."""
    crls: tuple[x509.CertificateRevocationList, ...] = ()
    signers: tuple[str, ...] = ()
    """Fingerprints; if there are any, the signer must be one of them."""
    at: datetime | None = None
    """Moment at which all is judged (now)."""

    @property
    def moment(self) -> datetime:
        """When this is."""
        return self.at or datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """A certificate was taken back."""

    whose: str
    when: datetime
    reason: x509.ReasonFlags | None


@dataclass(slots=True, kw_only=True)
class Times:
    """What the time stamps prove."""

    stamped_at: datetime | None = None
    """Time in the signature's own time stamp."""
    archived_at: tuple[datetime, ...] = ()
    """Times in the document time stamps."""
    trusted: bool = False
    """Whether the service of the signature's own time stamp leads to an anchor."""
    problem: str = ""
    """Why a time stamp, this or a document's, is not trusted; empty if all are or there is none."""
    proven: datetime | None = None
    """Moment before which the signature existed, if a trusted service says so."""
    notes: list[str] = field(default_factory=list)


def pool(signed: Signed, evidence: Evidence, given: Given) -> Pool:
    """Put all evidence together; raises `RecordRejected` if a certificate in the file is not as it was issued."""
    embedded = [*signed.others, *(x509.load_der_x509_certificate(der) for der in evidence.certificates)]
    tokens = [signed_data(stamp.token, "archive-stamp") for stamp in evidence.stamps]
    tokens += [] if signed.stamp is None else [signed.stamp]
    for token in tokens:
        embedded += certificates_in(token)
    lists = [x509.load_der_x509_crl(der) for der in evidence.crls]
    known = tuple(dict.fromkeys((signed.certificate, *embedded, *given.anchors, *given.stamp_anchors)))
    return Pool(
        certificates=known,
        crls=(*lists, *given.crls),
        ocsps=tuple(evidence.ocsps),
        unproven=unproven(embedded, known),
        unusual=tuple(words for token in tokens if (words := strange(token))),
    )


def _asn1(certificate: x509.Certificate) -> Any:  # noqa: ANN401 - asn1crypto's
    from asn1crypto import x509 as asn1_x509  # noqa: PLC0415

    return asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER))


def _context(roots: Iterable[x509.Certificate], known: Pool, moment: datetime, mode: str) -> Any:  # noqa: ANN401
    """pyHanko's: revocation is judged by what is at hand, also by lists that are newer than ``moment``."""
    from asn1crypto import crl, ocsp  # noqa: PLC0415
    from pyhanko_certvalidator import ValidationContext  # noqa: PLC0415

    return ValidationContext(
        trust_roots=[_asn1(c) for c in roots],
        other_certs=[_asn1(c) for c in known.certificates],
        crls=[crl.CertificateList.load(c.public_bytes(Encoding.DER)) for c in known.crls],
        ocsps=[ocsp.OCSPResponse.load(der) for der in known.ocsps],
        allow_fetching=False,
        moment=moment,
        revocation_mode=mode,
        retroactive_revinfo=True,
    )


def times(pdf: bytes, signed: Signed, evidence: Evidence, known: Pool, given: Given) -> Times:
    """Judge all time stamps; raises `RecordRejected` if one does not belong to what it stands on."""
    found, moment = Times(), given.moment
    roots = tuple(c for c in dict.fromkeys((*given.anchors, *given.stamp_anchors)) if _is_ca(c) or _stamps(c))
    for stamp in reversed(evidence.stamps):
        when, trusted, _ = _token(
            signed_data(stamp.token, "archive-stamp"), _imprint(pdf, stamp), roots, known, moment, "archive-stamp"
        )
        found.archived_at = (when, *found.archived_at)
        if trusted == "hard":
            moment = found.proven = min(moment, when)
        else:
            found.problem = f"the service of the document time stamp {when.isoformat()} is not trusted"
    if signed.stamp is None:
        return found
    over = signed.value
    found.stamped_at, trusted, problem = _token(
        signed.stamp, lambda name: hashlib.new(name, over).digest(), roots, known, moment, "time-stamp"
    )
    found.trusted = trusted != "no"
    found.problem = problem or found.problem
    if trusted == "hard":
        found.proven = min(moment, found.stamped_at)
    elif trusted == "soft":
        found.notes.append("whether its service's certificate was revoked is not known")
    if found.trusted and signed.signed_at is not None and signed.signed_at > found.stamped_at + SKEW:
        raise refuse("the signer states a later time than the time stamp proves", "time-contradiction")
    return found


def _imprint(pdf: bytes, stamp: Stamp) -> Callable[[str], bytes]:
    return lambda name: digest_of(pdf, stamp.gap, stamp.end, name)


def _token(
    content: Any,  # noqa: ANN401 - asn1crypto's signed data
    imprint: Callable[[str], bytes],
    roots: Sequence[x509.Certificate],
    known: Pool,
    moment: datetime,
    reason: str,
) -> tuple[datetime, Literal["hard", "soft", "no"], str]:
    """Time, trust (``soft``: but for revocation, of which nothing is known) and problem of a token that holds."""
    from pyhanko.sign.validation.generic_cms import validate_tst_signed_data  # noqa: PLC0415 - slow to import
    from pyhanko.sign.validation.status import TimestampSignatureStatus  # noqa: PLC0415

    problem = "its service does not lead to a trust anchor"
    when: datetime | None = None
    for trust, mode in (("hard", "hard-fail"), ("soft", "soft-fail")):
        status = TimestampSignatureStatus(
            **asyncio.run(validate_tst_signed_data(content, _context(roots, known, moment, mode), imprint))
        )
        if not (status.intact and status.valid) or status.md_algorithm not in ADMITTED_DIGESTS:
            raise refuse("a time stamp does not belong to what it stands on", reason)
        when = status.timestamp
        service = x509.load_der_x509_certificate(status.signing_cert.dump())
        taken_back = revocation(service, known)
        if taken_back is not None and (taken_back.when <= when or taken_back.reason in _COMPROMISED):
            return when, "no", f"the certificate of its service was revoked on {taken_back.when:%Y-%m-%d}"
        if status.trusted:
            return when, "hard" if trust == "hard" else "soft", ""
        if "OUT_OF_BOUNDS" in str(status.trust_problem_indic):
            problem = "the certificate of its service had expired"
    if when is None:
        raise refuse("a time stamp does not belong to what it stands on", reason)
    return when, "no", problem


def revocation(certificate: x509.Certificate, known: Pool) -> Revocation | None:
    """Whether a list that the issuer really signed takes back the certificate, or one above it."""
    path = chain(certificate, known.certificates)
    for below, above in pairwise(path):
        for each in known.crls:
            if each.issuer != below.issuer or not _signed_by(each, above):
                continue
            entry = each.get_revoked_certificate_by_serial_number(below.serial_number)
            if entry is not None and _reason(entry) is not x509.ReasonFlags.remove_from_crl:
                whose = below.subject.rfc4514_string()
                return Revocation(whose=whose, when=entry.revocation_date_utc, reason=_reason(entry))
    return None


def _named_by_unknown(certificate: x509.Certificate, known: Pool) -> bool:
    """Whether a list of the issuer's name takes back the certificate, while the issuer's certificate is not known."""
    if len(chain(certificate, known.certificates)) > 1:
        return False
    lists = [each for each in known.crls if each.issuer == certificate.issuer]
    return any(each.get_revoked_certificate_by_serial_number(certificate.serial_number) for each in lists)


def _signed_by(crl: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    try:
        return crl.is_signature_valid(issuer.public_key())  # type: ignore[arg-type] # refuses other kinds by TypeError
    except (TypeError, ValueError, InvalidSignature, UnsupportedAlgorithm):
        return False


def _reason(entry: x509.RevokedCertificate) -> x509.ReasonFlags | None:
    try:
        return entry.extensions.get_extension_for_class(x509.CRLReason).value.reason
    except (x509.ExtensionNotFound, ValueError):
        return None


def judge_revocation(signed: Signed, known: Pool, when: Times) -> tuple[str, str]:
    """Words and, where less can be said, a reason; raises `RecordRejected` for a signer that was revoked."""
    taken_back = revocation(signed.certificate, known)
    if taken_back is None and _named_by_unknown(signed.certificate, known):
        return "a revocation list names the signer, but its issuer is not at hand to verify it", "revocation-unknown"
    if taken_back is None:
        return "no revocation list that is at hand names the signer", ""
    words = f"{taken_back.whose} was revoked on {taken_back.when:%Y-%m-%d}"
    if taken_back.reason is not None:
        words += f" ({taken_back.reason.value})"
    if when.proven is None or when.proven >= taken_back.when:
        raise refuse(f"{words}, and nothing proves that the record was signed before", "signer-revoked")
    words += f", after the record was signed (proven: {when.proven.isoformat()})"
    return words, "signer-revoked-later" if taken_back.reason in _COMPROMISED else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Whether the signer is trusted."""

    trusted: bool
    message: str
    reason: str = ""
    """Code; empty if trusted."""


def judge_signer(signed: Signed, known: Pool, when: Times, given: Given) -> Trust:
    """Whether the signer leads to an anchor, or is one; raises `RecordRejected` for what cannot be right."""
    certificate, moment = signed.certificate, when.proven or given.moment
    if given.signers and signed.fingerprint not in given.signers:
        raise refuse(f"signed by {signed.fingerprint}, not by the signer that was asked for", "other-signer")
    stated = signed.signed_at
    if stated is not None and not _valid(certificate, stated, SKEW):
        raise refuse("by its own statement it was signed when the certificate was not valid", "signer-expired")
    pinned = certificate in given.anchors
    problem = _unfit(certificate, moment, given, pinned=pinned)
    if problem is not None:
        return problem
    roots = {c for c in given.anchors if _is_ca(c)}
    if pinned:
        roots |= set(chain(certificate, known.certificates)[1:2])
        if issued(certificate, certificate) or not _declares_revocation(certificate):
            return Trust(trusted=True, message="the signer is one that you trust")
    return _path(certificate, roots, known, moment, pinned=pinned)


def _unfit(certificate: x509.Certificate, moment: datetime, given: Given, *, pinned: bool) -> Trust | None:
    """What speaks against a signer before any way to an anchor is looked for."""
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    twin = any(c.subject == certificate.subject for c in given.anchors)
    problem: tuple[str, ...] = ()
    if not given.anchors:
        problem = ("no trust anchor was given",)
    elif moment > end:
        problem = (f"the signer's certificate expired on {end:%Y-%m-%d}",)
    elif moment < start:
        problem = (f"the signer's certificate is valid from {start:%Y-%m-%d} only",)
    elif not pinned and twin and not any(_is_ca(c) and issued(certificate, c) for c in given.anchors):
        problem = ("it bears the name of a trust anchor, but is another key", "signer-same-name")
    elif not pinned and not _fit(certificate):
        problem = ("the signer's certificate is not for signing documents", "signer-purpose")
    return _no(*problem) if problem else None


def judge_approver(
    certificate: x509.Certificate, others: Sequence[x509.Certificate], known: Pool, given: Given
) -> Trust:
    """Whether somebody who countersigned is trusted now; no time stamp helps. Raises for a revoked one."""
    pool_ = Pool(certificates=tuple(dict.fromkeys((*others, *known.certificates))), crls=known.crls, ocsps=known.ocsps)
    signed = Signed(certificate=certificate, others=tuple(others), signed_at=None, stamp=None, value=b"")
    judge_revocation(signed, pool_, Times())
    return judge_signer(signed, pool_, Times(), replace(given, signers=()))


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 of a certificate, in hexadecimal."""
    return hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest()


def _no(message: str, reason: str = "signer-not-trusted") -> Trust:
    return Trust(trusted=False, message=f"not trusted: {message}", reason=reason)


def _path(
    certificate: x509.Certificate, roots: Iterable[x509.Certificate], known: Pool, moment: datetime, *, pinned: bool
) -> Trust:
    """The way to an anchor by pyHanko, with revocation as the certificates along it demand."""
    from pyhanko_certvalidator import CertificateValidator, errors  # noqa: PLC0415 - slow to import

    context = _context(roots, known, moment, "hard-fail")
    validator = CertificateValidator(_asn1(certificate), validation_context=context)
    try:
        asyncio.run(validator.async_validate_usage(key_usage=set()))  # type: ignore[no-untyped-call] # pyHanko's
    except errors.RevokedError as error:
        raise refuse(f"the signer was revoked: {error}", "signer-revoked") from error
    except errors.InsufficientRevinfoError:
        return _no("whether the signer's certificate was revoked is not known (give --crl)", "revocation-unknown")
    except (errors.PathError, errors.ValidationError) as error:
        if pinned:
            return _no("whether the signer's certificate was revoked is not known (give --crl)", "revocation-unknown")
        return _no(f"the signer does not lead to a trust anchor ({error!s:.200})")
    words = "the signer is one that you trust" if pinned else "the signer leads to an authority that you trust"
    return Trust(trusted=True, message=words)


def _valid(certificate: x509.Certificate, moment: datetime, slack: timedelta) -> bool:
    return certificate.not_valid_before_utc - slack <= moment <= certificate.not_valid_after_utc + slack


def _is_ca(certificate: x509.Certificate) -> bool:
    try:
        return bool(certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca)
    except (x509.ExtensionNotFound, ValueError):
        return False


def _stamps(certificate: x509.Certificate) -> bool:
    """Whether it is a time-stamp service's own: a signer whom the reader pins must not vouch for such services."""
    try:
        purposes = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (x509.ExtensionNotFound, ValueError):
        return False
    return x509.oid.ExtendedKeyUsageOID.TIME_STAMPING in purposes


def _fit(certificate: x509.Certificate) -> bool:
    """Whether key usage and purposes are those of somebody who signs documents."""
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
        if not (usage.digital_signature or usage.content_commitment):
            return False
    except x509.ExtensionNotFound:
        pass
    try:
        purposes = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return True
    return any(purpose.dotted_string in PURPOSES for purpose in purposes)


def _declares_revocation(certificate: x509.Certificate) -> bool:
    """Whether the certificate says where its revocation is published."""
    for extension in certificate.extensions:
        value = extension.value
        if isinstance(value, x509.CRLDistributionPoints):
            return True
        if isinstance(value, x509.AuthorityInformationAccess):
            return any(d.access_method == x509.oid.AuthorityInformationAccessOID.OCSP for d in value)
    return False
