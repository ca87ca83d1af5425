"""What a signature's container carries beside what it signs: certificates, versions, lists of algorithms.

Nobody's signature covers these bytes. They cannot make anything trusted, but whoever looks at them must not find other
bytes than the issuer wrote: each certificate is as it was issued, as far as what is at hand can tell, and the container
says nothing of itself that its one signer does not say.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from verifier.audit.objects import refuse

_MOST_CHAIN = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Evidence from record and reader together."""

    certificates: tuple[x509.Certificate, ...]
    crls: tuple[x509.CertificateRevocationList, ...]
    ocsps: tuple[bytes, ...]
    unproven: tuple[x509.Certificate, ...] = ()
    """Certificates of the file of which what is at hand cannot tell whether they are as they were issued."""
    unusual: tuple[str, ...] = ()
    """What time stamps say of themselves that nobody's signature covers."""


def signed_data(container: bytes, reason: str) -> Any:  # noqa: ANN401 - asn1crypto's
    """The signed data of a container; ``reason`` is the code of a refusal."""
    import asn1crypto.tsp  # noqa: F401, PLC0415 - must be loaded before any container is read
    from asn1crypto import cms  # noqa: PLC0415

    found = cms.ContentInfo.load(container, strict=True)
    if found["content_type"].native != "signed_data":
        raise refuse("a signature container is of another kind", reason)
    return found["content"]


def strange(content: Any) -> str:  # noqa: ANN401 - asn1crypto's signed data
    """What a container says of itself beyond what its one signer says; empty if nothing.

    RFC 5652, 5.1 and 5.3: version numbers follow from the contents. Further digests and lists are allowed there; our
    own containers have none, those of a time-stamp service may.
    """
    signers = content["signer_infos"]
    if len(signers) != 1:
        raise refuse(f"a container holds {len(signers)} signers", "signature-count")
    (signer,) = signers
    if any(each.name != "certificate" for each in content["certificates"]) or len(content["crls"]):
        return "holds something beside certificates"
    for each in content["certificates"]:
        require_whole_octets(each.chosen["signature_value"])
    by_name = signer["sid"].name == "issuer_and_serial_number"
    plain = content["encap_content_info"]["content_type"].native == "data"
    versions = ("v1" if by_name else "v3", "v1" if by_name and plain else "v3")
    if (signer["version"].native, content["version"].native) != versions:
        return "states another version than its contents have"
    digests = list(content["digest_algorithms"])
    if len(digests) != 1 or not _same_algorithm(digests[0], signer["digest_algorithm"]):
        return "lists other digests than its signer uses"
    if by_name and len(_named(content, signer["sid"].chosen)) != 1:
        return "does not hold one certificate of its signer's name"
    return ""


def require_plain(content: Any) -> None:  # noqa: ANN401 - as above
    """The container of a record's own signature, as we write it."""
    words = strange(content)
    if words:
        raise refuse(f"the signature container {words}", "signature-container")


def require_whole_octets(signature: Any) -> None:  # noqa: ANN401 - asn1crypto's bit string
    """Signatures are whole octets: a count of unused bits is the one place that neither they nor others cover."""
    if signature.contents[:1] != b"\0":
        raise refuse("a signature in the file ends within an octet", "signature-certificates")


def _same_algorithm(one: Any, other: Any) -> bool:  # noqa: ANN401 - asn1crypto's
    """The same digest, its parameters absent or NULL as RFC 5754 has them."""
    empty = all(each["parameters"].dump() in (b"", b"\x05\x00") for each in (one, other))
    return bool(one["algorithm"].native == other["algorithm"].native) and empty


def _named(content: Any, sid: Any) -> set[bytes]:  # noqa: ANN401 - asn1crypto's
    """Certificates that answer to an issuer and a number, byte for byte; copies of one are one."""
    wanted = (sid["issuer"].dump(), sid["serial_number"].native)
    held = [each.chosen for each in content["certificates"]]
    return {each.dump() for each in held if (each.issuer.dump(), each.serial_number) == wanted}


def certificates_in(content: Any) -> list[x509.Certificate]:  # noqa: ANN401 - asn1crypto's signed data
    """Certificates in a container."""
    listed = content["certificates"]
    return [x509.load_der_x509_certificate(each.chosen.dump()) for each in listed if each.name == "certificate"]


def unproven(embedded: Iterable[x509.Certificate], known: Sequence[x509.Certificate]) -> tuple[x509.Certificate, ...]:
    """Those of ``embedded`` of which ``known`` cannot tell whether they are as issued; refuses those that are not."""
    return tuple(c for c in dict.fromkeys(embedded) if not _as_issued(c, known))


def _as_issued(certificate: x509.Certificate, known: Sequence[x509.Certificate]) -> bool:
    """Whether its issuer's key confirms it, or nothing at hand could; false for what only looks like its issuer's."""
    issuers = [c for c in known if c.subject == certificate.issuer]
    if not issuers:
        # an authority whose root is not here is nothing strange, but a twin of what is here is
        return not any(c != certificate and _same_key(c, certificate) for c in known)
    if any(issued(certificate, c) for c in issuers):
        return True
    if any(_may_have_issued(c, certificate) and _computed(certificate, c) for c in issuers):
        raise refuse("a certificate in the file is not as its issuer signed it", "signature-certificates")
    return False


def _same_key(one: x509.Certificate, other: x509.Certificate) -> bool:
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    try:
        return one.public_key().public_bytes(*form) == other.public_key().public_bytes(*form)
    except (ValueError, UnsupportedAlgorithm):
        return False


def _may_have_issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    """Whether the names of keys, where both are given, agree: authorities change keys and keep their names."""
    try:
        theirs = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
        own = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except (x509.ExtensionNotFound, ValueError):
        return True
    return theirs is None or theirs == own


def _computed(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether its signature is of a kind that is computed here; MD5 in an old root is not."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except UnsupportedAlgorithm:
        return False
    except (ValueError, TypeError, InvalidSignature):
        return True
    return True


def chain(certificate: x509.Certificate, known: Iterable[x509.Certificate]) -> tuple[x509.Certificate, ...]:
    """The certificate and those that really issued each other above it, as far as they are known."""
    found, candidates = [certificate], tuple(known)
    while len(found) < _MOST_CHAIN:
        above = next((c for c in candidates if c not in found and issued(found[-1], c)), None)
        if above is None:
            break
        found.append(above)
    return tuple(found)


def issued(certificate: x509.Certificate, by: x509.Certificate) -> bool:
    """Whether the key of ``by`` signed ``certificate``; names alone would not tell."""
    if certificate.issuer != by.subject:
        return False
    try:
        certificate.verify_directly_issued_by(by)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True
