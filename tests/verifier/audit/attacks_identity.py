"""Attacks on who signed, when, and who approved."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import io
import json

import rfc8785
from asn1crypto import algos, cms, tsp
from asn1crypto import keys as asn1_keys
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID
from pyhanko.sign.fields import MDPPerm, SigSeedSubFilter
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner, PdfTimeStamper, SimpleSigner
from pyhanko_certvalidator.registry import SimpleCertificateStore

from verifier.audit import structure
from verifier.audit.attestation import attest
from verifier.audit.countersignature import countersign
from verifier.audit.envelope import hint_of, pre_authentication
from verifier.audit.keys import Identity
from verifier.audit.record import SignerStatement, digest, to_jcs
from verifier.audit.sign import sign, signer_of

from .attacks import Forgery, attack
from .attacks_bytes import contained
from .genuine import Genuine, Quiet, attached, signed_otherwise
from .pki import DAY, DER, NOW, Authority, asn1, certificate, rsa_key

IDENTITY, TIME, APPROVAL = "identity", "time stamps", "countersignatures"


def record_by(g: Genuine, identity: Identity) -> bytes:
    """A record made and signed by somebody else; its pages are not rendered anew, since nobody looks at them here."""
    statement = SignerStatement(name=identity.name, fingerprint=identity.fingerprint, self_signed=identity.self_signed)
    record = g.changed(signer=statement)
    pages = attached(g.unsigned, "record.json", to_jcs(record))
    for name, content in attest(record, identity).files():
        pages = attached(pages, name, content)
    return sign(pages, identity)


@attack(IDENTITY, "signer-not-trusted", "signer-same-name", code=3)
def a_self_signed_twin_of_the_signer(g: Genuine) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    return record_by(g, Identity(certificate=certificate(key, "Jane Doe, Municipal Laboratory"), key=key))


@attack(IDENTITY, "signer-same-name", code=3)
def a_self_signed_twin_of_the_pinned_signer(g: Genuine) -> Forgery:
    key = ec.generate_private_key(ec.SECP256R1())
    twin = Identity(certificate=certificate(key, "Jane Doe, Municipal Laboratory"), key=key)
    return Forgery(pdf=record_by(g, twin), trust=[g.identity.certificate])


@attack(IDENTITY, "signer-differs")
def somebody_else_signs_the_genuine_pages(g: Genuine) -> bytes:
    return sign(g.unsigned, g.authority.signer("Jane Doe, Municipal Laboratory"))


@attack(IDENTITY, "other-signer")
def another_trusted_identity(g: Genuine) -> Forgery:
    pdf = record_by(g, g.authority.signer("Mallory, Sales"))
    return Forgery(pdf=pdf, signers=[g.identity.fingerprint])


@attack(IDENTITY, "signer-not-trusted", code=3)
def an_authority_of_the_same_name(g: Genuine) -> bytes:
    return record_by(g, Authority(name="Test Authority").signer("Jane Doe, Municipal Laboratory"))


@attack(IDENTITY, "signer-not-trusted", code=3)
def a_signer_who_issues_certificates(g: Genuine) -> bytes:
    """A leaf certificate of a trusted signer is used as an authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    leaf = certificate(key, "Jane Doe", issuer=(g.identity.certificate, g.identity.key))
    return record_by(g, Identity(certificate=leaf, key=key, chain=(g.identity.certificate, g.root)))


@attack(IDENTITY, "signer-not-trusted", code=3)
def a_pinned_signer_who_issues_certificates(g: Genuine) -> Forgery:
    key = ec.generate_private_key(ec.SECP256R1())
    leaf = certificate(key, "Somebody", issuer=(g.identity.certificate, g.identity.key))
    pdf = record_by(g, Identity(certificate=leaf, key=key, chain=(g.identity.certificate,)))
    return Forgery(pdf=pdf, trust=[g.identity.certificate])


@attack(IDENTITY, "signer-expired")
def a_certificate_that_had_expired(g: Genuine) -> bytes:
    old = g.authority.signer("Jane Doe", start=NOW - 900 * DAY, end=NOW - 400 * DAY)
    return record_by(g, old)


@attack(IDENTITY, "signer-expired")
def a_certificate_of_the_future(g: Genuine) -> bytes:
    return record_by(g, g.authority.signer("Jane Doe", start=NOW + 300 * DAY, end=NOW + 400 * DAY))


@attack(IDENTITY, "signer-purpose", code=3)
def a_time_stamp_service_signs(g: Genuine) -> bytes:
    return record_by(g, g.authority.signer("Stamps", purposes=(ExtendedKeyUsageOID.TIME_STAMPING,)))


@attack(IDENTITY, "signer-purpose", code=3)
def a_web_server_signs(g: Genuine) -> bytes:
    return record_by(g, g.authority.signer("www.example.org", purposes=(ExtendedKeyUsageOID.SERVER_AUTH,)))


@attack(IDENTITY, "signer-revoked")
def a_revoked_signer(g: Genuine) -> Forgery:
    return Forgery(pdf=g.signed, crls=[g.authority.revocations(g.identity.certificate)])


@attack(IDENTITY, "signer-revoked")
def a_revoked_signer_who_is_pinned(g: Genuine) -> Forgery:
    crl = g.authority.revocations(g.identity.certificate)
    return Forgery(pdf=g.signed, crls=[crl], trust=[g.identity.certificate])


@attack(IDENTITY, "signer-revoked")
def a_revoked_signer_whom_nobody_trusts(g: Genuine) -> Forgery:
    return Forgery(pdf=g.signed, crls=[g.authority.revocations(g.identity.certificate)], trust=[])


@attack(IDENTITY, "signer-revoked-later", code=3)
def a_key_that_was_stolen_later(g: Genuine) -> Forgery:
    when, reason = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1), x509.ReasonFlags.key_compromise
    crl = g.authority.revocations(g.identity.certificate, when=when.replace(microsecond=0), reason=reason)
    return Forgery(pdf=g.stamped, crls=[crl])


@attack(IDENTITY, "revocation-unknown", code=3)
def a_signer_whose_revocation_nobody_knows(g: Genuine) -> Forgery:
    return Forgery(pdf=g.signed, crls=[])


@attack(IDENTITY, "revocation-unknown", code=3)
def a_revocation_list_that_is_out_of_date(g: Genuine) -> Forgery:
    return Forgery(pdf=g.signed, crls=[g.authority.revocations(issued=NOW - 300 * DAY)])


@attack(IDENTITY, "revocation-unknown", code=3)
def a_revocation_list_of_an_authority_of_the_same_name(g: Genuine) -> Forgery:
    return Forgery(pdf=g.signed, crls=[Authority(name="Test Authority").revocations()])


@attack(IDENTITY, "weak-algorithm")
def a_key_of_2048_bits(g: Genuine) -> bytes:
    return by_weak_key(g, rsa_key("weak", 2048))


def by_weak_key(g: Genuine, key, **details) -> bytes:
    """pyHanko signs what we would refuse to sign."""
    made = certificate(key, "Weak", issuer=g.authority.pair)
    private = asn1_keys.PrivateKeyInfo.load(key.private_bytes(DER, PrivateFormat.PKCS8, NoEncryption()))
    store = SimpleCertificateStore()
    store.register(asn1(g.root))
    signer = SimpleSigner(signing_cert=asn1(made), signing_key=private, cert_registry=store)
    return signed_otherwise(g.unsigned, g.identity, signer=signer, **details)


@attack(IDENTITY, "weak-algorithm")
def a_key_of_edwards(g: Genuine) -> bytes:
    return by_weak_key(g, ed25519.Ed25519PrivateKey.generate(), md_algorithm="sha512")


@attack(IDENTITY, "weak-algorithm")
def a_curve_of_192_bits(g: Genuine) -> bytes:
    return by_weak_key(g, ec.generate_private_key(ec.SECP256K1()))


def resigned(g: Genuine, key, *, swap: x509.Certificate | None = None) -> bytes:
    """The container with the same statements, signed by another key."""
    shape = structure.shape(g.signed)
    container = cms.ContentInfo.load(shape.cms)
    signer = container["content"]["signer_infos"][0]
    signed = signer["signed_attrs"].untag().dump(force=True)
    signer["signature"] = key.sign(signed, ec.ECDSA(hashes.SHA256()))
    if swap is not None:
        container["content"]["certificates"] = cms.CertificateSet([cms.CertificateChoices("certificate", asn1(swap))])
        signer["sid"] = cms.SignerIdentifier(
            {
                "issuer_and_serial_number": cms.IssuerAndSerialNumber(
                    {"issuer": asn1(swap).issuer, "serial_number": swap.serial_number}
                )
            }
        )
    return contained(g.signed, container.dump(force=True))


@attack(IDENTITY, "signature-invalid", "signature-unreadable")
def another_key_under_the_genuine_certificate(g: Genuine) -> bytes:
    return resigned(g, ec.generate_private_key(ec.SECP256R1()))


@attack(IDENTITY, "signature-unreadable", "signature-invalid", "signature-certificate")
def another_certificate_for_the_genuine_statements(g: Genuine) -> bytes:
    """The certificate is swapped; the signed attribute still names the genuine one."""
    other = g.authority.signer("Mallory")
    return resigned(g, other.key, swap=other.certificate)


def with_unsigned(pdf: bytes, attributes: list[cms.CMSAttribute]) -> bytes:
    container = cms.ContentInfo.load(structure.shape(pdf).cms)
    container["content"]["signer_infos"][0]["unsigned_attrs"] = cms.CMSAttributes(attributes)
    return contained(pdf, container.dump(force=True))


@attack(IDENTITY, "signature-attributes")
def a_countersignature_inside_the_container(g: Genuine) -> bytes:
    container = cms.ContentInfo.load(structure.shape(g.signed).cms)
    info = container["content"]["signer_infos"][0].copy()
    attribute = cms.CMSAttribute({"type": "counter_signature", "values": [cms.SignerInfo.load(info.dump())]})
    return with_unsigned(g.stamped, [attribute])


@attack(IDENTITY, "signature-count")
def two_signers_in_one_container(g: Genuine) -> bytes:
    container = cms.ContentInfo.load(structure.shape(g.stamped).cms)
    infos = container["content"]["signer_infos"]
    twin = cms.SignerInfo.load(infos[0].dump())
    twin["unsigned_attrs"] = cms.CMSAttributes([])
    single = cms.SignerInfo.load(infos[0].dump())
    single["unsigned_attrs"] = cms.CMSAttributes([])
    container["content"]["signer_infos"] = cms.SignerInfos([single, twin])
    return contained(g.stamped, container.dump(force=True))


@attack(TIME, "time-stamp-not-trusted", code=3)
def a_time_stamp_by_an_unknown_service(g: Genuine) -> bytes:
    return sign(g.unsigned, g.identity, tsa=Authority(name="Mallory").stamper(at=NOW - 700 * DAY))


@attack(TIME, "time-stamp-not-trusted", code=3)
def swap_the_time_stamp_for_an_older_one_by_an_unknown_service(g: Genuine) -> bytes:
    """Needs no key of the signer: a token is not covered by the signature."""
    value = cms.ContentInfo.load(structure.shape(g.stamped).cms)["content"]["signer_infos"][0]["signature"].native
    service = Authority(name="Mallory").stamper(at=NOW - 700 * DAY)
    token = stamp_over(service, value)
    attribute = cms.CMSAttribute({"type": "signature_time_stamp_token", "values": [token]})
    return with_unsigned(g.stamped, [attribute])


def stamp_over(service, data: bytes):
    imprint = {
        "hash_algorithm": algos.DigestAlgorithm({"algorithm": "sha256"}),
        "hashed_message": hashlib.sha256(data).digest(),
    }
    request = tsp.TimeStampReq({"version": 1, "message_imprint": tsp.MessageImprint(imprint), "cert_req": True})
    return service.request_tsa_response(request)["time_stamp_token"]


@attack(TIME, "time-stamp", "time-unreadable")
def a_time_stamp_of_another_signature(g: Genuine) -> bytes:
    token = stamp_over(g.authority.stamper(), b"another signature")
    attribute = cms.CMSAttribute({"type": "signature_time_stamp_token", "values": [token]})
    return with_unsigned(g.stamped, [attribute])


@attack(TIME, "signature-attributes")
def two_time_stamps(g: Genuine) -> bytes:
    roomy = signed_with_room(g)
    value = cms.ContentInfo.load(structure.shape(roomy).cms)["content"]["signer_infos"][0]["signature"].native
    token = stamp_over(g.authority.stamper(), value)
    attribute = cms.CMSAttribute({"type": "signature_time_stamp_token", "values": [token]})
    small = [cms.CMSAttribute.load(attribute.dump()), cms.CMSAttribute.load(attribute.dump())]
    return with_unsigned(roomy, small)


def signed_with_room(g: Genuine) -> bytes:
    """A signed record with much room in its container."""
    details = PdfSignatureMetadata(
        field_name="AuditSignature",
        md_algorithm="sha256",
        subfilter=SigSeedSubFilter.PADES,
        certify=True,
        docmdp_permissions=MDPPerm.NO_CHANGES,
    )
    out = io.BytesIO()
    PdfSigner(details, signer=signer_of(g.identity)).sign_pdf(
        Quiet(io.BytesIO(g.unsigned)), output=out, existing_fields_only=True, bytes_reserved=32768
    )
    return out.getvalue()


@attack(TIME, "time-contradiction")
def a_time_stamp_before_the_stated_time(g: Genuine) -> bytes:
    return sign(g.unsigned, g.identity, tsa=g.authority.stamper(at=NOW - 30 * DAY))


@attack(TIME, "time-stamp-not-trusted", code=3)
def a_time_stamp_service_that_was_revoked(g: Genuine) -> Forgery:
    service = g.authority.stamper()
    made = x509.load_der_x509_certificate(service.tsa_cert.dump())
    return Forgery(pdf=sign(g.unsigned, g.identity, tsa=service), crls=[g.authority.revocations(made)])


@attack(TIME, "time-stamp-not-trusted", code=3)
def a_document_time_stamp_by_an_unknown_service(g: Genuine) -> bytes:
    """Needs no key: whoever has the file can append one that claims an early time."""
    out = io.BytesIO()
    stamper = PdfTimeStamper(Authority(name="Mallory").stamper(at=NOW - 700 * DAY), field_name="ArchiveTimeStamp")
    stamper.timestamp_pdf(Quiet(io.BytesIO(g.stamped)), "sha256", output=out)
    return out.getvalue()


@attack(TIME, "signer-revoked")
def a_stolen_key_that_makes_its_own_time_stamp_service(g: Genuine) -> Forgery:
    """The reader pins the signer; the thief lets that certificate issue a service, and stamps before the revocation."""
    thief = Authority(name="thief")
    thief.certificate, thief.key = g.identity.certificate, g.identity.key
    pdf = sign(
        g.unsigned, g.identity, tsa=thief.stamper(at=dt.datetime.now(dt.UTC) - dt.timedelta(minutes=30), crl=False)
    )
    recently = g.authority.revocations(
        g.identity.certificate, when=(dt.datetime.now(dt.UTC) - dt.timedelta(minutes=10)).replace(microsecond=0)
    )
    return Forgery(pdf=pdf, trust=[g.identity.certificate], crls=[recently])


@attack(IDENTITY, "revocation-unknown", code=3)
def a_revoked_signer_who_leaves_out_the_issuer(g: Genuine) -> Forgery:
    """Without the issuer's certificate the list cannot be verified, but it cannot be ignored either."""
    signer = g.authority.signer("Jane Doe", crl=False)
    alone = Identity(certificate=signer.certificate, key=signer.key)
    return Forgery(
        pdf=record_by(g, alone), trust=[alone.certificate], crls=[g.authority.revocations(alone.certificate)]
    )


@attack(TIME, "signer-not-trusted", code=3)
def an_authority_that_is_trusted_for_time_alone(g: Genuine) -> Forgery:
    pdf = record_by(g, g.other_authority.signer("Mallory"))
    crls = [g.crl, g.other_authority.revocations()]
    return Forgery(pdf=pdf, stamp_trust=[g.other_authority.certificate], crls=crls)


def approval(g: Genuine, identity: Identity, pdf: bytes | None = None, **changes) -> bytes:
    settings = {
        "name": "record.pdf",
        "record_id": g.record.id,
        "record_sha256": digest(g.data),
        "time": "2026-11-29T07:30:00Z",
        "person": "A. Auditor",
        **changes,
    }
    return countersign(g.signed if pdf is None else pdf, identity, **settings)


def beside(g: Genuine, bundle: bytes) -> Forgery:
    return Forgery(pdf=g.signed, countersignatures=[("record.pdf.countersign.json", bundle)])


@attack(APPROVAL, "countersign-other-file")
def an_approval_of_another_file(g: Genuine) -> Forgery:
    return beside(g, approval(g, g.authority.signer("A. Auditor"), g.stamped))


@attack(APPROVAL, "countersign-other-record")
def an_approval_of_another_record(g: Genuine) -> Forgery:
    return beside(g, approval(g, g.authority.signer("A. Auditor"), record_sha256="0" * 64))


@attack(APPROVAL, "attestation-signature", "attestation-signer")
def an_approval_with_another_name(g: Genuine) -> Forgery:
    bundle = json.loads(approval(g, g.authority.signer("A. Auditor")))
    payload = base64.b64decode(bundle["dsseEnvelope"]["payload"]).replace(b"A. Auditor", b"B. Auditor")
    bundle["dsseEnvelope"]["payload"] = base64.b64encode(payload).decode()
    return beside(g, rfc8785.dumps(bundle))


@attack(APPROVAL, "attestation-signer")
def an_approval_under_anothers_certificate(g: Genuine) -> Forgery:
    mallory = g.authority.signer("Mallory")
    return beside(g, wrong_hint(g, mallory))


def wrong_hint(g: Genuine, mallory: Identity) -> bytes:
    """Mallory signs a statement that names the genuine signer's certificate."""
    bundle = json.loads(approval(g, g.identity))
    payload = base64.b64decode(bundle["dsseEnvelope"]["payload"])
    signature = mallory.sign(pre_authentication(payload))
    bundle["dsseEnvelope"]["signatures"][0]["sig"] = base64.b64encode(signature).decode()
    bundle["verificationMaterial"]["publicKey"]["hint"] = hint_of(mallory.public_key)
    return rfc8785.dumps(bundle)


@attack(APPROVAL, "signer-revoked")
def an_approval_by_somebody_revoked(g: Genuine) -> Forgery:
    auditor = g.authority.signer("A. Auditor")
    made = beside(g, approval(g, auditor))
    return Forgery(
        pdf=made.pdf, countersignatures=made.countersignatures, crls=[g.authority.revocations(auditor.certificate)]
    )


@attack(APPROVAL, "approver-not-trusted", code=3)
def an_approval_by_somebody_unknown(g: Genuine) -> Forgery:
    return beside(g, approval(g, Authority(name="Mallory").signer("The Buyer's Auditor")))


@attack(APPROVAL, "countersign-shape", "attestation-shape", "json-syntax", "json-not-canonical")
def noise_beside_the_record(g: Genuine) -> Forgery:
    return beside(g, b"\x00" * 100)
