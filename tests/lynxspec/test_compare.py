"""`lynxspec compare`: what decides, what is named, when numbers are withheld, and the exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lynxspec.cli import COMMANDS, run
from lynxspec.comparison import DECIDING, Comparability, compare
from lynxspec.conditions import Agreement, Condition, Stated, agreement, conditions_of, same_engine, same_hardware
from lynxspec.conditions.paired import pairs
from lynxspec.draft import Disclosure, Draft, DraftRegime, Places, Quote, Strength, Value
from lynxspec.errors import UsageError
from lynxspec.location import Span
from lynxspec.vocabulary import Component, Status

ROOT = Path(__file__).parents[2]
COMPLETE = ROOT / "tests" / "data" / "complete.claim.yaml"
SHORT = ROOT / "examples" / "minilm-reviews" / "int8.claim.yaml"
LONG = ROOT / "examples" / "minilm-reviews" / "int8-sustained.claim.yaml"
OTHER = ROOT / "examples" / "g2p-gru" / "int8.claim.yaml"


def quote(text: str) -> Quote:
    return Quote(text=text, span=Span(line=1, column=1))


def sheet(*values: Value, said: dict[Component, str] | None = None, claim: str = "") -> Draft:
    """A sheet of one quantized regime."""
    told = {
        c: Disclosure(status=Status.DISCLOSED, value=text, evidence=(quote(text),)) for c, text in (said or {}).items()
    }
    regimes = tuple(
        DraftRegime(
            name=name,
            role=role,
            path=(),
            disclosures=told,
            claim=claim,
            values=tuple(v for v in values if v.role == role),
        )
        for name, role in (("BF16", "reference"), ("INT8", "quantized"))
    )
    return Draft(source="s.md", kind="sheet", places=Places(source="s.md"), regimes=regimes, claim=None)


def value(component: Component, low: float, unit: str = "", **more: Any) -> Value:
    parts: dict[str, Any] = {"high": low, "strength": Strength.EXACT, "role": "quantized", "evidence": quote("offline")}
    return Value(component=component, low=low, unit=unit, **(parts | more))


def measured(
    model: str = "Nordlicht-8B", hardware: str = "1x H100 SXM 80GB", metric: str = "MMLU", rate: float = 10.0
) -> Draft:
    """A sheet of which every deciding condition is known."""
    return sheet(
        value(Component.SUSTAINED_THROUGHPUT, rate, "tokens/s", model=model, hardware=hardware, batch="32"),
        value(Component.ACCURACY_RESULT, 68.1, metric=metric, model=model),
        value(Component.ACCURACY_REFERENCE, 68.3, metric=metric, role="reference"),
    )


def changed(draft: Any, *patch: tuple[str, Any]) -> Draft:
    made: Draft = draft(*patch)
    return made


# --- the verdict


def test_a_claim_is_comparable_with_itself(draft: Any) -> None:
    found = compare(draft(), draft())
    assert found.verdict is Comparability.COMPARABLE
    assert {row.agreement for row in found.conditions if row.decides} == {Agreement.SAME}
    assert found.one.figures == found.other.figures != ()


@pytest.mark.parametrize(
    ("path", "other", "condition"),
    [
        ("model.name", "ResNet-50", Condition.MODEL),
        ("hardware.product", "Xeon Platinum 8480+", Condition.HARDWARE),
        ("hardware.count", 2, Condition.COUNT),
        ("load.scenario", "offline", Condition.SCENARIO),
        ("evaluation.metrics[0].kind", "f1", Condition.METRIC),
    ],
)
def test_a_difference_that_decides_withholds_the_numbers(
    draft: Any, path: str, other: Any, condition: Condition
) -> None:
    found = compare(draft(), draft((path, other)))
    assert found.verdict is Comparability.NOT_COMPARABLE
    assert found.reasons[0].startswith(f"different {condition}: ")
    assert found.one.figures == found.other.figures == ()
    assert condition in DECIDING


@pytest.mark.parametrize(
    ("path", "other", "condition"),
    [
        ("load.batch", 1, Condition.BATCH),
        ("load.concurrency", 8, Condition.CONCURRENCY),
        ("load.shapes", "16 x 3 x 224 x 224", Condition.LENGTHS),
        ("load.latency_budget", {"not_applicable": "offline"}, Condition.LATENCY_BUDGET),
        ("regimes[1].toolchain.runtime.version", "1.20.0", Condition.RUNTIME),
        ("regimes[0].precision.weights", {"format": "bf16"}, Condition.REFERENCE),
        ("data[1].sha256", "0" * 64, Condition.EVALUATION_SET),
        ("regimes[1].performance.sustained.window", "30 s", Condition.WINDOW),
        ("model.revision", "another", Condition.REVISION),
    ],
)
def test_any_other_difference_is_named_beside_the_numbers(
    draft: Any, path: str, other: Any, condition: Condition
) -> None:
    found = compare(draft(), draft((path, other)))
    assert found.verdict is Comparability.WITH_DIFFERENCES
    assert [r for r in found.reasons if r.startswith("different")] == [
        r for r in found.reasons if r.startswith(f"different {condition}: ")
    ]
    assert found.other.figures


def test_what_a_sheet_leaves_open_cannot_be_decided() -> None:
    found = compare(measured(), sheet(value(Component.SUSTAINED_THROUGHPUT, 10.0, "tokens/s", model="Nordlicht-8B")))
    assert found.verdict is Comparability.UNDECIDED
    assert "hardware: not told by B" in found.reasons
    assert found.one.figures == ()


def test_two_sheets_that_tell_what_decides_are_compared_by_their_numbers() -> None:
    found = compare(measured(), measured(rate=20.0))
    assert found.verdict is Comparability.COMPARABLE
    assert (found.one.figures[0].rate, found.other.figures[0].rate) == (
        "10 tokens/s at batch 32",
        "20 tokens/s at batch 32",
    )
    assert found.one.figures[0].loss == "MMLU 0.2 (68.1 against 68.3)"


def test_a_name_that_leaves_the_variant_open_is_undecided_even_against_itself() -> None:
    found = compare(measured(hardware="1x H100"), measured(hardware="1x H100"))
    assert found.verdict is Comparability.UNDECIDED
    assert "variants" in found.reasons[0]


def test_several_models_in_one_sheet_are_unknown_until_one_is_chosen() -> None:
    both = sheet(*(value(Component.SUSTAINED_THROUGHPUT, 10.0, "tokens/s", model=f"Nordlicht-{n}B") for n in (8, 70)))
    assert conditions_of(both)[Condition.MODEL].note.startswith("several: ")
    assert compare(measured(), both).verdict is Comparability.UNDECIDED


def test_a_regime_is_chosen_by_its_name_or_its_claim() -> None:
    one = sheet(value(Component.SUSTAINED_THROUGHPUT, 10.0, "tokens/s"), claim="Nordlicht, H100")
    assert compare(one, one, only=("INT8", "Nordlicht, H100")).one.regimes == ("INT8",)
    with pytest.raises(UsageError, match="no quantized regime is called `FP8`") as error:
        compare(one, one, only=("FP8", None))
    assert "INT8" in str(error.value.hint)


def test_a_document_that_claims_nothing_is_not_compared() -> None:
    empty = Draft(source="s.md", kind="sheet", places=Places(source="s.md"), regimes=(), claim=None)
    with pytest.raises(UsageError, match="no quantized regime"):
        compare(empty, measured())


# --- names


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("nvidia/Nordlicht-8B-Instruct-FP8", "Nordlicht 8B Instruct", Agreement.SAME),
        ("Nordlicht-8B-Instruct.w4a16", "nordlicht_8b_instruct-INT8", Agreement.SAME),
        ("Nordlicht-8B", "Nordlicht-8B-Instruct", Agreement.UNKNOWN),
        ("Nordlicht-8B", "Nordlicht-70B", Agreement.DIFFERS),
    ],
)
def test_a_models_name_is_read_without_owner_and_scheme(one: str, other: str, same: Agreement) -> None:
    assert agreement(Condition.MODEL, Stated(text=one), Stated(text=other)) is same


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("NVIDIA H100 SXM5 80GB", "H100 SXM 80GB", Agreement.SAME),
        ("H100", "H100 SXM 80GB", Agreement.UNKNOWN),
        ("H100 PCIe", "H100 SXM", Agreement.DIFFERS),
        ("L40S", "H100 SXM", Agreement.DIFFERS),
        ("Fjord NPU 7", "Fjord NPU 7", Agreement.SAME),
        ("Fjord NPU 7", "Fjord NPU 8", Agreement.DIFFERS),
    ],
)
def test_a_products_name_is_read_by_the_hardware_table(one: str, other: str, same: Agreement) -> None:
    assert same_hardware(one, other) is same


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (("ONNX Runtime", "1.31.1"), ("onnxruntime", "1.31.1"), Agreement.SAME),
        (("vllm", "0.11.0"), ("vLLM", "0.6.3"), Agreement.DIFFERS),
        (("vllm", ""), ("vLLM", "0.6.3"), Agreement.UNKNOWN),
        (("vllm", "0.6.3"), ("tensorrt", "0.6.3"), Agreement.DIFFERS),
        (("onnxruntime", "1.31.1", "CPU"), ("onnxruntime", "1.31.1", "CUDA"), Agreement.DIFFERS),
    ],
)
def test_an_engine_is_its_name_version_and_provider(
    one: tuple[str, ...], other: tuple[str, ...], same: Agreement
) -> None:
    assert same_engine(one, other) is same


def test_another_number_of_examples_in_the_prompt_is_another_metric() -> None:
    five, none = (Stated(text=t, names=frozenset({t})) for t in ("mmlu5shot", "mmlu"))
    zero = Stated(text="x", names=frozenset({"gsm8k8shot"}))
    assert agreement(Condition.METRIC, five, five) is Agreement.SAME
    assert agreement(Condition.METRIC, five, none) is Agreement.UNKNOWN
    assert agreement(Condition.METRIC, five, zero) is Agreement.DIFFERS


def test_memory_is_the_same_in_gb_and_gib() -> None:
    assert agreement(Condition.MEMORY, Stated(text="80 GB"), Stated(text="80 GiB")) is Agreement.SAME
    assert agreement(Condition.MEMORY, Stated(text="80 GB"), Stated(text="48 GB")) is Agreement.DIFFERS


def test_a_question_that_does_not_arise_on_both_sides_is_the_same() -> None:
    none = Stated(applies=False, note="a processor")
    assert agreement(Condition.MEMORY, none, none) is Agreement.SAME
    assert agreement(Condition.MEMORY, none, Stated(text="80 GB")) is Agreement.DIFFERS
    assert agreement(Condition.MEMORY, none, Stated()) is Agreement.UNKNOWN


@pytest.mark.parametrize(
    ("metric", "quantized", "reference", "lost"),
    [("MMLU", 68.1, 68.3, 0.2), ("perplexity", 6.2, 6.0, 0.2), ("WER", 3.4, 3.5, -0.1)],
)
def test_a_loss_has_the_sign_of_its_metric(metric: str, quantized: float, reference: float, lost: float) -> None:
    draft = sheet(
        value(Component.ACCURACY_RESULT, quantized, metric=metric),
        value(Component.ACCURACY_REFERENCE, reference, metric=metric, role="reference"),
    )
    (pair,) = pairs(draft, draft.regimes[1])
    assert pair.lost == lost


def test_values_in_different_units_or_with_bounds_are_not_subtracted() -> None:
    for other in ({"unit": "%"}, {"strength": Strength.BOUND}, {"dataset": "GSM8K"}):
        draft = sheet(
            value(Component.ACCURACY_RESULT, 68.1, metric="MMLU"),
            value(Component.ACCURACY_REFERENCE, 68.3, metric="MMLU", role="reference", **other),  # type: ignore[arg-type]
        )
        (pair,) = pairs(draft, draft.regimes[1])
        assert pair.lost is None


# --- the command


def called(capfd: pytest.CaptureFixture[str], *words: object) -> tuple[int, str]:
    code = run(COMMANDS, ["compare", *map(str, words)])
    return code, capfd.readouterr().out


def test_comparable_is_0_not_comparable_1_and_undecided_3(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code, out = called(capfd, SHORT, LONG)
    assert code == 0
    assert "COMPARABLE WITH NAMED DIFFERENCES" in out
    assert "different measured window: 30 s against 600 s" in out
    code, out = called(capfd, SHORT, OTHER)
    assert code == 1
    assert "Numbers are withheld" in out
    assert "sequences/s" not in out
    (tmp_path / "n.md").write_text("# Nordlicht-8B in INT8\n\nThis model is 2x faster than BF16.\n")
    code, out = called(capfd, COMPLETE, tmp_path / "n.md")
    assert code == 3 or "different model" in out
    code, out = called(capfd, tmp_path / "n.md", tmp_path / "n.md")
    assert code == 3
    assert "cannot be decided" in out
    assert called(capfd, COMPLETE, tmp_path / "nowhere.claim.yaml")[0] == 2


def test_the_report_as_data_has_no_numbers_where_they_are_withheld(capfd: pytest.CaptureFixture[str]) -> None:
    code, out = called(capfd, "--format", "json", SHORT, LONG)
    report = json.loads(out)
    assert (code, report["format"], report["verdict"]) == (0, "lynxspec-compare/1", "comparable with named differences")
    assert {row["condition"] for row in report["conditions"]} == {c.value for c in Condition}
    assert report["a"]["numbers"][0]["rate"].endswith("sequences/s over 30 s")
    report = json.loads(called(capfd, "--format", "json", SHORT, OTHER)[1])
    assert report["a"]["numbers"] is report["b"]["numbers"] is None


def test_markdown_marks_what_decides_and_escapes_the_rest(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    evil = tmp_path / "evil.claim.yaml"
    evil.write_text(COMPLETE.read_text().replace("shapes: 16 x 1 x 28 x 28", 'shapes: "a | b <script> `x`"'))
    code, out = called(capfd, "--format", "markdown", COMPLETE, evil)
    assert code == 0
    assert "| **model** | same |" in out
    assert "a \\| b \\<script\\> \\`x\\`" in out
