"""What TensorRT's parser and builder make of an ONNX file without any device: typed layers, engines, refusals.

One code for the modules ``tensorrt`` (11 and later) and ``tensorrt_rtx``: their networks are strongly typed, so that a
product computes in the types of its operands, and 8 bit is what stands behind a dequantization. TensorRT for RTX
builds engines for a compute capability that is named, on a machine without a GPU (NVIDIA, "CPU-Only AOT engines").

Runs inside the worker process: standard library and the one tool, syntax of Python 3.8.
"""

from __future__ import annotations

import os
import re
from typing import Any, NamedTuple

PRODUCTS = ("CONVOLUTION", "DECONVOLUTION", "MATRIX_MULTIPLY", "EINSUM")
_PASSING = ("SHUFFLE", "IDENTITY", "SQUEEZE", "UNSQUEEZE")
"""Layers behind which an operand keeps its meaning: they move values and change none."""
_FORMATS = {
    "FLOAT": "fp32",
    "HALF": "fp16",
    "BF16": "bf16",
    "INT8": "int8",
    "UINT8": "uint8",
    "FP8": "fp8_e4m3fn",
    "INT4": "int4",
    "FP4": "fp4_e2m1",
    "INT32": "int32",
    "INT64": "int64",
    "E8M0": "fp8_e8m0",
}
"""TensorRT's names of element types in our words; its FP8 is E4M3 (NVIDIA, TensorRT documentation, "Data types")."""
_FLOATS = ("fp32", "tf32", "fp16", "bf16")
_MOST_STEPS = 16
_SHOWN = 3

REFUSALS = (
    (
        r"has type Int32 but must have type",
        "it dequantizes INT32, which ONNX Runtime's quantizer writes for biases, and TensorRT has only 8 and 4 bit: "  # noqa: ISC004 - one text
        "leave biases in float",
    ),
    (r"[Nn]on-zero zero point", "it has a zero point other than 0, and TensorRT takes symmetric quantization only"),
    (
        r"[Qq]uantized constant",
        "a quantized constant feeds something else than a DequantizeLinear, and TensorRT takes it nowhere else",
    ),
    (r"HW-specific datatypes: ([a-z0-9_]+)", "that compute capability has no {0}"),
    (r"cudaError 35\b", "there is no CUDA driver, or one that is too old"),
)
"""What the tool says, and what it means."""


class Refused(ValueError):
    """The parser or the builder does not take the model: a fact about the file and this version of the tool."""


class Network(NamedTuple):
    """A parsed network with what must live as long as it."""

    builder: Any
    network: Any
    parser: Any
    log: Any


def listener(trt: Any) -> Any:
    """A logger that keeps the tool's errors, in place of printing them."""

    class Listener(trt.ILogger):  # type: ignore[misc]  # a class of the tool, which has no types
        """Errors in order."""

        def __init__(self) -> None:
            trt.ILogger.__init__(self)
            self.errors: list[str] = []

        def log(self, severity: Any, message: str) -> None:
            if severity in (trt.ILogger.ERROR, trt.ILogger.INTERNAL_ERROR):
                self.errors.append(message)

    return Listener()


def parse(trt: Any, path: str) -> Network:
    """Read an ONNX file into a strongly typed network. Raises `Refused` with the parser's reasons."""
    log = listener(trt)
    builder = trt.Builder(log)
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = trt.OnnxParser(network, log)
    if not parser.parse_from_file(path):
        raise Refused(_parser_refusal(trt, parser, os.path.basename(path)))
    return Network(builder, network, parser, log)


def _parser_refusal(trt: Any, parser: Any, file: str) -> str:
    found = [parser.get_error(i) for i in range(parser.num_errors)]
    missing = [e for e in found if e.code() == trt.ErrorCode.UNSUPPORTED_NODE]
    if missing:
        operators = ", ".join(sorted({e.node_operator() for e in missing}))
        shown = ", ".join(e.node_name() for e in missing[:_SHOWN])
        return f"TensorRT has no operator {operators}, which {len(missing)} nodes of {file} need, e.g. {shown}"
    if not found:
        return f"TensorRT's parser refuses {file} and says no more"
    first = found[0]
    return f"TensorRT's parser refuses node {first.node_name()} ({first.node_operator()}): {explained(first.desc())}"


def explained(words: str) -> str:
    """The tool's words with what they mean before them, if that is known."""
    plain = re.sub(r"\s+", " ", words).strip()[:400]
    for pattern, meaning in REFUSALS:
        found = re.search(pattern, words)
        if found:
            return f"{meaning.format(*found.groups())} (its words: {plain})"
    return plain or "it says no more"


def typed_layers(network: Any) -> list[dict[str, Any]]:
    """The products in order as in `verifier.evidence.inspection.Layer`: what each computes in by its types."""
    makers = {}
    for number in range(network.num_layers):
        layer = network.get_layer(number)
        for output in range(layer.num_outputs):
            makers[layer.get_output(output).name] = layer
    rows = []
    for number in range(network.num_layers):
        layer = network.get_layer(number)
        if layer.type.name in PRODUCTS:
            rows.append(_row(layer, makers))
    return rows


class _Operand(NamedTuple):
    """What a product reads at one input."""

    format: str
    """Behind a dequantization, what was dequantized."""
    weight: str
    """Name of the constant; empty for an activation."""


def _row(layer: Any, makers: dict[str, Any]) -> dict[str, Any]:
    tensors = [layer.get_input(i) for i in range(layer.num_inputs)]
    operands = [_operand(tensor, makers) for tensor in tensors[:2] if tensor is not None]
    constant = next((operand for operand in reversed(operands) if operand.weight), None)
    held = constant.format if constant else ""
    if constant is None and layer.type.name.endswith("CONVOLUTION") and len(operands) == 1:
        # weights that are no tensor of the network are part of the layer, in the type of its input
        operands.append(_Operand(_format(tensors[0]), ""))
        held = _format(tensors[0])
    formats = [operand.format for operand in operands]
    low = [fmt for fmt in formats if fmt not in _FLOATS]
    compute = max(low, key=_width) if low and len(low) == len(formats) else _format(layer.get_output(0))
    return {
        "node": layer.name,
        "op_type": layer.type.name.title().replace("_", ""),
        "weight": constant.weight if constant else "",
        "weight_format": held,
        "compute": compute,
        "time_share": None,
    }


def _operand(tensor: Any, makers: dict[str, Any]) -> _Operand:
    fmt = _format(tensor)
    quantized = ""
    for _ in range(_MOST_STEPS):
        layer = makers.get(tensor.name)
        if layer is None:
            break
        kind = layer.type.name
        if kind == "CONSTANT":
            return _Operand(quantized or fmt, layer.name)
        if kind == "DEQUANTIZE" and not quantized:
            quantized = _format(layer.get_input(0))
        elif kind not in _PASSING and not (kind == "QUANTIZE" and quantized):
            break
        tensor = layer.get_input(0)
    return _Operand(quantized or fmt, "")


def _format(tensor: Any) -> str:
    name = str(tensor.dtype.name)
    return _FORMATS.get(name, name.lower())


def _width(fmt: str) -> int:
    found = re.search(r"(\d+)", fmt)
    return int(found.group(1)) if found else 0


def grouped(rows: list[dict[str, Any]], most: int = 5000) -> list[dict[str, Any]]:
    """Products by operator and compute format, as in `verifier.evidence.OperatorGroup`."""
    groups: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        groups.setdefault((row["op_type"], row["compute"]), []).append(row["node"])
    return [
        {"op_type": key[0], "compute": key[1], "count": len(names), "time_share": None, "examples": names[:most]}
        for key, names in sorted(groups.items())
    ]


def capabilities(trt: Any) -> tuple[str, ...]:
    """Compute capabilities that engines can be built for without a device, ``8.9``; none in TensorRT itself."""
    if "ComputeCapability" not in dir(trt):
        return ()
    found = [re.fullmatch(r"SM(\d+)(\d)", name) for name in trt.ComputeCapability.__members__]
    return tuple(f"{match.group(1)}.{match.group(2)}" for match in found if match)


def capability(words: str) -> str:
    """``sm_90``, ``SM90`` or ``9.0`` as ``9.0``; empty if it is none of CUDA's."""
    found = re.fullmatch(r"(?:sm_?)?(\d{1,2})\.?(\d)a?", words.strip().lower())
    return f"{found.group(1)}.{found.group(2)}" if found else ""


def static_profile(parsed: Network, shapes: dict[str, tuple[int, ...]]) -> Any | None:
    """A profile with exactly those shapes, for networks whose inputs leave dimensions open. Raises `Refused`."""
    profile, open_ended = parsed.builder.create_optimization_profile(), False
    for number in range(parsed.network.num_inputs):
        tensor = parsed.network.get_input(number)
        if -1 not in tuple(tensor.shape):
            continue
        open_ended = True
        if tensor.name not in shapes:
            raise Refused(f"input {tensor.name} of the model has open dimensions, and no data is given for it")
        profile.set_shape(tensor.name, shapes[tensor.name], shapes[tensor.name], shapes[tensor.name])
    return profile if open_ended else None


def build_for(trt: Any, parsed: Network, configure: Any, target: str, shapes: dict[str, tuple[int, ...]]) -> Any:
    """The engine's bytes for a compute capability, ``8.9``, or for the device at hand, ``current``.

    Raises `Refused` with the builder's reason.
    """
    config = parsed.builder.create_builder_config()
    configure(config)
    profile = static_profile(parsed, shapes)
    if profile is not None:
        config.add_optimization_profile(profile)
    if "ComputeCapability" in dir(trt):
        name = "CURRENT" if target == "current" else "SM" + target.replace(".", "")
        config.num_compute_capabilities = 1
        config.set_compute_capability(trt.ComputeCapability.__members__[name], 0)
    del parsed.log.errors[:]
    engine = parsed.builder.build_serialized_network(parsed.network, config)
    if engine is None:
        words = "; ".join(parsed.log.errors[:2])
        raise Refused(f"TensorRT's builder refuses the model: {explained(words)}")
    return engine
