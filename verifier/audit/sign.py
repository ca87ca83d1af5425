"""The certification signature of an audit record: PAdES, no changes allowed, every field locked."""

from __future__ import annotations

import io
from typing import Any

from asn1crypto import keys as asn1_keys
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives import serialization

from verifier.audit.finisher import FIELD
from verifier.audit.keys import Identity, require_strength
from verifier.errors import SigningFailed

REASON = "Certification of an audit record"
"""Written into the signature."""


def signer_of(identity: Identity) -> Any:  # noqa: ANN401 - pyHanko's signer
    """The identity as pyHanko wants it."""
    from pyhanko.sign.signers import SimpleSigner  # noqa: PLC0415 - slow to import
    from pyhanko_certvalidator.registry import SimpleCertificateStore  # noqa: PLC0415

    require_strength(identity.key)
    private = identity.key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    store = SimpleCertificateStore()  # type: ignore[no-untyped-call] # pyHanko's
    store.register_multiple(
        asn1_x509.Certificate.load(c.public_bytes(serialization.Encoding.DER)) for c in identity.chain
    )
    return SimpleSigner(
        signing_cert=asn1_x509.Certificate.load(identity.certificate.public_bytes(serialization.Encoding.DER)),
        signing_key=asn1_keys.PrivateKeyInfo.load(private),
        cert_registry=store,
    )


def _time_stamper(tsa: str | Any | None) -> Any:  # noqa: ANN401 - an address or pyHanko's own object
    if not isinstance(tsa, str):
        return tsa
    try:
        from pyhanko.sign.timestamps.requests_client import HTTPTimeStamper  # noqa: PLC0415 - needs `requests`
    except ImportError as error:
        raise SigningFailed("time stamps need the package requests", hint="Run: pip install requests") from error
    return HTTPTimeStamper(tsa, timeout=20)  # type: ignore[no-untyped-call] # pyHanko's


def sign(pdf_bytes: bytes, identity: Identity, tsa: str | Any | None = None) -> bytes:  # noqa: ANN401 - see above
    """``pdf_bytes`` with a certification signature appended: PAdES B-B, or B-T if ``tsa`` gives time stamps."""
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter  # noqa: PLC0415 - slow to import
    from pyhanko.sign.fields import MDPPerm, SigSeedSubFilter  # noqa: PLC0415
    from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner  # noqa: PLC0415

    class Untouched(IncrementalPdfFileWriter):
        """Appends the signature alone: title, dates and producer stay as rendered."""

        def _update_meta(self) -> None:
            """Change nothing."""

    details = PdfSignatureMetadata(
        field_name=FIELD,
        md_algorithm="sha256",
        subfilter=SigSeedSubFilter.PADES,
        certify=True,
        docmdp_permissions=MDPPerm.NO_CHANGES,
        reason=REASON,
        name=identity.name,
    )
    output = io.BytesIO()
    try:
        writer = Untouched(io.BytesIO(pdf_bytes), strict=True)
        PdfSigner(details, signer=signer_of(identity), timestamper=_time_stamper(tsa)).sign_pdf(
            writer, output=output, existing_fields_only=True
        )
    except SigningFailed:
        raise
    except Exception as error:
        # pyHanko raises many kinds: all of them mean that there is no signed record
        raise SigningFailed(
            f"the record could not be signed: {error}", hint="Check the key and the address of the time stamp service."
        ) from error
    return output.getvalue()
