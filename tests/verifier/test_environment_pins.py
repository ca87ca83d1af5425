"""Tools of one claim that need each other are wanted in the versions that the claim declares."""

from __future__ import annotations

from pathlib import Path

from verifier.environments.prepare import _wants
from verifier.opening import open_recipe

EXAMPLES = Path(__file__).parents[2] / "examples"


def requirements(path):
    recipe, _ = open_recipe(EXAMPLES / path)
    return {(want.regime, want.role): set(want.requirements) for r in recipe.regimes for want in _wants(recipe, r)}


def test_a_quantizer_runs_beside_the_framework_that_the_claim_declares():
    """Else the newest PyTorch would be taken for it, which elsewhere is a build for accelerators of several GB."""
    wanted = {"torch==2.13.0", "torchao==0.18.0", "numpy", "onnx"}
    assert requirements("g2p-gru/torchao-int8.recipe.yaml") == {
        ("fp32", "runtime"): wanted,
        ("int8", "quantizer"): wanted,
        ("int8", "runtime"): wanted,
    }


def test_a_companion_that_the_claim_does_not_name_is_left_open():
    found = requirements("g2p-gru/torch-ao-int8.recipe.yaml")
    assert found["fp32", "runtime"] == {"torch==2.13.0", "torchao", "numpy", "onnx"}
    assert requirements("g2p-gru/int8.recipe.yaml")["int8", "runtime"] == {"onnxruntime==1.31.1", "numpy", "onnx"}
