"""Identities and signatures: private, strong, and verified by others than us."""

from __future__ import annotations

import datetime as dt
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from asn1crypto import keys as asn1_keys
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID
from pyhanko.sign.timestamps.dummy_client import DummyTimeStamper

from verifier.audit import keys, texts
from verifier.audit.check import check
from verifier.audit.keys import Identity
from verifier.audit.record import Record, digest, to_jcs
from verifier.audit.sign import sign
from verifier.errors import SigningFailed

PEM = serialization.Encoding.PEM
TOOLS = all(shutil.which(tool) for tool in ("pdfsig", "openssl"))


def private(path: Path, data: bytes) -> None:
    """Write a key as its owner should: for nobody else to read."""
    path.touch(mode=0o600)
    path.write_bytes(data)


def certificate_for(key, *, issuer=None, name="Jane Doe", ca=False) -> x509.Certificate:
    """A certificate; ``issuer`` is the pair of certificate and key that vouch for it."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    by, with_key = (issuer[0].subject, issuer[1]) if issuer else (subject, key)
    usage = x509.KeyUsage(not ca, not ca, False, False, False, ca, ca, False, False)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=365))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .sign(with_key, None if isinstance(with_key, ed25519.Ed25519PrivateKey) else hashes.SHA256())
    )


def pem_of(key, passphrase: bytes | None = None) -> bytes:
    how = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    return key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, how)


def test_the_first_identity_is_private_and_kept(tmp_path: Path):
    first = keys.ensure_self_signed(tmp_path / "new")
    again = keys.ensure_self_signed(tmp_path / "new")
    path = tmp_path / "new" / keys.KEY_FILE
    assert (first.created, again.created) == (True, False)
    assert first.fingerprint == again.fingerprint
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert b"PRIVATE" not in keys.certificate_path(tmp_path / "new").read_bytes()


def test_the_first_identity_follows_the_profile_that_readers_accept(identity: Identity):
    # key usage digitalSignature and nonRepudiation, critical; RFC 9336 document signing and e-mail protection
    usage = identity.certificate.extensions.get_extension_for_class(x509.KeyUsage)
    purposes = identity.certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    assert usage.critical
    assert (usage.value.digital_signature, usage.value.content_commitment, usage.value.key_cert_sign) == (
        True,
        True,
        False,
    )
    assert {p.dotted_string for p in purposes.value} == {"1.3.6.1.5.5.7.3.4", "1.3.6.1.5.5.7.3.36"}
    assert isinstance(identity.key.curve, ec.SECP256R1)
    assert identity.self_signed


def test_a_key_that_others_can_read_is_not_used(tmp_path: Path):
    keys.ensure_self_signed(tmp_path)
    (tmp_path / keys.KEY_FILE).chmod(0o644)
    with pytest.raises(SigningFailed) as caught:
        keys.ensure_self_signed(tmp_path)
    assert "chmod 600" in caught.value.hint


def test_an_existing_identity_is_never_replaced(tmp_path: Path):
    keys.keygen(tmp_path)
    with pytest.raises(SigningFailed, match="exists already"):
        keys.keygen(tmp_path)


def test_the_private_key_is_not_printed(identity: Identity):
    assert "PrivateKey" not in repr(identity)


def test_an_encrypted_key_asks_for_its_passphrase(tmp_path: Path, monkeypatch):
    made = keys.keygen(tmp_path, passphrase=b"open sesame")
    (tmp_path / "word").write_text("open sesame\n")
    monkeypatch.setenv("LYNX_TEST_WORD", "open sesame")
    for source in (keys.passphrase_from(file=tmp_path / "word"), keys.passphrase_from(variable="LYNX_TEST_WORD")):
        assert keys.load(made.path, passphrase=source).fingerprint == made.fingerprint
    with pytest.raises(SigningFailed, match="there is no passphrase"):
        keys.load(made.path, passphrase=lambda: None)
    with pytest.raises(SigningFailed, match="cannot be read as a signing key"):
        keys.load(made.path, passphrase=lambda: b"wrong")


def test_keys_of_all_admitted_kinds_sign_and_check(tmp_path: Path, unsigned: bytes):
    for key in (ec.generate_private_key(ec.SECP384R1()), rsa.generate_private_key(65537, 3072)):
        certificate = certificate_for(key)
        private(tmp_path / "k.pem", pem_of(key))
        (tmp_path / "c.pem").write_bytes(certificate.public_bytes(PEM))
        loaded = keys.load(tmp_path / "k.pem", cert=tmp_path / "c.pem")
        steps = {s.name: s.status for s in check(sign(unsigned, loaded), trust=(certificate,)).steps}
        assert steps["signature"] == "pass"


def test_a_pkcs12_file_is_read_with_its_chain(tmp_path: Path):
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = certificate_for(root_key, name="Root", ca=True)
    leaf = certificate_for(key, issuer=(root, root_key))
    how = serialization.BestAvailableEncryption(b"word")
    private(tmp_path / "i.p12", pkcs12.serialize_key_and_certificates(b"i", key, leaf, [root], how))
    loaded = keys.load(tmp_path / "i.p12", passphrase=lambda: b"word")
    assert (loaded.name, loaded.self_signed, loaded.chain) == ("Jane Doe", False, (root,))


@pytest.mark.parametrize(
    "key",
    [
        rsa.generate_private_key(65537, 2048),
        ed25519.Ed25519PrivateKey.generate(),
        ec.generate_private_key(ec.SECP192R1()),
    ],
    ids=["rsa-2048", "ed25519", "p-192"],
)
def test_keys_that_readers_could_not_verify_are_refused(tmp_path: Path, key):
    private(tmp_path / "k.pem", pem_of(key) + certificate_for(key).public_bytes(PEM))
    with pytest.raises(SigningFailed):
        keys.load(tmp_path / "k.pem")


def test_a_certificate_of_another_key_is_refused(tmp_path: Path):
    key, other = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    private(tmp_path / "k.pem", pem_of(key) + certificate_for(other).public_bytes(PEM))
    with pytest.raises(SigningFailed, match="no certificate belongs to the key"):
        keys.load(tmp_path / "k.pem")


def test_signing_appends_and_touches_nothing_else(unsigned: bytes, signed: bytes):
    assert signed.startswith(unsigned)


def test_a_file_without_our_signature_field_is_not_signed(identity: Identity):
    with pytest.raises(SigningFailed):
        sign(b"%PDF-1.7\n%%EOF\n", identity)


def test_an_unreachable_time_stamp_service_is_a_signing_failure(unsigned: bytes, identity: Identity):
    with pytest.raises(SigningFailed):
        sign(unsigned, identity, tsa="http://127.0.0.1:9/")


def test_a_time_stamp_is_embedded_and_reported(unsigned: bytes, identity: Identity):
    key = rsa.generate_private_key(65537, 3072)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "TSA")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(now - dt.timedelta(days=9000))
        .not_valid_after(now + dt.timedelta(days=9000))
        .add_extension(x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
        .sign(key, hashes.SHA256())
    )
    der = serialization.Encoding.DER
    moment = identity.certificate.not_valid_before_utc + dt.timedelta(minutes=1)
    stamper = DummyTimeStamper(
        asn1_x509.Certificate.load(certificate.public_bytes(der)),
        asn1_keys.PrivateKeyInfo.load(
            key.private_bytes(der, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        ),
        fixed_dt=moment,
    )
    report = check(sign(unsigned, identity, tsa=stamper), trust=(identity.certificate, certificate))
    assert report.stamped_at == moment.isoformat()
    assert report.stamp_trusted
    assert report.exit_code == 0
    assert not check(sign(unsigned, identity, tsa=stamper), trust=(identity.certificate,)).stamp_trusted


@pytest.mark.skipif(not TOOLS, reason="poppler-utils and openssl are not installed")
def test_the_commands_printed_in_the_record_verify_it(signed: bytes, identity: Identity, tmp_path: Path):
    (tmp_path / "record.pdf").write_bytes(signed)
    (tmp_path / "signer.pem").write_bytes(identity.certificate.public_bytes(PEM))
    words = subprocess.run(
        ["pdfsig", "-nocert", "record.pdf"], cwd=tmp_path, stdout=subprocess.PIPE, check=True, text=True
    )
    assert "Signature is Valid." in words.stdout
    assert "Total document signed" in words.stdout
    done = subprocess.run(
        ["sh", "-e", "-c", texts.OPENSSL_COMMANDS], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "CAdES Verification successful" in done.stderr


@pytest.mark.skipif(not TOOLS, reason="poppler-utils and openssl are not installed")
def test_openssl_rejects_an_altered_record(signed: bytes, identity: Identity, tmp_path: Path):
    altered = bytearray(signed)
    altered[2000] ^= 1
    (tmp_path / "record.pdf").write_bytes(altered)
    (tmp_path / "signer.pem").write_bytes(identity.certificate.public_bytes(PEM))
    done = subprocess.run(
        ["sh", "-e", "-c", texts.OPENSSL_COMMANDS], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0


@pytest.mark.skipif(shutil.which("qpdf") is None, reason="qpdf is not installed")
def test_qpdf_finds_no_fault(signed: bytes, tmp_path: Path):
    (tmp_path / "record.pdf").write_bytes(signed)
    subprocess.run(["qpdf", "--check", tmp_path / "record.pdf"], check=True, stdout=subprocess.DEVNULL)


def test_a_key_that_others_can_read_is_refused_wherever_it_lies(tmp_path: Path):
    key = ec.generate_private_key(ec.SECP256R1())
    (tmp_path / "k.pem").write_bytes(pem_of(key) + certificate_for(key).public_bytes(PEM))
    (tmp_path / "k.pem").chmod(0o644)
    with pytest.raises(SigningFailed, match="others can read"):
        keys.load(tmp_path / "k.pem")


@pytest.mark.skipif(not TOOLS or shutil.which("pdfdetach") is None, reason="poppler-utils or openssl is not installed")
def test_the_printed_commands_take_out_the_data_and_verify_the_attestation(
    signed: bytes, record: Record, identity: Identity, tmp_path: Path
):
    (tmp_path / "record.pdf").write_bytes(signed)
    (tmp_path / "signer.pem").write_bytes(identity.certificate.public_bytes(PEM))

    def run(commands: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["sh", "-e", "-c", commands], cwd=tmp_path, capture_output=True, text=True, check=False)

    files = run(texts.FILES_COMMANDS)
    assert f"{digest(to_jcs(record))}  record.json" in files.stdout
    assert f"{record.document.sha256}  claim.yaml" in files.stdout
    assert run(texts.ATTESTATION_COMMANDS).stdout == "Verified OK\n"
    bundle = tmp_path / "record.intoto.sigstore.json"
    bundle.write_text(bundle.read_text().replace('"payload":"ey', '"payload":"fy'))
    assert run(texts.ATTESTATION_COMMANDS).returncode != 0
