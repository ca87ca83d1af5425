"""The shipped facts: that each has a source, and that lookups by name, format and version find the right one."""

from __future__ import annotations

import pytest

from lynxspec.errors import InternalError
from lynxspec.facts import families, formats, hardware, presets, source, tool_chains
from lynxspec.facts.formats import Support
from lynxspec.vocabulary import Approach, ModelFamily, NumberFormat


@pytest.mark.parametrize(
    ("spelled", "product"),
    [
        ("NVIDIA H100 80GB HBM3", "H100 SXM 80GB"),  # what nvidia-smi prints for the SXM part
        ("H100-SXM5-80GB", "H100 SXM 80GB"),
        ("NVIDIA H100 PCIe", "H100 PCIe 80GB"),
        ("NVIDIA B200 180\u2009GB", "B200 SXM 180GB (HGX/DGX)"),
        ("Tesla T4", "T4"),
        ("RTX4090", "GeForce RTX 4090"),
        ("gaudi3", "Gaudi 3 (OAM air)"),
        ("AMD Instinct MI300X", "MI300X"),
        ("Google TPU v5e", "TPU v5e"),
    ],
)
def test_a_product_is_found_by_the_names_that_people_and_drivers_use(spelled: str, product: str) -> None:
    found = hardware.find(spelled)
    assert found is not None
    assert found.product == product


@pytest.mark.parametrize(
    "spelled", ["NVIDIA A10G", "GeForce RTX 4090 Laptop GPU", "A100-SXM4-40GB", "EPYC 9B14", "H800", "Orin Nano", ""]
)
def test_another_part_of_a_like_name_is_not_taken_for_a_known_one(spelled: str) -> None:
    assert hardware.candidates(spelled) == ()


def test_a_name_that_leaves_the_form_factor_open_means_several_parts_and_finds_none() -> None:
    assert {entry.product for entry in hardware.candidates("H100")} == {
        "H100 SXM 80GB",
        "H100 PCIe 80GB",
        "H100 NVL 94GB",
    }
    assert hardware.find("H100") is None


def test_the_nearest_names_are_offered_for_a_misspelled_one() -> None:
    assert "H100 SXM 80GB" in hardware.nearest("H10O SXM")
    assert hardware.nearest("zzz") == ()


def test_every_row_names_its_source_and_grade() -> None:
    assert len(hardware.entries()) == 33
    assert all(entry.source and entry.grade in {"A", "A-", "B"} for entry in hardware.entries())
    assert all(formats.sources().values())
    assert all(fact.source and fact.note for facts in tool_chains.facts().values() for fact in facts)


def test_figures_are_those_of_the_data_sheets() -> None:
    h100 = hardware.find("H100 SXM")
    assert h100 is not None
    assert (h100.dense["int8"], h100.bandwidth_gb_s, h100.memory_gb, h100.sparse_factor) == (1979, 3350, (80,), 2)
    a100 = hardware.find("A100 SXM4 80GB")
    assert a100 is not None
    assert "fp8" not in a100.dense  # a blank is unknown, never zero


def test_sizes_match_as_gb_and_as_gib_but_not_another_size() -> None:
    assert hardware.same_memory(85.9, (80.0,))  # 80 GiB
    assert not hardware.same_memory(40.0, (80.0,))


@pytest.mark.parametrize(
    ("target", "number_format", "support"),
    [
        ("sm_80", NumberFormat.FP8_E4M3FN, Support.NO),  # A100
        ("sm_90", NumberFormat.FP8_E4M3FN, Support.YES),  # H100
        ("gfx942", NumberFormat.FP8_E4M3FN, Support.NO),  # MI300 computes in FNUZ only
        ("gfx942", NumberFormat.FP8_E4M3FNUZ, Support.YES),
        ("sm_75", NumberFormat.BF16, Support.NO),  # T4
        ("sm_70", NumberFormat.UINT8, Support.NO),  # V100
        ("sm_120", NumberFormat.NVFP4, Support.PARTIAL),
        ("sm_90", NumberFormat.INT4, Support.UNKNOWN),
        ("sm_90", NumberFormat.NF4, Support.UNKNOWN),
        ("unheard_of", NumberFormat.INT8, Support.UNKNOWN),
        ("unheard_of", NumberFormat.FP32, Support.YES),
    ],
)
def test_format_support_is_yes_no_partial_or_unknown(
    target: str, number_format: NumberFormat, support: Support
) -> None:
    assert formats.supports(target, number_format) is support


@pytest.mark.parametrize(
    ("version", "versions", "inside"),
    [
        ("11.1.0", ">=11.0", True),
        ("11.4.0.106", ">=11.0", True),
        ("10.16", ">=11.0", False),
        ("9.0", ">=10.1", False),  # not compared as text
        ("9.0", ">=10.1,<11", False),
        ("10.9", ">=10.1,<11", True),
        ("1.31", "<1.32", True),
        ("1.31.0+cpu", ">=1.31,<1.32", True),
        ("11", ">=11.0", True),
        ("latest", ">=0.0", False),
        ("latest", "", True),
    ],
)
def test_versions_are_compared_number_by_number(version: str, versions: str, inside: bool) -> None:
    assert tool_chains.within(version, versions) is inside


@pytest.mark.parametrize("version", ["latest", "nightly", "1.x", "10.*", "main", "2.1+", "stable"])
def test_a_moving_version_is_loose(version: str) -> None:
    assert tool_chains.is_loose(version)
    assert tool_chains.release(version) is None


@pytest.mark.parametrize("version", ["1.31.1", "v0.33.0", "2.13.0+cpu", "b6500", "1.0rc1", "2026.4.1"])
def test_an_exact_version_is_not_loose(version: str) -> None:
    assert not tool_chains.is_loose(version)


def test_tensorrt_11_has_no_calibrator_and_10_0_has() -> None:
    features = {"method": "entropy"}
    ids = [fact.id for fact in tool_chains.lookup("trt", "11.1", role="quantizer", features=features)]
    assert ids == ["tensorrt-11-has-no-calibrator"]
    assert tool_chains.lookup("tensorrt", "10.0.1", role="quantizer", features=features) == ()


def test_a_fact_with_an_exception_does_not_hold_where_the_exception_does() -> None:
    ids = {
        strided: [
            fact.id
            for fact in tool_chains.lookup(
                "onnxruntime",
                "1.31.1",
                role="quantizer",
                features={"method": "moving_average", "strided": strided},
            )
        ]
        for strided in (True, False)
    }
    assert ids == {True: [], False: ["onnxruntime-moving-average-constant-inert"]}


def test_percentile_defaults_differ_by_tool() -> None:
    values = {default.tool: default.value for default in tool_chains.defaults() if default.method == "percentile"}
    assert values == {"onnxruntime": 99.999, "modelopt": 99.99}


def test_a_version_newer_than_the_facts_is_known_as_such() -> None:
    known = tool_chains.tool("ORT")
    assert known is not None
    assert tool_chains.newer_than_known(known, "99.9")
    assert not tool_chains.newer_than_known(known, "1.31.7")


def test_a_bound_that_cannot_be_read_is_our_own_failure() -> None:
    with pytest.raises(InternalError):
        tool_chains.within("1.0", "~=1.0")


def test_every_bound_of_the_table_can_be_read() -> None:
    for facts in tool_chains.facts().values():
        for fact in facts:
            assert tool_chains.within("1.0", fact.versions) in {True, False}


def test_a_longer_preset_hides_the_shorter_inside_it() -> None:
    assert [word for word, _ in presets.mentioned("Q4_K_M, FP8-Dynamic and w4a16")] == [
        "q4-k-m",
        "fp8-dynamic",
        "w4a16",
    ]
    assert presets.mentioned("a print8 of int80") == ()


def test_presets_expand_to_the_fields_they_stand_for() -> None:
    found = presets.preset("W4A16")
    assert found is not None
    assert found.approach is Approach.WEIGHT_ONLY
    assert NumberFormat.INT4 in found.weights
    assert NumberFormat.INT8 not in found.activations


@pytest.mark.parametrize(
    ("spelling", "number_format"),
    [
        ("torch.float16", NumberFormat.FP16),
        ("E4M3", NumberFormat.FP8_E4M3FN),
        ("QUInt8", NumberFormat.UINT8),
        ("Q4_K", NumberFormat.GGML_Q4_K),
        ("int8", NumberFormat.INT8),
        ("fp8", None),  # names no variant
    ],
)
def test_spellings_of_tools_lead_to_the_canonical_format(spelling: str, number_format: NumberFormat | None) -> None:
    assert presets.number_format(spelling) is number_format


def test_the_risk_of_8_bit_differs_by_family() -> None:
    assert "small" in families.risk_row(ModelFamily.CONVOLUTIONAL)
    assert "substantial" in families.risk_row(ModelFamily.TRANSFORMER_DECODER)
    assert families.risk_row(ModelFamily.OTHER) == ""


def test_a_missing_data_file_is_our_own_failure() -> None:
    with pytest.raises(InternalError):
        source.read_text("nothing.csv")
