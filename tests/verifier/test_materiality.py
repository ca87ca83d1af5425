"""The materiality table is complete, and names of processors are told apart."""

from __future__ import annotations

import pytest

from verifier.judge.clause import gate
from verifier.judge.materiality import HARDWARE_AXES, TABLE, Axis, Difference, Effect
from verifier.judge.platform import installed, is_generic, name_tokens
from verifier.verdict import ClauseKind, Reason, Verdict

REFUTATIONS = [reason for reason in Reason if reason.verdict is Verdict.REFUTED]
RATES = (ClauseKind.THROUGHPUT, ClauseKind.LATENCY, ClauseKind.SPEEDUP, ClauseKind.MEMORY)


def test_every_clause_kind_says_what_every_axis_does_to_it():
    assert set(TABLE) == set(ClauseKind)
    assert all(set(row) == set(Axis) for row in TABLE.values())


@pytest.mark.parametrize("kind", RATES)
def test_every_axis_that_makes_other_hardware_blocks_rates(kind):
    blocking = {axis for axis, effect in TABLE[ClauseKind.HARDWARE].items() if effect is Effect.BLOCKS}
    assert blocking >= {Axis.PROCESSOR, Axis.STEPPING, Axis.ISA, Axis.LOGICAL_CPUS, Axis.UNNAMED_MACHINE, Axis.MEMORY}
    assert all(TABLE[kind][axis] is Effect.BLOCKS for axis in blocking)


@pytest.mark.parametrize("kind", [ClauseKind.ACCURACY, ClauseKind.PRECISION_EXECUTED, ClauseKind.ARTIFACT])
def test_other_instructions_or_versions_weaken_what_a_model_computes(kind):
    for axis in (Axis.ISA, Axis.STEPPING, Axis.RUNTIME_VERSION, Axis.QUANTIZER_VERSION, Axis.PROCESSOR):
        assert TABLE[kind][axis] is Effect.WEAKENS


@pytest.mark.parametrize("kind", list(ClauseKind))
@pytest.mark.parametrize("reason", REFUTATIONS)
def test_no_refutation_passes_a_difference_that_weakens_or_blocks(kind, reason):
    for axis, effect in TABLE[kind].items():
        difference = Difference(axis=axis, claimed="x", here="y")
        found = gate(kind, (reason, "words"), (difference,))[0]
        assert (found.verdict is Verdict.REFUTED) == (effect is Effect.NOTED)


def test_a_confirmation_passes_a_weakening_difference_but_not_a_blocking_one():
    weak = Difference(axis=Axis.ISA, claimed="x", here="y")
    assert gate(ClauseKind.ACCURACY, (Reason.WITHIN_TOLERANCE, "words"), (weak,))[0] is Reason.WITHIN_TOLERANCE
    assert gate(ClauseKind.THROUGHPUT, (Reason.HELD_OVER_WINDOW, "words"), (weak,))[0] is Reason.OTHER_HARDWARE


def test_a_blocking_version_is_named_as_a_missing_tool():
    other = Difference(axis=Axis.RUNTIME_VERSION, claimed="onnxruntime 1.31.1", here="onnxruntime 1.20.0")
    reason, words = gate(ClauseKind.THROUGHPUT, (Reason.BELOW_CLAIM, "words"), (other,))
    assert reason is Reason.TOOL_ABSENT
    assert "1.20.0" in words
    assert Axis.RUNTIME_VERSION not in HARDWARE_AXES


@pytest.mark.parametrize(
    "name",
    [
        "AMD EPYC",
        "AMD EPYC Processor",
        "AMD EPYC-Rome Processor",
        "Intel(R) Xeon(R) CPU @ 2.20GHz",
        "QEMU Virtual CPU version 2.5+",
        "Common KVM processor",
        "Intel Xeon Processor (Skylake, IBRS)",
    ],
)
def test_names_that_hypervisors_give_are_generic(name):
    assert is_generic(name)


@pytest.mark.parametrize(
    "name",
    [
        "AMD EPYC 9B14",
        "AMD EPYC 7742 64-Core Processor",
        "Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz",
        "Intel(R) Xeon(R) CPU E5-2680 v4 @ 2.40GHz",
        "13th Gen Intel(R) Core(TM) i7-13700K",
        "Apple M2",
    ],
)
def test_names_with_a_model_number_are_not(name):
    assert not is_generic(name)


def test_spellings_of_one_processor_agree_and_products_do_not():
    assert name_tokens("Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz") == name_tokens("Intel Xeon Platinum 8481C")
    assert name_tokens("AMD EPYC 7742 64-Core Processor") == name_tokens("AMD EPYC 7742")
    assert name_tokens("AMD EPYC 9B14") != name_tokens("AMD EPYC 9B45")


def test_a_build_of_a_tool_for_an_accelerator_counts_as_the_tool():
    assert installed("onnxruntime", {"onnxruntime-gpu": "1.31.1"}) == "1.31.1"
    assert installed("onnxruntime", {"onnxruntime-genai": "0.9"}) == ""
