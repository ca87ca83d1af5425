"""The certification signature of an audit record: PAdES, no changes allowed, every field locked.

Levels, and the revisions of the file that each leaves after the pages:

====== ==================================================================================================
B-B    one revision: the signature (catalog, field and signature dictionary, nothing else)
B-T    the same; an RFC 3161 time stamp stands inside the signature container
B-LT   B-T, then one revision with the document security store (/DSS: certificates, CRLs, OCSP answers)
B-LTA  B-LT, then one revision with a document time stamp (/DocTimeStamp, ETSI.RFC3161) over all before it
====== ==================================================================================================
"""

from __future__ import annotations

import io
from typing import Any

from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from verifier.audit.finisher import FIELD
from verifier.audit.keys import Identity, admitted
from verifier.errors import SigningFailed

REASON = "Certification of an audit record"
"""Written into the signature."""
_ALGORITHMS = {"sha1": hashes.SHA1(), "sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}  # noqa: S303 - `sign` asks for SHA-256; a checker is tested with what is not admitted
_LONGEST = 1024
"""Bytes of the longest signature value: RSA of 8192 bits."""


def signer_of(identity: Identity) -> Any:  # noqa: ANN401 - pyHanko's signer
    """The identity as pyHanko wants it; the private key stays where it is."""
    from pyhanko.sign.signers.pdf_cms import Signer  # noqa: PLC0415 - slow to import
    from pyhanko_certvalidator.registry import SimpleCertificateStore  # noqa: PLC0415

    class OfIdentity(Signer):
        """Asks the identity for every signature."""

        async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:
            """A signature over ``data``, or, to measure it, something as long."""
            return bytes(_LONGEST) if dry_run else identity.sign(data, _ALGORITHMS[digest_algorithm])

    def converted(certificate: x509.Certificate) -> asn1_x509.Certificate:
        return asn1_x509.Certificate.load(certificate.public_bytes(serialization.Encoding.DER))

    store = SimpleCertificateStore()  # type: ignore[no-untyped-call] # pyHanko's
    store.register_multiple(converted(c) for c in (identity.certificate, *identity.chain))
    admitted(identity.public_key)
    return OfIdentity(signing_cert=converted(identity.certificate), cert_registry=store)


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
