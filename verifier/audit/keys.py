"""Signing identities: read from PEM or PKCS#12, or made on first use; private keys never leave mode 0600."""

from __future__ import annotations

import contextlib
import functools
import getpass
import os
import stat
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

from verifier.audit import token
from verifier.audit.certificates import Subject, request_for, self_signed
from verifier.audit.record import SignerStatement
from verifier.audit.token import TokenKey
from verifier.errors import SigningFailed

KEY_FILE = "identity.pem"
"""Private key and certificate of the first identity, in one file so that they are written at once."""
CERTIFICATE_FILE = "certificate.pem"
"""The certificate alone: what is given to those who check records."""
REQUEST_FILE = "request.pem"
"""A certificate request (PKCS #10) for the same key: what is given to an authority that is to vouch for it."""
MIN_RSA_BITS = 3072
CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
"""What Acrobat, poppler and OpenSSL all verify; Ed25519 is not among it."""
SHA256 = hashes.SHA256()
KINDS = f"Use ECDSA P-256, or RSA of {MIN_RSA_BITS} bits or more."
PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey
Passphrase = Callable[[], bytes | None]
"""Asked only if the key is encrypted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A private key with its certificate."""

    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...] = ()
    """Further certificates that belong to it, such as the issuer's."""
    key: PrivateKey | TokenKey = field(repr=False)
    created: bool = False
    """Whether it was made just now."""
    path: Path | None = None
    """File that it was read from."""

    @property
    def name(self) -> str:
        """Subject as printed in the record."""
        return name_of(self.certificate)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate, in hexadecimal."""
        return self.certificate.fingerprint(hashes.SHA256()).hex()

    @property
    def self_signed(self) -> bool:
        """Whether nobody but the signer vouches for the certificate."""
        return is_self_signed(self.certificate)

    @property
    def public_key(self) -> PublicKey:
        """The certificate's key."""
        return admitted(self.certificate.public_key())

    def sign(self, data: bytes, algorithm: hashes.HashAlgorithm = SHA256) -> bytes:
        """A signature over ``data``: ECDSA in DER, or RSA PKCS #1 v1.5. Raises `SigningFailed`.

        ECDSA takes no chance in where the library can do so (RFC 6979): the same statement gets the same signature.
        """
        if isinstance(self.key, TokenKey):
            return self.key.sign(data, algorithm.name)
        if isinstance(self.key, rsa.RSAPrivateKey):
            return self.key.sign(data, padding.PKCS1v15(), algorithm)
        try:
            return self.key.sign(data, ec.ECDSA(algorithm, deterministic_signing=True))
        except UnsupportedAlgorithm:  # OpenSSL before 3.2
            return self.key.sign(data, ec.ECDSA(algorithm))

    def statement(self) -> SignerStatement:
        """What the record says of it."""
        return SignerStatement(name=self.name, fingerprint=self.fingerprint, self_signed=self.self_signed)


def name_of(certificate: x509.Certificate) -> str:
    """Common name of a certificate's subject, or all of it."""
    common = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(common[0].value) if common else certificate.subject.rfc4514_string() or "no name"


def is_self_signed(certificate: x509.Certificate) -> bool:
    """Whether the certificate's own key signed it; names alone would not tell."""
    try:
        certificate.verify_directly_issued_by(certificate)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def config_directory() -> Path:
    """Where the first identity is kept: ``$XDG_CONFIG_HOME/lynxspec``."""
    base = os.environ.get("XDG_CONFIG_HOME", "")
    return (Path(base) if Path(base).is_absolute() else Path.home() / ".config") / "lynxspec"


ASKED = "Passphrase of the signing key: "


def passphrase_from(*, file: Path | None = None, variable: str | None = None, ask: str = ASKED) -> Passphrase:
    """A passphrase from a file, an environment variable, or the terminal; never from the command line."""

    def read() -> bytes | None:
        if file is not None:
            return _read(file, "the passphrase file").rstrip(b"\r\n")
        if variable is not None:
            if variable not in os.environ:
                raise SigningFailed(f"the environment variable {variable} is not set", hint="Set it, or use a file.")
            return os.environ[variable].encode()
        if ask and sys.stdin.isatty():
            return getpass.getpass(ask).encode()
        return None

    return read


def _read(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SigningFailed(f"{what} {path} cannot be read: {error.strerror}", hint="Check path and mode.") from error


def _write_private(path: Path, data: bytes) -> None:
    """Write so that the file is complete, readable by its owner alone, and never replaces another."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".identity-")  # made with mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.link(temporary, path)  # fails if somebody else was faster
    finally:
        Path(temporary).unlink()


def keygen(
    directory: Path,
    *,
    name: str | None = None,
    organisation: str | None = None,
    email: str | None = None,
    passphrase: bytes | None = None,
) -> Identity:
    """Make an identity in ``directory``, with a request for a certificate; an existing one is never replaced."""
    key, wanted = ec.generate_private_key(ec.SECP256R1()), Subject(name=name, organisation=organisation, email=email)
    try:
        certificate, request = self_signed(key, wanted), request_for(key, wanted)
    except ValueError as error:
        raise SigningFailed(f"the name does not fit into a certificate: {error}", hint="Give another one.") from error
    encryption = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
    public_pem = certificate.public_bytes(serialization.Encoding.PEM)
    path = directory / KEY_FILE
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write_private(path, pem + public_pem)
        (directory / CERTIFICATE_FILE).write_bytes(public_pem)
        (directory / REQUEST_FILE).write_bytes(request.public_bytes(serialization.Encoding.PEM))
    except FileExistsError as error:
        raise SigningFailed(f"{path} exists already", hint="Use it, or give another directory.") from error
    except OSError as error:
        raise SigningFailed(f"{directory} cannot be written: {error.strerror}", hint="Give another one.") from error
    return Identity(certificate=certificate, key=key, created=True, path=path)


def certificate_path(directory: Path | None = None) -> Path:
    """The certificate of the first identity: the file to give to readers."""
    return (directory or config_directory()) / CERTIFICATE_FILE


def ensure_self_signed(
    directory: Path | None = None, *, name: str | None = None, passphrase: Passphrase | None = None
) -> Identity:
    """The identity of ``directory`` (default: the user's), made on first use."""
    directory = directory or config_directory()
    path = directory / KEY_FILE
    if not path.exists():
        with contextlib.suppress(FileExistsError):
            try:
                return keygen(directory, name=name)
            except SigningFailed as error:
                if not isinstance(error.__cause__, FileExistsError):
                    raise
    return load(path, passphrase=passphrase)


def _require_private(path: Path) -> None:
    """Refuse a key that others can read. A file that cannot be looked at is the reader's affair."""
    with contextlib.suppress(OSError):
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise SigningFailed(f"others can read the private key {path}", hint=f"Run: chmod 600 {path}")


def load(path: Path, *, cert: Path | None = None, passphrase: Passphrase | None = None) -> Identity:
    """An identity from PEM (key and certificates in one file or two) or PKCS#12; only its owner may read the file."""
    _require_private(path)
    data = _read(path, "the key file")
    ask = passphrase or passphrase_from()
    try:
        if b"-----BEGIN" in data:
            key, certificates = _from_pem(data, ask), _certificates(data)
        else:
            key, certificates = _from_pkcs12(data, ask)
        if cert is not None:
            certificates = [*_certificates(_read(cert, "the certificate file")), *certificates]
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        hint = "Is the passphrase right? PEM and PKCS#12 are read."
        raise SigningFailed(f"{path} cannot be read as a signing key: {error}", hint=hint) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise SigningFailed(f"{path} holds a key of another kind", hint=KINDS)
    own = [c for c in certificates if c.public_key() == key.public_key()]
    if not own:
        raise SigningFailed(f"{path}: no certificate belongs to the key", hint="Give the certificate file as well.")
    admitted(key.public_key())
    chain = tuple(c for c in certificates if c not in own)  # an older certificate of the same key vouches for nothing
    return Identity(certificate=own[0], chain=chain, key=key, path=path)


def admitted(key: object) -> PublicKey:
    """The public key, if readers of the record can, and should, verify it. Raises `SigningFailed`."""
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size < MIN_RSA_BITS:
            raise SigningFailed(
                f"an RSA key of {key.key_size} bits is too short", hint=f"Use {MIN_RSA_BITS} bits or more."
            )
        return key
    if isinstance(key, ec.EllipticCurvePublicKey):
        if not isinstance(key.curve, CURVES):
            raise SigningFailed(f"curve {key.curve.name} is not verified by common readers", hint="Use P-256.")
        return key
    raise SigningFailed("the key is of a kind that is not admitted", hint=KINDS)


def require_strength(key: PublicKey) -> None:
    """Refuse keys that readers of the record could not, or should not, verify."""
    admitted(key)


def _from_pem(data: bytes, ask: Passphrase) -> object:
    encrypted = b"ENCRYPTED" in data
    return serialization.load_pem_private_key(data, _needed(ask) if encrypted else None)


def load_from_token(uri: str, *, cert: Path | None = None, passphrase: Passphrase | None = None) -> Identity:
    """An identity whose key stays on a PKCS#11 token; its certificate is in ``cert``, or on the token."""
    where = token.place(uri)
    pin = functools.cache(
        passphrase or passphrase_from(ask="PIN of the token: ")
    )  # asked once, although several things are signed
    found = _certificates(_read(cert, "the certificate file")) if cert else token.certificates(where, pin)
    if not found:
        raise SigningFailed("there is no certificate for the key on the token", hint="Give it with --cert.")
    key = admitted(found[0].public_key())
    identity = Identity(
        certificate=found[0],
        chain=tuple(found[1:]),
        key=TokenKey(where=where, rsa=isinstance(key, rsa.RSAPublicKey), pin=pin),
    )
    if not signed_by(key, identity.sign(b"whose key"), b"whose key"):
        raise SigningFailed("the certificate does not belong to the key on the token", hint="Give the right one.")
    return identity


def signed_by(key: PublicKey, signature: bytes, data: bytes) -> bool:
    """Whether `Identity.sign` with that key's private half made the signature."""
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, data, padding.PKCS1v15(), hashes.SHA256())
        else:
            key.verify(signature, data, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def _needed(ask: Passphrase) -> bytes:
    given = ask()
    if given is None:
        raise SigningFailed(
            "the key is encrypted and there is no passphrase",
            hint="Give it at the prompt, in a file, or in an environment variable.",
        )
    return given


def _from_pkcs12(data: bytes, ask: Passphrase) -> tuple[object, list[x509.Certificate]]:
    try:
        bundle = pkcs12.load_pkcs12(data, None)
    except ValueError:
        bundle = pkcs12.load_pkcs12(data, _needed(ask))
    certificates = [c.certificate for c in (bundle.cert, *bundle.additional_certs) if c is not None]
    return bundle.key, certificates


def _certificates(data: bytes) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates(data) if b"BEGIN CERTIFICATE" in data else []


def anchors(path: Path) -> tuple[x509.Certificate, ...]:
    """Certificates of a PEM or DER file, as trust anchors or pinned signers for `check`."""
    data = _read(path, "the certificate file")
    try:
        found = _certificates(data) or [x509.load_der_x509_certificate(data)]
    except ValueError as error:
        raise SigningFailed(f"{path} holds no certificate", hint="Give a certificate in PEM or DER.") from error
    return tuple(found)


def revocation_list(path: Path) -> x509.CertificateRevocationList:
    """The revocation list of a PEM or DER file."""
    data = _read(path, "the revocation list")
    try:
        if b"-----BEGIN" in data:
            return x509.load_pem_x509_crl(data)
        return x509.load_der_x509_crl(data)
    except ValueError as error:
        raise SigningFailed(f"{path} holds no revocation list", hint="Give one in PEM or DER.") from error
