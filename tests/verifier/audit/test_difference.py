"""`lynxspec diff` says what changed between two records of one claim, and nothing of two claims."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from lynxspec.errors import UnreadableInput
from verifier.audit.attestation import attest
from verifier.audit.check import examined
from verifier.audit.difference import compare, difference_json, difference_text
from verifier.audit.keys import Identity
from verifier.audit.record import Record, to_jcs
from verifier.audit.sign import sign
from verifier.judge import JUDGE, judge

from .conftest import build, evidence, read_claim, run
from .genuine import attached

OTHER_ID = "7f9619ff-8b86-4011-b42d-00c04fc964ff"


@pytest.fixture(scope="module")
def slower(claim_bytes: bytes, identity: Identity) -> Record:
    """A second record of the same claim, under another kernel, where int8 reaches half of what is claimed."""
    claim = read_claim(claim_bytes)
    measured = evidence(claim, hashlib.sha256(claim_bytes).hexdigest())
    runs = (measured.sustain.runs[0], run("int8", 975.0, first=1, seed=2))
    measured = measured.model_copy(
        update={
            "sustain": measured.sustain.model_copy(update={"runs": runs}),
            "host": measured.host.model_copy(update={"kernel": "6.12.1"}),
        }
    )
    return build(
        claim_bytes,
        identity=identity,
        evidence=measured,
        verdicts=judge(claim, measured),
        record_id=OTHER_ID,
        created="2026-11-28T09:00:00Z",
        judge=JUDGE,
    )


@pytest.fixture(scope="module")
def report(signed: bytes):
    return examined(signed, rerender=False)[0]


def test_a_record_does_not_differ_from_itself(record: Record, report):
    found = compare(record, record, (report, report), ("a.pdf", "a.pdf"))
    assert found.same_verdicts
    assert (found.clauses, found.host, found.versions, found.people) == ((), (), (), ())
    assert found.unchanged == len(record.verdicts)


def test_what_changed_is_named_with_both_values_and_their_intervals(record: Record, slower: Record, report):
    found = compare(record, slower, (report, report), ("a.pdf", "b.pdf"))
    rate = next(c for c in found.clauses if c.id == "throughput/int8")
    before = next(v for v in record.verdicts if v.id == rate.id)
    after = next(v for v in slower.verdicts if v.id == rate.id)
    assert not found.same_verdicts
    assert rate.verdict == (before.verdict.value, after.verdict.value)
    assert rate.measured == (before.measured, after.measured)
    assert rate.interval == (before.interval, after.interval)
    assert rate.overlap is False
    assert {(row.name, row.b) for row in found.host} == {("kernel", "6.12.1")}
    assert found.clauses[0].kind == "verdict"  # the weightiest comes first
    text = difference_text(found)
    assert "the intervals do not overlap" in text
    assert "kernel: 6.1.0-31 -> 6.12.1" in text


def test_another_value_under_the_same_verdict_is_a_value(record: Record, report):
    moved = record.verdicts[-1].model_copy(update={"measured": "something else"})
    other = record.model_copy(update={"verdicts": (*record.verdicts[:-1], moved)})
    found = compare(record, other, (report, report), ("a.pdf", "b.pdf"))
    assert found.same_verdicts
    assert [(c.id, c.kind) for c in found.clauses] == [(moved.id, "value")]


def test_a_clause_that_only_one_record_has_is_a_difference(record: Record, report):
    other = record.model_copy(update={"verdicts": record.verdicts[1:]})
    assert [c.kind for c in compare(record, other, (report, report), ("a", "b")).clauses] == ["only_in_a"]
    found = compare(other, record, (report, report), ("a", "b"))
    assert [c.kind for c in found.clauses] == ["only_in_b"]
    assert not found.same_verdicts


def test_another_signer_and_another_version_are_named(record: Record, report):
    signer = record.signer.model_copy(update={"fingerprint": "0" * 64})
    other = record.model_copy(update={"signer": signer, "renderer": {**record.renderer, "pango": "9.9"}})
    found = compare(record, other, (report, report), ("a", "b"))
    assert [row.name for row in found.people] == ["certificate"]
    assert [(row.name, row.b) for row in found.versions] == [("renderer pango", "9.9")]
    assert found.same_verdicts


def test_records_of_two_claims_are_not_compared(record: Record, report):
    other = record.model_copy(
        update={
            "claim": record.claim.model_copy(update={"id": "another"}),
            "document": record.document.model_copy(update={"sha256": "0" * 64}),
        }
    )
    with pytest.raises(UnreadableInput, match="is about the claim"):
        compare(record, other, (report, report), ("a.pdf", "b.pdf"))


def test_names_cannot_steer_the_terminal(record: Record, report):
    other = record.model_copy(update={"performed": record.performed.model_copy(update={"person": "\x1b[2J"})})
    assert "\x1b" not in difference_text(compare(record, other, (report, report), ("a", "b")))


def diff(*arguments: object) -> subprocess.CompletedProcess[str]:
    code = "from verifier.cli import app; app()"
    return subprocess.run(
        [sys.executable, "-c", code, "diff", *map(str, arguments)], capture_output=True, text=True, check=False
    )


def test_the_command_reads_signed_files_and_refuses_altered_ones(
    slower: Record, unsigned: bytes, signed: bytes, identity: Identity, tmp_path: Path
):
    pages = attached(unsigned, "record.json", to_jcs(slower))
    for name, content in attest(slower, identity).files():
        pages = attached(pages, name, content)
    paths = [tmp_path / name for name in ("a.pdf", "b.pdf", "altered.pdf")]
    for path, data in zip(paths, (signed, sign(pages, identity), signed[:-2]), strict=True):
        path.write_bytes(data)
    assert diff(paths[0], paths[0]).returncode == 0
    done = diff(paths[0], paths[1], "--format", "json")
    assert done.returncode == 1, done.stderr
    data = json.loads(done.stdout)
    assert (data["format"], data["same_verdicts"], data["b"]["record_id"]) == ("lynxspec-diff/1", False, OTHER_ID)
    done = diff(paths[0], paths[2])
    assert done.returncode == 2
    assert "structure-end" in done.stderr
    assert done.stdout == ""


def test_the_json_form_is_versioned(record: Record, report):
    data = json.loads(difference_json(compare(record, record, (report, report), ("a", "b"))))
    assert data["format"] == "lynxspec-diff/1"
