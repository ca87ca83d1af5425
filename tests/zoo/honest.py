"""Honest ways in which a second measurement differs from the first: none of them may refute a true claim.

Each changes a claim's evidence, or its wording, as another day, another reader or another machine would.
"""
# ruff: noqa: ARG001 - every variation takes the generator, the claim and the evidence

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .exhibits import Plain, artifact_of, fast, reference, run_of, scores_of
from .lies_of_files import OTHER
from .lying import other_file, supplied

Vary = Callable[[np.random.Generator, Plain, Plain], None]


@dataclass(frozen=True, kw_only=True)
class Variation:
    """One way to differ."""

    name: str
    vary: Vary
    opens: tuple[str, ...] = ()
    """Beginnings of clauses, other than of rates, that it may leave undecided."""


def _spread(blocks: list[Plain]) -> float:
    """Coefficient of variation of the blocks' rates: the noise that was recorded."""
    rates = np.array([b["items"] / b["seconds"] for b in blocks])
    return float(rates.std() / rates.mean())


def _drawn_again(rng: np.random.Generator, claim: Plain, evidence: Plain) -> None:
    for run in evidence["sustain"]["runs"]:
        level = sum(b["items"] for b in run["blocks"]) / sum(b["seconds"] for b in run["blocks"])
        noise = max(_spread(run["blocks"]), 0.002)
        for block in run["blocks"]:
            block["seconds"] = block["items"] / (level * float(np.exp(noise * rng.standard_normal())))


def _paced(factors: Callable[[np.random.Generator], tuple[float, float]], *, probe: bool) -> Vary:
    """Reference and quantized run at these factors of their speed, and the probe at the first if it is to follow."""

    def vary(rng: np.random.Generator, claim: Plain, evidence: Plain) -> None:
        slow, quick = factors(rng)
        for regime, factor in ((reference(claim), slow), (fast(claim), quick)):
            run = run_of(evidence, regime["name"])
            for block in run["blocks"]:
                block["seconds"] /= factor
            for q in run["quantiles"]:
                for key in ("value_s", "low_s", "high_s"):
                    q[key] = q[key] and q[key] / factor
        if probe:
            evidence["sustain"]["probe"]["gflops"] = [g * slow for g in evidence["sustain"]["probe"]["gflops"]]

    return vary


def _same(low: float, high: float) -> Callable[[np.random.Generator], tuple[float, float]]:
    def factors(rng: np.random.Generator) -> tuple[float, float]:
        factor = float(rng.uniform(low, high))
        return factor, factor

    return factors


def _each(low: float, high: float) -> Callable[[np.random.Generator], tuple[float, float]]:
    return lambda rng: (float(rng.uniform(low, high)), float(rng.uniform(low, high)))


def _within_bounds(rng: np.random.Generator, claim: Plain, evidence: Plain) -> None:
    for run in evidence["sustain"]["runs"]:
        for q in run["quantiles"]:
            if q["low_s"] is not None and q["high_s"] is not None:
                q["value_s"] = float(rng.uniform(q["low_s"], q["high_s"]))


def _interrupted(rng: np.random.Generator, claim: Plain, evidence: Plain) -> None:
    """A backup ran for a moment: the slowest hundredth of the calls took half as long again."""
    for run in evidence["sustain"]["runs"]:
        for q in run["quantiles"]:
            if q["p"] >= 0.99:
                q |= {key: q[key] and 1.5 * q[key] for key in ("value_s", "low_s", "high_s")}


def _few_calls(rng: np.random.Generator, claim: Plain, evidence: Plain) -> None:
    for run in evidence["sustain"]["runs"]:
        for q in run["quantiles"]:
            if q["p"] >= 0.99:
                q |= {"low_s": None, "high_s": None}


def _packages(**changed: str) -> Vary:
    def vary(rng: np.random.Generator, claim: Plain, evidence: Plain) -> None:
        evidence["host"]["packages"] |= changed

    return vary


def _patched_runtime(rng: np.random.Generator, claim: Plain, evidence: Plain) -> None:
    """A patch version later; whatever it rounds otherwise shows in an item or two, and in scales."""
    evidence["host"]["packages"]["onnxruntime"] = "1.31.2"
    evidence["quantizations"][0]["version"] = "1.31.2"
    if supplied(claim, evidence):
        other_file(scales_different=3, worst_scale_ratio=2e-7)(claim, evidence)


def _host(**changed: object) -> Vary:
    def vary(rng: np.random.Generator, claim: Plain, evidence: Plain) -> None:
        evidence["host"] |= changed

    return vary


def _seconds_first(rng: np.random.Generator, claim: Plain, evidence: Plain) -> None:
    """The other regime was timed first."""
    for run in evidence["sustain"]["runs"]:
        for block in run["blocks"]:
            block["order"] ^= 1


def _regimes_reversed(rng: np.random.Generator, claim: Plain, evidence: Plain) -> None:
    claim["regimes"].reverse()
    evidence["sustain"]["runs"].reverse()
    evidence["scores"].reverse()


def _measured_longer(rng: np.random.Generator, claim: Plain, evidence: Plain) -> None:
    """A budget with room to spare: twice as many processes."""
    for run in evidence["sustain"]["runs"]:
        more = [b | {"process": b["process"] + 3, "start_s": b["start_s"] + 1e4} for b in run["blocks"]]
        run["blocks"] += more
        run["window_s"] *= 2


def _measured_shorter(rng: np.random.Generator, claim: Plain, evidence: Plain) -> None:
    """A budget that is too small: two blocks of each process."""
    for run in evidence["sustain"]["runs"]:
        kept: dict[int, list[Plain]] = {}
        for block in run["blocks"]:
            kept.setdefault(block["process"], []).append(block)
        run["blocks"] = [b for blocks in kept.values() for b in blocks[:2]]
        run["window_s"] = sum(b["seconds"] for b in run["blocks"])


def _one_process(rng: np.random.Generator, claim: Plain, evidence: Plain) -> None:
    for run in evidence["sustain"]["runs"]:
        run["blocks"] = [b | {"process": 0} for b in run["blocks"]]


def _memory(rng: np.random.Generator, claim: Plain, evidence: Plain) -> None:
    """Allocators and page sizes."""
    for run in evidence["sustain"]["runs"]:
        run["peak_memory_bytes"] = int(run["peak_memory_bytes"] * rng.uniform(0.85, 1.15))


def _other_digests(rng: np.random.Generator, claim: Plain, evidence: Plain) -> None:
    """Last bits of the outputs come out otherwise, each time alike."""
    for scores in evidence["scores"]:
        digest = "".join(rng.choice(list("0123456789abcdef"), 64))
        scores |= {"outputs_sha256": digest, "repeat_sha256": digest, "one_thread_sha256": digest}


def _an_item(from_: float, to: float) -> Vary:
    """One item of the quantized model changes sides: 0.05 points of 2000."""

    def vary(rng: np.random.Generator, claim: Plain, evidence: Plain) -> None:
        name = claim["evaluation"]["criterion"]["metric"]
        scores = scores_of(evidence, fast(claim)["name"])
        items = scores["outcomes"][name]
        items[rng.choice([i for i, x in enumerate(items) if x == from_])] = to
        scores["metrics"][name] = sum(items) / len(items)

    return vary


def _neighbours(rng: np.random.Generator, claim: Plain, evidence: Plain) -> None:
    """Others take a fifth of the machine for the whole run."""
    for sample in evidence["sustain"]["host"]:
        sample |= {"steal": float(rng.uniform(0, 0.1)), "foreign": float(rng.uniform(0.1, 0.4)), "pressure": 0.6}
    _paced(_each(0.6, 0.9), probe=False)(rng, claim, evidence)


def _unwatched(rng: np.random.Generator, claim: Plain, evidence: Plain) -> None:
    evidence["sustain"]["host"] = []
    _paced(_each(0.5, 0.9), probe=False)(rng, claim, evidence)


def _no_pressure(rng: np.random.Generator, claim: Plain, evidence: Plain) -> None:
    """A kernel without pressure-stall information."""
    for sample in evidence["sustain"]["host"]:
        sample["pressure"] = None


def _noisy_probe(rng: np.random.Generator, claim: Plain, evidence: Plain) -> None:
    probe = evidence["sustain"]["probe"]
    probe["gflops"] = [g * float(rng.uniform(0.7, 1.1)) for g in probe["gflops"]]


def _other_sample(rng: np.random.Generator, claim: Plain, evidence: Plain) -> None:
    """A fresh seed scores other outputs of the timed run: they agree with the evaluation, and their mean differs."""
    for run in evidence["sustain"]["runs"]:
        run["timed_scores"] = {name: v - float(rng.uniform(0, 0.06)) for name, v in run["timed_scores"].items()}


def _inert(rng: np.random.Generator, claim: Plain, evidence: Plain) -> None:
    option = {"option": "bins", "declared": "128", "compared_with": "2048"}
    evidence["quantizations"][0]["inert"].append(option)


def _own_copies(rng: np.random.Generator, claim: Plain, evidence: Plain) -> None:
    for material in evidence["materials"]:
        material |= {"supplied_by": "third_party", "uri": "given by the reader: copy"}


def _repacked(rng: np.random.Generator, claim: Plain, evidence: Plain) -> None:
    """The recipe gives other bytes with the same numbers."""
    if supplied(claim, evidence):
        other_file()(claim, evidence)


def _moody_tool(rng: np.random.Generator, claim: Plain, evidence: Plain) -> None:
    """The quantizer gives another file each time."""
    if supplied(claim, evidence):
        other_file(scales_different=60, worst_scale_ratio=0.01)(claim, evidence)
        evidence["quantizations"][0]["repeat_sha256"] = "f" * 64


def _short_numbers(rng: np.random.Generator, claim: Plain, evidence: Plain) -> None:
    """The claim rounds as a data sheet does: three digits of rates and gains, two decimals of accuracies."""
    for regime in claim["regimes"]:
        sustained = regime["performance"]["sustained"]
        value, unit = sustained["rate"].split()
        sustained["rate"] = f"{float(f'{float(value):.3g}'):g} {unit}"
        for row in regime["accuracy"]:
            row["value"] = round(row["value"], 2)
    gain = claim["comparisons"][0]["throughput_gain"].split()[0]
    claim["comparisons"][0]["throughput_gain"] = f"{float(gain):.2g} x"


def _modest(rng: np.random.Generator, claim: Plain, evidence: Plain) -> None:
    """The claim states less than was measured, as careful people do."""
    regime = fast(claim)
    for place in (regime["performance"]["sustained"], claim["comparisons"][0]):
        key = "rate" if "rate" in place else "throughput_gain"
        value, unit = place[key].split()
        place[key] = f"{float(value) * 0.9:.4g} {unit}"
    regime["accuracy"][0]["value"] = round(regime["accuracy"][0]["value"] - 0.005, 6)


def _from_a_mirror(rng: np.random.Generator, claim: Plain, evidence: Plain) -> None:
    file = artifact_of(claim, "reference_model") or {}
    row = next(m for m in evidence["materials"] if m["name"] == file["name"])
    file["supplied_by"] = row["supplied_by"] = "mirror"


def _batch_of_one(rng: np.random.Generator, claim: Plain, evidence: Plain) -> None:
    """Evaluated in calls of another size: an item or two come out otherwise, in both directions."""
    claim["evaluation"]["batch_size"] = 3
    for scores in evidence["scores"]:
        scores["batches"] = [
            {"batch": 1, "items": 128, "seed": 5, "status": "ok", "message": "", "disagreements": 2}
            | {"gained": dict.fromkeys(scores["metrics"], 1), "lost": dict.fromkeys(scores["metrics"], 1)}
            | {"metrics": {}, "outcomes": {}}
        ]


def _no_rates(rng: np.random.Generator, claim: Plain, evidence: Plain) -> None:
    evidence["sustain"] = None
    evidence["failures"].append({"stage": "sustain", "regime": None, "message": "the budget leaves no time"})


VARIATIONS = (
    Variation(name="rates drawn again", vary=_drawn_again),
    Variation(name="a slower day", vary=_paced(_same(0.6, 1.0), probe=True)),
    Variation(name="a faster day", vary=_paced(_same(1.0, 1.2), probe=True)),
    Variation(name="unseen neighbours", vary=_paced(_each(0.87, 1.0), probe=False)),
    Variation(name="quantiles within their bounds", vary=_within_bounds),
    Variation(name="an interruption", vary=_interrupted),
    Variation(name="few calls", vary=_few_calls),
    Variation(name="a patched runtime", vary=_patched_runtime, opens=("tool_chain", "memory")),
    Variation(name="other libraries", vary=_packages(numpy="2.2.6", scipy="1.15.3", **{"scikit-learn": "1.7.0"})),
    Variation(name="another kernel", vary=_host(kernel="6.12.9", os="Ubuntu 24.04.2 LTS")),
    Variation(name="another Python", vary=_host(python="3.13.1")),
    Variation(name="another machine", vary=_host(machine=OTHER), opens=("hardware", "memory")),
    Variation(name="no machine id", vary=_host(machine=None), opens=("hardware", "memory")),
    Variation(name="the other regime first", vary=_seconds_first),
    Variation(name="regimes reversed", vary=_regimes_reversed),
    Variation(name="measured longer", vary=_measured_longer),
    Variation(name="measured shorter", vary=_measured_shorter),
    Variation(name="one process", vary=_one_process),
    Variation(name="memory", vary=_memory, opens=("memory",)),
    Variation(name="other last bits", vary=_other_digests),
    Variation(name="an item lost", vary=_an_item(1.0, 0.0)),
    Variation(name="an item gained", vary=_an_item(0.0, 1.0)),
    Variation(name="busy neighbours", vary=_neighbours),
    Variation(name="host not watched", vary=_unwatched),
    Variation(name="no pressure readings", vary=_no_pressure),
    Variation(name="a noisy probe", vary=_noisy_probe),
    Variation(name="another sample of outputs", vary=_other_sample),
    Variation(name="an inert option", vary=_inert),
    Variation(name="own copies", vary=_own_copies),
    Variation(name="repacked", vary=_repacked),
    Variation(name="a tool of many moods", vary=_moody_tool, opens=("artifact",)),
    Variation(name="short numbers", vary=_short_numbers, opens=("accuracy", "reference_accuracy")),
    Variation(name="modest numbers", vary=_modest),
    Variation(name="a mirror's reference", vary=_from_a_mirror),
    Variation(name="other batches", vary=_batch_of_one),
    Variation(name="no rates", vary=_no_rates, opens=("memory",)),
)
"""In an order in which any of them can be made one after the other."""
