"""What is shipped holds: claims are complete, the record checks out, and its evidence gives its verdicts again."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest

from lynxspec.claim import Claim
from lynxspec.importers.importer import load
from lynxspec.lint.engine import lint
from lynxspec.scoring import score
from verifier.audit import keys
from verifier.audit.check import check
from verifier.audit.record import from_jcs
from verifier.evidence import Evidence
from verifier.judge import judge
from verifier.opening import open_claim, open_recipe
from verifier.verdict import Verdict

ROOT = Path(__file__).parent.parent
CLAIMS = sorted((ROOT / "examples").glob("*/*.claim.yaml"))
RECIPES = sorted((ROOT / "examples").glob("*/*.recipe.yaml"))
RECORD = ROOT / "examples/records/minilm-reviews-int8"


def test_there_is_an_example_of_each_of_three_families() -> None:
    families = {open_claim(path).claim.model.family for path in CLAIMS}
    assert {"convolutional", "transformer_encoder", "recurrent"} <= families


@pytest.mark.parametrize("path", CLAIMS, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_a_shipped_claim_is_complete(path: Path) -> None:
    assert open_claim(path).scorecard.complete


@pytest.mark.parametrize("path", RECIPES, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_a_shipped_recipe_is_valid(path: Path) -> None:
    recipe, _ = open_recipe(path)
    assert [regime.role for regime in recipe.regimes] == ["reference", "quantized"]


def test_the_claim_over_ten_minutes_is_short_of_deployment_grade_only_for_its_scatter() -> None:
    """Its host's clock changed during the run; nothing else keeps it from the grade, and the linter says so."""
    opened = open_claim(ROOT / "examples/minilm-reviews/int8-sustained.claim.yaml")
    partial = {c.value for c, d in opened.scorecard.disclosures.items() if d.status.value == "partial"}
    assert opened.scorecard.complete
    assert not opened.scorecard.deployment_grade
    assert partial == {"baseline", "sustained_throughput"}


def test_the_claim_over_ten_minutes_states_what_its_evidence_holds() -> None:
    opened = open_claim(ROOT / "examples/minilm-reviews/int8-sustained.claim.yaml")
    folder = ROOT / "examples/records/minilm-reviews-int8-sustained"
    evidence = Evidence.model_validate_json((folder / "evidence.json").read_bytes())
    assert evidence.sustain is not None
    for run in evidence.sustain.runs:
        regime = opened.claim.regime(run.regime)
        assert regime is not None
        stated = regime.performance.sustained.rate.base  # type: ignore[union-attr]
        assert run.window_s >= 600
        assert stated == pytest.approx(sum(b.items for b in run.blocks) / run.window_s, rel=1e-3)


def test_the_shipped_record_is_intact_and_its_signer_is_the_one_beside_it() -> None:
    report = check((RECORD / "record.pdf").read_bytes(), trust=keys.anchors(RECORD / "certificate.pem"))
    weak = {step.name for step in report.steps if step.status == "weak"}
    assert not [step for step in report.steps if step.status == "fail"]
    # Another machine's renderer may lay the pages out in other bytes; that is said, and it is all that may differ.
    assert weak <= {"pages", "consistency"}


def test_the_shipped_record_without_its_certificate_is_only_intact() -> None:
    assert check((RECORD / "record.pdf").read_bytes()).exit_code == 3


def recorded() -> tuple[Any, Evidence]:
    opened = open_claim(RECORD / "claim.yaml")
    return opened.claim.model_dump(mode="json"), from_jcs((RECORD / "record.json").read_bytes()).evidence


def verdicts(claim: Any, evidence: Evidence) -> dict[str, Any]:
    return {v.id: v for v in judge(Claim.model_validate_json(json.dumps(claim)), evidence)}


def test_recorded_evidence_gives_the_recorded_verdicts() -> None:
    claim, evidence = recorded()
    written = {v.id: v for v in from_jcs((RECORD / "record.json").read_bytes()).verdicts}
    assert verdicts(claim, evidence) == written
    assert {v.verdict for v in written.values()} == {Verdict.REPRODUCED}


def _set(claim: Any, path: str, change: Any) -> Any:
    changed = copy.deepcopy(claim)
    place = changed
    *parts, last = [int(p) if p.isdigit() else p for p in re.findall(r"[a-z_0-9]+", path)]
    for part in parts:
        place = place[part]
    place[last] = change(place[last])
    return changed


@pytest.mark.parametrize(
    ("path", "change", "clause"),
    [
        ("regimes[1].accuracy[0].value", lambda v: v + 0.02, "accuracy/int8/accuracy"),
        ("regimes[0].accuracy[0].value", lambda v: v - 0.02, "reference_accuracy/fp32/accuracy"),
        ("comparisons[0].throughput_gain", lambda v: f"{1.5 * float(v.split()[0]):.3g} x", "speedup/int8/fp32"),
        (
            "regimes[1].precision.activations.granularity",
            lambda _: {"kind": "per_channel", "axis": 1},
            "precision_artifact/int8",
        ),
        ("regimes[1].precision.weights.format", lambda _: "int4", "precision_artifact/int8"),
    ],
)
def test_a_lie_over_recorded_evidence_is_refuted_at_its_clause(path: str, change: Any, clause: str) -> None:
    claim, evidence = recorded()
    assert verdicts(_set(claim, path, change), evidence)[clause].verdict is Verdict.REFUTED


def test_another_digest_of_a_file_that_is_withheld_is_not_confirmed() -> None:
    claim, evidence = recorded()
    found = verdicts(_set(claim, "regimes[1].artifact.sha256", lambda v: v[::-1]), evidence)["artifact/int8"]
    assert found.reason == "platform_may_differ"


@pytest.mark.parametrize(
    ("path", "change", "clause"),
    [
        (
            "regimes[1].performance.sustained.rate",
            lambda v: f"{1.5 * float(v.split()[0]):.0f} {v.split()[1]}",
            "throughput/int8",
        ),
        ("regimes[1].performance.latency.p50", lambda v: f"{float(v.split()[0]) / 2:.3g} ms", "latency/int8"),
    ],
)
def test_a_rate_half_as_much_again_is_refuted_by_evidence_of_a_quiet_host(path: str, change: Any, clause: str) -> None:
    for name in ("minilm-reviews-int8", "mobilenetv2-mnist-int8"):
        folder = ROOT / "examples/records" / name
        evidence = Evidence.model_validate_json((folder / "evidence.json").read_bytes())
        claim = open_claim(folder / "claim.yaml").claim.model_dump(mode="json")
        assert verdicts(claim, evidence)[clause].verdict is Verdict.REPRODUCED
        lie = verdicts(_set(claim, path, change), evidence)[clause]
        assert lie.verdict is Verdict.REFUTED, lie


@pytest.mark.parametrize(
    "clause", ["throughput/fp32", "throughput/int8", "latency/fp32", "latency/int8", "speedup/int8/fp32"]
)
def test_a_host_at_another_speed_than_when_the_claim_was_measured_decides_no_rate(clause: str) -> None:
    folder = ROOT / "examples/records/g2p-gru-int8"
    evidence = Evidence.model_validate_json((folder / "evidence.json").read_bytes())
    claim = open_claim(folder / "claim.yaml").claim.model_dump(mode="json")
    found = verdicts(claim, evidence)[clause]
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "the speed probe ran at 71.3 % of the claim's" in found.explanation


def test_on_other_hardware_every_rate_is_not_testable_and_still_observed() -> None:
    claim, evidence = recorded()
    other = evidence.model_copy(update={"host": evidence.host.model_copy(update={"cpu": "Intel(R) Xeon(R) 8480C"})})
    found = verdicts(claim, other)
    for clause in ("throughput/fp32", "throughput/int8", "speedup/int8/fp32", "latency/int8"):
        assert found[clause].verdict is Verdict.NOT_TESTABLE
        assert found[clause].reason == "other_hardware"
        assert found[clause].measured
    assert Verdict.REFUTED not in {v.verdict for v in found.values()}


@pytest.mark.parametrize("path", sorted((ROOT / "examples/claims/incomplete").glob("*.yaml")), ids=lambda p: p.name)
def test_a_wrong_example_has_findings(path: Path) -> None:
    draft = load(path.read_bytes(), source=path.name)
    findings = lint(draft)
    assert findings
    assert not score(draft, findings).deployment_grade


def test_the_readme_shows_the_shipped_record() -> None:
    text = (ROOT / "README.md").read_text()
    assert "@@" not in text
    record = from_jcs((RECORD / "record.json").read_bytes())
    assert f"all {len(record.verdicts)} clauses" in text
    for verdict in record.verdicts:
        if verdict.id in ("throughput/int8", "accuracy/int8/accuracy", "speedup/int8/fp32", "criterion/int8"):
            assert verdict.explanation.split(".")[0][:40] in text
