"""The closed words of a claim: number formats, granularities, methods, families, components.

Canonical spellings follow the field's standards (OCP 8-bit floating point, OCP microscaling, ONNX ``TensorProto``,
GGML block types); spellings of single tools are aliases, kept in `lynxspec.facts`.
"""

from __future__ import annotations

from enum import StrEnum


class NumberFormat(StrEnum):
    """How one number is stored; block formats include their scale."""

    FP64 = "fp64"
    FP32 = "fp32"
    TF32 = "tf32"
    FP16 = "fp16"
    BF16 = "bf16"
    FP8_E4M3FN = "fp8_e4m3fn"
    FP8_E4M3FNUZ = "fp8_e4m3fnuz"
    FP8_E5M2 = "fp8_e5m2"
    FP8_E5M2FNUZ = "fp8_e5m2fnuz"
    FP8_E8M0 = "fp8_e8m0"
    FP6_E2M3 = "fp6_e2m3"
    FP6_E3M2 = "fp6_e3m2"
    FP4_E2M1 = "fp4_e2m1"
    NF4 = "nf4"
    INT64 = "int64"
    INT32 = "int32"
    INT16 = "int16"
    UINT16 = "uint16"
    INT8 = "int8"
    UINT8 = "uint8"
    INT7 = "int7"
    INT6 = "int6"
    INT5 = "int5"
    INT4 = "int4"
    UINT4 = "uint4"
    INT3 = "int3"
    INT2 = "int2"
    UINT2 = "uint2"
    INT1 = "int1"
    TERNARY = "ternary"
    CODEBOOK = "codebook"
    MXFP8_E4M3 = "mxfp8_e4m3"
    MXFP8_E5M2 = "mxfp8_e5m2"
    MXFP6_E2M3 = "mxfp6_e2m3"
    MXFP6_E3M2 = "mxfp6_e3m2"
    MXFP4 = "mxfp4"
    MXINT8 = "mxint8"
    NVFP4 = "nvfp4"
    GGML_Q4_0 = "ggml_q4_0"
    GGML_Q4_1 = "ggml_q4_1"
    GGML_Q4_K = "ggml_q4_k"
    GGML_Q5_0 = "ggml_q5_0"
    GGML_Q5_K = "ggml_q5_k"
    GGML_Q6_K = "ggml_q6_k"
    GGML_Q8_0 = "ggml_q8_0"


UNQUANTIZED = frozenset({NumberFormat.FP64, NumberFormat.FP32, NumberFormat.TF32, NumberFormat.FP16, NumberFormat.BF16})
"""Formats that need no scale: a tensor in one of them is not quantized."""

STORAGE_BITS: dict[NumberFormat, float] = {
    **dict.fromkeys((NumberFormat.FP64, NumberFormat.INT64), 64.0),
    **dict.fromkeys((NumberFormat.FP32, NumberFormat.TF32, NumberFormat.INT32), 32.0),
    **dict.fromkeys((NumberFormat.FP16, NumberFormat.BF16, NumberFormat.INT16, NumberFormat.UINT16), 16.0),
    **dict.fromkeys(
        (
            NumberFormat.FP8_E4M3FN,
            NumberFormat.FP8_E4M3FNUZ,
            NumberFormat.FP8_E5M2,
            NumberFormat.FP8_E5M2FNUZ,
            NumberFormat.FP8_E8M0,
            NumberFormat.INT8,
            NumberFormat.UINT8,
        ),
        8.0,
    ),
    **dict.fromkeys((NumberFormat.FP6_E2M3, NumberFormat.FP6_E3M2, NumberFormat.INT6), 6.0),
    **dict.fromkeys((NumberFormat.FP4_E2M1, NumberFormat.NF4, NumberFormat.INT4, NumberFormat.UINT4), 4.0),
    NumberFormat.INT7: 7.0,
    NumberFormat.INT5: 5.0,
    NumberFormat.INT3: 3.0,
    NumberFormat.INT2: 2.0,
    NumberFormat.UINT2: 2.0,
    NumberFormat.INT1: 1.0,
    NumberFormat.TERNARY: 1.6875,
    NumberFormat.MXFP8_E4M3: 8.25,
    NumberFormat.MXFP8_E5M2: 8.25,
    NumberFormat.MXINT8: 8.25,
    NumberFormat.MXFP6_E2M3: 6.25,
    NumberFormat.MXFP6_E3M2: 6.25,
    NumberFormat.MXFP4: 4.25,
    NumberFormat.NVFP4: 4.5,
    NumberFormat.GGML_Q4_0: 4.5,
    NumberFormat.GGML_Q4_1: 5.0,
    NumberFormat.GGML_Q4_K: 4.5,
    NumberFormat.GGML_Q5_0: 5.5,
    NumberFormat.GGML_Q5_K: 5.5,
    NumberFormat.GGML_Q6_K: 6.5625,
    NumberFormat.GGML_Q8_0: 8.5,
}
"""Bits a weight takes on disk, block scales included (GGUF 0.19 block sizes; OCP MX 1.0: 8 bits per 32 values)."""


class ModelFamily(StrEnum):
    """What calibration must capture, and the risk of 8 bit, depend on this."""

    CONVOLUTIONAL = "convolutional"
    TRANSFORMER_ENCODER = "transformer_encoder"
    ENCODER_DECODER = "encoder_decoder"
    TRANSFORMER_DECODER = "transformer_decoder"
    RECURRENT = "recurrent"
    STATE_SPACE = "state_space"
    DIFFUSION = "diffusion"
    OTHER = "other"


class Algorithm(StrEnum):
    """How weights were moved to the grid."""

    RTN = "rtn"
    GPTQ = "gptq"
    AWQ = "awq"
    SMOOTHQUANT = "smoothquant"
    AUTOROUND = "autoround"
    ADAROUND = "adaround"
    BRECQ = "brecq"
    HQQ = "hqq"
    K_QUANT = "k_quant"
    SPQR = "spqr"
    AQLM = "aqlm"
    VPTQ = "vptq"
    QUIP_SHARP = "quip_sharp"
    QUAROT = "quarot"
    SPINQUANT = "spinquant"
    SVDQUANT = "svdquant"
    BIAS_CORRECTION = "bias_correction"
    CROSS_LAYER_EQUALIZATION = "cross_layer_equalization"
    LSQ = "lsq"
    QAT = "qat"
    OTHER = "other"


OUTLIER_TREATMENTS = frozenset(
    {
        Algorithm.SMOOTHQUANT,
        Algorithm.AWQ,
        Algorithm.QUAROT,
        Algorithm.SPINQUANT,
        Algorithm.SVDQUANT,
        Algorithm.CROSS_LAYER_EQUALIZATION,
    }
)
"""Algorithms that move activation outliers into the weights or rotate them away."""


class Approach(StrEnum):
    """When and on what quantization works."""

    STATIC = "static"
    DYNAMIC = "dynamic"
    WEIGHT_ONLY = "weight_only"
    QAT = "qat"


class Component(StrEnum):
    """The 23 things that a buyer must be told; claims and free text are scored alike by them."""

    PRECISION_FORMAT = "precision_format"
    THROUGHPUT_GAIN = "throughput_gain"
    BASELINE = "baseline"
    TENSORS_QUANTIZED = "tensors_quantized"
    CALIBRATION_DATA = "calibration_data"
    CALIBRATION_METHOD = "calibration_method"
    TOOL_CHAIN = "tool_chain"
    RUNTIME = "runtime"
    MODEL_FAMILY = "model_family"
    MODEL_NAME = "model_name"
    GRANULARITY = "granularity"
    MIXED_PRECISION_POLICY = "mixed_precision_policy"
    EVALUATION_SET = "evaluation_set"
    ACCURACY_RESULT = "accuracy_result"
    ACCURACY_REFERENCE = "accuracy_reference"
    ACCEPTANCE_CRITERION = "acceptance_criterion"
    WORKLOAD_RELEVANCE = "workload_relevance"
    SUSTAINED_THROUGHPUT = "sustained_throughput"
    BATCH_OR_CONCURRENCY = "batch_or_concurrency"
    LATENCY = "latency"
    HARDWARE = "hardware"
    DRIVER_STACK = "driver_stack"
    PEAK_ONLY = "peak_only"


REQUIRED = frozenset(
    {
        Component.PRECISION_FORMAT,
        Component.THROUGHPUT_GAIN,
        Component.BASELINE,
        Component.TENSORS_QUANTIZED,
        Component.CALIBRATION_DATA,
        Component.CALIBRATION_METHOD,
        Component.GRANULARITY,
        Component.MIXED_PRECISION_POLICY,
        Component.TOOL_CHAIN,
        Component.MODEL_FAMILY,
        Component.EVALUATION_SET,
        Component.ACCURACY_RESULT,
        Component.ACCURACY_REFERENCE,
        Component.ACCEPTANCE_CRITERION,
        Component.WORKLOAD_RELEVANCE,
        Component.SUSTAINED_THROUGHPUT,
    }
)
"""The sixteen without which a claim is not deployment grade."""


class Status(StrEnum):
    """How far a component was disclosed."""

    DISCLOSED = "disclosed"
    PARTIAL = "partial"
    CONTRADICTED = "contradicted"
    MISSING = "missing"
    NOT_APPLICABLE = "not_applicable"


class Strength(StrEnum):
    """How firmly a sheet gives a value."""

    EXACT = "exact"
    BOUND = "bound"
    """"up to", "at least", "more than": one side of a range."""
    ADJECTIVE = "adjective"
    """"near-lossless": no number at all."""
    THEORETICAL = "theoretical"
    """A peak rate or an expectation, not a measurement."""
    PROMISED = "promised"
    """A table of dashes, "N/A", "will be published"."""
