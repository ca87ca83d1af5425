"""Certificates and requests with the profile that Acrobat, poppler and pyHanko accept for documents."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID, ObjectIdentifier

DOCUMENT_SIGNING = ObjectIdentifier("1.3.6.1.5.5.7.3.36")
"""Extended key usage of RFC 9336."""
YEARS = 10
"""Validity of a first identity: as long as test reports are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Whom a certificate names."""

    name: str | None = None
    """Common name; made from the key's digest if there is none."""
    organisation: str | None = None
    email: str | None = None

    def distinguished(self, key: ec.EllipticCurvePublicKey) -> x509.Name:
        """As a certificate's subject."""
        common = self.name or f"LynxSpec self-signed {_key_digest(key)[:8]}"
        organisation = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, self.organisation)] if self.organisation else []
        return x509.Name([*organisation, x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _key_digest(key: ec.EllipticCurvePublicKey) -> str:
    return hashlib.sha256(
        key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    ).hexdigest()


def _profile(subject: Subject) -> list[tuple[x509.ExtensionType, bool]]:
    """Extensions that Acrobat, poppler and pyHanko accept for documents, each with whether it is critical."""
    usage = {
        "digital_signature": True,
        "content_commitment": True,
        "key_encipherment": False,
        "data_encipherment": False,
        "key_agreement": False,
        "key_cert_sign": False,
        "crl_sign": False,
        "encipher_only": False,
        "decipher_only": False,
    }
    purposes = [x509.oid.ExtendedKeyUsageOID.EMAIL_PROTECTION, DOCUMENT_SIGNING]
    found: list[tuple[x509.ExtensionType, bool]] = [
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (x509.KeyUsage(**usage), True),
        (x509.ExtendedKeyUsage(purposes), False),
    ]
    if subject.email:
        found.append((x509.SubjectAlternativeName([x509.RFC822Name(subject.email)]), False))
    return found


def self_signed(key: ec.EllipticCurvePrivateKey, subject: Subject) -> x509.Certificate:
    """Self-signed."""
    name, now = subject.distinguished(key.public_key()), datetime.now(UTC).replace(microsecond=0)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=365 * YEARS))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    for extension, critical in _profile(subject):
        made = made.add_extension(extension, critical=critical)
    return made.sign(key, hashes.SHA256())


def request_for(key: ec.EllipticCurvePrivateKey, subject: Subject) -> x509.CertificateSigningRequest:
    """The same wishes, for an authority to grant."""
    made = x509.CertificateSigningRequestBuilder().subject_name(subject.distinguished(key.public_key()))
    for extension, critical in _profile(subject):
        made = made.add_extension(extension, critical=critical)
    return made.sign(key, hashes.SHA256())
