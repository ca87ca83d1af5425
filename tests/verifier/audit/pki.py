"""A small public key infrastructure: an authority, signers, a time stamp service, revocation lists."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from functools import cache

from asn1crypto import crl as asn1_crl
from asn1crypto import keys as asn1_keys
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier
from pyhanko.sign.timestamps.dummy_client import DummyTimeStamper
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.registry import SimpleCertificateStore

from verifier.audit.keys import Identity

DER = Encoding.DER
DAY = dt.timedelta(days=1)
DOCUMENTS = ObjectIdentifier("1.3.6.1.5.5.7.3.36")
NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)


def asn1(certificate: x509.Certificate) -> asn1_x509.Certificate:
    return asn1_x509.Certificate.load(certificate.public_bytes(DER))


@cache
def rsa_key(name: str, bits: int = 3072) -> rsa.RSAPrivateKey:
    """One for each name: making them is slow."""
    del name
    return rsa.generate_private_key(65537, bits)


def certificate(
    key,
    name: str,
    *,
    issuer: tuple[x509.Certificate, object] | None = None,
    ca: bool = False,
    purposes: tuple[ObjectIdentifier, ...] = (),
    crl: bool = False,
    start: dt.datetime = NOW - DAY,
    end: dt.datetime = NOW + 365 * DAY,
    digest: hashes.HashAlgorithm | None = None,
) -> x509.Certificate:
    """A certificate by ``issuer`` (certificate and key), or self-signed; ``crl``: it says where its list is."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    by, with_key = (issuer[0].subject, issuer[1]) if issuer else (subject, key)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(not ca, not ca, False, False, False, ca, ca, False, False), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(with_key.public_key()), critical=False)
    )
    if purposes:
        stamps = purposes == (ExtendedKeyUsageOID.TIME_STAMPING,)
        builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=stamps)
    if crl:
        place = x509.UniformResourceIdentifier("http://crl.example.org/authority.crl")
        points = [x509.DistributionPoint([place], None, None, None)]
        builder = builder.add_extension(x509.CRLDistributionPoints(points), critical=False)
    kind = None if isinstance(with_key, ed25519.Ed25519PrivateKey) else digest or hashes.SHA256()
    return builder.sign(with_key, kind)


@dataclass(kw_only=True)
class Authority:
    """An authority that issues certificates and a revocation list."""

    name: str = "Test Authority"
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    start: dt.datetime = NOW - 3650 * DAY

    def __post_init__(self) -> None:
        end = NOW + 3650 * DAY
        self.certificate = certificate(self.key, self.name, ca=True, start=self.start, end=end)

    @property
    def pair(self) -> tuple[x509.Certificate, object]:
        return self.certificate, self.key

    def signer(self, name: str, key=None, **changes) -> Identity:
        """Somebody who signs records, with the profile that readers accept."""
        key = key or ec.generate_private_key(ec.SECP256R1())
        settings = {
            "issuer": self.pair,
            "purposes": (ExtendedKeyUsageOID.EMAIL_PROTECTION, DOCUMENTS),
            "crl": True,
            **changes,
        }
        return Identity(certificate=certificate(key, name, **settings), chain=(self.certificate,), key=key)

    def stamper(self, name: str = "Time Stamps", *, at: dt.datetime | None = None, crl: bool = True, **changes):
        """A time stamp service; ``at``: the time that it states."""
        key = rsa_key("stamps", 2048)
        purpose = (ExtendedKeyUsageOID.TIME_STAMPING,)
        made = certificate(key, name, issuer=self.pair, purposes=purpose, crl=crl, start=NOW - 3000 * DAY, **changes)
        private = asn1_keys.PrivateKeyInfo.load(key.private_bytes(DER, PrivateFormat.PKCS8, NoEncryption()))
        store = SimpleCertificateStore()
        store.register(asn1(self.certificate))
        return DummyTimeStamper(asn1(made), private, certs_to_embed=store, fixed_dt=at)

    def revocations(
        self,
        *revoked: x509.Certificate,
        when: dt.datetime = NOW - DAY,
        reason: x509.ReasonFlags | None = None,
        issued: dt.datetime = NOW - dt.timedelta(hours=2),
    ) -> x509.CertificateRevocationList:
        """The authority's revocation list."""
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate.subject)
            .last_update(issued)
            .next_update(issued + 90 * DAY)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
        )
        for each in revoked:
            entry = x509.RevokedCertificateBuilder().serial_number(each.serial_number).revocation_date(when)
            if reason is not None:
                entry = entry.add_extension(x509.CRLReason(reason), critical=False)
            builder = builder.add_revoked_certificate(entry.build())
        return builder.sign(self.key, hashes.SHA256())

    def context(self, *crls: x509.CertificateRevocationList) -> ValidationContext:
        """What pyHanko needs to collect evidence for long-term validation, without a network."""
        return ValidationContext(
            trust_roots=[asn1(self.certificate)],
            crls=[asn1_crl.CertificateList.load(each.public_bytes(DER)) for each in crls],
            allow_fetching=False,
            revocation_mode="hard-fail",
        )
