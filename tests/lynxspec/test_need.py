"""What a claim is worth for one buyer: the need, the sentence, and ``lynxspec lint --need``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator, Draft202012Validator
from ruamel.yaml import YAML

from lynxspec import templates
from lynxspec.cli import COMMANDS, run
from lynxspec.document import read
from lynxspec.draft import Disclosure, Draft, DraftRegime, Places, Quote, Strength, Value
from lynxspec.errors import InvalidDocument
from lynxspec.lint.need import sentence
from lynxspec.lint.rule import Severity
from lynxspec.lint.rules.need import RULES, rules_for
from lynxspec.location import Span
from lynxspec.need import Need
from lynxspec.schema import PUBLISHED, draft_07, generate
from lynxspec.validation import validate_as
from lynxspec.vocabulary import Component, Status

DATA = Path(__file__).parents[1] / "data"
MET = YAML(typ="safe").load((DATA / "complete.need.yaml").read_text())
(PUBLISHED_NEED,) = [p for p in PUBLISHED if p.name == "need"]


def need(**sections: Any) -> Need:
    return Need.model_validate_json(json.dumps(MET | sections))


TICKETS = {"description": "support tickets", "data": {"unknown": "not collected yet"}}
L40S = [{"product": "L40S 48GB", "count": 1}]
THREE = [{"name": name, "version": {"unknown": "any"}} for name in ("vllm", "tensorrt_llm", "onnxruntime")]


def quote(text: str) -> Quote:
    return Quote(text=text, span=Span(line=1, column=1))


def sheet(*values: Value, told: dict[Component, str] | None = None) -> Draft:
    """A sheet of one quantized regime, and the values of its reference."""
    disclosures = {c: Disclosure(status=Status.MISSING, value=None, path=(c.value,)) for c in Component}
    disclosures |= {
        c: Disclosure(status=Status.DISCLOSED, value=text, evidence=(quote(text),), path=(c.value,))
        for c, text in (told or {}).items()
    }
    regimes = tuple(
        DraftRegime(
            name=name, role=role, path=(), disclosures=disclosures, values=tuple(v for v in values if v.role == role)
        )
        for name, role in (("BF16", "reference"), ("FP8", "quantized"))
    )
    return Draft(source="s.md", kind="sheet", places=Places(source="s.md"), regimes=regimes, claim=None)


def value(component: Component, low: float, unit: str = "", **more: Any) -> Value:
    parts: dict[str, Any] = {"high": low, "strength": Strength.EXACT, "role": "quantized", "evidence": quote("row")}
    return Value(component=component, low=low, unit=unit, **(parts | more))


ON_H100 = (
    value(Component.SUSTAINED_THROUGHPUT, 10.0, "tokens/s", hardware="H100 SXM 80GB"),
    value(Component.ACCURACY_RESULT, 68.1, dataset="MMLU"),
    value(Component.ACCURACY_REFERENCE, 68.9, dataset="MMLU", role="reference"),
)


def messages(draft: Draft, wanted: Need, code: str) -> list[str]:
    (rule,) = [rule for rule in rules_for(wanted) if rule.code == code]
    return [hit.message for hit in rule.check(draft)]


# --- the sentence


def test_a_benchmark_on_another_gpu_is_worth_nothing_here() -> None:
    text = sentence(sheet(*ON_H100, told={Component.RUNTIME: "vLLM 0.11.0"}), need(hardware=L40S, workload=TICKETS))
    assert text.startswith(
        "Measured on H100 SXM 80GB with MMLU; you will run L40S 48GB on support tickets: nothing here was measured on "
        "either"
    )
    assert text.count(". ") == 0


def test_what_meets_the_need_is_said_to(draft: Any) -> None:
    assert sentence(draft(), need()) == (
        "Measured on AMD EPYC 9B14, 2 vCPU with MNIST, subset of 5000, test split; you will run AMD EPYC 9B14, 2 vCPU "
        "on reading single handwritten digits from scanned forms: both are as you will use them."
    )


def test_half_of_it_is_half(draft: Any) -> None:
    text = sentence(draft(), need(hardware=L40S))
    assert "the rates are not from your hardware, the accuracy is from your workload" in text
    text = sentence(draft(("evaluation.relevance.kind", "standard_benchmark")), need(workload=TICKETS))
    assert "the rates are from your hardware, the accuracy is not from your workload" in text


def test_what_is_not_named_is_said_to_be_so() -> None:
    text = sentence(sheet(), need())
    assert text.startswith("Stated for hardware that is not named with data that is not named; ")
    assert "the runtime is not told" in text
    assert "whether the rates are from your hardware cannot be told" in text


def test_an_estimate_is_not_called_measured(draft: Any) -> None:
    assert sentence(draft(("identity.nature", "projected")), need()).startswith("Projected for ")


@pytest.mark.parametrize(("count", "named"), [(2, False), (3, True)])
def test_three_runtimes_name_distillation_as_a_pattern_and_not_a_rate(draft: Any, count: int, named: bool) -> None:
    text = sentence(draft(), need(runtimes=THREE[:count]))
    assert ("distilled" in text) is named
    assert ("an observed pattern, not a measured rate" in text) is named


def test_a_document_without_a_quantized_regime_is_worth_nothing() -> None:
    empty = Draft(source="s.md", kind="sheet", places=Places(source="s.md"), regimes=(), claim=None)
    assert "no quantized regime" in sentence(empty, need())
    assert [hit for rule in rules_for(need()) for hit in rule.check(empty)] == []


# --- the rules over sheets; those over claims stand in tests/data/rules


def test_without_a_need_the_rules_are_silent(draft: Any) -> None:
    assert [hit for rule in RULES for hit in rule.check(draft())] == []
    assert [rule.code for rule in RULES] == ["LXS801", "LXS802", "LXS803", "LXS804", "LXS805"]


def test_a_sheet_without_hardware_shows_nothing_of_yours() -> None:
    assert messages(sheet(), need(hardware=L40S), "LXS801") == [
        "nothing shows that it was measured on your L40S 48GB: no hardware is named"
    ]


def test_the_loss_of_a_sheet_is_held_against_the_buyers_margin() -> None:
    narrow = need(criterion={"metric": "MMLU", "margin": "0.5 points"})
    assert messages(sheet(*ON_H100), narrow, "LXS804") == ["FP8 loses 0.8 of MMLU; your criterion allows 0.5 points"]
    wide = need(criterion={"metric": "MMLU", "margin": "1 points"})
    assert messages(sheet(*ON_H100), wide, "LXS804") == []
    relative = need(criterion={"metric": "mmlu", "margin": "1 %"})  # 1 % of 68.9 is 0.689
    assert messages(sheet(*ON_H100), relative, "LXS804") == ["FP8 loses 0.8 of MMLU; your criterion allows 1 %"]


def test_fractions_and_percentages_are_on_one_scale() -> None:
    fractions = (
        value(Component.ACCURACY_RESULT, 0.917, metric="F1"),
        value(Component.ACCURACY_REFERENCE, 0.924, metric="F1", role="reference"),
    )
    assert messages(sheet(*fractions), need(criterion={"metric": "F1", "margin": "0.5 points"}), "LXS804")
    assert messages(sheet(*fractions), need(criterion={"metric": "F1", "margin": "1 points"}), "LXS804") == []


def test_a_recovery_is_a_loss_of_what_it_lacks() -> None:
    recovery = value(Component.ACCURACY_RESULT, 98.5, "% recovery", dataset="MMLU")
    (message,) = messages(sheet(recovery), need(criterion={"metric": "MMLU", "margin": "1 %"}), "LXS804")
    assert "leaves a loss of 1.5 %" in message
    assert messages(sheet(recovery), need(criterion={"metric": "MMLU", "margin": "2 %"}), "LXS804") == []


def test_another_metric_is_said() -> None:
    (message,) = messages(sheet(*ON_H100), need(criterion={"metric": "exact match", "margin": "1 points"}), "LXS804")
    assert message == "your criterion is in exact match, the sheet gives MMLU"
    assert messages(sheet(), need(), "LXS804") == []


@pytest.mark.parametrize(
    ("metric", "said"),
    [
        ("p99", "p99 latency of 230 ms exceeds"),
        ("", "latency of 230 ms exceeds"),
        ("TTFT p99", "no p99 latency"),
        ("p50", "no p99 latency"),
    ],
)
def test_a_latency_counts_at_the_buyers_percentile(metric: str, said: str) -> None:
    slow = sheet(value(Component.LATENCY, 230.0, "ms", metric=metric))
    (message,) = messages(slow, need(latency_budget={"percentile": "p99", "limit": "200 ms"}), "LXS805")
    assert said in message


def test_a_latency_within_the_budget_is_not_mentioned() -> None:
    fast = sheet(value(Component.LATENCY, 30.0, "ms", metric="P99 latency"))
    assert messages(fast, need(latency_budget={"percentile": "p99", "limit": "0.2 s"}), "LXS805") == []


def test_a_need_changes_no_score(draft: Any) -> None:
    hits = [
        hit for rule in rules_for(need(hardware=L40S, workload=TICKETS, runtimes=THREE)) for hit in rule.check(draft())
    ]
    assert len(hits) >= 3
    assert {hit.effect.value for hit in hits} == {"none"}
    assert {hit.severity or Severity.WARNING for hit in hits} <= {Severity.INFO, Severity.WARNING}


# --- the file


def test_the_template_is_a_need_once_its_holes_are_filled() -> None:
    text = templates.need()
    for hole, filling in (
        ("<text>", "words"),
        ("<short handle>", "a"),
        ("<exact version>", "1.0"),
        ("<whole number>", "1"),
        ("<64 lower-case hexadecimal digits>", "0" * 64),
        ("<a margin such as 1 points>", "1 points"),
        ("<a duration such as 600 s>", "600 s"),
        ("<one of p50 | p90 | p99>", "p99"),
    ):
        text = text.replace(hole, filling)
    body = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    assert "<" not in body
    assert isinstance(validate_as(read(text.encode(), source="need.yaml"), Need), Need)


@pytest.mark.parametrize(
    ("section", "wrong"),
    [
        ("runtimes", []),
        ("hardware", [{"product": "", "count": 1}]),
        ("hardware", [{"product": "L40S", "count": 0}]),
        ("criterion", {"metric": "top1", "margin": "1"}),
        ("latency_budget", {"percentile": "p95", "limit": "5 ms"}),
        ("latency_budget", {"percentile": "p99", "limit": "5"}),
        ("kind", "claim"),
        ("hardwear", []),
    ],
)
def test_model_and_schemas_refuse_the_same_needs(section: str, wrong: Any) -> None:
    data = MET | {section: wrong}
    with pytest.raises(InvalidDocument):
        validate_as(read(json.dumps(data).encode(), source="n.json"), Need)
    assert not Draft202012Validator(generate(PUBLISHED_NEED)).is_valid(data)
    assert not Draft7Validator(draft_07(PUBLISHED_NEED)).is_valid(data)
    assert Draft202012Validator(generate(PUBLISHED_NEED)).is_valid(MET)


# --- the command


def test_lint_says_what_the_claim_is_worth_in_every_format(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "need.yaml"
    file.write_text(json.dumps(MET | {"hardware": L40S, "runtimes": THREE}))
    claim = str(DATA / "complete.claim.yaml")
    assert run(COMMANDS, ["lint", claim]) == 0
    capfd.readouterr()
    assert run(COMMANDS, ["lint", "--need", str(file), claim]) == 1
    out = " ".join(capfd.readouterr().out.split())
    assert "For you Measured on AMD EPYC 9B14" in out
    assert "distilled" in out
    assert run(COMMANDS, ["lint", "--need", str(file), "--format", "markdown", claim]) == 1
    assert "- For you: Measured on AMD EPYC 9B14" in capfd.readouterr().out
    for name in ("json", "sarif", "html", "github"):
        assert run(COMMANDS, ["lint", "--need", str(file), "--format", name, claim]) == 1
        out = capfd.readouterr().out
        assert "LXS801" in out
        assert "L40S 48GB" in out
        assert "LXS803" in out


def test_a_need_that_cannot_be_read_is_exit_2_and_named(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "need.yaml"
    file.write_text("lynxspec: '1.0'\nkind: need\nhardware: []\n")
    assert run(COMMANDS, ["lint", "--need", str(file), str(DATA / "complete.claim.yaml")]) == 2
    assert "need.yaml:3:" in capfd.readouterr().err
    assert run(COMMANDS, ["lint", "--need", str(tmp_path / "no.yaml"), str(DATA / "complete.claim.yaml")]) == 2
