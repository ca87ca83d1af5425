"""Core ML: what a model file holds is read anywhere; executing it needs an Apple system, and is not tried elsewhere.

Runs inside the worker process: standard library and coremltools, syntax of Python 3.8. A model is given as its
``.mlpackage`` folder or as the ``.mlmodel`` in it, which has every format and shape; the values of the weights, which
lie beside it in ``weight.bin``, are not needed for a ledger. Which of its units (processor, graphics, neural engine)
takes an operator, and in what precision, Core ML decides on the device: neural engines compute in FP16.
"""

from __future__ import annotations

import glob
import os
import sys
from typing import Any, NamedTuple

from verifier.runtimes.runtime import Runtime

_TYPES = {
    10: "fp16",
    11: "fp32",
    12: "fp64",
    13: "bf16",
    21: "int8",
    22: "int16",
    23: "int32",
    25: "int4",
    31: "uint8",
    32: "uint16",
    35: "uint4",
    36: "uint2",
    40: "fp8_e4m3fn",
    41: "fp8_e5m2",
}
"""Element types of its programs (``MIL.proto``, ``DataType``)."""
_PRODUCTS = {
    "conv": ("Conv", ("weight",), "bias"),
    "conv_transpose": ("ConvTranspose", ("weight",), "bias"),
    "linear": ("Gemm", ("weight",), "bias"),
    "matmul": ("MatMul", ("y", "x"), ""),
    "einsum": ("Einsum", ("values",), ""),
    "lstm": ("LSTM", ("weight_ih", "weight_hh"), "bias"),
    "gru": ("GRU", ("weight_ih", "weight_hh"), "bias"),
    "rnn": ("RNN", ("weight_ih", "weight_hh"), "bias"),
}
"""Operators that multiply: ONNX's word, inputs that may be weights, the bias."""
_CODES = {
    "constexpr_affine_dequantize": ("quantized_data", "scale", "zero_point"),
    "constexpr_blockwise_shift_scale": ("data", "scale", "offset"),
}
"""Operators that unpack weights: codes, scale, zero point."""
_THROUGH = ("constexpr_cast", "cast", "transpose", "reshape", "identity", "expand_dims", "squeeze")
_ELSEWHERE = "Core ML executes on Apple systems only; here its files are read, and nothing of it runs"


class _Weight(NamedTuple):
    name: str
    format: str
    granularity: str
    symmetry: str
    shape: tuple[int, ...]


def inspect(path: str) -> dict[str, Any]:
    """The parts of a `verifier.evidence.PrecisionLedger` that an ML program shows. Raises `ValueError` for others."""
    operations = _operations(path)
    made = {output.name: operation for operation in operations for output in operation.outputs}
    tensors: dict[tuple[str, str, str, str], dict[str, int]] = {}
    rows: list[dict[str, Any]] = []
    for operation in operations:
        if operation.type not in _PRODUCTS:
            continue
        op_type, places, bias = _PRODUCTS[operation.type]
        weights = [found for place in places for found in [_weight(operation, place, made)] if found]
        given = operation.outputs[0]
        compute = _format(given.type)
        for weight in weights:
            _count(tensors, ("weights", weight.format, weight.granularity, weight.symmetry), weight.name, weight.shape)
        taken = "activations" if weights else "other"
        _count(tensors, (taken, compute, "none", "none"), given.name, ())
        _count(tensors, ("outputs" if weights else "other", compute, "none", "none"), given.name + " (output)", ())
        added = _weight(operation, bias, made) if bias else None
        if added:
            _count(tensors, ("bias", added.format, added.granularity, added.symmetry), added.name, added.shape)
        rows.append(
            {
                "node": given.name,
                "op_type": op_type,
                "weight": weights[0].name if weights else "",
                "weight_format": weights[0].format if weights else "",
                "compute": compute,
                "time_share": None,
            }
        )
    weighted = [row["weight_format"] for row in rows if row["weight"]]
    return {
        "tensors": [_group(key, members) for key, members in sorted(tensors.items())],
        "operators": _operators(rows),
        "layers": rows,
        "first_layer": weighted[0] if weighted else None,
        "last_layer": weighted[-1] if weighted else None,
    }


def _operations(path: str) -> list[Any]:
    """Operations of the main function, those of its newest version."""
    import coremltools

    file = _specification(path)
    try:
        spec = coremltools.models.utils.load_spec(file)
    except Exception as error:
        raise ValueError(f"{os.path.basename(path)} is not a readable Core ML model: {error}") from error
    kind = spec.WhichOneof("Type")
    if kind != "mlProgram":
        raise ValueError(f"a Core ML model of the type {kind}: this verifier reads ML programs")
    blocks = spec.mlProgram.functions["main"].block_specializations
    if not blocks:
        raise ValueError(f"{os.path.basename(path)} holds no program")
    return list(blocks[max(blocks)].operations)


def _specification(path: str) -> str:
    """The ``.mlmodel`` of a package; a path that leads out of the package is none."""
    if not os.path.isdir(path):
        return path
    found = sorted(glob.glob(os.path.join(glob.escape(path), "Data", "*", "*.mlmodel")))
    if len(found) != 1 or not os.path.realpath(found[0]).startswith(os.path.realpath(path) + os.sep):
        raise ValueError(f"{os.path.basename(path)} holds no single .mlmodel")
    return found[0]


def _format(kind: Any) -> str:
    return _TYPES.get(kind.tensorType.dataType, "other")


def _shape(kind: Any) -> tuple[int, ...]:
    return tuple(int(length.constant.size) for length in kind.tensorType.dimensions)


def _named(operation: Any, place: str) -> str:
    """Name of the value that an operation takes at a place; empty if it takes none."""
    if place not in operation.inputs or not operation.inputs[place].arguments:
        return ""
    return str(operation.inputs[place].arguments[0].name)


def _weight(operation: Any, place: str, made: dict[str, Any]) -> _Weight | None:
    """The constant behind an input, through the operators that unpack it; ``None`` for an activation."""
    maker = made.get(_named(operation, place))
    for _ in range(len(_THROUGH)):
        if maker is None or maker.type not in _THROUGH:
            break
        maker = made.get(_named(maker, "x") or _named(maker, "source_val"))
    if maker is None:
        return None
    out = maker.outputs[0]
    if maker.type == "const":
        return _Weight(out.name, _format(out.type), "none", "none", _shape(out.type))
    if maker.type in _CODES:
        codes, scale, zero = (_value_of(maker, part, made) for part in _CODES[maker.type])
        if codes is None or scale is None:
            return None
        words = _granularity(_shape(codes.type), _shape(scale.type), maker)
        fmt = _format(codes.type)
        return _Weight(out.name, fmt, words, _symmetry(zero, fmt), _shape(codes.type))
    if maker.type.startswith("constexpr_"):  # palettes and sparse weights: no grid of ours
        return _Weight(out.name, "other", "none", "none", _shape(out.type))
    return None


def _value_of(operation: Any, part: str, made: dict[str, Any]) -> Any:
    """A constant: an attribute of older programs, written into newer ones' inputs, or one that these name."""
    if part in operation.attributes:
        return operation.attributes[part]
    if part not in operation.inputs or not operation.inputs[part].arguments:
        return None
    argument = operation.inputs[part].arguments[0]
    if argument.WhichOneof("binding") == "value":
        return argument.value
    maker = made.get(argument.name)
    return maker.attributes["val"] if maker is not None and "val" in maker.attributes else None


def _symmetry(zero: Any, fmt: str) -> str:
    """Whether all zero points are the middle of the codes; ``none`` where they lie in the weights' file, unread."""
    if zero is None:
        return "symmetric"
    if zero.WhichOneof("value") != "immediateValue" or fmt not in ("int8", "uint8"):
        return "none"
    tensor = zero.immediateValue.tensor
    points = set(tensor.bytes.values) or set(tensor.ints.values)
    return "symmetric" if points == {0 if fmt == "int8" else 128} else "asymmetric"


def _granularity(codes: tuple[int, ...], scale: tuple[int, ...], operation: Any) -> str:
    if not scale or all(length == 1 for length in scale):
        return "per_tensor"
    if len(scale) == 1 and "axis" in operation.attributes:
        return "per_channel(axis={})".format(operation.attributes["axis"].immediateValue.tensor.ints.values[0])
    cut = [at for at, (whole, parts) in enumerate(zip(codes, scale)) if 1 < parts < whole]
    if cut:
        return f"per_group({codes[cut[0]] // scale[cut[0]]})"
    wide = [at for at, parts in enumerate(scale) if parts > 1]
    return f"per_channel(axis={wide[0]})"


def _count(into: Any, key: tuple[str, str, str, str], name: str, shape: tuple[int, ...]) -> None:
    size = 1
    for length in shape:
        size *= length
    into.setdefault(key, {}).setdefault(name, size if shape else 0)


def _group(key: tuple[str, str, str, str], members: dict[str, int]) -> dict[str, Any]:
    return {
        "tensor_class": key[0],
        "format": key[1],
        "granularity": key[2],
        "symmetry": key[3],
        "timing": "none" if key[2] == "none" else "static",
        "tensors": len(members),
        "elements": sum(members.values()),
        "examples": list(members),
    }


def _operators(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    groups: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        groups.setdefault((row["op_type"], row["compute"]), []).append(row["node"])
    return [
        {"op_type": key[0], "compute": key[1], "count": len(names), "examples": names, "time_share": None}
        for key, names in sorted(groups.items())
    ]


def probe(_provider: str, _options: dict[str, Any]) -> tuple[str, ...]:
    """Why nothing is executed, on Apple systems too: this verifier has not been tried there."""
    if sys.platform == "darwin":
        return ("this verifier reads Core ML files and does not execute them yet",)
    return (_ELSEWHERE,)


def _refused(*_: Any) -> Any:
    raise RuntimeError(_ELSEWHERE)


RUNTIME = Runtime(
    name="coreml",
    requires=("coremltools",),
    distribution="coremltools",
    options=(),
    open=_refused,
    run=_refused,
    bare=_refused,
    executed=_refused,
    companions=("numpy",),
    formats=(".mlmodel",),
    heads=False,
    inspect=inspect,
    probe=probe,
)
