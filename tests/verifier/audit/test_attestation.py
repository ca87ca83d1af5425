"""Attestations: what they say, that others verify them, and that nothing else passes for one."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import pytest
import rfc8785
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from verifier.audit.attestation import NAMES, Attestations, AuditStatement, attest, require, statements
from verifier.audit.check import check
from verifier.audit.envelope import opened, pre_authentication, require_signature, seal
from verifier.audit.keys import Identity
from verifier.audit.record import Record, digest, to_jcs
from verifier.audit.render import render
from verifier.audit.sign import sign
from verifier.errors import RecordRejected
from verifier.verdict import Verdict

from .conftest import MODEL, build, verdicts
from .test_sign import certificate_for

SPKI = serialization.PublicFormat.SubjectPublicKeyInfo


def payload(bundle: bytes) -> dict:
    return json.loads(base64.b64decode(json.loads(bundle)["dsseEnvelope"]["payload"]))


def test_lengths_are_written_into_what_is_signed():
    # protocol.md of DSSE v1.0.0: "DSSEv1" SP LEN(type) SP type SP LEN(body) SP body
    assert pre_authentication(b"hello world") == b"DSSEv1 28 application/vnd.in-toto+json 11 hello world"


def test_subjects_are_the_model_files_and_the_claim(attestations: Attestations, claim_bytes: bytes):
    for bundle in (attestations.ours, attestations.test_result):
        found = {s["name"]: s["digest"]["sha256"] for s in payload(bundle)["subject"]}
        assert found["claim.yaml"] == hashlib.sha256(claim_bytes).hexdigest()
        assert set(MODEL.values()) <= set(found.values())


def test_a_generic_tool_reads_a_test_result(record: Record, attestations: Attestations):
    # fields of in-toto's predicate test-result v0.1
    statement = payload(attestations.test_result)
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["predicateType"] == "https://in-toto.io/attestation/test-result/v0.1"
    predicate = statement["predicate"]
    assert predicate["result"] == "WARNED"
    by_verdict = {v.id: v.verdict for v in record.verdicts}
    assert {by_verdict[i] for i in predicate["passedTests"]} == {Verdict.REPRODUCED}
    assert {by_verdict[i] for i in predicate["warnedTests"]} <= {Verdict.INCONCLUSIVE, Verdict.NOT_TESTABLE}
    assert len(predicate["passedTests"]) + len(predicate["warnedTests"]) == len(record.verdicts)
    assert predicate["failedTests"] == []
    assert {"name": "record.json", "digest": {"sha256": digest(to_jcs(record))}} in predicate["configuration"]


def test_a_refuted_claim_is_a_failed_test(claim_bytes: bytes):
    refuted = build(claim_bytes, verdicts=verdicts())
    statement = json.loads(statements(refuted, "00" * 32)[1])
    assert statement["predicate"]["result"] == "FAILED"
    assert statement["predicate"]["failedTests"] == ["precision_executed/int8"]


def test_our_statement_follows_its_published_type(record: Record):
    ours, _ = statements(record, digest(to_jcs(record)))
    read = AuditStatement.model_validate_json(ours)
    assert read.predicate.overall is record.overall
    assert [c.id for c in read.predicate.clauses] == [v.id for v in record.verdicts]


def test_raw_evidence_is_bound_by_digest(record: Record, attestations: Attestations):
    bound = payload(attestations.ours)["predicate"]["evidence"]
    assert bound["sha256"] == digest(rfc8785.dumps(record.evidence.model_dump(mode="json")))
    assert {r["digest"]["sha256"] for r in bound["raw"]} == {r.timestamps_sha256 for r in record.evidence.sustain.runs}


def test_a_file_that_was_not_to_be_had_is_no_subject(record: Record):
    first, *rest = record.evidence.materials
    gone = first.model_copy(update={"sha256": None, "status": "unavailable"})
    bare = record.model_copy(update={"evidence": record.evidence.model_copy(update={"materials": (gone, *rest)})})
    assert first.name not in {s["name"] for s in json.loads(statements(bare, "00" * 32)[0])["subject"]}


def test_the_same_record_and_key_give_the_same_attestations(record: Record, identity: Identity, attestations):
    assert attest(record, identity) == attestations


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
@pytest.mark.parametrize("kind", ["P-256", "P-384", "RSA-3072"])
def test_openssl_verifies_an_attestation(record: Record, kind: str, tmp_path: Path):
    key = {
        "P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
        "RSA-3072": lambda: rsa.generate_private_key(65537, 3072),
    }[kind]()
    made = attest(record, Identity(certificate=certificate_for(key), key=key))
    envelope = json.loads(made.ours)["dsseEnvelope"]
    body = base64.b64decode(envelope["payload"])
    signed = b"DSSEv1 %d %s %d %s" % (len(envelope["payloadType"]), envelope["payloadType"].encode(), len(body), body)
    (tmp_path / "pae").write_bytes(signed)
    (tmp_path / "sig").write_bytes(base64.b64decode(envelope["signatures"][0]["sig"]))
    (tmp_path / "pub.pem").write_bytes(key.public_key().public_bytes(serialization.Encoding.PEM, SPKI))
    command = ["openssl", "dgst", "-sha256", "-verify", "pub.pem", "-signature", "sig", "pae"]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).stdout == b"Verified OK\n"
    (tmp_path / "pae").write_bytes(signed[:-2] + b"X}")
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode != 0


VERIFY = """
const { bundleFromJSON } = require('@sigstore/bundle');
const { Verifier, toSignedEntity } = require('@sigstore/verify');
const { createPublicKey } = require('crypto');
const fs = require('fs');
const key = createPublicKey(fs.readFileSync('pub.pem'));
const trust = { tlogs: [], ctlogs: [], timestampAuthorities: [], certificateAuthorities: [],
  publicKey: (hint) => ({ publicKey: key, validFor: () => true }) };
const verifier = new Verifier(trust, { tlogThreshold: 0, ctlogThreshold: 0, timestampThreshold: 0 });
for (const name of process.argv.slice(2)) {
  const bundle = bundleFromJSON(JSON.parse(fs.readFileSync(name)));
  verifier.verify(toSignedEntity(bundle));
  console.log('verified ' + name);
}
"""


@pytest.mark.online
@pytest.mark.skipif(shutil.which("npm") is None, reason="node and npm are not installed")
def test_sigstore_s_own_verifier_accepts_the_bundles_and_refuses_altered_ones(
    attestations: Attestations, identity: Identity, tmp_path: Path
):
    install = ["npm", "install", "--silent", "--no-audit", "--no-fund", "@sigstore/verify@^3", "@sigstore/bundle@^4"]
    subprocess.run(install, cwd=tmp_path, check=True, capture_output=True)
    (tmp_path / "verify.js").write_text(VERIFY)
    public = identity.certificate.public_key().public_bytes(serialization.Encoding.PEM, SPKI)
    (tmp_path / "pub.pem").write_bytes(public)
    for name, content in attestations.files():
        (tmp_path / name).write_bytes(content)
    done = subprocess.run(["node", "verify.js", *NAMES], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == [f"verified {name}" for name in NAMES], done.stderr
    value = json.loads(attestations.ours)
    value["dsseEnvelope"]["payload"] = base64.b64encode(b"{}").decode()
    (tmp_path / "altered.json").write_text(json.dumps(value))
    altered = subprocess.run(["node", "verify.js", "altered.json"], cwd=tmp_path, capture_output=True, check=False)
    assert altered.returncode != 0


def test_a_signed_record_with_its_attestations_is_authentic(signed: bytes, identity: Identity):
    assert check(signed, trust=(identity.certificate,)).exit_code == 0


def other_identity() -> Identity:
    key = ec.generate_private_key(ec.SECP256R1())
    return Identity(certificate=certificate_for(key), key=key)


def swapped(record: Record) -> Record:
    """A record whose clauses are all reproduced."""
    better = tuple(
        v.model_copy(update={"verdict": Verdict.REPRODUCED, "reason": "within_tolerance"}) for v in record.verdicts
    )
    return record.model_copy(update={"verdicts": better, "overall": Verdict.REPRODUCED})


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("other words", "attestation-differs"),
        ("other key", "attestation-signer"),
        ("other signature", "attestation-signature"),
        ("exchanged", "attestation-differs"),
        ("extra key", "attestation-shape"),
        ("not canonical", "json-not-canonical"),
    ],
)
def test_an_attestation_that_says_or_is_something_else_is_rejected(record, identity, attestations, change, reason):
    value = json.loads(attestations.ours)
    if change == "other words":
        found = attest(swapped(record), identity)
    elif change == "other key":
        found = attest(record, other_identity())
    elif change == "exchanged":
        found = Attestations(ours=attestations.test_result, test_result=attestations.ours)
    else:
        if change == "other signature":
            value["dsseEnvelope"]["signatures"][0]["sig"] = base64.b64encode(identity.sign(b"other")).decode()
        elif change == "extra key":
            value["verificationMaterial"]["certificate"] = {"rawBytes": ""}
        text = json.dumps(value).encode() if change == "not canonical" else rfc8785.dumps(value)
        found = Attestations(ours=text, test_result=attestations.test_result)
    with pytest.raises(RecordRejected) as caught:
        require(found, record, digest(to_jcs(record)), identity.certificate, same_version=True)
    assert caught.value.reason == reason


def test_a_record_that_embeds_another_attestation_is_rejected_even_if_genuinely_signed(record, claim_bytes, identity):
    lying = attest(swapped(record), identity)
    pdf = sign(render(record, claim_bytes, attestations=lying), identity)
    report = check(pdf, trust=(identity.certificate,))
    assert report.exit_code == 1
    assert "attestation-differs" in {step.reason for step in report.steps}


def test_an_attestation_of_another_version_must_be_about_the_same_record(record, identity):
    sha256 = digest(to_jcs(record))
    ours, generic = (json.loads(text) for text in statements(record, sha256))
    ours["predicate"]["later"] = "field"
    grown = Attestations(ours=seal(ours, identity), test_result=seal(generic, identity))
    require(grown, record, sha256, identity.certificate, same_version=False)
    ours["predicate"]["record"]["sha256"] = "00" * 32
    other = Attestations(ours=seal(ours, identity), test_result=seal(generic, identity))
    with pytest.raises(RecordRejected, match="something else"):
        require(other, record, sha256, identity.certificate, same_version=False)


def test_a_bundle_is_read_and_its_signature_verified(attestations: Attestations, identity: Identity):
    envelope = opened(attestations.ours)
    require_signature(envelope, identity.certificate)
    with pytest.raises(RecordRejected):
        require_signature(envelope, other_identity().certificate)
