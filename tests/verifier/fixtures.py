"""A claim and evidence that reproduces it, written by hand as plain data, so that a test can change one thing."""

from __future__ import annotations

import copy
import json
import random
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from lynxspec.claim import Claim
from verifier.evidence import Evidence
from verifier.judge import judge
from verifier.verdict import ClauseVerdict

CLAIM = Path(__file__).parents[1] / "data" / "complete.claim.yaml"

FP32 = "1f0c8d9a6b7e5f4d3c2b1a09f8e7d6c5b4a3928170615243f4e5d6c7b8a99881"
INT8 = "2f0c8d9a6b7e5f4d3c2b1a09f8e7d6c5b4a3928170615243f4e5d6c7b8a99882"
MACHINE = "3f0c8d9a6b7e5f4d3c2b1a09f8e7d6c5b4a3928170615243f4e5d6c7b8a99883"
CALIBRATION = "4f0c8d9a6b7e5f4d3c2b1a09f8e7d6c5b4a3928170615243f4e5d6c7b8a99884"
EVALUATION = "5f0c8d9a6b7e5f4d3c2b1a09f8e7d6c5b4a3928170615243f4e5d6c7b8a99885"
OTHER = "a" * 64

Plain = dict[str, Any]


def claim_data() -> Plain:
    """The complete claim of the tests, without its comments."""
    return json.loads(json.dumps(YAML(typ="safe", pure=True).load(CLAIM.read_text())))


def evidence_data() -> Plain:
    """Evidence under which every clause of that claim holds."""
    return copy.deepcopy(_EVIDENCE)


def verdicts(claim: Plain, evidence: Plain) -> dict[str, ClauseVerdict]:
    """Judge plain data; by clause id."""
    found = judge(Claim.model_validate_json(json.dumps(claim)), Evidence.model_validate_json(json.dumps(evidence)))
    return {verdict.id: verdict for verdict in found}


def outcomes() -> tuple[list[float], list[float]]:
    """Items that fp32 and int8 get right: 1945 and 1940 of 2000; 15 lost, 10 gained."""
    fp32 = [1.0] * 1945 + [0.0] * 55
    int8 = [0.0] * 15 + [1.0] * 1930 + [1.0] * 10 + [0.0] * 45
    return fp32, int8


def blocks(rate: float, *, count: int = 60, spread: float = 0.01, seed: int = 7, slope: float = 0.0) -> list[Plain]:
    """Ten-second blocks around a rate; ``slope`` is the relative change from the first block to the last."""
    rng = random.Random(seed)
    rows = []
    for i in range(count):
        trend = 1.0 + slope * (i / max(1, count - 1) - 0.5)
        items = max(0, round(rate * 10.0 * trend * (1.0 + rng.gauss(0.0, spread)) / 16.0) * 16)
        rows.append(
            {
                "process": i * 3 // count,
                "order": i,
                "start_s": i * 20.0,
                "seconds": 10.0,
                "calls": items // 16,
                "items": items,
            }
        )
    return rows


def _material(name: str, uri: str, role: str, sha256: str, size: int) -> Plain:
    return {
        "name": name,
        "uri": uri,
        "role": role,
        "supplied_by": "claimant",
        "expected_sha256": sha256,
        "sha256": sha256,
        "bytes": size,
        "status": "ok",
        "message": "",
    }


def _group(cls: str, fmt: str, granularity: str, symmetry: str, timing: str, tensors: int, elements: int) -> Plain:
    return {
        "tensor_class": cls,
        "format": fmt,
        "granularity": granularity,
        "symmetry": symmetry,
        "timing": timing,
        "tensors": tensors,
        "elements": elements,
        "examples": [f"{cls}.0"],
    }


def _ledger(regime: str, kind: str, sha256: str, tensors: list[Plain], operators: list[Plain]) -> Plain:
    return {
        "regime": regime,
        "ledger": kind,
        "sha256": sha256,
        "status": "ok",
        "message": "",
        "tensors": tensors,
        "operators": operators,
        "provider": "CPUExecutionProvider" if kind == "executed" else None,
    }


def _operators(compute: str, share: float | None) -> list[Plain]:
    return [{"op_type": "Conv", "compute": compute, "count": 52, "time_share": share, "examples": ["/features/0/Conv"]}]


def _scores(regime: str, sha256: str, value: float, items: list[float]) -> Plain:
    digest = ("b" if regime == "fp32" else "c") * 64
    return {
        "regime": regime,
        "subject": "supplied_artifact",
        "sha256": sha256,
        "status": "ok",
        "message": "",
        "samples": 2000,
        "metrics": {"top1": value},
        "outcomes": {"top1": items},
        "labels": {},
        "outputs_sha256": digest,
        "repeat_sha256": digest,
        "one_thread_sha256": digest,
    }


def _run(regime: str, sha256: str, rate: float, p50: float, memory: int) -> Plain:
    quantiles = [(0.5, p50), (0.9, p50 * 1.04), (0.99, p50 * 1.15)]
    return {
        "regime": regime,
        "sha256": sha256,
        "status": "ok",
        "message": "",
        "item": "images",
        "batch": 16,
        "concurrency": 1,
        "window_s": 600.0,
        "warm_up_s": 10.0,
        "blocks": blocks(rate, seed=3 if regime == "fp32" else 5),
        "bins": [],
        "quantiles": [{"p": p, "value_s": v, "low_s": v * 0.99, "high_s": v * 1.01} for p, v in quantiles],
        "calls": 37500,
        "peak_memory_bytes": memory * 2**20,
        "baseline_memory_bytes": 60 * 2**20,
        "threads": {"intra_op_threads": 2},
        "timed_scores": {"top1": 0.97},
        "timed_items": 256,
        "timed_disagreements": 0,
        "repeated_input_ratio": 1.01,
        "overhead_share": 0.0005,
        "timestamps_sha256": None,
    }


_FP32_GROUPS = [
    _group("weights", "fp32", "none", "none", "none", 52, 2_200_000),
    _group("activations", "fp32", "none", "none", "none", 52, 0),
    _group("bias", "fp32", "none", "none", "none", 52, 17_000),
    _group("head", "fp32", "none", "none", "none", 1, 12_800),
]
_INT8_GROUPS = [
    _group("weights", "int8", "per_channel(axis=0)", "symmetric", "static", 52, 2_200_000),
    _group("activations", "uint8", "per_tensor", "asymmetric", "static", 52, 0),
    _group("outputs", "uint8", "per_tensor", "asymmetric", "static", 52, 0),
    _group("bias", "int32", "per_channel(axis=0)", "symmetric", "static", 52, 17_000),
    _group("head", "int8", "per_channel(axis=0)", "symmetric", "static", 1, 12_800),
]

_EVIDENCE: Plain = {
    "format": "lynxspec-evidence/1",
    "claim_sha256": "0" * 64,
    "host": {
        "cpu": "AMD EPYC 9B14",
        "stepping": "25/17/1",
        "logical_cpus": 2,
        "memory_bytes": 24 * 2**30 - 300_000_000,
        "isa": ["avx2", "avx512_vnni", "avx512f", "fma"],
        "os": "Debian GNU/Linux 12",
        "kernel": "6.1.0",
        "virtualization": "KVM",
        "machine": MACHINE,
        "accelerators": [],
        "python": "3.11.2",
        "packages": {"onnxruntime": "1.31.1", "numpy": "2.3.0", "onnx": "1.19.0"},
    },
    "materials": [
        _material("model-fp32", "model.onnx", "reference_model", FP32, 9006132),
        _material("model-int8", "model-int8.onnx", "quantized_model", INT8, 2721011),
        _material("calibration", "calibration.npz", "data", CALIBRATION, 100000),
        _material("evaluation", "evaluation.npz", "data", EVALUATION, 1500000),
    ],
    "quantizations": [
        {
            "regime": "int8",
            "tool": "onnxruntime",
            "version": "1.31.1",
            "status": "ok",
            "message": "",
            "sha256": INT8,
            "bytes": 2721011,
            "repeat_sha256": INT8,
            "seconds": 12.0,
            "calibration_samples": 128,
            "calibration_digest": "d" * 64,
            "inert": [],
        }
    ],
    "ledgers": [
        _ledger("fp32", "supplied_artifact", FP32, _FP32_GROUPS, _operators("fp32", None)),
        _ledger("int8", "supplied_artifact", INT8, _INT8_GROUPS, _operators("int8", None)),
        _ledger("fp32", "executed", FP32, [], _operators("fp32", 0.9)),
        _ledger("int8", "executed", INT8, [], _operators("uint8", 0.8)),
    ],
    "weight_errors": [
        {
            "regime": "int8",
            "sha256": INT8,
            "tensors": 53,
            "elements": 2_212_800,
            "clipped": 0,
            "worst_steps": 0.5,
            "beyond_half_step": 0,
            "unmatched": [],
        }
    ],
    "comparisons": [],
    "scores": [
        _scores("fp32", FP32, 0.9725, outcomes()[0]),
        _scores("int8", INT8, 0.9700, outcomes()[1]),
    ],
    "sustain": {
        "order": ["fp32", "int8", "int8", "fp32"],
        "runs": [_run("fp32", FP32, 1000.0, 0.0158, 175), _run("int8", INT8, 1950.0, 0.0081, 148)],
        "probe": {"gflops": [95.0, 94.8, 95.3, 94.9, 95.1, 95.0], "threads": 2},
        "host": [
            {"t_s": float(i), "busy": 0.98, "steal": 0.0, "foreign": 0.01, "pressure": 0.03, "mhz": None}
            for i in range(60)
        ],
        "seconds": 1240.0,
    },
    "failures": [],
}


def other_scales(evidence: Plain, *, supplied: bool = True) -> None:
    """The recipe gives, twice, a file with other activation scales than the supplied one."""
    run = evidence["quantizations"][0]
    run["sha256"] = run["repeat_sha256"] = OTHER
    if not supplied:
        evidence["materials"] = [m for m in evidence["materials"] if m["name"] != "model-int8"]
        return
    evidence["comparisons"] = [
        {
            "regime": "int8",
            "supplied_sha256": INT8,
            "recipe_sha256": OTHER,
            "identical": False,
            "scales_compared": 210,
            "scales_different": 104,
            "worst_scale_ratio": 0.31,
            "zero_points_different": 12,
            "weights_different": 0,
            "examples": ["/features/0/Conv_output"],
            "unmatched": 0,
        }
    ]


def run_of(evidence: Plain, regime: str) -> Plain:
    """The timed run of a regime."""
    return next(run for run in evidence["sustain"]["runs"] if run["regime"] == regime)


def slow_down(
    evidence: Plain, factor: float, *, regimes: tuple[str, ...] = ("fp32", "int8"), probe: bool = True
) -> None:
    """The machine runs at ``factor`` of its speed: rates fall, latencies rise, and the probe with them."""
    for run in evidence["sustain"]["runs"]:
        if run["regime"] in regimes:
            run["blocks"] = blocks((1000.0 if run["regime"] == "fp32" else 1950.0) * factor)
            for q in run["quantiles"]:
                for key in ("value_s", "low_s", "high_s"):
                    q[key] = q[key] / factor
    if probe:
        evidence["sustain"]["probe"]["gflops"] = [g * factor for g in evidence["sustain"]["probe"]["gflops"]]
