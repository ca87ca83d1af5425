"""A small certificate authority with a time-stamp service and revocation lists, all in memory."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from asn1crypto import keys as asn1_keys
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from pyhanko.sign.timestamps.dummy_client import DummyTimeStamper
from pyhanko_certvalidator.registry import SimpleCertificateStore

from verifier.audit.certificates import DOCUMENT_SIGNING
from verifier.audit.keys import Identity

DER = serialization.Encoding.DER


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _usage(*, signs: bool = False, commits: bool = False, issues: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(signs, commits, False, False, False, issues, issues, False, False)


@dataclass(frozen=True)
class Authority:
    """Root, signer and time-stamp service."""

    root: x509.Certificate
    root_key: ec.EllipticCurvePrivateKey
    identity: Identity
    stamper: DummyTimeStamper
    stamp_certificate: x509.Certificate

    def crl(self, *, revoked: x509.Certificate | None = None) -> bytes:
        """The root's revocation list, good for a year."""
        now = dt.datetime.now(dt.UTC)
        made = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.root.subject)
            .last_update(now - dt.timedelta(days=1))
            .next_update(now + dt.timedelta(days=365))
            .add_extension(x509.CRLNumber(1), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.root_key.public_key()), critical=False
            )
        )
        if revoked is not None:
            entry = x509.RevokedCertificateBuilder().serial_number(revoked.serial_number)
            made = made.add_revoked_certificate(entry.revocation_date(now - dt.timedelta(hours=2)).build())
        return made.sign(self.root_key, hashes.SHA256()).public_bytes(DER)


def authority(*, signer_key=None, signer_days: float = 365, stamp_days: float = 3650) -> Authority:
    """A new one."""
    root_key, key = ec.generate_private_key(ec.SECP256R1()), signer_key or ec.generate_private_key(ec.SECP256R1())
    stamp_key = rsa.generate_private_key(65537, 3072)
    now = dt.datetime.now(dt.UTC)

    def issue(subject, public, extensions, days: float) -> x509.Certificate:
        made = (
            x509.CertificateBuilder()
            .subject_name(_name(subject))
            .issuer_name(_name("Root of the tests"))
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=2))
            .not_valid_after(now + dt.timedelta(days=days))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False)
        )
        for extension, critical in extensions:
            made = made.add_extension(extension, critical=critical)
        return made.sign(root_key, hashes.SHA256())

    leaf = (x509.BasicConstraints(ca=False, path_length=None), True)
    root = issue(
        "Root of the tests",
        root_key.public_key(),
        [(x509.BasicConstraints(ca=True, path_length=1), True), (_usage(issues=True), True)],
        7300,
    )
    purposes = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION, DOCUMENT_SIGNING])
    signer = issue(
        "Jane Doe",
        key.public_key(),
        [leaf, (_usage(signs=True, commits=True), True), (purposes, False)],
        signer_days,
    )
    stamping = issue(
        "Time stamps",
        stamp_key.public_key(),
        [leaf, (_usage(signs=True), True), (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), True)],
        stamp_days,
    )
    store = [asn1_x509.Certificate.load(root.public_bytes(DER))]
    embedded = SimpleCertificateStore()
    embedded.register_multiple(store)
    stamper = DummyTimeStamper(
        asn1_x509.Certificate.load(stamping.public_bytes(DER)),
        asn1_keys.PrivateKeyInfo.load(
            stamp_key.private_bytes(DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        ),
        certs_to_embed=embedded,
    )
    return Authority(
        root=root,
        root_key=root_key,
        identity=Identity(certificate=signer, chain=(root,), key=key),
        stamper=stamper,
        stamp_certificate=stamping,
    )
