"""Keys that stay on a PKCS#11 token, with SoftHSM2 as the token."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from verifier.audit import keys, token
from verifier.audit.attestation import attest
from verifier.audit.check import check
from verifier.audit.record import Record
from verifier.audit.render import render
from verifier.audit.sign import sign
from verifier.errors import SigningFailed

from .conftest import build
from .test_sign import certificate_for

LIBRARY = next((p for p in Path("/usr/lib").glob("**/libsofthsm2.so")), None)
LACKING = [
    name
    for name, there in (
        ("SoftHSM2", LIBRARY is not None and shutil.which("softhsm2-util")),
        ("python-pkcs11 (extra pkcs11)", importlib.util.find_spec("pkcs11")),
    )
    if not there
]
with_token = pytest.mark.skipif(bool(LACKING), reason=f"not installed: {', '.join(LACKING)}")
PIN = b"271828"


@pytest.fixture(scope="module")
def slot(tmp_path_factory) -> Path:
    """A token with an ECDSA and an RSA key, in a folder of its own."""
    home = tmp_path_factory.mktemp("token")
    (home / "tokens").mkdir()
    (home / "softhsm2.conf").write_text(f"directories.tokendir = {home}/tokens\nobjectstore.backend = file\n")
    os.environ["SOFTHSM2_CONF"] = str(home / "softhsm2.conf")
    run = ["softhsm2-util", "--module", str(LIBRARY)]
    secret = ["--pin", PIN.decode()]
    subprocess.run([*run, "--init-token", "--free", "--label", "lx", "--so-pin", "1234", *secret], check=True)
    for number, (name, key) in enumerate(
        (("ecdsa", ec.generate_private_key(ec.SECP256R1())), ("rsa", rsa.generate_private_key(65537, 3072))), start=1
    ):
        (home / f"{name}.pem").write_bytes(certificate_for(key).public_bytes(serialization.Encoding.PEM))
        plain = home / "key.pem"
        plain.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        subprocess.run(
            [*run, "--import", plain, "--token", "lx", "--label", name, "--id", f"0{number}", *secret], check=True
        )
        plain.unlink()
    return home


def address(name: str) -> str:
    return f"pkcs11:token=lx;object={name}?module-path={LIBRARY}"


@with_token
@pytest.mark.parametrize("kind", ["ecdsa", "rsa"])
def test_a_record_is_signed_by_a_key_that_stays_on_its_token(slot: Path, claim_bytes: bytes, kind: str):
    identity = keys.load_from_token(address(kind), cert=slot / f"{kind}.pem", passphrase=lambda: PIN)
    record: Record = build(claim_bytes, identity=identity)
    pdf = sign(render(record, claim_bytes, attestations=attest(record, identity)), identity)
    steps = {step.name: step.status for step in check(pdf, trust=(identity.certificate,)).steps}
    assert (steps["signature"], steps["signer"], steps["trust"]) == ("pass", "pass", "pass")
    assert PIN.decode() not in repr(identity)


@with_token
def test_a_wrong_pin_is_a_signing_failure(slot: Path):
    with pytest.raises(SigningFailed, match="PinIncorrect"):
        keys.load_from_token(address("ecdsa"), cert=slot / "ecdsa.pem", passphrase=lambda: b"000000")


@with_token
@pytest.mark.usefixtures("slot")
def test_a_certificate_of_another_key_on_the_token_is_refused(tmp_path: Path):
    other = certificate_for(ec.generate_private_key(ec.SECP256R1()))
    (tmp_path / "c.pem").write_bytes(other.public_bytes(serialization.Encoding.PEM))
    with pytest.raises(SigningFailed, match="does not belong"):
        keys.load_from_token(address("ecdsa"), cert=tmp_path / "c.pem", passphrase=lambda: PIN)


@with_token
def test_a_key_that_is_not_on_the_token_is_a_signing_failure(slot: Path):
    with pytest.raises(SigningFailed, match="No key"):
        keys.load_from_token(address("none"), cert=slot / "ecdsa.pem", passphrase=lambda: PIN)


def test_a_uri_is_read_as_rfc_7512_says():
    # RFC 7512, section 2.3: attributes are separated by ; and percent-encoded, the query holds module-path
    found = token.place("pkcs11:token=The%20Software%20PKCS%2311%20Softtoken;id=%01%02;object=x?module-path=/lib/a.so")
    assert found.token == "The Software PKCS#11 Softtoken"
    assert (found.id, found.label, found.module) == (b"\x01\x02", "x", "/lib/a.so")


def test_a_pin_in_the_uri_is_refused():
    with pytest.raises(SigningFailed, match="PIN"):
        token.place("pkcs11:object=x?module-path=/lib/a.so&pin-value=1234")


@pytest.mark.parametrize("uri", ["pkcs11:object=x", "pkcs11:token=x?module-path=/lib/a.so"])
def test_a_uri_without_library_or_key_is_refused(uri: str, monkeypatch):
    monkeypatch.delenv(token.MODULE_VARIABLE, raising=False)
    with pytest.raises(SigningFailed):
        token.place(uri)
