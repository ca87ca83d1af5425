"""What a deployment-grade quantization claim is: strict, frozen models, the source of ``schemas/``."""

from lynxspec.claim.base import Absent, Disclosed, Frozen, NotApplicable, Unknown, present
from lynxspec.claim.claim import FORMAT, Claim, Recipe, Regime, RegimeRecipe

__all__ = [
    "FORMAT",
    "Absent",
    "Claim",
    "Disclosed",
    "Frozen",
    "NotApplicable",
    "Recipe",
    "Regime",
    "RegimeRecipe",
    "Unknown",
    "present",
]
