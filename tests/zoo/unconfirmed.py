"""What a claim can say that was not, or cannot be, tested here: never reproduced, and never refuted either.

Other hardware, other tools, a longer window, another load; files that others supply; and numbers a little too good,
which on a virtual host can have innocent causes.
"""
# ruff: noqa: ARG001 - every entry takes the claim and the evidence

from __future__ import annotations

from .exhibits import Plain, artifact_of, fast, reference, run_of, scaled, scores_of
from .lies_of_files import made_otherwise
from .lies_of_speed import rates, wrong_in_large_calls
from .lying import OTHER, Lie, Tell, calibrated, neither, supplied


def _hardware(**changed: object) -> Tell:
    def tell(claim: Plain, evidence: Plain) -> None:
        claim["hardware"] |= changed

    return tell


def _host(**changed: object) -> Tell:
    def tell(claim: Plain, evidence: Plain) -> None:
        claim["hardware"]["host"] |= changed

    return tell


def _generic(claim: Plain, evidence: Plain) -> bool:
    """The processor's name has no model number."""
    return not any(c.isdigit() for c in claim["hardware"]["host"]["cpu"])


def _tool(which: str, **changed: str) -> Tell:
    def tell(claim: Plain, evidence: Plain) -> None:
        fast(claim)["toolchain"][which] |= changed

    return tell


def _older_reference_runtime(claim: Plain, evidence: Plain) -> None:
    reference(claim)["toolchain"]["runtime"]["version"] = "1.19.0"


def _window(factor: float) -> Tell:
    """The rate is said to have held for so many times what was measured here."""

    def tell(claim: Plain, evidence: Plain) -> None:
        window = f"{factor * run_of(evidence, fast(claim)['name'])['window_s']:.0f} s"
        claim["load"]["window"] = fast(claim)["performance"]["sustained"]["window"] = window

    return tell


def _load(**changed: object) -> Tell:
    def tell(claim: Plain, evidence: Plain) -> None:
        claim["load"] |= changed

    return tell


def _up_to(claim: Plain, evidence: Plain) -> None:
    claim["comparisons"][0] |= {"throughput_gain": "9 x", "qualifier": "up_to"}


def _implied(claim: Plain, evidence: Plain) -> None:
    """No gain is published; an understated reference implies one."""
    rates(slow_by=1 / 1.5)(claim, evidence)
    claim["comparisons"] = []


def _handicapped_reference(claim: Plain, evidence: Plain) -> None:
    reference(claim)["toolchain"]["runtime"]["options"]["graph_optimization"] = "disabled"


def _another_system(claim: Plain, evidence: Plain) -> None:
    claim["comparisons"][0] |= {"system": "other", "other_system": "an older machine"}


def _more_items(claim: Plain, evidence: Plain) -> None:
    claim["evaluation"]["samples"] *= 10


def _more_calibration(claim: Plain, evidence: Plain) -> None:
    fast(claim)["calibration"]["data"]["samples"] *= 4


def _trained(claim: Plain, evidence: Plain) -> None:
    trained = {"epochs": 3, "data": "the training part", "details": "Adam, fake quantization from the second epoch"}
    fast(claim)["quantization"] |= {"approach": "qat", "qat": trained}


def _from_a_mirror(claim: Plain, evidence: Plain) -> None:
    file = artifact_of(claim, "quantized_model") or {}
    file["supplied_by"] = "mirror"
    row = next(m for m in evidence["materials"] if m["name"] == file["name"])
    row |= {"supplied_by": "mirror", "sha256": OTHER, "status": "mismatch", "message": "another digest"}


def _readers_copy(claim: Plain, evidence: Plain) -> None:
    row = next(m for m in evidence["materials"] if m["name"] == "evaluation")
    row |= {"supplied_by": "third_party", "sha256": OTHER, "status": "mismatch", "message": "another digest"}


def _gone(claim: Plain, evidence: Plain) -> None:
    row = next(m for m in evidence["materials"] if m["name"] == "evaluation")
    row |= {"sha256": None, "bytes": None, "status": "unavailable", "message": "404"}


def _third_partys_reference(claim: Plain, evidence: Plain) -> None:
    row = next(m for m in evidence["materials"] if m["role"] == "reference_model")
    row |= {"sha256": OTHER, "status": "mismatch", "message": "another digest"}


def _foreign_reference(claim: Plain, evidence: Plain) -> bool:
    return (artifact_of(claim, "reference_model") or {})["supplied_by"] != "claimant"


def _blind_head(claim: Plain, evidence: Plain) -> None:
    for scores in evidence["scores"]:
        scores["head_blind"] = 0.99


def _with_head(claim: Plain, evidence: Plain) -> bool:
    return artifact_of(claim, "head") is not None


def _random_outputs(claim: Plain, evidence: Plain) -> None:
    """The model draws random numbers, so that a better accuracy can neither be shown nor denied."""
    scores = scores_of(evidence, fast(claim)["name"])
    scores["repeat_sha256"] = OTHER
    fast(claim)["accuracy"][0]["value"] += 0.02


def _unscored(claim: Plain, evidence: Plain) -> None:
    run = run_of(evidence, fast(claim)["name"])
    run |= {"timed_items": 0, "timed_scores": {}, "timed_disagreements": 0, "timed_pairs": []}


def _other_timed_data(claim: Plain, evidence: Plain) -> None:
    claim["load"]["dataset"] = "easy-inputs"


def _slower_probe(claim: Plain, evidence: Plain) -> None:
    """The machine shows half the speed that the claim states for it: nobody knows what its rates would be there."""
    probe = claim["hardware"]["speed_probe"]
    claim["hardware"]["speed_probe"] = scaled(probe, 2.0)
    rates(fast_by=1.5, slow_by=1.5)(claim, evidence)


_H, _V, _T = "hardware", "tool_chain/{fast}", "throughput/{fast}"
_S, _Q = "speedup/{fast}/{slow}", "accuracy/{fast}/{metric}"


def _elsewhere(name: str, tell: Tell, **more: object) -> Lie:
    return Lie(name=name, tell=tell, clause=_H, reason="other_hardware", **more)  # type: ignore[arg-type]


def _absent(name: str, tell: Tell, clause: str = _V) -> Lie:
    return Lie(name=name, tell=tell, clause=clause, reason="tool_absent")


UNCONFIRMED = (
    _elsewhere("another product", _hardware(vendor="Intel", product="Xeon Platinum 8481C")),
    _elsewhere("another processor", _host(cpu="Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz")),
    _elsewhere("another stepping", _host(stepping="6/143/8")),
    _elsewhere("more processors", _host(logical_cpus=64)),
    _elsewhere("more memory", _host(memory="512 GiB")),
    _elsewhere("matrix instructions", _host(isa=["avx2", "amx_int8"])),
    _elsewhere("another hypervisor", _host(virtualization="Xen")),
    _elsewhere("another machine of no full name", _host(machine="ab" * 32), where=_generic),
    _elsewhere("an accelerator", _hardware(kind="gpu", vendor="NVIDIA", product="H100 PCIe")),
    _absent("another runtime version", _tool("runtime", version="1.19.0")),
    _absent("another runtime", _tool("runtime", name="tensorrt", version="10.3.0")),
    _absent("another provider", _tool("runtime", provider="CUDAExecutionProvider")),
    _absent("another quantizer version", _tool("quantizer", version="1.19.0")),
    _absent("another quantizer", _tool("quantizer", name="torchao", version="0.9.0")),
    _absent("another runtime of the reference", _older_reference_runtime, "tool_chain/{slow}"),
    Lie(name="twice the window", tell=_window(2.0), clause=_T, reason="window_not_covered", rate=True),
    Lie(name="ten times the window", tell=_window(10.0), clause=_T, reason="window_not_covered", rate=True),
    Lie(name="another batch", tell=_load(batch=1024), clause=_T, reason="not_reached"),
    Lie(name="more callers", tell=_load(concurrency=8), clause=_T, reason="not_reached"),
    Lie(name="arrivals at random", tell=_load(scenario="server"), clause=_T, reason="not_reached"),
    Lie(name="another machine's speed", tell=_slower_probe, clause=_T, reason="machine_slower", rate=True),
    Lie(name="up to a gain", tell=_up_to, clause=_S, reason="not_claimed", rate=True),
    Lie(name="a gain that only rates imply", tell=_implied, clause=_S, reason="evidence_too_weak", rate=True),
    Lie(name="a handicapped reference", tell=_handicapped_reference, clause=_S, reason="evidence_too_weak", rate=True),
    Lie(name="a reference elsewhere", tell=_another_system, clause=_S, reason="other_hardware"),
    Lie(name="a tenth faster", tell=rates(fast_by=1.1), clause=_T, reason="evidence_too_weak", rate=True),
    Lie(
        name="both a tenth faster",
        tell=rates(fast_by=1.1, slow_by=1.1),
        clause="throughput/{slow}",
        reason="evidence_too_weak",
        rate=True,
    ),
    Lie(
        name="a tenth more gain",
        tell=rates(slow_by=1 / 1.1, gain_by=1.1),
        clause=_S,
        reason="evidence_too_weak",
        rate=True,
    ),
    Lie(name="more items", tell=_more_items, clause=_Q, reason="too_few_items"),
    Lie(
        name="more calibration samples",
        tell=_more_calibration,
        clause="recipe_effect/{fast}",
        reason="samples_dropped",
        where=calibrated,
    ),
    Lie(
        name="made otherwise, file withheld",
        tell=made_otherwise,
        clause="artifact/{fast}",
        reason="platform_may_differ",
        where=neither(supplied),
    ),
    Lie(name="trained, not rounded", tell=_trained, clause="artifact/{fast}", reason="not_implemented"),
    Lie(
        name="a mirror's file",
        tell=_from_a_mirror,
        clause="materials/model-int8",
        reason="mirror_file_differs",
        where=supplied,
    ),
    Lie(
        name="a third party's reference",
        tell=_third_partys_reference,
        clause="materials/model-fp32",
        reason="mirror_file_differs",
        where=_foreign_reference,
    ),
    Lie(
        name="the reader's wrong copy", tell=_readers_copy, clause="materials/evaluation", reason="mirror_file_differs"
    ),
    Lie(name="a file that is gone", tell=_gone, clause="materials/evaluation", reason="material_unavailable"),
    Lie(name="a blind head", tell=_blind_head, clause=_Q, reason="evidence_too_weak", where=_with_head),
    Lie(name="random outputs", tell=_random_outputs, clause=_Q, reason="not_deterministic"),
    Lie(name="unscored outputs", tell=_unscored, clause="timed_outputs/{fast}", reason="not_reached"),
    Lie(
        name="easy inputs when timed", tell=_other_timed_data, clause="timed_outputs/{fast}", reason="evidence_too_weak"
    ),
    Lie(
        name="wrong in large calls, scales by the call",
        tell=wrong_in_large_calls,
        clause="timed_outputs/{fast}",
        reason="evidence_too_weak",
        where=neither(calibrated),
    ),
)
"""Each with the clause that must stay open, and why."""
