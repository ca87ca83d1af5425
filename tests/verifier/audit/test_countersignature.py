"""Countersignatures: a second person approves a record, and the PDF stays as it is."""

from __future__ import annotations

import base64
import json
import stat
from pathlib import Path

import pytest
import rfc8785
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from lynxspec.cli import run
from verifier.audit import countersignature, keys
from verifier.audit.check import check
from verifier.audit.countersignature import beside, countersign, examine, path_of
from verifier.audit.envelope import seal
from verifier.audit.keys import Identity
from verifier.cli import COMMANDS
from verifier.errors import RecordRejected

from .authority import authority


@pytest.fixture(scope="module")
def approver(tmp_path_factory) -> Identity:
    return keys.keygen(tmp_path_factory.mktemp("approver"), name="Ada Ito")


@pytest.fixture(scope="module")
def about(signed: bytes, identity: Identity) -> dict[str, str]:
    """Names of the record, as `check` reports them."""
    report = check(signed, trust=(identity.certificate,))
    return {"record_id": str(report.record_id), "record_sha256": str(report.record_sha256)}


@pytest.fixture(scope="module")
def bundle(signed: bytes, approver: Identity, about) -> bytes:
    return countersign(
        signed, approver, name="record.pdf", time="2026-11-29T07:30:00Z", person="Ada Ito", function="auditor", **about
    )


def test_it_says_who_approved_which_record_and_when(signed: bytes, approver: Identity, bundle: bytes, about):
    found = examine(bundle, signed, **about)
    assert (found.approval.person, found.approval.function, found.approval.organisation) == (
        "Ada Ito",
        "auditor",
        "not stated",
    )
    assert (found.approval.role, found.approval.time) == ("approves", "2026-11-29T07:30:00Z")
    assert found.certificate == approver.certificate


def test_it_does_not_hold_for_another_file(signed: bytes, bundle: bytes, about):
    with pytest.raises(RecordRejected) as caught:
        examine(bundle, signed + b"\n", **about)
    assert caught.value.reason == "countersign-other-file"


def test_it_does_not_hold_for_another_record_in_the_file(signed: bytes, bundle: bytes, about):
    with pytest.raises(RecordRejected) as caught:
        examine(bundle, signed, **{**about, "record_sha256": "00" * 32})
    assert caught.value.reason == "countersign-other-record"


def _statement(bundle: bytes) -> dict:
    return json.loads(base64.b64decode(json.loads(bundle)["dsseEnvelope"]["payload"]))


def test_a_name_changed_after_signing_is_found(signed: bytes, bundle: bytes, about):
    value, statement = json.loads(bundle), _statement(bundle)
    statement["predicate"]["person"] = "Somebody Else"
    value["dsseEnvelope"]["payload"] = base64.b64encode(rfc8785.dumps(statement)).decode()
    with pytest.raises(RecordRejected) as caught:
        examine(rfc8785.dumps(value), signed, **about)
    assert caught.value.reason == "attestation-signature"


def test_the_certificate_of_another_cannot_be_borrowed(signed, identity: Identity, approver, bundle: bytes, about):
    statement = _statement(bundle)
    der = identity.certificate.public_bytes(serialization.Encoding.DER)
    statement["predicate"]["certificates"] = [base64.b64encode(der).decode()]
    with pytest.raises(RecordRejected) as caught:
        examine(seal(statement, approver), signed, **about)
    assert caught.value.reason == "attestation-signer"


@pytest.mark.parametrize("role", ["rejects", "reads"])
def test_another_role_is_not_taken_for_an_approval(signed, approver, bundle: bytes, about, role: str):
    statement = _statement(bundle)
    statement["predicate"]["role"] = role
    with pytest.raises(RecordRejected) as caught:
        examine(seal(statement, approver), signed, **about)
    assert caught.value.reason == "countersign-shape"


@pytest.mark.parametrize("junk", [b"", b"{}", b"[]", b"null", b"\xff", b'{"dsseEnvelope":{}}', b"1" * 100])
def test_other_bytes_are_rejected_and_nothing_worse(signed: bytes, about, junk: bytes):
    with pytest.raises(RecordRejected):
        examine(junk, signed, **about)


@pytest.fixture
def desk(tmp_path: Path, signed: bytes, identity: Identity) -> Path:
    """A folder with a record, its signer's certificate and a second person's key."""
    (tmp_path / "record.pdf").write_bytes(signed)
    (tmp_path / "signer.pem").write_bytes(identity.certificate.public_bytes(serialization.Encoding.PEM))
    keys.keygen(tmp_path / "second", name="Ada Ito")
    return tmp_path


def test_the_command_writes_beside_the_record_and_leaves_it_alone(desk: Path, signed: bytes, about, capsys):
    command = ["countersign", str(desk / "record.pdf"), "--key", str(desk / "second" / "identity.pem")]
    command += ["--trust", str(desk / "signer.pem"), "--person", "Ada Ito"]
    assert run(COMMANDS, command) == 0
    assert run(COMMANDS, command) == 0
    assert (desk / "record.pdf").read_bytes() == signed
    found = beside(desk / "record.pdf")
    assert [p.name for p in found] == ["record.pdf.countersign.json", "record.pdf.countersign.2.json"]
    for path in found:
        assert examine(path.read_bytes(), signed, **about).approval.person == "Ada Ito"
    assert "authentic and trusted" in capsys.readouterr().err


def test_an_altered_record_is_not_countersigned(desk: Path, signed: bytes):
    (desk / "record.pdf").write_bytes(signed[:2000] + bytes([signed[2000] ^ 1]) + signed[2001:])
    assert run(COMMANDS, ["countersign", str(desk / "record.pdf"), "--key", str(desk / "second/identity.pem")]) == 1
    assert beside(desk / "record.pdf") == ()


def test_the_signer_is_no_second_person(desk: Path, identity: Identity):
    assert run(COMMANDS, ["countersign", str(desk / "record.pdf"), "--key", str(identity.path)]) == 2
    assert beside(desk / "record.pdf") == ()


def test_countersignatures_are_found_up_to_the_first_gap(tmp_path: Path):
    pdf = tmp_path / "r.pdf"
    for number in (1, 2, 4):
        path_of(pdf, number).write_bytes(b"")
    assert len(beside(pdf)) == 2
    assert countersignature.MOST > 4


def test_keygen_writes_a_request_with_the_same_profile(tmp_path: Path, capsys):
    command = ["keygen", "--directory", str(tmp_path / "id"), "--name", "Ada Ito", "--organisation", "City of X"]
    assert run(COMMANDS, [*command, "--email", "ada@example.org"]) == 0
    request = x509.load_pem_x509_csr((tmp_path / "id" / keys.REQUEST_FILE).read_bytes())
    assert request.is_signature_valid
    usage = request.extensions.get_extension_for_class(x509.KeyUsage)
    assert (usage.critical, usage.value.digital_signature, usage.value.content_commitment) == (True, True, True)
    purposes = {p.dotted_string for p in request.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value}
    # RFC 9336 document signing, and e-mail protection
    assert purposes == {"1.3.6.1.5.5.7.3.36", "1.3.6.1.5.5.7.3.4"}
    assert request.subject.rfc4514_string() == "CN=Ada Ito,O=City of X"
    assert stat.S_IMODE((tmp_path / "id" / keys.KEY_FILE).stat().st_mode) == 0o600
    shown = capsys.readouterr()
    assert "PRIVATE" not in shown.out + shown.err


def test_an_encrypted_identity_is_made_with_a_passphrase_from_a_file(tmp_path: Path):
    (tmp_path / "word").write_text("open sesame\n")
    command = ["keygen", "--directory", str(tmp_path / "id"), "--passphrase-file", str(tmp_path / "word")]
    assert run(COMMANDS, command) == 0
    pem = (tmp_path / "id" / keys.KEY_FILE).read_bytes()
    assert b"ENCRYPTED PRIVATE KEY" in pem
    assert keys.load(tmp_path / "id" / keys.KEY_FILE, passphrase=lambda: b"open sesame").self_signed


def test_an_issued_certificate_replaces_the_self_signed_one(tmp_path: Path):
    made = keys.keygen(tmp_path / "id")
    issued = authority(signer_key=made.key)
    pem = serialization.Encoding.PEM
    (tmp_path / "issued.pem").write_bytes(issued.identity.certificate.public_bytes(pem) + issued.root.public_bytes(pem))
    loaded = keys.load(made.path, cert=tmp_path / "issued.pem")
    assert loaded.certificate == issued.identity.certificate
    assert loaded.chain == (issued.root,)
