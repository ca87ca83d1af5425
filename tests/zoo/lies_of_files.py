"""Lies about files, what the recipe makes of them, and the precision that they hold."""
# ruff: noqa: ARG001 - every lie takes the claim and the evidence

from __future__ import annotations

import copy
from collections.abc import Callable

from .exhibits import Plain, artifact_of, fast, ledger_of, reference, scores_of
from .lying import OTHER, Lie, Tell, Where, calibrated, fewer, has_class, other_file, own_reference, supplied

# --- files


def swapped(name_of: Callable[[Plain], str]) -> Tell:
    """The file of that handle came with another digest, from the claimant."""

    def tell(claim: Plain, evidence: Plain) -> None:
        row = next(m for m in evidence["materials"] if m["name"] == name_of(claim))
        row |= {"sha256": OTHER, "status": "mismatch", "message": "another digest"}

    return tell


def _artifact_name(role: str) -> Callable[[Plain], str]:
    return lambda claim: (artifact_of(claim, role) or {})["name"]


def _digest_beside_the_list(name_of: Callable[[Plain], Plain]) -> Tell:
    def tell(claim: Plain, evidence: Plain) -> None:
        name_of(claim)["artifact"]["sha256"] = OTHER

    return tell


# --- the recipe's artifact


def _another_method(claim: Plain, evidence: Plain) -> None:
    fast(claim)["calibration"]["method"] = {"kind": "percentile", "symmetric": False, "percentile": 99.0, "bins": 2048}
    other_file(scales_different=60, worst_scale_ratio=0.31, zero_points_different=7)(claim, evidence)


def made_otherwise(claim: Plain, evidence: Plain) -> None:
    fast(claim)["artifact"]["sha256"] = OTHER


def _behaves_otherwise(claim: Plain, evidence: Plain) -> None:
    claim["reproduction"]["grade"] = "behaviour"
    other_file(scales_different=60, worst_scale_ratio=0.31)(claim, evidence)
    mine = copy.deepcopy(scores_of(evidence, fast(claim)["name"]))
    name = claim["evaluation"]["metrics"][0]["name"]
    fewer(mine, name, 0.04)
    evidence["scores"].append(mine | {"subject": "recipe_artifact", "sha256": OTHER, "outputs_sha256": "e" * 64})
    evidence["scores"][-1] |= {"repeat_sha256": "e" * 64, "one_thread_sha256": "e" * 64}


# --- precision


def _scheme(tensor_class: str, **changed: object) -> Tell:
    def tell(claim: Plain, evidence: Plain) -> None:
        fast(claim)["precision"][tensor_class] |= changed

    return tell


def _quantized(tensor_class: str, fmt: str) -> Tell:
    """The class is said to be on a grid that the file does not have."""

    def tell(claim: Plain, evidence: Plain) -> None:
        fast(claim)["precision"][tensor_class] = {
            "format": fmt,
            "granularity": {"kind": "per_tensor"},
            "symmetry": "symmetric",
            "timing": "static",
            "scale_format": "fp32",
            "zero_point_format": fmt,
        }

    return tell


def _other_timing(claim: Plain, evidence: Plain) -> None:
    scheme = fast(claim)["precision"]["activations"]
    scheme["timing"] = "static" if scheme["timing"] == "dynamic" else "dynamic"


def _end(end: str, fmt: str) -> Tell:
    def tell(claim: Plain, evidence: Plain) -> None:
        fast(claim)["mixed_precision"][end] = fmt

    return tell


def _head_called(claim: Plain, evidence: Plain) -> None:
    _quantized("head", "int4")(claim, evidence)
    _end("last_layer", "int4")(claim, evidence)


def _first_called(claim: Plain, evidence: Plain) -> None:
    policy = fast(claim)["mixed_precision"]
    policy["first_layer"] = "int8" if policy["first_layer"] == "fp32" else "fp32"


def _exception_not_made(claim: Plain, evidence: Plain) -> None:
    product = next(o for o in ledger_of(evidence, fast(claim)["name"])["operators"] if o["compute"] != "fp32")
    fast(claim)["mixed_precision"]["exceptions"].append(
        {"selector": {"kind": "node", "values": product["examples"][:1]}, "format": "fp16", "reason": "sensitive"}
    )


def _exception_not_told(claim: Plain, evidence: Plain) -> None:
    fast(claim)["mixed_precision"]["exceptions"][0]["selector"]["values"].pop()


def _has_node_exceptions(claim: Plain, evidence: Plain) -> bool:
    told = fast(claim)["mixed_precision"]["exceptions"]
    return bool(told) and told[0]["selector"]["kind"] == "node"


def _layer_left_in_float(claim: Plain, evidence: Plain) -> None:
    """The last quantized weights of the file are FP32, and so is the product that reads them."""
    ledger = ledger_of(evidence, fast(claim)["name"])
    group = next(t for t in ledger["tensors"] if t["tensor_class"] == "weights" and t["format"] != "fp32")
    name = group["examples"][-1]
    group["tensors"], group["examples"] = group["tensors"] - 1, group["examples"][:-1]
    float_format = {"format": "fp32", "granularity": "none", "symmetry": "none", "timing": "none"}
    there = next((t for t in ledger["tensors"] if t["tensor_class"] == "weights" and t["format"] == "fp32"), None)
    if there is None:
        there = group | float_format | {"tensors": 0, "elements": 0, "examples": []}
        ledger["tensors"].append(there)
    there |= {"tensors": there["tensors"] + 1, "elements": there["elements"] + 216}
    there["examples"] = [*there["examples"], name]
    product = next(o for o in ledger["operators"] if o["compute"] != "fp32")
    moved = product["examples"][-1]
    product["count"], product["examples"] = product["count"] - 1, product["examples"][:-1]
    plain = product["op_type"].removesuffix("Integer")
    same = (o for o in ledger["operators"] if (o["op_type"], o["compute"]) == (plain, "fp32"))
    target = next(same, None)
    if target is None:
        target = product | {"op_type": plain, "compute": "fp32", "count": 0, "examples": []}
        ledger["operators"].append(target)
    target |= {"count": target["count"] + 1, "examples": [*target["examples"], moved]}


def _asymmetric_weights(claim: Plain, evidence: Plain) -> None:
    for group in ledger_of(evidence, fast(claim)["name"])["tensors"]:
        if group["tensor_class"] == "weights" and group["format"] != "fp32":
            group["symmetry"] = "asymmetric"


def _quantized_reference(claim: Plain, evidence: Plain) -> None:
    for group in ledger_of(evidence, reference(claim)["name"])["tensors"]:
        if group["tensor_class"] == "weights":
            group |= {"format": "int8", "granularity": "per_tensor", "symmetry": "symmetric", "timing": "static"}


def _reference_called(fmt: str) -> Tell:
    def tell(claim: Plain, evidence: Plain) -> None:
        reference(claim)["precision"]["weights"] = {"format": fmt}

    return tell


# --- weights


def _off_grid(share: float) -> Tell:
    def tell(claim: Plain, evidence: Plain) -> None:
        error = evidence["weight_errors"][0]
        evidence["weight_errors"].append(error | {"sha256": OTHER})
        moved = round(share * error["elements"])
        evidence["weight_errors"][0] = error | {"worst_steps": 1.4, "beyond_half_step": moved}
        other_file(weights_different=moved)(claim, evidence)

    return tell


_A, _P = "artifact/{fast}", "precision_artifact/{fast}"
_AT_FILE = {"clause": _P, "reason": "other_precision"}
_OTHER_SCALES = {"clause": _A, "reason": "other_scales"}
_CAME_OTHERWISE = "claimant_file_differs"


def _file(name: str, which: str | Callable[[Plain], str], clause: str, where: Where) -> Lie:
    tell = swapped(which if callable(which) else lambda _: which)
    return Lie(name=name, tell=tell, clause=clause, reason=_CAME_OTHERWISE, where=where)


def _head(claim: Plain, evidence: Plain) -> bool:
    return artifact_of(claim, "head") is not None


FILES = (
    _file("quantized file swapped", _artifact_name("quantized_model"), "materials/model-int8", supplied),
    _file("reference swapped", _artifact_name("reference_model"), "materials/model-fp32", own_reference),
    _file("evaluation set swapped", "evaluation", "materials/evaluation", lambda *_: True),
    _file("calibration set swapped", "calibration", "materials/calibration", calibrated),
    _file("head swapped", _artifact_name("head"), "materials/probe", _head),
    Lie(
        name="two digests for one quantized model",
        tell=_digest_beside_the_list(fast),
        clause=_A,
        reason="self_contradictory",
        where=supplied,
    ),
    Lie(
        name="two digests for one reference",
        tell=_digest_beside_the_list(reference),
        clause="artifact/{slow}",
        reason="self_contradictory",
    ),
)

ARTIFACTS = (
    Lie(
        name="another calibration method",
        tell=_another_method,
        where=lambda c, e: calibrated(c, e) and supplied(c, e),
        **_OTHER_SCALES,
    ),
    Lie(
        name="other activation scales",
        tell=other_file(scales_different=1, worst_scale_ratio=0.002),
        where=supplied,
        **_OTHER_SCALES,
    ),
    Lie(name="other zero points", tell=other_file(zero_points_different=1), where=supplied, **_OTHER_SCALES),
    Lie(name="other weights", tell=other_file(weights_different=500), where=supplied, **_OTHER_SCALES),
    Lie(name="scales that the recipe does not give", tell=other_file(unmatched=3), where=supplied, **_OTHER_SCALES),
    Lie(name="behaves otherwise", tell=_behaves_otherwise, clause=_A, reason="other_behaviour", where=supplied),
)

PRECISION = (
    Lie(name="weights called int4", tell=_scheme("weights", format="int4"), **_AT_FILE),
    Lie(name="weights called uint8", tell=_scheme("weights", format="uint8"), **_AT_FILE),
    Lie(name="weights called fp8", tell=_scheme("weights", format="fp8_e4m3fn"), **_AT_FILE),
    Lie(
        name="weights called per group",
        tell=_scheme("weights", granularity={"kind": "per_group", "group_size": 32, "axis": 0}),
        **_AT_FILE,
    ),
    Lie(name="weights called per tensor", tell=_scheme("weights", granularity={"kind": "per_tensor"}), **_AT_FILE),
    Lie(name="asymmetric weights", tell=_asymmetric_weights, **_AT_FILE),
    # "int8" for uint8 is no lie about asymmetric activations: the same grid, counted from another zero
    Lie(name="activations called int4", tell=_scheme("activations", format="int4"), **_AT_FILE),
    Lie(
        name="activations called per channel",
        tell=_scheme("activations", granularity={"kind": "per_channel", "axis": 1}),
        **_AT_FILE,
    ),
    Lie(name="activations called symmetric", tell=_scheme("activations", symmetry="symmetric"), **_AT_FILE),
    Lie(name="static called dynamic, or the reverse", tell=_other_timing, **_AT_FILE),
    Lie(name="bias called int8", tell=_quantized("bias", "int8"), where=has_class("bias"), **_AT_FILE),
    Lie(name="outputs called int16", tell=_quantized("outputs", "int16"), where=has_class("outputs"), **_AT_FILE),
    Lie(
        name="embeddings called int8", tell=_quantized("embeddings", "int8"), where=has_class("embeddings"), **_AT_FILE
    ),
    Lie(name="head called int4", tell=_head_called, where=has_class("head"), **_AT_FILE),
    Lie(name="head called int4, last layer int8", tell=_quantized("head", "int4"), where=has_class("head"), **_AT_FILE),
    Lie(name="first layer called otherwise", tell=_first_called, **_AT_FILE),
    Lie(name="last layer called fp32", tell=_end("last_layer", "fp32"), **_AT_FILE),
    Lie(name="exception not made", tell=_exception_not_made, **_AT_FILE),
    Lie(name="exception not told", tell=_exception_not_told, where=_has_node_exceptions, **_AT_FILE),
    Lie(name="a layer left in float", tell=_layer_left_in_float, **_AT_FILE),
    Lie(
        name="quantized reference",
        tell=_quantized_reference,
        clause="precision_artifact/{slow}",
        reason="other_precision",
    ),
    Lie(
        name="reference called bf16",
        tell=_reference_called("bf16"),
        clause="precision_artifact/{slow}",
        reason="other_precision",
    ),
)

WEIGHTS = (
    Lie(
        name="weights nudged",
        tell=_off_grid(0.02),
        clause="weight_error/{fast}",
        reason="weights_off_grid",
        where=supplied,
        also=(_A,),
    ),
    Lie(
        name="a few weights nudged",
        tell=_off_grid(0.002),
        clause="weight_error/{fast}",
        reason="weights_off_grid",
        where=supplied,
        also=(_A,),
    ),
)

LIES = (*FILES, *ARTIFACTS, *PRECISION, *WEIGHTS)
