"""The certification signature of an audit record: PAdES, no changes allowed, every field locked.

Levels, and the revisions of the file that each leaves after the pages:

====== ==================================================================================================
B-B    one revision: the signature (catalog, field and signature dictionary, nothing else)
B-T    the same; an RFC 3161 time stamp stands inside the signature container
B-LT   B-T, then one revision with the document security store (/DSS: certificates, CRLs, OCSP answers)
B-LTA  B-LT, then one revision with a document time stamp (/DocTimeStamp, ETSI.RFC3161) over all before it
====== ==================================================================================================

What can be shown with no network, given the roots: B-B, who signed, not when (the stated time is the signer's clock).
B-T, that it was signed before the stamp's time, if the time-stamp service is trusted; not that the certificate was not
revoked then. B-LT, that too, from the lists in the file, as long as the service's own certificate is valid. B-LTA, that
too until the certificate of the document time stamp expires; a longer life takes another document time stamp in time,
which this program does not add to an old record.
"""

from __future__ import annotations

import asyncio
import io
from dataclasses import dataclass
from functools import cache
from typing import Any

from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from verifier.audit.finisher import FIELD
from verifier.audit.keys import Identity, admitted
from verifier.errors import SigningFailed

REASON = "Certification of an audit record"
"""Written into the signature."""
STAMP_FIELD = "ArchiveTimeStamp"
"""Name of the field of a document time stamp."""
_ALGORITHMS = {"sha1": hashes.SHA1(), "sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}  # noqa: S303 - `sign` asks for SHA-256; a checker is tested with what is not admitted
_LONGEST_ECDSA = 144
"""Bytes of the longest ECDSA signature that is made: P-521, in DER."""


def signer_of(identity: Identity) -> Any:  # noqa: ANN401 - pyHanko's signer
    """The identity as pyHanko wants it; the private key stays where it is."""
    from pyhanko.sign.signers.pdf_cms import Signer  # noqa: PLC0415 - slow to import
    from pyhanko_certvalidator.registry import SimpleCertificateStore  # noqa: PLC0415

    key = admitted(identity.public_key)
    length = key.key_size // 8 if isinstance(key, rsa.RSAPublicKey) else _LONGEST_ECDSA

    class OfIdentity(Signer):
        """Asks the identity for every signature."""

        async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:
            """A signature over ``data``, or, to measure it, something as long."""
            return bytes(length) if dry_run else identity.sign(data, _ALGORITHMS[digest_algorithm])

    store = SimpleCertificateStore()  # type: ignore[no-untyped-call] # pyHanko's
    store.register_multiple(_converted(c) for c in identity.chain if c != identity.certificate)
    return OfIdentity(signing_cert=_converted(identity.certificate), cert_registry=store)


def _time_stamper(tsa: str | Any | None) -> Any:  # noqa: ANN401 - an address or pyHanko's own object
    if not isinstance(tsa, str):
        return tsa
    try:
        from pyhanko.sign.timestamps.requests_client import HTTPTimeStamper  # noqa: PLC0415 - needs `requests`
    except ImportError as error:
        raise SigningFailed("time stamps need the package requests", hint="Run: pip install requests") from error
    return HTTPTimeStamper(tsa, timeout=20)  # type: ignore[no-untyped-call] # pyHanko's


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """What a signature needs to be believed later: levels B-LT and, with ``renewed``, B-LTA."""

    anchors: tuple[x509.Certificate, ...]
    """Roots that the signer and the time-stamp service lead to."""
    crls: tuple[bytes, ...] = ()
    """Revocation lists in DER or PEM; without any they are fetched from where the certificates say."""
    renewed: bool = False
    """Whether a document time stamp is put over everything."""


@cache
def _untouched() -> Any:  # noqa: ANN401 - a class of pyHanko's
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter  # noqa: PLC0415 - slow to import

    class Untouched(IncrementalPdfFileWriter):
        """Appends what it is told to: title, dates and producer stay as rendered."""

        def _update_meta(self) -> None:
            """Change nothing."""

    return Untouched


def sign(
    pdf_bytes: bytes,
    identity: Identity,
    tsa: str | Any | None = None,  # noqa: ANN401 - see `_time_stamper`
    *,
    archive: Archive | None = None,
) -> bytes:
    """``pdf_bytes`` with a certification signature appended.

    PAdES B-B; B-T if ``tsa`` gives time stamps; B-LT or B-LTA with ``archive``. Raises `SigningFailed`.
    """
    if archive is not None and tsa is None:
        raise SigningFailed("what is archived needs a time stamp", hint="Give a time-stamp service (--tsa).")
    stamper = _time_stamper(tsa)
    try:
        signed = _certified(pdf_bytes, identity, stamper)
        return signed if archive is None else _archived(signed, stamper, archive)
    except SigningFailed:
        raise
    except Exception as error:
        # pyHanko raises many kinds: all of them mean that there is no signed record
        raise SigningFailed(
            f"the record could not be signed: {error}",
            hint="Check the key, the address of the time stamp service, and for an archive roots and revocation lists.",
        ) from error


def _certified(pdf_bytes: bytes, identity: Identity, stamper: Any) -> bytes:  # noqa: ANN401
    from pyhanko.sign.fields import MDPPerm, SigSeedSubFilter  # noqa: PLC0415 - slow to import
    from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner  # noqa: PLC0415

    details = PdfSignatureMetadata(
        field_name=FIELD,
        md_algorithm="sha256",
        subfilter=SigSeedSubFilter.PADES,
        certify=True,
        docmdp_permissions=MDPPerm.NO_CHANGES,
        reason=REASON,
        name=identity.name,
    )
    output, writer = io.BytesIO(), _untouched()(io.BytesIO(pdf_bytes), strict=True)
    PdfSigner(details, signer=signer_of(identity), timestamper=stamper).sign_pdf(
        writer, output=output, existing_fields_only=True
    )
    return output.getvalue()


def _archived(signed: bytes, stamper: Any, archive: Archive) -> bytes:  # noqa: ANN401
    """With certificates and revocation lists of signer and time stamp; every one but the roots must be covered."""
    from pyhanko.pdf_utils.reader import PdfFileReader  # noqa: PLC0415 - slow to import
    from pyhanko.sign.signers import PdfTimeStamper  # noqa: PLC0415
    from pyhanko.sign.validation.dss import DocumentSecurityStore, collect_validation_info  # noqa: PLC0415
    from pyhanko_certvalidator import ValidationContext  # noqa: PLC0415

    found = PdfFileReader(io.BytesIO(signed), strict=True).embedded_signatures[0]
    context = ValidationContext(
        trust_roots=[_converted(c) for c in archive.anchors],
        crls=[_der(crl) for crl in archive.crls],
        allow_fetching=not archive.crls,
        revocation_mode="require",
    )

    async def paths() -> list[Any]:
        known = await collect_validation_info(found, context)
        return [*known, *([path async for path in stamper.validation_paths(context)] if archive.renewed else [])]

    output, writer = io.BytesIO(), _untouched()(io.BytesIO(signed), strict=True)
    DocumentSecurityStore.supply_dss_in_writer(
        writer,
        found.pkcs7_content.hex().encode("ascii"),
        validation_context=context,
        paths=asyncio.run(paths()),
    )
    writer.write(output)
    if archive.renewed:
        writer = _untouched()(io.BytesIO(output.getvalue()), strict=True)
        output = io.BytesIO()
        PdfTimeStamper(stamper, field_name=STAMP_FIELD).timestamp_pdf(writer, "sha256", output=output)
    return output.getvalue()


def _converted(certificate: x509.Certificate) -> asn1_x509.Certificate:
    return asn1_x509.Certificate.load(certificate.public_bytes(serialization.Encoding.DER))


def _der(crl: bytes) -> bytes:
    read = x509.load_pem_x509_crl if b"-----BEGIN" in crl else x509.load_der_x509_crl
    return read(crl).public_bytes(serialization.Encoding.DER)
