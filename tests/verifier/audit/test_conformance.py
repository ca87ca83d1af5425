"""PDF/A-3a and PDF/UA-1 at once, before and after signing, by the reference validator's library."""

from __future__ import annotations

from pathlib import Path

import pytest

from verifier.audit.attestation import attest
from verifier.audit.keys import Identity, ensure_self_signed
from verifier.audit.record import from_jcs
from verifier.audit.render import render
from verifier.audit.sign import Archive, sign
from verifier.recording import RunFolder

from .authority import Authority, authority
from .conformance import missing, validate
from .ugly import UGLY

DEMO = Path(__file__).parents[3] / "examples" / "records" / "minilm-reviews-int8"
pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(missing()), reason=missing() or "installed")]


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    """Unsigned and signed pages of the demo record and of the ugly ones, and the demo at all levels."""
    folder, made = tmp_path_factory.mktemp("pages"), authority()
    identity = ensure_self_signed(folder / "key")
    for name, make in UGLY.items():
        _both(folder, name, *make(identity), identity)
    source = RunFolder(DEMO, reading=True).claim.read_bytes()
    demo = from_jcs((DEMO / "record.json").read_bytes()).model_copy(update={"signer": made.identity.statement()})
    _both(folder, "demo", demo, source, made.identity)
    _levels(folder, made)
    return folder


def _both(folder: Path, name: str, record, claim: bytes, identity: Identity) -> None:
    pages = render(record, claim, attestations=attest(record, identity))
    (folder / f"{name}-unsigned.pdf").write_bytes(pages)
    (folder / f"{name}-signed.pdf").write_bytes(sign(pages, identity))


def _levels(folder: Path, made: Authority) -> None:
    pages, lists = (folder / "demo-unsigned.pdf").read_bytes(), (made.crl(),)
    for level, archive in (
        ("b-t", None),
        ("b-lt", Archive(anchors=(made.root,), crls=lists)),
        ("b-lta", Archive(anchors=(made.root,), crls=lists, renewed=True)),
    ):
        (folder / f"demo-{level}.pdf").write_bytes(sign(pages, made.identity, tsa=made.stamper, archive=archive))


@pytest.fixture(scope="module")
def broken(files: Path) -> dict[str, dict[str, list[str]]]:
    """Rules broken by each file; two spoiled files show that the validator looks."""
    whole = (files / "demo-unsigned.pdf").read_bytes()
    (files / "spoiled-ua.pdf").write_bytes(whole.replace(b"<pdfuaid:part>1<", b"<pdfuaid:part>7<"))
    (files / "spoiled-a.pdf").write_bytes(whole.replace(b"/OutputIntents", b"/OutputIntentz"))
    found = validate(sorted(files.glob("*.pdf")))
    return {Path(path).stem: rules for path, rules in found.items()}


@pytest.mark.parametrize("state", ["unsigned", "signed"])
@pytest.mark.parametrize("name", ["demo", *UGLY])
def test_pages_conform_to_pdf_a_3a_and_pdf_ua_1(broken, name: str, state: str):
    assert broken[f"{name}-{state}"] == {"PDF/A-3a": [], "PDF/UA-1": []}


@pytest.mark.parametrize("level", ["b-t", "b-lt", "b-lta"])
def test_a_record_of_every_level_conforms(broken, level: str):
    assert broken[f"demo-{level}"] == {"PDF/A-3a": [], "PDF/UA-1": []}


def test_the_validator_finds_a_file_that_does_not_conform(broken):
    assert broken["spoiled-ua"]["PDF/UA-1"]
    assert broken["spoiled-a"]["PDF/A-3a"]
