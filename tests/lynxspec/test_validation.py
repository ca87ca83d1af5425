"""All violations at once, each with its place, words for people, and a way out."""

# ruff: noqa: E501 - tables of cases are read in columns

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from lynxspec.claim import Claim, Recipe
from lynxspec.document import read
from lynxspec.errors import InvalidDocument
from lynxspec.location import Violation
from lynxspec.validation import validate

CLAIM = (Path(__file__).parent.parent / "data" / "complete.claim.yaml").read_text("utf-8")


def violations(text: str, source: str = "x.claim.yaml") -> tuple[Violation, ...]:
    with pytest.raises(InvalidDocument) as caught:
        validate(read(text.encode(), source=source))
    return caught.value.violations


def changed(*replacements: tuple[str, str]) -> str:
    text = CLAIM
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new, 1)
    return text


def line_of(words: str, text: str) -> int:
    return text[: text.index(words)].count("\n") + 1


def test_the_complete_claim_is_one() -> None:
    claim = validate(read(CLAIM.encode(), source="x.claim.yaml"))
    assert isinstance(claim, Claim)
    assert claim.regimes[1].performance.sustained.rate.base == 1950  # type: ignore[union-attr]


def test_json_and_yaml_give_the_same_claim() -> None:
    document = read(CLAIM.encode(), source="x.claim.yaml")
    again = read(json.dumps(document.data).encode(), source="x.claim.json")
    assert validate(again) == validate(document)


def test_a_recipe_is_told_by_its_kind() -> None:
    data = read(CLAIM.encode(), source="x.yaml").data
    del data["hardware"], data["comparisons"]
    data["kind"] = "recipe"
    for regime in data["regimes"]:
        for key in ("artifact", "peak_memory", "accuracy", "performance"):
            del regime[key]
    assert isinstance(validate(read(json.dumps(data).encode(), source="x.json")), Recipe)


# what was changed; path of the violation; words that it must contain; words of the way out
CASES = [
    ("window: 600 s", "window: 600s", "load.window", "expected a duration such as '600 s', found '600s'", "600 s"),
    ("window: 600 s", "window: 600 S", "load.window", "a duration", "'600 s'"),
    ("window: 600 s", "window: 600", "load.window", "a duration such as '600 s', found the number 600", "unit"),
    ("memory: 24 GiB", "memory: 24 gib", "hardware.host.memory", "a size", "'24 GiB'"),
    ("memory: 24 GiB", "memory: 24\u00a0GiB", "hardware.host.memory", "a size", "'24 GiB'"),
    ("batch: 16", 'batch: "16"', "load.batch", "a whole number, found '16'", "without quotes"),
    ("batch: 16", "batch: 0", "load.batch", "at least 1, found the number 0", None),
    ("batch: 16", "batch: true", "load.batch", "a whole number, found true", None),
    ("batch: 16", "batch:", "load.batch", "a whole number, found nothing (null)", None),
    ("scenario: closed_loop", "scenario: closed-loop", "load.scenario", "one of 'closed_loop', 'offline'", "'closed_loop'"),
    ("format: int8\n", "format: INT8\n", "regimes[1].precision.weights.format", "found 'INT8'", "'int8'"),
    ("accumulator: fp32", "accumulator: FP-32", "regimes[0].precision.accumulator", "{unknown: why}", "'fp32'"),
    ("kind: per_channel", "kind: perchannel", "regimes[1].precision.weights.granularity", "found 'perchannel'", "'per_channel'"),
    ("{kind: minmax, symmetric: false}", "minmax", "regimes[1].calibration.method", "a mapping", None),
    ("family: convolutional", "family: convolution", "model.family", "one of", "'convolutional'"),
    ("family: convolutional", "family: {unknown: x}", "model.family", "found a mapping", None),
    ('"2026-11-20"', "20261120", "identity.date", "a calendar date", '"20261120"'),
    ('"2026-11-20"', '"2026-13-01"', "identity.date", "a calendar date such as", None),
    ('lynxspec: "1.0"', "lynxspec: 1.0", "lynxspec", "expected '1.0', found the number 1.0", '"1.0"'),
    ('version: "1.31.1"', "version: 1.10", "regimes[0].toolchain.runtime.version", "an exact version", '"1.10"'),
    ("task: image classification", "task: '  '", "model.task", "at least one visible character", None),
    ("value: 0.9725", "value: 97.25 %", "regimes[0].accuracy[0].value", "a number, found '97.25 %'", None),
    ("contact: claims@vision.example", "contact: {unknown: ''}", "identity.issuer.contact.unknown", "not empty", None),
    ("shape: [batch,", "shape: [true,", "model.inputs[0].shape[0]", "text or a whole number, found true", "quotes"),
    ("{intra_op_threads: 2", "{intra_op_threads: {}", "regimes[0].toolchain.runtime.options.intra_op_threads", "a list", None),
    ("{intra_op_threads: 2", "{Threads: 2", "regimes[0].toolchain.runtime.options.Threads", "an option name", None),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "path", "words", "way_out"), CASES)
def test_a_wrong_value_is_named_at_its_place(old: str, new: str, path: str, words: str, way_out: str | None) -> None:
    text = changed((old, new))
    (violation,) = violations(text)
    assert violation.message.startswith(f"{path}: ")
    assert words in violation.message
    assert (violation.suggestion is None) if way_out is None else (way_out in (violation.suggestion or ""))
    assert violation.location.span.line == line_of(new, text)
    for internal in ("Quantized", "constrained", "function", "NumberFormat.", "tag", "dict"):
        assert internal not in violation.message


def test_the_value_is_underlined_not_its_key() -> None:
    (violation,) = violations(changed(("  batch: 16", "  batch: zero")))
    assert (violation.location.span.column, violation.location.span.end_column) == (10, 13)


def test_an_unknown_key_stands_at_the_key_and_a_missing_one_at_its_parent() -> None:
    text = changed(
        ("{metric: top1, reference: fp32, margin: 1 points}", "{metric: top1, reference: fp32, marign: 1 points}")
    )
    missing, unknown = violations(text)
    assert missing.message == "evaluation.criterion.margin: missing; it says: Largest acceptable loss."
    assert (missing.location.span.line, missing.location.span.column) == (line_of("criterion:", text), 3)
    assert unknown.message.startswith("evaluation.criterion.marign: unknown key")
    assert unknown.suggestion == "did you mean 'margin'?"
    assert unknown.location.span.column == text.splitlines()[line_of("marign", text) - 1].index("marign") + 1


def test_a_missing_disclosure_says_how_to_be_silent_honestly() -> None:
    (violation,) = violations(changed(("  cooling: {unknown: cloud machine}\n", "")))
    assert violation.message.startswith("hardware.cooling: missing")
    assert violation.suggestion == "add 'cooling', or {not_applicable: why} or {unknown: why}"


def test_tags_of_unions_never_reach_the_path() -> None:
    text = changed(("bias: {format: fp32}", "bias: {not_applicable: x, value: 1, quantized: 2}"))
    found = [violation.message.partition(":")[0] for violation in violations(text)]
    assert found == ["regimes[0].precision.bias.value", "regimes[0].precision.bias.quantized"]


def test_all_violations_come_at_once_in_file_order() -> None:
    text = changed(
        ("peak_memory: 150 MiB", "peak_memory: 150"),
        ("batch: 16", "batch: x"),
        ("nature: measured", "nature: guessed"),
        ("  vendor: AMD\n", ""),
    )
    found = violations(text)
    lines = [violation.location.span.line or 0 for violation in found]
    assert lines == sorted(lines)
    paths = [violation.message.partition(":")[0] for violation in found]
    assert paths == ["identity.nature", "hardware.vendor", "load.batch", "regimes[1].peak_memory"]


@pytest.mark.parametrize(
    ("text", "path", "words"),
    [
        ("", "(document)", "empty"),
        ("- a", "(document)", "found a list"),
        ("42", "(document)", "found the number 42"),
        ("a: 1", "kind", "missing"),
        ("kind: clam", "kind", "found 'clam'"),
        ("kind: [claim]", "kind", "found a list"),
        ("kind:", "kind", "found nothing (null)"),
    ],
)
def test_what_is_no_claim_at_all_is_one_violation(text: str, path: str, words: str) -> None:
    (violation,) = violations(text)
    assert violation.message.startswith(f"{path}: ")
    assert words in violation.message


def test_the_message_counts_and_the_exit_is_2() -> None:
    with pytest.raises(InvalidDocument) as caught:
        validate(read(b"kind: claim", source="x.claim.yaml"))
    assert caught.value.message == "x.claim.yaml: not a valid document, 10 violations of the format"
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    "text",
    ["kind: claim\n" + "".join(f"k{i}: 1\n" for i in range(49_000)), "kind: claim\nregimes:\n" + "- 1\n" * 90_000],
)
def test_tens_of_thousands_of_violations_are_cut_off_quickly(text: str) -> None:
    start = time.process_time()
    found = violations(text)
    assert time.process_time() - start < 3  # under a second alone; other tests may share the processor
    assert len(found) == 1001
    assert "more violations" in found[-1].message


def test_an_unhashable_format_is_a_violation_and_no_crash() -> None:
    text = changed(("weights: {format: fp32}", "weights: {format: {a: 1}}"))
    assert any(v.message.startswith("regimes[0].precision.weights.format:") for v in violations(text))
