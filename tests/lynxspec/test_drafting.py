"""Draft files: what stands in them, that linting one says what its sheet says, and how one becomes a claim."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lynxspec.claim import Claim
from lynxspec.cli import COMMANDS, run
from lynxspec.document import read as read_document
from lynxspec.draft import Conflict, Disclosure, Draft, DraftRegime, Places, Quote, Strength, Value
from lynxspec.drafting.acceptance import claim_of, expected, gaps, read_draft
from lynxspec.drafting.regime import formats
from lynxspec.drafting.writer import document, draft_text
from lynxspec.drafting.yaml_text import emit
from lynxspec.errors import UsageError
from lynxspec.importers.importer import load
from lynxspec.lint.engine import lint
from lynxspec.location import Span
from lynxspec.scoring import score
from lynxspec.validation import validate
from lynxspec.vocabulary import Component, Status

ROOT = Path(__file__).parents[2]
COMPLETE = ROOT / "tests" / "data" / "complete.claim.yaml"
SHEETS = sorted(p for p in (ROOT / "examples" / "spec-sheets").iterdir() if p.suffix in {".md", ".rst", ".csv", ".txt"})
CARD = """\
# Nordlicht-8B-Instruct in INT8

We quantized weights and activations of Nordlicht-8B-Instruct to INT8 with llm-compressor 0.7.0.
Weights have one scale per channel, activations one scale per token.
It is up to 1.9x faster than BF16.

| Benchmark | BF16 | INT8 |
|---|---|---|
| MMLU | 68.3 | 68.1 |
"""


def quote(text: str, line: int = 1) -> Quote:
    return Quote(text=text, span=Span(line=line, column=1))


def value(component: Component, low: float | None, unit: str = "", **more: Any) -> Value:
    parts: dict[str, Any] = {
        "high": low,
        "strength": Strength.EXACT,
        "role": "quantized",
        "evidence": quote(f"row {low}"),
    }
    return Value(component=component, low=low, unit=unit, **(parts | more))


def drafted(
    *values: Value, told: dict[Component, Disclosure] | None = None, conflicts: tuple[Conflict, ...] = ()
) -> Draft:
    """A sheet with one quantized INT8 regime and its BF16 reference, built by hand."""
    missing = {c: Disclosure(status=Status.MISSING, value=None, path=(c.value,)) for c in Component}
    given_ = {
        v.component: Disclosure(
            status=Status.DISCLOSED if v.strength is Strength.EXACT else Status.PARTIAL,
            value=None,
            evidence=(v.evidence,),
        )
        for v in values
    }
    overview = missing | given_ | (told or {})
    return Draft(
        source="sheet.md",
        kind="sheet",
        places=Places(source="sheet.md"),
        regimes=(
            *(
                DraftRegime(
                    name=name,
                    role=role,
                    path=(),
                    disclosures=overview,
                    values=tuple(v for v in values if v.role == role),
                )
                for name, role in (("BF16", "reference"), ("INT8", "quantized"))
            ),
        ),
        claim=None,
        overview=overview,
        conflicts=conflicts,
    )


def made(*values: Value, **more: Any) -> dict[str, Any]:
    draft = drafted(*values, **more)
    return document(draft, draft.regimes)


def sources(node: Any) -> Iterator[dict[str, Any]]:
    """Every mapping that quotes the sheet."""
    if isinstance(node, dict):
        if "from" in node:
            yield node
        for entry in node.values():
            yield from sources(entry)
    elif isinstance(node, list):
        for entry in node:
            yield from sources(entry)


def statuses(draft: Draft) -> dict[str, Any]:
    card = score(draft, lint(draft))
    whole = {c.value: d.status.value for c, d in card.disclosures.items()}
    return {
        "document": whole,
        "regimes": [{c.value: d.status.value for c, d in r.disclosures.items()} for r in card.regimes],
    }


# --- a draft says what its sheet says


@pytest.mark.parametrize("path", SHEETS, ids=lambda p: p.name)
def test_a_draft_has_the_statuses_of_its_sheet(path: Path) -> None:
    sheet = load(path)
    draft = load(draft_text(sheet).encode(), source="x.draft.yaml")
    assert draft.kind == "draft"
    assert statuses(draft) == statuses(sheet)
    assert [len(r.values) for r in draft.regimes] == [len(r.values) for r in sheet.regimes]
    assert len(draft.conflicts) == len(sheet.conflicts)


def test_every_quoted_word_stands_in_the_sheet_at_the_place_that_is_named() -> None:
    lines = CARD.splitlines()
    found = list(
        sources(read_document(draft_text(load(CARD.encode(), source="n.md")).encode(), source="x.draft.yaml").data)
    )
    assert len(found) > 20
    for node in found:
        line, column = map(int, re.fullmatch(r"n\.md:(\d+):(\d+)", node["at"]).groups())  # type: ignore[union-attr]
        assert "\n".join(lines[line - 1 :])[column - 1 :].startswith(node["from"])


def test_a_finding_of_a_draft_stands_where_the_answer_belongs() -> None:
    text = draft_text(load(CARD.encode(), source="n.md"))
    draft = load(text.encode(), source="x.draft.yaml")
    (finding,) = [f for f in lint(draft) if f.code == "LXS114"]
    line = finding.locations[0].span.line
    assert line is not None
    assert text.splitlines()[line - 1].strip().startswith("criterion: {ask:")


def test_the_strengths_and_numbers_of_a_sheet_survive() -> None:
    draft = drafted(
        value(Component.THROUGHPUT_GAIN, 2.0, "x", strength=Strength.BOUND, against="BF16", batch="32"),
        value(Component.ACCURACY_RESULT, None, strength=Strength.ADJECTIVE, metric="MMLU"),
    )
    again = load(draft_text(draft).encode(), source="x.draft.yaml")
    bare = [
        (v.component, v.low, v.high, v.unit, v.strength, v.role, v.against, v.batch, v.metric)
        for v in again.regimes[1].values
    ]
    assert bare == [
        (Component.THROUGHPUT_GAIN, 2.0, 2.0, "x", Strength.BOUND, "quantized", "BF16", "32", ""),
        (Component.ACCURACY_RESULT, None, None, "", Strength.ADJECTIVE, "quantized", "", "", "MMLU"),
    ]  # fmt: skip


# --- values fit the claim's fields, or are questions


def test_a_gain_is_a_factor_and_an_up_to_is_its_qualifier() -> None:
    gain = value(Component.THROUGHPUT_GAIN, 2.1, "x", strength=Strength.BOUND, evidence=quote("up to 2.1x faster", 7))
    (comparison,) = made(gain)["comparisons"]
    assert comparison["throughput_gain"] == {
        "value": "2.1 x",
        "from": "up to 2.1x faster",
        "at": "sheet.md:7:1",
        "confidence": "likely",
    }
    assert comparison["qualifier"]["value"] == "up_to"
    assert (comparison["quantized"], comparison["reference"]) == ("int8", "bf16")


def test_an_exact_gain_is_not_called_measured_and_a_range_is_no_gain() -> None:
    (comparison,) = made(value(Component.THROUGHPUT_GAIN, 1.33, "x"))["comparisons"]
    assert comparison["throughput_gain"]["value"] == "1.33 x"
    assert set(comparison["qualifier"]) >= {"ask"}
    (comparison,) = made(value(Component.THROUGHPUT_GAIN, 1.5, "x", high=3.0))["comparisons"]
    assert comparison["throughput_gain"]["said"] == [{"from": "row 1.5", "at": "sheet.md:1:1"}]


@pytest.mark.parametrize(
    ("unit", "rate"),
    [("tokens/s", "30000 tokens/s"), ("frames/s", "30000 frames/s"), ("tokens/s/gpu", None), ("inferences/s", None)],
)
def test_a_rate_is_kept_where_a_claim_has_a_word_for_its_unit(unit: str, rate: str | None) -> None:
    regime = made(value(Component.SUSTAINED_THROUGHPUT, 30000.0, unit))["regimes"][1]
    sustained = regime["performance"]["sustained"]
    assert sustained.get("rate", {}).get("value") == rate
    assert ("said" in sustained) is (rate is None)


def test_two_rates_are_a_question_and_a_theoretical_one_is_a_peak() -> None:
    regime = made(*(value(Component.SUSTAINED_THROUGHPUT, n, "tokens/s") for n in (10.0, 20.0)))["regimes"][1]
    assert [words["from"] for words in regime["performance"]["sustained"]["said"]] == ["row 10.0", "row 20.0"]
    peak = value(Component.SUSTAINED_THROUGHPUT, 64.0, "images/s", strength=Strength.THEORETICAL)
    performance = made(peak)["regimes"][1]["performance"]
    assert performance["peak"]["value"] == "64 images/s"
    assert "ask" in performance["sustained"]


@pytest.mark.parametrize(
    ("number", "unit", "metric", "kept"),
    [
        (76.13, "%", "Top-1", 0.7613),
        (0.917, "", "accuracy", 0.917),
        (68.3, "", "", 68.3),
        (99.3, "% recovery", "MMLU", None),
        (1.5, "% loss", "MMLU", None),
        (50000.0, "", "Top-1", None),
    ],
)
def test_an_accuracy_is_in_the_unit_of_its_metric_and_a_recovery_is_none(
    number: float, unit: str, metric: str, kept: float | None
) -> None:
    accuracy = made(value(Component.ACCURACY_RESULT, number, unit, metric=metric, dataset="MMLU"))["regimes"][1][
        "accuracy"
    ]
    if kept is None:
        assert accuracy["said"][0]["from"] == f"row {number}"
    else:
        assert [entry["value"]["value"] for entry in accuracy] == [kept]


def test_two_values_of_one_metric_are_a_question() -> None:
    values = [value(Component.ACCURACY_RESULT, n, metric="WER", dataset="calls") for n in (3.49, 3.51)]
    (entry,) = made(*values)["regimes"][1]["accuracy"]
    assert "ask" in entry["value"]


def test_only_what_a_name_fixes_is_filled_in() -> None:
    assert [sorted(side) for side in formats("INT8 W8A8")] == [["int8"], ["int8"]] or formats("INT8 W8A8")[0]
    assert sorted(formats("BF16")[0]) == ["bf16"]
    assert len(formats("FP8")[0]) > 1
    assert formats("8-bit") == (frozenset(), frozenset())
    assert sorted(formats("NVFP4")[0]) == ["nvfp4"]


def test_fp8_alone_is_a_question_and_e4m3_beside_it_answers() -> None:
    rate = value(Component.SUSTAINED_THROUGHPUT, 10.0, "tokens/s", precision="FP8")
    weights = made(rate)["regimes"][1]["precision"]["weights"]
    assert "fp8_e5m2" in weights["ask"]
    words = Disclosure(status=Status.DISCLOSED, value="FP8; E4M3", evidence=(quote("quantized to FP8 (E4M3)", 3),))
    weights = made(rate, told={Component.PRECISION_FORMAT: words})["regimes"][1]["precision"]["weights"]
    assert weights["value"]["format"] == "fp8_e4m3fn"
    assert weights["at"] == "sheet.md:3:1"


def test_several_models_are_a_question() -> None:
    values = [value(Component.ACCURACY_RESULT, n, dataset="MMLU", model=f"Nordlicht-{n:g}B") for n in (8.0, 70.0)]
    name = made(*values)["model"]["name"]
    assert "which" in name["ask"]
    assert [words["from"] for words in name["said"]] == ["row 8.0", "row 70.0"]
    assert made(values[0])["model"]["name"]["value"] == "Nordlicht-8B"


def test_none_needed_is_an_answer() -> None:
    words = Disclosure(status=Status.DISCLOSED, value="none needed", evidence=(quote("calibration-free", 4),))
    regime = made(told={Component.CALIBRATION_DATA: words})["regimes"][1]
    assert regime["calibration"]["none_needed"]["from"] == "calibration-free"


def test_of_a_contradiction_both_places_are_listed_and_no_value_is_chosen() -> None:
    conflict = Conflict(
        component=Component.THROUGHPUT_GAIN,
        message="the text says 2x, the table 1.4x",
        places=(quote("2x faster", 3), quote("| 1.4x |", 9)),
    )
    gain = value(Component.THROUGHPUT_GAIN, 1.4, "x", evidence=quote("| 1.4x |", 9))
    told = {
        Component.THROUGHPUT_GAIN: Disclosure(status=Status.DISCLOSED, value="1.4 x", evidence=(quote("| 1.4x |", 9),))
    }
    draft = drafted(gain, told=told, conflicts=(conflict,))
    whole = document(draft, draft.regimes)
    (comparison,) = whole["comparisons"]
    assert [place["at"] for place in comparison["throughput_gain"]["contradicted"]] == ["sheet.md:3:1", "sheet.md:9:1"]
    assert "value" not in comparison["throughput_gain"]
    again = load(draft_text(draft).encode(), source="x.draft.yaml")
    assert score(again, lint(again)).disclosures[Component.THROUGHPUT_GAIN].status is Status.CONTRADICTED


def test_an_answer_settles_a_contradiction() -> None:
    conflict = Conflict(component=Component.MODEL_FAMILY, message="two families", places=(quote("a"), quote("b", 2)))
    told = {Component.MODEL_FAMILY: Disclosure(status=Status.DISCLOSED, value="recurrent", evidence=(quote("a"),))}
    text = draft_text(drafted(told=told, conflicts=(conflict,)))
    head, _, rest = text.partition("  family:\n")
    answered = f"{head}  family: recurrent\n{rest[rest.index('  task:') :]}"
    draft = load(answered.encode(), source="x.draft.yaml")
    assert draft.conflicts == ()
    assert draft.overview[Component.MODEL_FAMILY].status is Status.DISCLOSED


# --- answers change the statuses


def answered(text: str, key: str, answer: str) -> Draft:
    """The draft after the first hole behind ``key`` is filled."""
    done, count = re.subn(rf"(?m)^(\s*){key}: \{{ask: .*\}}$", rf"\g<1>{key}: {answer}", text, count=1)
    assert count == 1
    return load(done.encode(), source="x.draft.yaml")


def test_filling_a_hole_discloses_its_component_and_an_unknown_does_not() -> None:
    text = draft_text(load(CARD.encode(), source="n.md"))
    criterion = Component.ACCEPTANCE_CRITERION
    assert load(text.encode(), source="x.draft.yaml").overview[criterion].status is Status.MISSING
    filled = answered(text, "criterion", "{metric: mmlu, reference: bf16, margin: 1 points}")
    assert filled.overview[criterion].status is Status.DISCLOSED
    assert score(filled, lint(filled)).disclosures[criterion].status is Status.DISCLOSED
    unknown = answered(text, "criterion", "{unknown: they would not say}")
    assert unknown.overview[criterion].status is Status.MISSING
    assert "they would not say" in unknown.overview[criterion].note


def test_an_answer_that_is_weak_in_a_claim_is_weak_in_a_draft() -> None:
    text = draft_text(drafted())
    benchmark = answered(text, "relevance", "{kind: standard_benchmark, workload: chat, why: everybody uses it}")
    assert benchmark.overview[Component.WORKLOAD_RELEVANCE].status is Status.PARTIAL
    own = answered(text, "relevance", "{kind: deployment_workload, workload: chat, why: logged there}")
    assert own.overview[Component.WORKLOAD_RELEVANCE].status is Status.DISCLOSED


# --- a finished draft is a claim


def finished() -> dict[str, Any]:
    """The complete claim as a draft: some values carry their source, none is missing."""
    data = json.loads(json.dumps(read_document(COMPLETE).data))
    data |= {"kind": "draft", "read_from": [{"file": "n.md", "format": "markdown"}]}
    source = {"from": "as the sheet says", "at": "n.md:3:1", "confidence": "likely"}
    for path in (
        ("model", "name"),
        ("hardware", "product"),
        ("load", "batch"),
        ("evaluation", "criterion"),
        ("comparisons", 0, "throughput_gain"),
        ("regimes", 1, "precision", "weights"),
        ("regimes", 1, "precision", "weights", "value", "granularity"),
        ("regimes", 1, "accuracy", 0, "value"),
        ("regimes", 1, "accuracy"),
        ("regimes", 0, "calibration"),
    ):
        at = data
        for part in path[:-1]:
            at = at[part]
        at[path[-1]] = {"value": at[path[-1]], **source}
    data["regimes"][1] |= {"claim": "MobileNetV2", "disclosed": {"hardware": {"status": "missing"}}, "numbers": []}
    return data


def test_a_finished_draft_becomes_the_claim_that_it_holds(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    draft, claim = tmp_path / "x.draft.yaml", tmp_path / "y.claim.yaml"
    draft.write_text(emit(finished()))
    assert run(COMMANDS, ["draft", "--accept", str(draft), "-o", str(claim)]) == 0
    assert capfd.readouterr().out == f"{claim}\n"
    assert validate(read_document(claim)) == validate(read_document(COMPLETE))
    assert claim.read_text().startswith(
        "# yaml-language-server: $schema=https://lynxspec.org/schemas/1.0/claim.schema.json\n"
    )
    assert "0.9725" in claim.read_text()
    assert run(COMMANDS, ["draft", "--accept", str(draft), "-o", str(claim)]) == 2


def test_a_finished_draft_is_linted_as_the_claim_that_it_holds() -> None:
    draft = load(emit(finished()).encode(), source="x.draft.yaml")
    claim = load(COMPLETE)
    assert isinstance(draft.claim, Claim)
    assert draft.claim == claim.claim
    assert statuses(draft) == statuses(claim)


def test_every_hole_that_is_left_is_listed_with_its_place_and_what_belongs_there(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    data = finished()
    data["hardware"]["host"] = {"ask": "Which machine?"}
    data["regimes"][1]["precision"]["weights"]["value"]["symmetry"] = {"ask": "Symmetric?"}
    file, claim = tmp_path / "x.draft.yaml", tmp_path / "y.claim.yaml"
    file.write_text(emit(data))
    assert run(COMMANDS, ["draft", "--accept", str(file), "-o", str(claim)]) == 1
    out, err = capfd.readouterr()
    lines = file.read_text().splitlines()
    host = 1 + lines.index("  host: {ask: Which machine?}".replace("Which machine?", '"Which machine?"'))
    symmetry = 1 + lines.index('          symmetry: {ask: "Symmetric?"}')
    first, what, second, form = out.splitlines()
    assert first == f"{file}:{host}:9: hardware.host: Which machine?"
    assert "a mapping with 'cpu'" in what
    assert second == f"{file}:{symmetry}:21: regimes[1].precision.weights.symmetry: Symmetric?"
    assert "one of 'symmetric', 'asymmetric'" in form
    assert "2 holes left" in err
    assert not claim.exists()


def test_a_value_of_the_wrong_kind_is_named_at_its_place(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    data = finished()
    data["load"]["batch"]["value"] = "sixteen"
    file = tmp_path / "x.draft.yaml"
    file.write_text(emit(data))
    assert run(COMMANDS, ["draft", "--accept", str(file)]) == 2
    line = 1 + next(i for i, text in enumerate(file.read_text().splitlines()) if "sixteen" in text)
    assert f"x.draft.yaml:{line}:" in capfd.readouterr().err


def test_holes_are_counted_inside_a_list_too() -> None:
    data = finished()
    data["evaluation"]["metrics"][0]["better"] = {"ask": "Which way?"}
    document_ = read_draft(emit(data).encode(), "x.draft.yaml")
    assert [gap.location.path for gap in gaps(document_)] == [("evaluation", "metrics", 0, "better")]
    with pytest.raises(Exception, match="violation"):
        claim_of(document_)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (("load", "window"), "a duration such as '600 s'"),
        (("model", "family"), "'convolutional'"),
        (("hardware", "memory"), "{not_applicable: why}"),
        (("regimes", 0, "accuracy"), "a list, each entry a mapping with 'metric', 'value'"),
        (("model", "parameters", "total"), "a whole number"),
    ],
)
def test_what_belongs_into_a_hole_is_said_in_the_claims_own_words(path: tuple[str | int, ...], words: str) -> None:
    assert words in expected(path)


# --- the command


def test_a_claim_is_no_sheet_and_a_sheet_no_draft(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(COMMANDS, ["draft", str(COMPLETE)]) == 2
    assert "a claim already" in capfd.readouterr().err
    assert run(COMMANDS, ["draft", "--accept", str(COMPLETE)]) == 2
    assert "no draft" in capfd.readouterr().err
    assert run(COMMANDS, ["draft", "-"]) == 2


def test_a_draft_is_never_written_over_a_file(tmp_path: Path) -> None:
    (tmp_path / "n.md").write_text(CARD)
    out = tmp_path / "n.draft.yaml"
    assert run(COMMANDS, ["draft", str(tmp_path / "n.md"), "-o", str(out)]) == 0
    kept = out.read_text()
    assert run(COMMANDS, ["draft", str(tmp_path / "n.md"), "-o", str(out)]) == 2
    assert out.read_text() == kept


def test_one_claim_of_several_is_drafted_by_name(capfd: pytest.CaptureFixture[str]) -> None:
    sheet = ROOT / "examples" / "spec-sheets" / "qwen2.5-results.csv"
    assert run(COMMANDS, ["draft", str(sheet)]) == 0
    out, err = capfd.readouterr()
    names = re.findall(r"claims are drafted together; --claim NAME takes one of them: (.*)", err)[0].split("; ")
    assert len(names) > 1
    whole = read_document(out.encode(), source="x.draft.yaml").data
    assert run(COMMANDS, ["draft", str(sheet), "--claim", names[0]]) == 0
    one = read_document(capfd.readouterr().out.encode(), source="x.draft.yaml").data
    assert {r["claim"] for r in one["regimes"]} == {names[0]}
    assert 0 < len(one["regimes"]) < len(whole["regimes"])
    assert run(COMMANDS, ["draft", str(sheet), "--claim", "no such model"]) == 2
    assert names[0] in capfd.readouterr().err


def test_several_sheets_make_one_draft(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.md").write_text(CARD)
    (tmp_path / "b.md").write_text("# Notes\n\nWe accept a loss of at most 1 point of MMLU.\n")
    assert run(COMMANDS, ["draft", str(tmp_path / "a.md"), str(tmp_path / "b.md")]) == 0
    data = read_document(capfd.readouterr().out.encode(), source="x.draft.yaml").data
    assert [Path(entry["file"]).name for entry in data["read_from"]] == ["a.md", "b.md"]
    criterion = data["evaluation"]["criterion"]
    assert criterion["said"][0]["at"].startswith(f"{tmp_path / 'b.md'}:3:")


# --- hostile input


EVIL = (
    "}} \u2028 \x85 \x00 \x1b[2J # ask: x",
    "': [{&a *a !!python/object",
    "---\nkind: claim\n...",
    "x" * 9000,
    "\ud800 lone",
    "\U000e0041\ufeff\u202e",
    "   ",
)


@pytest.mark.parametrize("text", EVIL, ids=range(len(EVIL)))
def test_words_of_a_stranger_stay_words(text: str) -> None:
    evil = value(
        Component.SUSTAINED_THROUGHPUT, 10.0, "tokens/s", model=text, hardware=text, metric=text, evidence=quote(text)
    )
    told = {c: Disclosure(status=Status.PARTIAL, value=text, evidence=(quote(text),), note=text) for c in Component}
    draft = load(draft_text(drafted(evil, told=told)).encode(), source="x.draft.yaml")
    assert draft.kind == "draft"
    assert draft.claim is None
    assert draft.regimes[1].values[0].low == 10.0


def test_too_much_for_one_draft_is_said_and_a_claim_can_be_chosen() -> None:
    many = [value(Component.ACCURACY_RESULT, float(n), metric="m", dataset="d") for n in range(3001)]
    with pytest.raises(UsageError, match="too much for one draft") as error:
        draft_text(drafted(*many))
    assert "--claim" in str(error.value.hint)


KEYS = st.from_regex(r"[a-z][a-z_]{0,8}", fullmatch=True)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**17), 10**17),
    st.floats(allow_nan=False, allow_infinity=False, min_value=-1e299, max_value=1e299),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
    st.sampled_from(
        ["yes", "null", "1.10", "0x1F", "2026-11-20", "- a", "a: b", "a #b", "600 s", "5 %", "~", "", " x ", "é\u2028"]
    ),
)
DATA = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=20,
)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.dictionaries(KEYS, DATA, min_size=1, max_size=5))
def test_what_is_written_is_what_is_read(data: dict[str, Any]) -> None:
    assert read_document(emit(data).encode(), source="x.yaml").data == data
