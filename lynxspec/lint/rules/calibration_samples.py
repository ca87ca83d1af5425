"""The ranges come from very few samples.

## What it checks
The number of calibration samples: below 32 is a warning, below 100 information.

## Why it matters to a buyer
The widest activation of sixteen images is not that of a day of traffic; what exceeds it is clipped.

## Disclose instead
Calibrate on a few hundred samples that cover the deployment, rare cases included.

## References
NVIDIA INT8 BERT notes: 128 samples; TensorRT documentation: about 500 images for ImageNet classifiers; GPTQ: 128
sequences.
"""

from __future__ import annotations

from collections.abc import Iterator

from lynxspec.draft import Draft
from lynxspec.lint.regimes import calibration_data, quantized
from lynxspec.lint.rule import Hit, Rule, Severity
from lynxspec.vocabulary import Component


def _check(draft: Draft) -> Iterator[Hit]:
    for path, regime in quantized(draft.claim) if draft.claim else ():
        data = calibration_data(regime)
        if data is not None and data.samples < 100:
            yield Hit(
                message=f"{regime.name}: the ranges come from {data.samples} samples",
                at=((*path, "calibration", "data", "samples"),),
                regime=regime.name,
                severity=Severity.WARNING if data.samples < 32 else Severity.INFO,
            )


RULE = Rule(
    code="LXS251",
    name="few-calibration-samples",
    severity=Severity.WARNING,
    component=Component.CALIBRATION_DATA,
    summary="The calibration set is very small.",
    remedy="Calibrate on at least 100 samples of the deployment.",
    question="Why do so few calibration samples suffice?",
    check=_check,
)
