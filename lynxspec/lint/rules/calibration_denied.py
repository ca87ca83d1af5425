"""The algorithm reads calibration data, and the claim says that none was needed.

## What it checks
Answers of `none_needed` in regimes whose algorithm reads data (GPTQ, AWQ, SmoothQuant, ...).

## Why it matters to a buyer
The algorithm fits weights to inputs. If not to stated data, then from a default set of the tool that nobody looked at.

## Disclose instead
Name the data and the method; some tools take a default set when none is given.

## References
AutoAWQ and llm-compressor fall back to a default calibration set. Frantar et al. 2023 (GPTQ): second-order statistics
of the layer inputs.
"""

from __future__ import annotations

from collections.abc import Iterator

from lynxspec.claim import Regime
from lynxspec.claim.calibration import NoneNeeded
from lynxspec.disclosure import DATA_DRIVEN
from lynxspec.draft import Draft
from lynxspec.lint.regimes import quantization, quantized
from lynxspec.lint.rule import Effect, Hit, Rule, Severity
from lynxspec.vocabulary import Approach, Component


def _check(draft: Draft) -> Iterator[Hit]:
    for path, regime in quantized(draft.claim) if draft.claim else ():
        if not isinstance(regime.calibration, NoneNeeded) or not _reads_data(regime):
            continue
        for component in (Component.CALIBRATION_DATA, Component.CALIBRATION_METHOD):
            yield Hit(
                message=f"{regime.name}: {str(component).replace('_', ' ')} is said not to be needed "
                f"({regime.calibration.none_needed}), but the recipe reads data",
                at=((*path, "calibration", "none_needed"), (*path, "quantization")),
                regime=regime.name,
                component=component,
                effect=Effect.CONTRADICTS,
            )


def _reads_data(regime: Regime) -> bool:
    recipe = quantization(regime)
    return recipe is not None and recipe.algorithm in DATA_DRIVEN and recipe.approach is not Approach.QAT


RULE = Rule(
    code="LXS250",
    name="calibration-denied",
    severity=Severity.ERROR,
    component=Component.CALIBRATION_DATA,
    summary="Calibration is denied for a recipe that cannot do without.",
    remedy="Name the calibration data and method.",
    question="Which data did the algorithm read, if there was no calibration?",
    check=_check,
)
