"""A disclosure component beside the sixteen required ones is missing or partial.

Each rule of this family documents itself in its record.

## What it checks
The status of one component in each quantized regime.

## Why it matters to a buyer
Without it the numbers of the claim hold for a system that you cannot rebuild.

## Disclose instead
What the remedy of the rule says.

## References
The disclosure components of `lynxspec.vocabulary`.
"""

from __future__ import annotations

from lynxspec.lint.component_rule import component_rule
from lynxspec.lint.rule import Rule, Severity
from lynxspec.vocabulary import Component


def _other(
    code: str, component: Component, *, checks: str, matters: str, remedy: str, question: str, references: str
) -> Rule:
    documentation = (
        f"\n## What it checks\n{checks}\n\n## Why it matters to a buyer\n{matters}\n\n"
        f"## Disclose instead\n{remedy}\n\n## References\n{references}"
    )
    return component_rule(
        code,
        component,
        severity=Severity.WARNING,
        partial=Severity.WARNING,
        remedy=remedy,
        question=question,
        documentation=documentation,
    )


RULES = (
    _other(
        "LXS201",
        Component.RUNTIME,
        checks="That the engine which executed the model is named with its version.",
        matters="The same file runs in INT8 on one engine and is converted back to FP32 by another.",
        remedy="Give the name, exact version, execution provider and options of the runtime.",
        question="Which inference engine, version and execution provider ran the model?",
        references="ONNX Runtime: execution providers and graph optimizations.",
    ),
    _other(
        "LXS202",
        Component.MODEL_NAME,
        checks="That the model is named with a revision.",
        matters="Checkpoints are replaced under the same name; losses of one do not carry over to the next.",
        remedy="Give the name and size of the model and the commit, release or checkpoint.",
        question="Which checkpoint of the model, by commit or digest, do the numbers belong to?",
        references="Mitchell et al. 2019, Model Cards for Model Reporting: model date and version.",
    ),
    _other(
        "LXS203",
        Component.BATCH_OR_CONCURRENCY,
        checks="That batch size or concurrency are given with the rate.",
        matters="A rate at batch 256 says nothing about one that answers single requests.",
        remedy="Give the batch size, the calls in flight and the scenario.",
        question="At which batch size and concurrency was the throughput measured?",
        references="MLPerf Inference: scenarios.",
    ),
    _other(
        "LXS204",
        Component.LATENCY,
        checks="That latency percentiles accompany the rate; an offline scenario has none.",
        matters="Throughput can be bought with queues; your users wait in them.",
        remedy="Give the median, 90th and 99th percentile with the number of calls.",
        question="What are the median and 99th percentile latencies at the stated throughput?",
        references="MLPerf Inference: server scenario, latency bounds.",
    ),
    _other(
        "LXS205",
        Component.HARDWARE,
        checks="That product, memory and power limit or mode of the accelerator are given.",
        matters="One product name covers modules whose power modes differ fivefold in speed.",
        remedy="Name product, form factor, memory and power limit or mode of each accelerator.",
        question="Which accelerator, form factor, memory size and power limit or mode was used, and how many of them?",
        references="NVIDIA Jetson power modes; MLPerf system descriptions.",
    ),
    _other(
        "LXS206",
        Component.DRIVER_STACK,
        checks="That driver, toolkit, framework build and compute capability are given as far as the hardware has "
        "them.",
        matters="A driver update can change the kernels that are chosen, and with them speed and numbers.",
        remedy="Give the version of the driver, the toolkit, the framework build and the compute capability.",
        question="Which driver, toolkit and framework build were installed?",
        references="NVIDIA CUDA compatibility: driver, toolkit and compute capability are separate axes.",
    ),
)
