"""What a container carries beside what is signed is as its issuers wrote it, or the record is not accepted."""

from __future__ import annotations

from collections.abc import Callable

import asn1crypto.tsp  # noqa: F401 - must be loaded before any container is read
import pytest
from asn1crypto import cms, x509
from asn1crypto import ocsp as asn1_ocsp
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from verifier.audit import structure
from verifier.audit.archive import _require_der
from verifier.audit.check import CheckReport, check
from verifier.errors import RecordRejected

from .attacks_bytes import contained
from .genuine import Genuine
from .pki import NOW, certificate


def of(genuine: Genuine, pdf: bytes, **how: object) -> CheckReport:
    return check(pdf, trust=[genuine.root], crls=[genuine.crl], rerender=False, **how)


def reasons(report: CheckReport) -> set[str]:
    return {step.reason for step in report.steps if step.status in ("fail", "weak")} - {"not-rendered"}


def altered(pdf: bytes, change: Callable[[cms.SignedData], None]) -> bytes:
    found = cms.ContentInfo.load(structure.shape(pdf).cms)
    change(found["content"])
    return contained(pdf, found.dump(force=True))


def with_certificates(pdf: bytes, change: Callable[[list[bytes]], list[bytes]]) -> bytes:
    def act(content: cms.SignedData) -> None:
        made = change([each.chosen.dump() for each in content["certificates"]])
        content["certificates"] = cms.CertificateSet(
            [cms.CertificateChoices("certificate", x509.Certificate.load(der)) for der in made]
        )

    return altered(pdf, act)


def test_a_container_holds_the_signer_once_and_who_issued_it(genuine: Genuine):
    content = cms.ContentInfo.load(structure.shape(genuine.signed).cms)["content"]
    held = sorted(each.chosen.dump() for each in content["certificates"])
    assert held == sorted(c.public_bytes(Encoding.DER) for c in (genuine.identity.certificate, genuine.root))


def test_a_copy_of_the_signer_is_a_copy(genuine: Genuine):
    signer = genuine.identity.certificate.public_bytes(Encoding.DER)
    assert reasons(of(genuine, with_certificates(genuine.signed, lambda held: [*held, signer]))) == set()


@pytest.mark.parametrize("place", [-5, 20, 300], ids=["signature", "number", "extension"])
def test_a_certificate_that_is_not_as_it_was_issued_is_never_accepted(genuine: Genuine, place: int):
    signer = bytearray(genuine.identity.certificate.public_bytes(Encoding.DER))
    signer[place] ^= 1
    report = of(genuine, with_certificates(genuine.signed, lambda held: [*held, bytes(signer)]))
    assert reasons(report) & {"signature-certificates", "time-certificates"} or report.exit_code == 1


@pytest.mark.parametrize("level", ["signed", "stamped", "archived"])
def test_a_signature_of_a_certificate_ends_with_an_octet(genuine: Genuine, level: str):
    """The count of unused bits in front of it is covered by nobody; 1 means the same wherever the last bit is 0."""
    pdf = getattr(genuine, level)
    container = structure.shape(pdf).cms
    altered = container
    for each in cms.ContentInfo.load(container)["content"]["certificates"]:
        der, signature = each.chosen.dump(), each.chosen["signature_value"].dump()
        assert signature[2] == 0
        altered = altered.replace(der, der[: -len(signature)] + signature[:2] + b"\x01" + signature[3:])
    assert altered != container
    # an archive's time stamp covers the container, so that this is refused for another reason
    report = of(genuine, contained(pdf, altered))
    assert report.exit_code == 1
    assert "signature-certificates" in reasons(report) or level == "archived"


def test_a_twin_of_an_anchor_that_nobody_confirms_is_doubted(genuine: Genuine):
    """The anchor's own name and key under a made-up issuer: nothing at hand tells who wrote it."""
    nobody = ec.generate_private_key(ec.SECP256R1())
    above = certificate(nobody, "Somebody Else", ca=True)
    twin = certificate(genuine.authority.key, genuine.authority.name, issuer=(above, nobody), ca=True)
    pdf = with_certificates(genuine.signed, lambda held: [*held, twin.public_bytes(Encoding.DER)])
    assert reasons(of(genuine, pdf)) == {"time-certificates"}
    assert reasons(check(pdf, trust=[genuine.root, above], crls=[genuine.crl], rerender=False)) == set()


def test_an_authority_whose_root_is_not_at_hand_is_nothing_strange(genuine: Genuine):
    nobody = ec.generate_private_key(ec.SECP256R1())
    above = certificate(nobody, "Far Root", ca=True)
    between = certificate(ec.generate_private_key(ec.SECP256R1()), "Between", issuer=(above, nobody), ca=True)
    pdf = with_certificates(genuine.signed, lambda held: [*held, between.public_bytes(Encoding.DER)])
    assert reasons(of(genuine, pdf)) == set()


def another_version(content: cms.SignedData) -> None:
    content["version"] = "v3"


def another_version_of_the_signer(content: cms.SignedData) -> None:
    content["signer_infos"][0]["version"] = "v3"


def a_second_digest(content: cms.SignedData) -> None:
    content["digest_algorithms"].append({"algorithm": "sha512"})


def another_digest(content: cms.SignedData) -> None:
    content["digest_algorithms"] = [{"algorithm": "sha512"}]


def the_issuer_in_capitals(content: cms.SignedData) -> None:
    """Names are compared without regard to case, so that another spelling would find the same certificate."""
    sid = content["signer_infos"][0]["sid"].chosen
    issuer = sid["issuer"].dump().replace(b"Test Authority", b"TEST Authority")
    sid["issuer"] = x509.Name.load(issuer)


CHANGES = (
    another_version,
    another_version_of_the_signer,
    a_second_digest,
    another_digest,
    the_issuer_in_capitals,
)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("level", ["signed", "stamped", "archived"])
def test_a_container_says_of_itself_what_its_signer_says(genuine: Genuine, level: str, change: Callable):
    pdf = getattr(genuine, level)
    assert reasons(of(genuine, pdf)) == set()
    report = of(genuine, altered(pdf, change))
    assert report.exit_code == 1
    assert "signature-container" in reasons(report) or level == "archived"


def a_later_version(content: cms.SignedData) -> None:
    content["version"] = "v5"


@pytest.mark.parametrize("change", [a_later_version, a_second_digest, another_digest, the_issuer_in_capitals])
def test_a_time_stamp_of_an_unusual_form_is_doubted_and_not_called_altered(genuine: Genuine, change: Callable):
    """Services may list digests and hold lists (RFC 5652); nobody covers that, so that it is not accepted either."""

    def of_the_token(content: cms.SignedData) -> None:
        for attribute in content["signer_infos"][0]["unsigned_attrs"]:
            change(attribute["values"][0]["content"])

    report = of(genuine, altered(genuine.stamped, of_the_token))
    assert (report.exit_code, reasons(report)) == (3, {"time-stamp-unusual"})


def test_evidence_whose_signature_ends_within_an_octet_is_refused():
    key = ec.generate_private_key(ec.SECP256R1())
    found = certificate(key, "Somebody", ca=True)
    answer = (
        ocsp.OCSPResponseBuilder()
        .add_response(found, found, hashes.SHA256(), ocsp.OCSPCertStatus.GOOD, NOW, NOW, None, None)
        .responder_id(ocsp.OCSPResponderEncoding.HASH, found)
        .sign(key, hashes.SHA256())
        .public_bytes(Encoding.DER)
    )
    der = found.public_bytes(Encoding.DER)
    _require_der(der, "certificates")
    _require_der(answer, "ocsps")
    for kind, data, signature in (
        ("certificates", der, x509.Certificate.load(der)["signature_value"].dump()),
        ("ocsps", answer, asn1_ocsp.OCSPResponse.load(answer)["response_bytes"]["response"].parsed["signature"].dump()),
    ):
        short = data.replace(signature, signature[:2] + b"\x01" + signature[3:])
        assert short != data
        with pytest.raises(RecordRejected):
            _require_der(short, kind)
