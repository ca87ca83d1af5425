"""A realistic record, made by hand: the example claim with evidence of a few hundred seconds."""

from __future__ import annotations

import hashlib
import io
import json
import math
import random
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from lynxspec.claim import Claim
from lynxspec.importers.importer import load
from lynxspec.lint.engine import lint
from lynxspec.scoring import Scorecard, score
from verifier.audit.attestation import Attestations, attest
from verifier.audit.keys import Identity, ensure_self_signed
from verifier.audit.record import Performed, Record, make
from verifier.audit.render import render, versions
from verifier.audit.sign import sign
from verifier.evidence import (
    Block,
    Evidence,
    HostReport,
    HostSample,
    InertOption,
    ItemScores,
    Material,
    OperatorGroup,
    PrecisionLedger,
    Quantile,
    QuantizationRun,
    SpeedProbe,
    SustainedRun,
    SustainEvidence,
    TensorGroup,
)
from verifier.judge import JUDGE, judge
from verifier.verdict import ClauseKind, ClauseVerdict, Interval, Reason

CLAIM = Path(__file__).parents[2] / "data" / "complete.claim.yaml"
RECORD_ID = "6f9619ff-8b86-4011-b42d-00c04fc964ff"
DIGEST = "ab" * 32
MODEL = {
    "fp32": "1f0c8d9a6b7e5f4d3c2b1a09f8e7d6c5b4a3928170615243f4e5d6c7b8a99881",
    "int8": "2f0c8d9a6b7e5f4d3c2b1a09f8e7d6c5b4a3928170615243f4e5d6c7b8a99882",
}
"""Digests of the claim's model files."""


def read_claim(data: bytes) -> Claim:
    loaded = YAML(typ="safe", pure=True).load(io.BytesIO(data))
    return Claim.model_validate_json(json.dumps(loaded))


def host() -> HostReport:
    return HostReport(
        cpu="AMD EPYC 9B14",
        stepping="25/17/1",
        logical_cpus=2,
        memory_bytes=24 * 2**30,
        isa=("avx2", "avx512_vnni", "avx512f"),
        os="Debian GNU/Linux 12",
        kernel="6.1.0-31",
        virtualization="KVM",
        machine="3f0c8d9a6b7e5f4d3c2b1a09f8e7d6c5b4a3928170615243f4e5d6c7b8a99883",
        accelerators=(),
        python="3.11.2",
        packages={"onnxruntime": "1.31.1", "numpy": "2.4.1"},
    )


def run(regime: str, rate: float, *, first: int, blocks: int = 30, seed: int = 1) -> SustainedRun:
    draw = random.Random(seed)
    bins = tuple(
        round(rate * (1 + draw.gauss(0, 0.012) - (0.12 if draw.random() < 0.01 else 0)) / 16) * 16.0
        for _ in range(blocks * 10)
    )
    made = tuple(
        Block(
            process=first + index % 3 * 2,
            order=index * 2 + first,
            start_s=20.0 + index * 21 + first * 10.5,
            seconds=10.0,
            calls=int(sum(bins[index * 10 : index * 10 + 10]) / 16),
            items=int(sum(bins[index * 10 : index * 10 + 10])),
        )
        for index in range(blocks)
    )
    return SustainedRun(
        regime=regime,
        sha256=MODEL[regime],
        status="ok",
        message="",
        item="images",
        batch=16,
        concurrency=1,
        window_s=blocks * 10.0,
        warm_up_s=10.0,
        blocks=made,
        bins=bins,
        quantiles=tuple(
            Quantile(p=p, value_s=f * 16 / rate, low_s=(f - 0.01) * 16 / rate, high_s=(f + 0.01) * 16 / rate)
            for p, f in ((0.5, 0.99), (0.9, 1.03), (0.99, 1.15))
        ),
        calls=sum(b.calls for b in made),
        peak_memory_bytes=180 * 2**20,
        baseline_memory_bytes=60 * 2**20,
        threads={"intra_op_threads": 2, "numpy": 1},
        timed_scores={"top1": 0.97},
        timed_items=500,
        timed_disagreements=0,
        repeated_input_ratio=1.003,
        overhead_share=0.0002,
        timestamps_sha256=DIGEST,
    )


def sustain() -> SustainEvidence:
    draw = random.Random(7)
    samples = tuple(
        HostSample(
            t_s=float(second),
            busy=0.97,
            steal=0.001 if draw.random() > 0.03 else 0.1,
            foreign=0.3 if 300 <= second < 330 else 0.004,
            pressure=0.01,
            mhz=None,
        )
        for second in range(660)
    )
    return SustainEvidence(
        order=("fp32", "int8") * 30,
        runs=(run("fp32", 1004.0, first=0), run("int8", 1952.0, first=1, seed=2)),
        probe=SpeedProbe(gflops=tuple(94 + math.sin(i) for i in range(60)), threads=2),
        host=samples,
        seconds=660.0,
    )


def ledger(regime: str, kind: str) -> PrecisionLedger:
    quantized = regime == "int8"

    def group(name: str, fmt: str, granularity: str, symmetry: str) -> TensorGroup:
        return TensorGroup(
            tensor_class=name,
            format=fmt,
            granularity=granularity,
            symmetry=symmetry,
            timing="static" if quantized else "none",
            tensors=52,
            elements=2_236_682,
            examples=("features.0.0.weight",),
        )

    groups = (
        (
            group("weights", "int8", "per_channel(axis=0)", "symmetric"),
            group("activations", "uint8", "per_tensor", "asymmetric"),
            group("bias", "int32", "per_channel(axis=0)", "symmetric"),
        )
        if quantized
        else (group("weights", "fp32", "none", "none"), group("activations", "fp32", "none", "none"))
    )
    return PrecisionLedger(
        regime=regime,
        ledger=kind,
        sha256=MODEL[regime],
        status="ok",
        message="",
        tensors=groups,
        operators=(
            OperatorGroup(
                op_type="Conv", compute="int8" if quantized else "fp32", count=52, time_share=0.87, examples=()
            ),
            OperatorGroup(op_type="Gemm", compute="fp32", count=1, time_share=0.02, examples=()),
        ),
        provider="CPUExecutionProvider" if kind == "executed" else None,
    )


def scores(regime: str, right: int) -> ItemScores:
    return ItemScores(
        regime=regime,
        subject="supplied_artifact",
        sha256=MODEL[regime],
        status="ok",
        message="",
        samples=2000,
        metrics={"top1": right / 2000},
        outcomes={"top1": tuple(1.0 if i < right else 0.0 for i in range(2000))},
        labels={},
        outputs_sha256=DIGEST,
        repeat_sha256=DIGEST,
        one_thread_sha256=DIGEST,
    )


def evidence(claim: Claim, claim_sha256: str) -> Evidence:
    return Evidence(
        format="lynxspec-evidence/1",
        claim_sha256=claim_sha256,
        host=host(),
        materials=tuple(
            Material(
                name=a.name,
                uri=str(a.uri),
                role=a.role,
                supplied_by=a.supplied_by,
                expected_sha256=a.sha256,
                sha256=a.sha256,
                bytes=a.bytes,
                status="ok",
                message="",
            )
            for a in claim.model.artifacts
        )
        + tuple(
            Material(
                name=d.name,
                uri=str(d.uri),
                role="data",
                supplied_by="claimant",
                expected_sha256=d.sha256,
                sha256=d.sha256,
                bytes=1_000_000,
                status="ok",
                message="",
            )
            for d in claim.data
        ),
        quantizations=(
            QuantizationRun(
                regime="int8",
                tool="onnxruntime",
                version="1.31.1",
                status="ok",
                message="",
                sha256=MODEL["int8"],
                bytes=2_721_011,
                repeat_sha256=MODEL["int8"],
                seconds=9.5,
                calibration_samples=128,
                calibration_digest=DIGEST,
                inert=(InertOption(option="calibration.method.symmetric", declared="false", compared_with="true"),),
            ),
        ),
        ledgers=tuple(ledger(r, k) for r in ("fp32", "int8") for k in ("supplied_artifact", "executed")),
        weight_errors=(),
        comparisons=(),
        scores=(scores("fp32", 1945), scores("int8", 1940)),
        sustain=sustain(),
        failures=(),
    )


def clause(
    kind: ClauseKind,
    regime: str | None,
    title: str,
    reason: Reason,
    *,
    claimed: str,
    measured: str | None,
    tolerance: str | None = None,
    interval: Interval | None = None,
    explanation: str = "Compared as the decision rule says.",
) -> ClauseVerdict:
    return ClauseVerdict(
        id=f"{kind.value}/{regime}" if regime else kind.value,
        kind=kind,
        regime=regime,
        title=title,
        claimed=claimed,
        measured=measured,
        interval=interval,
        tolerance=tolerance,
        decision_rule=f"{kind.value}: reproduced if the interval lies within the tolerance, refuted if outside.",
        verdict=reason.verdict,
        reason=reason.code,
        explanation=explanation,
    )


def rate_interval(low: float, high: float) -> Interval:
    return Interval(low=low, high=high, unit="images/s", coverage=0.95, method="batch means")


def verdicts() -> tuple[ClauseVerdict, ...]:
    share = Interval(low=0.9595, high=0.978, unit="fraction", coverage=0.95, method="Wilson")
    return (
        clause(
            ClauseKind.MATERIALS,
            None,
            "Files have the stated digests",
            Reason.BIT_EXACT,
            claimed="4 files",
            measured="4 files equal",
        ),
        clause(
            ClauseKind.TOOL_CHAIN,
            None,
            "Declared tools are installed",
            Reason.AS_DECLARED,
            claimed="onnxruntime 1.31.1",
            measured="onnxruntime 1.31.1",
        ),
        clause(
            ClauseKind.ARTIFACT,
            "int8",
            "The recipe gives the supplied file (int8)",
            Reason.BIT_EXACT,
            claimed="bit exact",
            measured="bit exact",
        ),
        clause(
            ClauseKind.PRECISION_ARTIFACT,
            "int8",
            "Precision in the file (int8)",
            Reason.AS_DECLARED,
            claimed="int8 weights, uint8 activations",
            measured="as declared",
        ),
        clause(
            ClauseKind.PRECISION_EXECUTED,
            "int8",
            "Precision as executed (int8)",
            Reason.OTHER_PRECISION_EXECUTED,
            claimed="last layer in int8",
            measured="1 of 53 products in fp32",
            explanation="The last Gemm runs in fp32 although the claim declares int8 for it; it takes 2 % of the time.",
        ),
        clause(
            ClauseKind.ACCURACY,
            "int8",
            "Accuracy top1 (int8)",
            Reason.WITHIN_TOLERANCE,
            claimed="0.9700",
            measured="0.9700",
            tolerance="0.1 points",
            interval=share,
        ),
        clause(
            ClauseKind.REFERENCE_ACCURACY,
            "fp32",
            "Accuracy top1 (fp32)",
            Reason.WITHIN_TOLERANCE,
            claimed="0.9725",
            measured="0.9725",
            tolerance="0.1 points",
            interval=Interval(low=0.9625, high=0.9805, unit="fraction", coverage=0.95, method="Wilson"),
        ),
        clause(
            ClauseKind.CRITERION,
            "int8",
            "Loss of top1 against fp32",
            Reason.CRITERION_MET,
            claimed="at most 1 points",
            measured="0.25 points",
            interval=Interval(low=-0.1, high=0.6, unit="points", coverage=0.95, method="paired"),
        ),
        clause(
            ClauseKind.THROUGHPUT,
            "fp32",
            "Sustained throughput (fp32)",
            Reason.WITHIN_TOLERANCE,
            claimed="1000 images/s over 600 s",
            measured="1004 images/s over 300 s",
            tolerance="5 %",
            interval=rate_interval(1001.0, 1008.5),
        ),
        clause(
            ClauseKind.THROUGHPUT,
            "int8",
            "Sustained throughput (int8)",
            Reason.WINDOW_NOT_COVERED,
            claimed="1950 images/s over 600 s",
            measured="1952 images/s over 300 s",
            tolerance="5 %",
            interval=rate_interval(1944.0, 1958.0),
            explanation="The rate held over 300 s; the claim says 600 s.",
        ),
        clause(
            ClauseKind.SPEEDUP,
            "int8",
            "Speed-up of int8 over fp32",
            Reason.WITHIN_TOLERANCE,
            claimed="1.95 x",
            measured="1.944 x",
            tolerance="5 %",
            interval=Interval(low=1.93, high=1.96, unit="x", coverage=0.95, method="batch means"),
        ),
        clause(
            ClauseKind.LATENCY,
            "int8",
            "Latency p99 (int8)",
            Reason.TOO_FEW_ITEMS,
            claimed="9.9 ms",
            measured="9.7 ms",
            tolerance="10 %",
        ),
        clause(
            ClauseKind.MEMORY,
            "int8",
            "Peak memory (int8)",
            Reason.NOT_IMPLEMENTED,
            claimed="150 MiB",
            measured=None,
            tolerance="20 %",
        ),
    )


def scorecard_of(claim_bytes: bytes) -> Scorecard:
    """The real score: a record that states another one is rejected."""
    draft = load(claim_bytes, source="claim.yaml")
    return score(draft, lint(draft))


def build(claim_bytes: bytes, *, identity: Identity | None = None, **changes: object) -> Record:
    claim = read_claim(claim_bytes)
    measured = evidence(claim, hashlib.sha256(claim_bytes).hexdigest())
    arguments: dict[str, object] = {
        "name": "complete.claim.yaml",
        "record_id": RECORD_ID,
        "created": "2026-11-20T17:42:50Z",
        "scorecard": scorecard_of(claim_bytes),
        "verdicts": judge(claim, measured),
        "evidence": measured,
        "judge": JUDGE,
        "renderer": versions(),
        "performed": Performed(person="R. Moss", organisation="Municipal Procurement Office", place="Berlin"),
        "signer": None if identity is None else identity.statement(),
    }
    return make(claim, claim_bytes, **{**arguments, **changes})


@pytest.fixture(scope="session")
def claim_bytes() -> bytes:
    return CLAIM.read_bytes()


@pytest.fixture(scope="session")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    return ensure_self_signed(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="session")
def record(claim_bytes: bytes, identity: Identity) -> Record:
    return build(claim_bytes, identity=identity)


@pytest.fixture(scope="session")
def attestations(record: Record, identity: Identity) -> Attestations:
    return attest(record, identity)


@pytest.fixture(scope="session")
def unsigned(record: Record, claim_bytes: bytes, attestations: Attestations) -> bytes:
    return render(record, claim_bytes, attestations=attestations)


@pytest.fixture(scope="session")
def signed(unsigned: bytes, identity: Identity) -> bytes:
    return sign(unsigned, identity)


@pytest.fixture(scope="session")
def genuine():
    """Everything genuine that attacks start from."""
    from .genuine import Genuine  # noqa: PLC0415 - it imports the makers above

    return Genuine.make()
