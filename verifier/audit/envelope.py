"""in-toto statements, signed: a DSSE envelope (version 1) in a Sigstore bundle (version 0.3) that names a public key.

The bundle is canonical JSON (RFC 8785) and so is the statement inside it, so that one statement has one text::

    {"dsseEnvelope": {"payload": BASE64(statement), "payloadType": "application/vnd.in-toto+json",
                      "signatures": [{"keyid": "", "sig": BASE64(signature)}]},
     "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
     "verificationMaterial": {"publicKey": {"hint": BASE64(SHA-256 of the key's SubjectPublicKeyInfo in DER)},
                              "timestampVerificationData": {"rfc3161Timestamps": []}, "tlogEntries": []}}

The signature is over ``DSSEv1 LEN(type) type LEN(statement) statement`` with SHA-256: ECDSA in DER, or RSA PKCS #1
v1.5.
Sources: the DSSE protocol v1.0.0 and Sigstore's ``sigstore_bundle.proto``.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import Any

import rfc8785
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from verifier.audit.keys import Identity, PublicKey, signed_by
from verifier.audit.record import strict_json
from verifier.errors import RecordRejected

MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A signed statement as read; the signature is not verified yet."""

    statement: bytes
    """The payload, canonical JSON."""
    signature: bytes
    hint: str
    """Which key is meant: base64 of the SHA-256 of its SubjectPublicKeyInfo."""

    @property
    def signed(self) -> bytes:
        """The bytes that the signature is over."""
        return pre_authentication(self.statement)


def pre_authentication(statement: bytes) -> bytes:
    """DSSE's pre-authentication encoding of a statement."""
    kind = PAYLOAD_TYPE.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(statement), statement)


def hint_of(key: PublicKey) -> str:
    """Name of a public key, as Sigstore's clients write it."""
    return _base64(hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest())


def seal(statement: dict[str, Any], identity: Identity) -> bytes:
    """The statement as a signed bundle. Raises `SigningFailed`."""
    payload = rfc8785.dumps(statement)
    signature = identity.sign(pre_authentication(payload))
    return _bundle(payload, signature, hint_of(identity.public_key))


def _bundle(payload: bytes, signature: bytes, hint: str) -> bytes:
    return rfc8785.dumps(
        {
            "mediaType": MEDIA_TYPE,
            "verificationMaterial": {
                "publicKey": {"hint": hint},
                "tlogEntries": [],
                "timestampVerificationData": {"rfc3161Timestamps": []},
            },
            "dsseEnvelope": {
                "payload": _base64(payload),
                "payloadType": PAYLOAD_TYPE,
                "signatures": [{"sig": _base64(signature), "keyid": ""}],
            },
        }
    )


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def refuse(message: str, reason: str) -> RecordRejected:
    """The error of everything here that does not hold."""
    return RecordRejected(message, reason, hint="Ask the issuer for an unaltered copy.")


def opened(bundle: bytes) -> Envelope:
    """Read a bundle that `seal` wrote; any other text, even of the same meaning, raises `RecordRejected`."""
    value = strict_json(bundle, "the bundle")
    try:
        envelope = value["dsseEnvelope"]
        payload = base64.b64decode(envelope["payload"], validate=True)
        signature = base64.b64decode(envelope["signatures"][0]["sig"], validate=True)
        hint = value["verificationMaterial"]["publicKey"]["hint"]
    except (KeyError, IndexError, TypeError, binascii.Error) as error:
        raise refuse("the bundle lacks what a signed statement has", "attestation-shape") from error
    if not isinstance(hint, str) or bundle != _bundle(payload, signature, hint):
        raise refuse("the bundle holds more than one signed statement", "attestation-shape")
    strict_json(payload, "the signed statement")
    return Envelope(statement=payload, signature=signature, hint=hint)


def require_signature(envelope: Envelope, certificate: x509.Certificate) -> None:
    """Whether the certificate's key signed the statement. Raises `RecordRejected`."""
    key = certificate.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey) or hint_of(key) != envelope.hint:
        raise refuse("the statement names another key than the certificate's", "attestation-signer")
    if not signed_by(key, envelope.signature, envelope.signed):
        raise refuse("the signature of the statement is wrong", "attestation-signature")
