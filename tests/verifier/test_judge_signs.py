"""Eight bits with a sign or without: the same grid where zero may lie anywhere, and not known to be where it may not.

Some tools choose for each activation; NNCF 3.4.0 writes uint8 where no value is negative and int8 elsewhere.
"""

from __future__ import annotations

import pytest

from tests.verifier import fixtures
from verifier.verdict import Verdict


def judged(fmt: str, symmetry: str, *, tensor_class: str = "activations"):
    """The artifact's clause where the file holds that format, and the claim declares uint8 of that symmetry."""
    claim, evidence = fixtures.claim_data(), fixtures.evidence_data()
    declared = claim["regimes"][1]["precision"]
    declared["activations"]["symmetry"] = declared["outputs"]["symmetry"] = symmetry
    for group in evidence["ledgers"][1]["tensors"]:
        if group["tensor_class"] == tensor_class:
            group["format"] = fmt
        if group["tensor_class"] in ("activations", "outputs"):
            group["symmetry"] = symmetry
    return fixtures.verdicts(claim, evidence)["precision_artifact/int8"]


@pytest.mark.parametrize("tensor_class", ["activations", "outputs"])
def test_asymmetric_activations_with_a_sign_are_as_declared(tensor_class):
    verdict = judged("int8", "asymmetric", tensor_class=tensor_class)
    assert (verdict.verdict, verdict.reason) == (Verdict.REPRODUCED, "as_declared")
    assert f"{tensor_class}: 52 tensors hold uint8 values in int8" in verdict.notes


def test_symmetric_activations_with_a_sign_decide_nothing():
    verdict = judged("int8", "symmetric")
    assert (verdict.verdict, verdict.reason) == (Verdict.INCONCLUSIVE, "evidence_too_weak")
    assert "declared uint8, found int8" in verdict.explanation


def test_other_bits_are_refuted_whatever_the_symmetry():
    assert judged("int16", "asymmetric").reason == "other_precision"
    assert judged("int16", "symmetric").reason == "other_precision"


def test_weights_are_held_to_their_sign():
    assert judged("uint8", "asymmetric", tensor_class="weights").reason == "other_precision"
