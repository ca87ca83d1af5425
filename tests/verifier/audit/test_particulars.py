"""The record as a test report: what people state is printed as given, and what nobody stated says so."""

from __future__ import annotations

import argparse
import io
from pathlib import Path

import pytest
from pyhanko.pdf_utils.reader import PdfFileReader

from lynxspec.errors import LynxSpecError, UsageError
from verifier.audit import keys
from verifier.audit.check import check
from verifier.audit.pagetext import page_texts
from verifier.audit.particulars import conditions, particulars, reference
from verifier.audit.record import Performed, Record
from verifier.audit.render import page_source, render
from verifier.audit.texts import REFERENCE
from verifier.commands import options
from verifier.evidence import Evidence
from verifier.verdict import ClauseKind

from .conftest import build

EXAMPLES = Path(__file__).parents[3] / "examples" / "records"


def parsed(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    options.add_performed(parser)
    return parser.parse_args(arguments)


def test_the_command_line_goes_over_the_issuer_s_file(tmp_path: Path):
    (tmp_path / "issuer.toml").write_text('organisation = "City of X"\nperson = "A"\naccreditation = "none"\n')
    given = options.performed_of(parsed("--issuer", str(tmp_path / "issuer.toml"), "--person", "R. Moss"))
    assert (given.person, given.organisation, given.accreditation) == ("R. Moss", "City of X", "none")
    assert given.place == "not stated"


def test_the_configuration_folder_s_issuer_file_is_read(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert options.performed_of(parsed()) == Performed()
    (tmp_path / "lynxspec").mkdir()
    (tmp_path / "lynxspec" / "issuer.toml").write_text('address = "Main Street 1"\n')
    assert options.performed_of(parsed()) == Performed(address="Main Street 1")


@pytest.mark.parametrize(
    "text", ['persn = "A"', "person = 7", "person = ", 'supersedes = "the old one"', 'person = " "']
)
def test_an_issuer_s_file_with_something_else_is_refused(tmp_path: Path, text: str):
    (tmp_path / "issuer.toml").write_text(text)
    with pytest.raises(LynxSpecError) as caught:
        options.performed_of(parsed("--issuer", str(tmp_path / "issuer.toml")))
    assert caught.value.exit_code == 2


def test_a_record_that_is_no_id_cannot_be_superseded():
    with pytest.raises(UsageError, match="supersedes"):
        options.performed_of(parsed("--supersedes", "record.pdf"))


def test_every_particular_of_a_test_report_is_printed(record: Record):
    # ISO/IEC 17025:2017, 7.8.2.1 a) to p)
    labels = {label for _, rows in particulars(record, "00" * 32) for label, _ in rows}
    assert labels >= {
        "Record",
        "Issued by",
        "Address",
        "Place of the work",
        "Customer",
        "Method",
        "Items tested, sha256",
        "Condition of the items",
        "Received",
        "Performed",
        "Issued",
        "Sampling",
        "Further deviations",
        "Authorised by",
        "Results of others",
        "Supersedes",
    }
    assert "relate only to the items tested" in " ".join(record.limits)
    assert "shall not be reproduced except in full" in " ".join(record.limits)


def test_what_was_given_is_printed(claim_bytes: bytes):
    given = Performed(independence="no ties to the claimant", supersedes="6f9619ff-8b86-4011-b42d-00c04fc964fe")
    source = page_source(build(claim_bytes, performed=given), "00" * 32)
    assert "<td>no ties to the claimant</td>" in source
    assert "<td>6f9619ff-8b86-4011-b42d-00c04fc964fe</td>" in source


def test_every_kind_of_clause_refers_to_a_place_in_the_claim(record: Record):
    assert set(REFERENCE) == set(ClauseKind)
    references = {v.id: reference(v) for v in record.verdicts}
    assert references["throughput/int8"] == "regimes[int8].performance.sustained"
    source = page_source(record, "00" * 32)
    assert all(f"Claim: {text}." in source for text in references.values())


def test_sensors_are_reported_or_the_reason_why_there_are_none(record: Record):
    found = Evidence.model_validate_json((EXAMPLES / "minilm-reviews-int8" / "evidence.json").read_bytes())
    rows = {row.name: row.value for row in conditions(record.model_copy(update={"evidence": found}))}
    assert rows["temperature"].startswith("no sensor: ")
    assert rows["clock of the processors"].startswith("nominal only: ")
    assert rows["waiting for a processor"] == "waited 0.138 s per second"


def test_evidence_without_telemetry_says_that_no_sensor_was_read(record: Record):
    assert conditions(record) == ()
    assert "No sensor was read." in page_source(record, "00" * 32)


def test_pages_are_a4_or_letter_as_the_record_says(claim_bytes: bytes):
    sizes = {}
    for page in ("A4", "Letter"):
        pdf = render(build(claim_bytes, page=page), claim_bytes)
        box = PdfFileReader(io.BytesIO(pdf)).root["/Pages"]["/Kids"][0]["/MediaBox"]
        sizes[page] = (round(float(box[2])), round(float(box[3])))
        assert "HowtocheckthisrecordTheclaim" in "".join(page_texts(PdfFileReader(io.BytesIO(pdf))))
    assert sizes == {"A4": (595, 842), "Letter": (612, 792)}


def test_page_one_says_where_the_way_to_check_stands(record: Record, unsigned: bytes):
    pages = page_texts(PdfFileReader(io.BytesIO(unsigned)))
    place = next(i for i, text in enumerate(pages, start=1) if "HowtocheckthiswithoutPython" in text)
    assert f"withanyPDFreaderasonpage{place}" in pages[0]
    assert record.signer is not None


def test_a_genuine_record_of_an_earlier_version_is_weaker_never_altered():
    """The record that was shipped before attestations: fewer keys, the same meaning, other pages."""
    first = Path(__file__).parent / "data" / "record-1-first.pdf"
    report = check(first.read_bytes(), trust=keys.anchors(first.with_suffix(".pem")))
    steps = {step.name: step.status for step in report.steps}
    assert report.exit_code == 3
    assert report.overall == "reproduced"
    assert (steps["signature"], steps["record"], steps["signer"], steps["trust"]) == ("pass",) * 4
    assert steps["pages"] == "weak"
