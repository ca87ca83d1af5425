"""The record as data: canonical, strict, and consistent with itself."""

from __future__ import annotations

import json

import pytest

from verifier.audit.record import Performed, Record, contradictions, from_jcs, strict_json, to_jcs
from verifier.errors import RecordRejected
from verifier.verdict import Verdict


def reason_of(data: bytes) -> str:
    with pytest.raises(RecordRejected) as caught:
        strict_json(data)
    return caught.value.reason


def test_the_sample_of_rfc_8785_is_read():
    # RFC 8785, section 3.2.4: the canonical bytes of the sample object, as UTF-8
    sample = (
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    ).encode()
    assert strict_json(sample)["numbers"] == [333333333.33333329, 1e30, 4.50, 2e-3, 1e-27]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'{"a":1,"a":1}', "json-duplicate-key"),
        (b'{"a":NaN}', "json-not-finite"),
        (b'{"a":Infinity}', "json-not-finite"),
        (b'{"a":1e999}', "json-not-finite"),
        (b'{"a":9007199254740992}', "json-big-integer"),
        (b'{"a":' + b"9" * 5000 + b"}", "json-big-integer"),
        (b"[" * 65 + b"]" * 65, "json-depth"),
        (b"[" * 100_000, "json-depth"),
        (b'{"a": 1}', "json-not-canonical"),
        (b'{"b":1,"a":1}', "json-not-canonical"),
        (b'{"a":1.0}', "json-not-canonical"),
        (b'{"a":"\\u0041"}', "json-not-canonical"),
        (b'{"a":-0}', "json-not-canonical"),
        (b"\xef\xbb\xbf{}", "json-syntax"),
        (b'{"a":"\xff"}', "json-syntax"),
        (b"{}x", "json-syntax"),
        (b"", "json-syntax"),
    ],
)
def test_json_that_two_readers_could_read_in_two_ways_is_refused(data: bytes, reason: str):
    assert reason_of(data) == reason


def test_brackets_inside_strings_are_not_nesting():
    assert strict_json(b'{"a":"' + b"[" * 200 + b'"}') == {"a": "[" * 200}


def test_nesting_of_64_is_read():
    assert strict_json(b"[" * 64 + b"]" * 64)


def test_a_record_survives_writing_and_reading(record: Record):
    data = to_jcs(record)
    assert from_jcs(data) == record
    assert to_jcs(from_jcs(data)) == data


def test_an_unknown_field_is_refused(record: Record):
    data = json.loads(to_jcs(record))
    data["zz"] = 1
    with pytest.raises(RecordRejected, match="schema"):
        from_jcs(json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode())


def test_another_format_is_named_as_such():
    with pytest.raises(RecordRejected) as caught:
        from_jcs(b'{"format":"lynxspec-record/9"}')
    assert caught.value.reason == "record-format"


def test_a_consistent_record_has_no_contradictions(record: Record):
    assert contradictions(record) == ()


def test_an_overall_verdict_that_does_not_follow_is_found(record: Record):
    assert record.overall is not Verdict.REPRODUCED
    assert contradictions(record.model_copy(update={"overall": Verdict.REPRODUCED}))


def test_a_verdict_for_a_reason_of_another_verdict_is_found(record: Record):
    swapped = record.verdicts[0].model_copy(update={"reason": "below_claim"})
    assert any(
        "below" in w or "reason" in w for w in contradictions(record.model_copy(update={"verdicts": (swapped,)}))
    )


def test_evidence_for_another_claim_is_found(record: Record):
    other = record.evidence.model_copy(update={"claim_sha256": "00" * 32})
    assert contradictions(record.model_copy(update={"evidence": other})) == ("the evidence is for another claim file",)


def test_what_differs_from_the_claimed_system_is_a_deviation(record: Record):
    # the example claims kernel 6.1.0 and 600 s; the evidence has 6.1.0-31 and 300 s
    differing = {row.name for row in record.system if row.same is False}
    assert differing == {"Kernel", "Measured window, fp32", "Measured window, int8"}


def test_nothing_that_was_not_given_is_invented():
    assert set(Performed().model_dump().values()) == {"not stated", None}


def test_a_record_whose_points_were_changed_contradicts_itself(record: Record) -> None:
    assert record.frontier is not None
    assert not contradictions(record)
    points = record.frontier.points
    moved = (points[0].model_copy(update={"rate": points[0].rate * 1.1}), *points[1:])
    altered = record.model_copy(update={"frontier": record.frontier.model_copy(update={"points": moved})})
    assert any("frontier" in words for words in contradictions(altered))
