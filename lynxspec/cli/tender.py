"""Disclosure clauses to paste into a tender: what a bidder must deliver, in which unit, and how it is accepted."""

from __future__ import annotations

import json
from dataclasses import dataclass
from textwrap import wrap

from lynxspec.vocabulary import REQUIRED, Component

WIDTH = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """One thing to deliver."""

    component: Component
    title: str
    text: str

    @property
    def required(self) -> bool:
        """Whether a bid without it fails."""
        return self.component in REQUIRED


def _clause(component: Component, title: str, text: str) -> Clause:
    return Clause(component=component, title=title, text=text)


CLAUSES = (
    _clause(
        Component.PRECISION_FORMAT,
        "Number formats",
        "The bidder shall state the number format of the weights and of the activations of the offered model, "
        "by the name of a published standard (for example INT8, FP8 E4M3, MXFP4). A bit width alone is not a "
        "number format.",
    ),
    _clause(
        Component.THROUGHPUT_GAIN,
        "Throughput gain",
        "The bidder shall state the gain in throughput over the unquantized model as a factor (x), measured, "
        "together with both rates. A value qualified by 'up to' or derived from a data sheet does not meet "
        "this clause.",
    ),
    _clause(
        Component.BASELINE,
        "Baseline of the gain",
        "The bidder shall state the number format of the model that the gain is measured against, and shall "
        "measure both on the same system, software stack and load.",
    ),
    _clause(
        Component.TENSORS_QUANTIZED,
        "Quantized tensors",
        "The bidder shall list which tensor classes are quantized: weights, activations, operator outputs, "
        "biases, embeddings, output head, attention cache, recurrent state; and in which format each of the "
        "others is kept.",
    ),
    _clause(
        Component.CALIBRATION_DATA,
        "Calibration data",
        "The bidder shall name the calibration data set with revision, split and SHA-256 digest, the number "
        "of samples, their sequence length or shape, and the deployment that they represent; or state that "
        "none was needed, and why.",
    ),
    _clause(
        Component.CALIBRATION_METHOD,
        "Calibration method",
        "The bidder shall name the method by which value ranges were set and write out all of its parameters, "
        "defaults included (for example: percentile, 99.99 %, 2048 bins).",
    ),
    _clause(
        Component.GRANULARITY,
        "Granularity of the scales",
        "The bidder shall state for weights and for activations how many values share one scale: per tensor, "
        "per channel (with the axis), per token, per group (with the group size in values), or per block "
        "(rows and columns).",
    ),
    _clause(
        Component.MIXED_PRECISION_POLICY,
        "Layers kept at higher precision",
        "The bidder shall list every layer that is kept at another precision, with its format and the reason, "
        "and shall state the format of the first and of the last layer. An empty list is a valid answer.",
    ),
    _clause(
        Component.TOOL_CHAIN,
        "Tool chain",
        "The bidder shall name the tool that quantized the model with its exact version and every option that was set.",
    ),
    _clause(
        Component.MODEL_FAMILY,
        "Architecture",
        "The bidder shall state the architecture of the model that was measured (convolutional, transformer "
        "encoder, encoder-decoder, transformer decoder, recurrent, state space, diffusion) and shall not "
        "offer accuracy figures of another model in its place.",
    ),
    _clause(
        Component.EVALUATION_SET,
        "Evaluation set",
        "The bidder shall name the evaluation data set with revision, split, SHA-256 digest and number of "
        "items, and shall state whether any of its items were used for calibration.",
    ),
    _clause(
        Component.ACCURACY_RESULT,
        "Accuracy of the offered model",
        "The bidder shall state the accuracy of the quantized model itself as a number in the unit of a named "
        "metric, with the implementation and version that computed it. Words such as 'lossless' are not a "
        "number.",
    ),
    _clause(
        Component.ACCURACY_REFERENCE,
        "Accuracy of the reference",
        "The bidder shall state the accuracy of the unquantized model, by the same metric, implementation and items.",
    ),
    _clause(
        Component.ACCEPTANCE_CRITERION,
        "Acceptance criterion",
        "The bidder shall state the largest loss of accuracy that it warrants, as a margin in points, in % of "
        "the reference or in the unit of the metric, fixed before measuring.",
    ),
    _clause(
        Component.WORKLOAD_RELEVANCE,
        "Relevance to the deployment",
        "The bidder shall state which deployment the evaluation set represents and why, and shall on request "
        "evaluate both models on data that the contracting authority supplies. A public benchmark alone meets "
        "this clause in part.",
    ),
    _clause(
        Component.SUSTAINED_THROUGHPUT,
        "Sustained throughput",
        "The bidder shall state the sustained rate of both models in items per second (tokens/s, images/s, "
        "...), measured over at least 600 s after a warm-up whose duration in s is given, with the number of "
        "repetitions and the spread in %; or over a shorter time with readings that show thermal equilibrium.",
    ),
    _clause(
        Component.RUNTIME,
        "Runtime",
        "The bidder should name the inference engine with exact version, execution provider and options.",
    ),
    _clause(
        Component.MODEL_NAME,
        "Model and revision",
        "The bidder should name the model with its revision and give the SHA-256 digest and size in bytes of "
        "each file.",
    ),
    _clause(
        Component.BATCH_OR_CONCURRENCY,
        "Load",
        "The bidder should state for each rate the batch size (items per call), the number of calls in "
        "flight, the input and output lengths in tokens (or shapes), and the scenario.",
    ),
    _clause(
        Component.LATENCY,
        "Latency",
        "The bidder should state the 50th, 90th and 99th percentile of the latency in ms under the load of "
        "the stated rate, with the number of calls timed.",
    ),
    _clause(
        Component.HARDWARE,
        "Hardware",
        "The bidder should state maker, product, form factor and number of the accelerators, their memory in "
        "GiB, the power limit in W or the power mode, the clocks in MHz, and the processor of the host.",
    ),
    _clause(
        Component.DRIVER_STACK,
        "Driver stack",
        "The bidder should state the versions of driver, toolkit and framework build, and the compute capability.",
    ),
    _clause(
        Component.PEAK_ONLY,
        "Peak figures",
        "Where the bidder gives a peak or theoretical rate, it should be marked as such and stand beside the "
        "sustained rate of clause 16, in the same unit; it is not evaluated.",
    ),
)
"""The sixteen required ones first, then the seven desirable ones."""

_FORM = (
    "The bidder delivers the disclosures as a LynxSpec claim (`*.claim.yaml`, JSON Schema claim-1), one for "
    "each combination of model, hardware and workload offered. Every quantity carries its unit. Where a "
    "question does not arise, the claim says so with the reason; where the bidder does not know, it says "
    "`unknown`, which counts as not disclosed."
)
_ACCEPTANCE = (
    (
        "Disclosure is accepted if `lynxspec lint` reports the claim as complete (none of clauses 1 to 16 "
        "missing or contradicted) and, for use in production, grade A or B without findings of severity "
        "error."
    ),
    (
        "Performance is accepted if `lynxspec verify`, run by the contracting authority or a laboratory that "
        "it names on the stated hardware, ends with exit code 0: every clause of the claim is reproduced "
        "within the tolerances that the claim states. The signed record of that run is kept with the "
        "contract."
    ),
    (
        "A clause that is refuted on the stated hardware entitles the contracting authority to reject the "
        "delivery. A clause that cannot be tested counts neither for nor against the bidder until the bidder "
        "has supplied what the test needs."
    ),
)


def text() -> str:
    """For pasting into a document."""
    lines = ["DISCLOSURE OF QUANTIZED MODELS", "", *wrap(_FORM, WIDTH), "", "Required", ""]
    for number, clause in enumerate(CLAUSES, 1):
        if number == 1 + len(REQUIRED):
            lines += ["Desirable", ""]
        lines += wrap(f"{number}. {clause.title}. {clause.text}", WIDTH, subsequent_indent="    ")
        lines.append("")
    lines += ["Acceptance", ""]
    for letter, paragraph in zip("abc", _ACCEPTANCE, strict=True):
        lines += [*wrap(f"({letter}) {paragraph}", WIDTH, subsequent_indent="    "), ""]
    return "\n".join(lines[:-1]) + "\n"


def markdown() -> str:
    """For a ticket or a repository."""
    lines = ["# Disclosure of quantized models", "", _FORM, "", "## Required", ""]
    for number, clause in enumerate(CLAUSES, 1):
        if number == 1 + len(REQUIRED):
            lines += ["", "## Desirable", ""]
        lines.append(f"{number}. **{clause.title}.** {clause.text}")
    lines += ["", "## Acceptance", "", *(f"- {paragraph}" for paragraph in _ACCEPTANCE)]
    return "\n".join(lines) + "\n"


def as_json() -> str:
    """For programs that assemble tenders."""
    clauses = [
        {"number": n, "component": c.component.value, "required": c.required, "title": c.title, "text": c.text}
        for n, c in enumerate(CLAUSES, 1)
    ]
    return json.dumps({"form": _FORM, "clauses": clauses, "acceptance": list(_ACCEPTANCE)}, indent=2) + "\n"
