"""Private keys that never leave a PKCS#11 token, named by the URIs of RFC 7512.

``pkcs11:token=audit;object=signer?module-path=/usr/lib/softhsm/libsofthsm2.so``: ``module-path`` is the token's library
(else ``$PKCS11_MODULE_PATH``), ``object`` or ``id`` the key. A PIN inside the URI is refused: command lines are not
secret.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, unquote_to_bytes

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from verifier.errors import SigningFailed

SCHEME = "pkcs11:"
MODULE_VARIABLE = "PKCS11_MODULE_PATH"
INSTALL = "pip install 'lynxspec[pkcs11]'"
_PATH = {"token": "token", "serial": "serial", "object": "label", "id": "id"}
"""Attributes that choose token and key; others, such as ``type=private``, choose nothing here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What a URI says."""

    module: str
    """Path of the token's library."""
    token: str | None
    """Label of the token."""
    serial: str | None
    """Its serial number."""
    label: str | None
    """Label of the key."""
    id: bytes | None
    """Identifier of the key."""


def place(uri: str) -> Place:
    """Read a PKCS#11 URI. Raises `SigningFailed`."""
    path, _, query = uri.removeprefix(SCHEME).partition("?")
    given = dict(part.partition("=")[::2] for part in path.split(";") if part)
    options = dict(part.partition("=")[::2] for part in query.split("&") if part)
    if "pin-value" in options or "pin-source" in options:
        hint = "Give it at the prompt, in a file, or in a variable."
        raise SigningFailed("a PIN does not belong into the URI", hint=hint)
    module = unquote(options.get("module-path", "")) or os.environ.get(MODULE_VARIABLE, "")
    if not module:
        raise SigningFailed(
            f"{uri}: no library of the token", hint=f"Add ?module-path=/path/to/library.so, or set {MODULE_VARIABLE}."
        )
    if not given.get("object") and not given.get("id"):
        raise SigningFailed(f"{uri}: no key is named", hint="Add object=LABEL or id=%01.")
    return Place(
        module=module,
        token=unquote(given["token"]) if "token" in given else None,
        serial=unquote(given["serial"]) if "serial" in given else None,
        label=unquote(given["object"]) if "object" in given else None,
        id=unquote_to_bytes(given["id"]) if "id" in given else None,
    )


@contextmanager
def _session(where: Place, pin: Callable[[], bytes | None]) -> Iterator[Any]:
    """A session on the token, closed at the end; whatever the token complains of is a `SigningFailed`."""
    try:
        import pkcs11  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise SigningFailed("keys on a token need another package", hint=f"Run: {INSTALL}") from error
    try:
        library = pkcs11.lib(where.module)
        serial = None if where.serial is None else where.serial.encode()
        token = library.get_token(token_label=where.token, token_serial=serial)
        secret = pin()
        with token.open(user_pin=None if secret is None else secret.decode()) as session:
            yield session
    except (pkcs11.PKCS11Error, RuntimeError, OSError, UnicodeDecodeError) as error:
        what = str(error) or type(error).__name__  # pkcs11's errors carry their name alone
        raise SigningFailed(
            f"the token could not be used: {what}", hint="Check module-path, token, object and PIN."
        ) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenKey:
    """A private key on a token."""

    where: Place
    rsa: bool
    """Its kind, as its certificate says."""
    pin: Callable[[], bytes | None] = field(repr=False)

    def sign(self, data: bytes, algorithm: str = "sha256") -> bytes:
        """A signature: ECDSA in DER, or (SHA-256 only) RSA PKCS #1 v1.5. Raises `SigningFailed`."""
        if self.rsa and algorithm != "sha256":
            raise SigningFailed(f"the token is not asked for RSA with {algorithm}", hint="Sign with SHA-256.")
        with _session(self.where, self.pin) as session:
            from pkcs11 import Mechanism, ObjectClass  # noqa: PLC0415 - an extra

            key = session.get_key(object_class=ObjectClass.PRIVATE_KEY, label=self.where.label, id=self.where.id)
            if self.rsa:
                return bytes(key.sign(data, mechanism=Mechanism.SHA256_RSA_PKCS))
            # the plain mechanism over a digest of ours: many tokens lack the one that digests
            raw = bytes(key.sign(hashlib.new(algorithm, data).digest(), mechanism=Mechanism.ECDSA))
        half = len(raw) // 2
        return encode_dss_signature(int.from_bytes(raw[:half]), int.from_bytes(raw[half:]))


def certificates(where: Place, pin: Callable[[], bytes | None]) -> list[x509.Certificate]:
    """Certificates on the token under the key's own label or identifier."""
    with _session(where, pin) as session:
        from pkcs11 import Attribute, ObjectClass  # noqa: PLC0415 - an extra

        wanted: dict[Any, Any] = {Attribute.CLASS: ObjectClass.CERTIFICATE}
        if where.label is not None:
            wanted[Attribute.LABEL] = where.label
        if where.id is not None:
            wanted[Attribute.ID] = where.id
        found = [bytes(item[Attribute.VALUE]) for item in session.get_objects(wanted)]
    return [x509.load_der_x509_certificate(der) for der in found]
