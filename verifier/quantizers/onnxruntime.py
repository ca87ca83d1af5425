"""ONNX Runtime's own quantizers: static, dynamic and weight-only, every setting from the recipe.

Runs inside the worker process: standard library, numpy, onnxruntime and onnx, syntax of Python 3.8. Calibration
parameters that the tool ignores are handed on all the same; `variants` lets the caller see that they change nothing.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from typing import Any

from verifier.onnxruntime_recipe import FLOATS, OPTIONS, check, option, scheme, shortened, variants, weight_only
from verifier.quantizers.quantizer import Quantizer

_METHODS = {
    "minmax": "MinMax",
    "moving_average": "MinMax",
    "percentile": "Percentile",
    "entropy": "Entropy",
}
_TYPES = {
    "int8": "QInt8",
    "uint8": "QUInt8",
    "int16": "QInt16",
    "uint16": "QUInt16",
    "int4": "QInt4",
    "uint4": "QUInt4",
}


def quantize(job: dict[str, Any]) -> dict[str, Any]:
    """Write ``job["output"]``, and beside it the float model that was quantized where preparing has changed it."""
    from verifier.inspection.graph import examine, load
    from verifier.quantizers._policy import excluded_nodes

    examine(job["model"])
    mode = option(job, "mode")
    with tempfile.TemporaryDirectory(prefix="lynxspec-") as folder:
        source = _prepared(job, folder)
        model = load(source)
        excluded = excluded_nodes(model, job)
        source = _named(model, source, folder) if excluded else source
        _check_opset(model, job)
        target = os.path.join(folder, "quantized.onnx")
        if mode == "static":
            answer = _static(job, source, target, excluded)
        elif mode == "dynamic":
            answer = _dynamic(job, source, target, excluded)
        else:
            answer = _weight_only(job, source, target, excluded)
        if source != job["model"]:
            _place(source, job["output"] + ".reference.onnx")
        _place(target, job["output"])
    return dict(answer, excluded=sorted(excluded))


def _place(path: str, target: str) -> None:
    """Move in one step, so that nobody sees half a file."""
    shutil.copyfile(path, target + ".partial")
    os.replace(target + ".partial", target)


def _prepared(job: dict[str, Any], folder: str) -> str:
    """The float model in the declared opset, preprocessed as declared."""
    source: str = job["model"]
    opset = option(job, "opset")
    if opset:
        import onnx
        from onnx import version_converter

        from verifier.inspection.graph import load

        converted = version_converter.convert_version(load(source), opset)
        source = os.path.join(folder, "converted.onnx")
        onnx.save(converted, source)
    if option(job, "preprocess"):
        from onnxruntime.quantization.shape_inference import quant_pre_process

        target = os.path.join(folder, "preprocessed.onnx")
        quant_pre_process(
            source,
            target,
            skip_optimization=not option(job, "preprocess_optimization"),
            skip_onnx_shape=not option(job, "preprocess_onnx_shape"),
            skip_symbolic_shape=not option(job, "preprocess_symbolic_shape"),
        )
        source = target
    return source


def _named(model: Any, source: str, folder: str) -> str:
    """The tool excludes by node name; nodes that the exporter left unnamed get their first output's."""
    import onnx

    from verifier.inspection.graph import label

    if all(node.name for node in model.graph.node):
        return source
    for node in model.graph.node:
        node.name = label(node)
    target = os.path.join(folder, "named.onnx")
    onnx.save(model, target)
    return target


def _check_opset(model: Any, job: dict[str, Any]) -> None:
    """A per-channel DequantizeLinear has its axis since opset 13; before it the file could not be loaded."""
    opset = max([entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")] or [0])
    wide = scheme(job, "weights")["granularity"]["kind"] == "per_channel"
    if option(job, "mode") == "static" and option(job, "format") == "qdq" and wide and opset < 13:
        raise ValueError(
            f"scales per channel in quantize-dequantize form need opset 13, the model has {opset}; "
            "set the quantizer option opset"
        )


def _tool_type(fmt: str) -> Any:
    from onnxruntime.quantization import QuantType

    return QuantType.__members__[_TYPES[fmt]]


def _static(job: dict[str, Any], source: str, target: str, excluded: set[str]) -> dict[str, Any]:
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, quantize_static

    from verifier.quantizers._onnxruntime_calibration import ONE_SHOT_BYTES, overseen

    weights, activations = scheme(job, "weights"), scheme(job, "activations")
    reader = _reader(job, source, os.path.dirname(target))
    method = job["calibration"]["method"]
    ceiling = job.get("one_shot_bytes", ONE_SHOT_BYTES)
    with overseen(reader, ceiling=ceiling, report=job.get("report")) as seen:
        quantize_static(
            source,
            target,
            reader,
            quant_format=QuantFormat.QDQ if option(job, "format") == "qdq" else QuantFormat.QOperator,
            op_types_to_quantize=list(option(job, "op_types")) or None,
            per_channel=weights["granularity"]["kind"] == "per_channel",
            reduce_range=option(job, "reduce_range"),
            activation_type=_tool_type(activations["format"]),
            weight_type=_tool_type(weights["format"]),
            nodes_to_exclude=sorted(excluded),
            calibrate_method=CalibrationMethod.__members__[_METHODS[method["kind"]]],
            extra_options=_extra(job, weights, activations, method),
        )
    return seen.account()


def _reader(job: dict[str, Any], source: str, folder: str) -> Any:
    from verifier.calibration import CalibrationReader
    from verifier.inspection.graph import load

    if not job.get("calibration_data"):
        raise ValueError("static quantization needs calibration data")
    graph = load(source).graph
    constants = {tensor.name for tensor in graph.initializer}
    inputs = [entry.name for entry in graph.input if entry.name not in constants]
    data = job["calibration"]["data"]
    seed = data.get("seed")
    limit = None if job.get("whole") else job.get("limit")
    settings = {
        "samples": data["samples"],
        "read": shortened(data["samples"], data["batch_size"], option(job, "calibration_stride"), limit),
        "batch_size": data["batch_size"],
        "order": option(job, "calibration_order"),
        "seed": seed if isinstance(seed, int) else 0,
    }
    return CalibrationReader(job["calibration_data"], inputs, settings, folder)


def _extra(
    job: dict[str, Any], weights: dict[str, Any], activations: dict[str, Any], method: dict[str, Any]
) -> dict[str, Any]:
    """Settings under the tool's own names; bins are among them although the tool drops them."""
    extra: dict[str, Any] = {
        "WeightSymmetric": weights["symmetry"] == "symmetric",
        "ActivationSymmetric": activations["symmetry"] == "symmetric",
        "CalibTensorRangeSymmetric": method["symmetric"],
        "MatMulConstBOnly": option(job, "matmul_const_b_only"),
        "ForceQuantizeNoInputCheck": option(job, "force_quantize_no_input_check"),
        "AddQDQPairToWeight": option(job, "add_qdq_pair_to_weight"),
        "DedicatedQDQPair": option(job, "dedicated_qdq_pair"),
        "QDQKeepRemovableActivations": option(job, "keep_removable_activations"),
        "QDQDisableWeightAdjustForInt32Bias": option(job, "disable_bias_weight_adjustment"),
        "ActivationRestrictedAsymmetric": option(job, "restricted_asymmetric"),
        "UseQDQContribOps": option(job, "contrib_ops"),
    }
    bias = scheme(job, "bias")
    if bias and option(job, "format") == "qdq":
        extra["QuantizeBias"] = bias["format"] not in FLOATS
    if option(job, "minimum_real_range"):
        extra["MinimumRealRange"] = option(job, "minimum_real_range")
    if not option(job, "quantize_outputs"):
        extra["OpTypesToExcludeOutputQuantization"] = list(option(job, "op_types")) or ["Conv", "MatMul", "Gemm"]
    if option(job, "calibration_stride"):
        extra["CalibStridedMinMax"] = option(job, "calibration_stride")
    if option(job, "calib_max_intermediate_outputs"):
        extra["CalibMaxIntermediateOutputs"] = option(job, "calib_max_intermediate_outputs")
    if method["kind"] == "moving_average":
        extra.update({"CalibMovingAverage": True, "CalibMovingAverageConstant": method["constant"]})
    elif method["kind"] == "percentile":
        extra.update({"CalibPercentile": method["percentile"], "num_bins": method["bins"]})
    elif method["kind"] == "entropy":
        extra.update({"num_bins": method["bins"], "num_quantized_bins": method["quantized_bins"]})
    return extra


def _dynamic(job: dict[str, Any], source: str, target: str, excluded: set[str]) -> dict[str, Any]:
    from onnxruntime.quantization import quantize_dynamic

    weights = scheme(job, "weights")
    quantize_dynamic(
        source,
        target,
        op_types_to_quantize=list(option(job, "op_types")) or None,
        per_channel=weights["granularity"]["kind"] == "per_channel",
        reduce_range=option(job, "reduce_range"),
        weight_type=_tool_type(weights["format"]),
        nodes_to_exclude=sorted(excluded),
        extra_options={
            "WeightSymmetric": weights["symmetry"] == "symmetric",
            "MatMulConstBOnly": option(job, "matmul_const_b_only"),
            "ForceQuantizeNoInputCheck": option(job, "force_quantize_no_input_check"),
        },
    )
    return {"samples": None, "digest": None}


def _weight_only(job: dict[str, Any], source: str, target: str, excluded: set[str]) -> dict[str, Any]:
    from onnxruntime.quantization import QuantFormat
    from onnxruntime.quantization.matmul_nbits_quantizer import DefaultWeightOnlyQuantConfig, MatMulNBitsQuantizer

    from verifier.inspection.graph import load

    block, bits, symmetric = weight_only(job)
    config = DefaultWeightOnlyQuantConfig(
        block_size=block,
        is_symmetric=symmetric,
        accuracy_level=option(job, "accuracy_level"),
        quant_format=QuantFormat.QDQ if option(job, "format") == "qdq" else QuantFormat.QOperator,
        op_types_to_quantize=tuple(option(job, "op_types")) or ("MatMul",),
        bits=bits,
    )
    tool = MatMulNBitsQuantizer(load(source), nodes_to_exclude=sorted(excluded), algo_config=config)
    tool.process()
    _once_each(tool.model.model.graph)
    tool.model.save_model_to_file(target, False)
    return {"samples": None, "digest": None}


def _once_each(graph: Any) -> None:
    """A weight that several products share is written once per product by the tool; a file may hold it once."""
    seen: set[str] = set()
    kept: list[Any] = []
    for tensor in graph.initializer:
        if tensor.name not in seen:
            seen.add(tensor.name)
            kept.append(tensor)
    if len(kept) != len(graph.initializer):
        copies = [type(tensor).FromString(tensor.SerializeToString()) for tensor in kept]
        del graph.initializer[:]
        graph.initializer.extend(copies)
    twice: set[str] = set()
    for node in list(graph.node):
        if node.op_type == "DequantizeLinear" and node.output[0] in twice:
            graph.node.remove(node)
        twice.update(node.output)


QUANTIZER = Quantizer(
    name="onnxruntime",
    requires=("onnxruntime", "onnx"),
    distribution="onnxruntime",
    options=tuple(OPTIONS),
    check=check,
    quantize=quantize,
    variants=variants,
)
