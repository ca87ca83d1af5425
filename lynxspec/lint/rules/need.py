"""A claim read against what one buyer will deploy; without a need, these rules are silent.

Each rule of this family documents itself in its record.

## What it checks
One part of the need given by `--need`.

## Why it matters to a buyer
A number holds for the system, the engine and the inputs that it was measured with.

## Disclose instead
What the remedy of the rule says.

## References
`lynxspec.need`: runtimes, hardware, workload, criterion, latency budget.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from lynxspec.draft import Draft
from lynxspec.lint.rule import Hit, Rule, Severity
from lynxspec.vocabulary import Component

if TYPE_CHECKING:
    from lynxspec.lint.need_checks import Check
    from lynxspec.need import Need


def _silent(_draft: Draft) -> Iterator[Hit]:
    """Without a need there is nothing to hold the draft against."""
    return iter(())


def _rule(
    code: str, name: str, component: Component, *, summary: str, checks: str, matters: str, remedy: str, question: str
) -> Rule:
    documentation = (
        f"{summary}\n\n## What it checks\n{checks} Only with `--need`; it leaves the score as it is, since the score "
        f"is about what was disclosed.\n\n## Why it matters to a buyer\n{matters}\n\n## Disclose instead\n{remedy}\n\n"
        "## References\n`lynxspec init need` writes a template of the need."
    )
    return Rule(
        code=code,
        name=name,
        severity=Severity.WARNING,
        component=component,
        summary=summary,
        remedy=remedy,
        question=question,
        check=_silent,
        documentation=documentation,
    )


RULES = (
    _rule(
        "LXS801",
        "need-hardware",
        Component.HARDWARE,
        summary="The numbers are not from your hardware.",
        checks="Whether the named product is each of yours; a name that leaves the variant open is not yours for sure.",
        matters="Rates, and the formats that compute at all, differ between products of one family; a gain on another "
        "accelerator is a hope on yours.",
        remedy="Measure on the buyer's hardware, or let the buyer verify the claim there.",
        question="Can you give accuracy and sustained rate on the hardware that we will use?",
    ),
    _rule(
        "LXS802",
        "need-workload",
        Component.WORKLOAD_RELEVANCE,
        summary="The accuracy is not from your workload.",
        checks="Whether the evaluation ran on your own data (by digest), or on a workload of the name that you gave.",
        matters="Quantization fails first on inputs unlike those it was calibrated for; a benchmark says little of "
        "yours.",
        remedy="Evaluate on the buyer's data, or let the buyer verify the claim with it.",
        question="Can you measure the accuracy of both models on data that we supply?",
    ),
    _rule(
        "LXS803",
        "need-runtime",
        Component.RUNTIME,
        summary="The accuracy is shown on none, or not all, of your runtimes.",
        checks="Whether the engine and its version are each of yours.",
        matters="The same file computes in INT8 on one engine and in FP16 on another, with other kernels and rounding: "
        "accuracy on one engine is not inherited by the next.",
        remedy="Measure accuracy once for each target runtime, by version.",
        question="What is the accuracy of the quantized model on each runtime that we will use?",
    ),
    _rule(
        "LXS804",
        "need-criterion",
        Component.ACCEPTANCE_CRITERION,
        summary="The loss, or the criterion, is larger than yours allows, or it is in another metric.",
        checks="The claimed loss and the claim's own criterion against your margin, in your metric.",
        matters="A claim that meets its own criterion may still miss yours.",
        remedy="State the loss in the buyer's metric and hold it to the buyer's margin.",
        question="Can the quantized model meet our acceptance criterion, and on which data was that shown?",
    ),
    _rule(
        "LXS805",
        "need-latency",
        Component.LATENCY,
        summary="The latency exceeds your budget, or is not given at your percentile.",
        checks="The latency of each quantized regime at the percentile of your budget.",
        matters="Throughput can be bought with queues; your users wait in them.",
        remedy="Give the latency at the buyer's percentile, under the load of the stated rate.",
        question="What is the latency at our percentile under the load of the stated rate?",
    ),
)


def rules_for(need: Need) -> tuple[Rule, ...]:
    """The same rules, fed with a need."""
    from lynxspec.lint.need_checks import CHECKS  # noqa: PLC0415 - without a need, nobody waits for it

    return tuple(replace(rule, check=partial(_with_need, check=CHECKS[rule.code], need=need)) for rule in RULES)


def _with_need(draft: Draft, *, check: Check, need: Need) -> Iterator[Hit]:
    """Run a check on a draft that claims something."""
    return check(draft, need) if any(r.role == "quantized" for r in draft.regimes) else iter(())
