"""A LiteRT file (flatbuffer, identifier TFL3) as operators and tensors, and the precision ledger of it.

Runs inside the worker process: standard library, numpy, and the schema that ships with ai-edge-litert; syntax of
Python 3.8. The schema's own words: https://ai.google.dev/edge/litert (schema.fbs of the package).
A little over 400 lines: the reader of the format and its only ledger.
"""

from __future__ import annotations

import mmap
import os
import struct
from typing import Any, NamedTuple

import numpy as np

FORMATS = {
    "FLOAT32": "fp32",
    "FLOAT16": "fp16",
    "BFLOAT16": "bf16",
    "FLOAT64": "fp64",
    "INT2": "int2",
    "INT4": "int4",
    "UINT4": "uint4",
    "INT8": "int8",
    "UINT8": "uint8",
    "INT16": "int16",
    "UINT16": "uint16",
    "INT32": "int32",
    "INT64": "int64",
}
"""Element types (``TensorType``) by our names."""


class Layout(NamedTuple):
    """Where a product's operands stand among its inputs; -1 where it has none."""

    data: int
    weight: int
    bias: int
    channel: int = 0
    """Axis of the weight that is the output channel."""


PRODUCTS = {
    "CONV_2D": Layout(0, 1, 2),
    "CONV_3D": Layout(0, 1, 2, 4),
    "DEPTHWISE_CONV_2D": Layout(0, 1, 2, 3),
    "TRANSPOSE_CONV": Layout(2, 1, 3),
    "FULLY_CONNECTED": Layout(0, 1, 2),
    "BATCH_MATMUL": Layout(0, 1, -1, -1),
}
"""Operators that multiply and accumulate."""
_RECURRENT = {
    "UNIDIRECTIONAL_SEQUENCE_LSTM": tuple(range(1, 9)),
    "LSTM": tuple(range(1, 9)),
    "BIDIRECTIONAL_SEQUENCE_LSTM": (*range(1, 9), *range(18, 26)),
    "UNIDIRECTIONAL_SEQUENCE_RNN": (1, 2),
    "RNN": (1, 2),
    "SVDF": (1, 2),
}
"""Cells, with the places of their weights."""
_FLOATS = ("fp64", "fp32", "fp16", "bf16")
_THROUGH = ("TRANSPOSE", "RESHAPE", "EXPAND_DIMS", "SQUEEZE")
_DEPTH = 8


class Tensor(NamedTuple):
    """One tensor."""

    name: str
    format: str
    shape: tuple[int, ...]
    scales: Any
    zeros: Any
    axis: int
    """Axis of the scales where there are several."""
    block: int
    """Weights that share a scale where scales are per block; 0 otherwise."""
    data: Any
    """Its bytes, if it is a constant."""

    @property
    def label(self) -> str:
        """Name of the operator that gives it: of several that were made one, whose names converters join, the first."""
        return self.name.partition(";")[0]

    @property
    def elements(self) -> int:
        """Number of values."""
        return int(np.prod(self.shape)) if self.shape else 1


class Operator(NamedTuple):
    """One operator."""

    name: str
    """Its kind, such as ``CONV_2D``."""
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


class File(NamedTuple):
    """The main graph of a file; other graphs are bodies of loops and branches."""

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    graphs: int
    producers: dict[int, Operator]

    def of(self, operator: Operator, place: int) -> Tensor | None:
        """An operator's input, if it has that many."""
        number = operator.inputs[place] if 0 <= place < len(operator.inputs) else -1
        return self.tensors[number] if number >= 0 else None


def read(path: str) -> File:
    """Read a file. Raises `ValueError` if it is none, or needs operators of a library."""
    from ai_edge_litert import schema_py_generated as schema

    with open(path, "rb") as source:
        if os.fstat(source.fileno()).st_size < 8:
            raise ValueError(f"{os.path.basename(path)} is no LiteRT file")
        content = mmap.mmap(source.fileno(), 0, access=mmap.ACCESS_READ)
    if content[4:8] != b"TFL3":
        raise ValueError(f"{os.path.basename(path)} is no LiteRT file: its identifier is not TFL3")
    try:
        model = schema.Model.GetRootAs(content, 0)
        names = {code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)}
        types = {code: name for name, code in vars(schema.TensorType).items() if isinstance(code, int)}
        kinds = [_kind(model.OperatorCodes(n), names) for n in range(model.OperatorCodesLength())]
        graph = model.Subgraphs(0)
        tensors = tuple(_tensor(model, graph.Tensors(n), types, content) for n in range(graph.TensorsLength()))
        operators = tuple(_operator(graph.Operators(n), kinds) for n in range(graph.OperatorsLength()))
        count = model.SubgraphsLength()
    except (AttributeError, IndexError, TypeError, ValueError, KeyError, struct.error) as error:
        raise ValueError(f"{os.path.basename(path)} cannot be read as a LiteRT file: {error}") from error
    foreign = sorted({each.name for each in operators if each.name.startswith("custom ")})
    if foreign:
        raise ValueError("the model needs {}; custom operators are never loaded".format(", ".join(foreign)))
    return File(tensors, operators, count, {number: each for each in operators for number in each.outputs})


def _kind(code: Any, names: dict[int, str]) -> str:
    number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
    name = names.get(number, f"operator {number}")
    return "custom {}".format((code.CustomCode() or b"?").decode("utf-8", "replace")) if name == "CUSTOM" else name


def _operator(found: Any, kinds: list[str]) -> Operator:
    inputs = tuple(int(found.Inputs(n)) for n in range(found.InputsLength()))
    outputs = tuple(int(found.Outputs(n)) for n in range(found.OutputsLength()))
    return Operator(kinds[found.OpcodeIndex()], inputs, outputs)


def _tensor(model: Any, found: Any, types: dict[int, str], content: Any) -> Tensor:
    quantization = found.Quantization()
    scales, zeros, axis, block = np.empty(0, np.float32), np.empty(0, np.int64), 0, 0
    if quantization is not None:
        scales = np.array([quantization.Scale(n) for n in range(quantization.ScaleLength())], np.float32)
        zeros = np.array([quantization.ZeroPoint(n) for n in range(quantization.ZeroPointLength())], np.int64)
        axis = quantization.QuantizedDimension()
        block = _block(quantization)
    data = _values(model, found.Buffer(), content) if found.Buffer() else None
    shape = tuple(int(found.Shape(n)) for n in range(found.ShapeLength()))
    format_ = FORMATS.get(types.get(found.Type(), ""), "other")
    return Tensor((found.Name() or b"").decode("utf-8", "replace"), format_, shape, scales, zeros, axis, block, data)


def _values(model: Any, number: int, content: Any) -> Any:
    """A buffer's bytes, which stand in the table or, by offset and size, behind it."""
    buffer = model.Buffers(number)
    if buffer.DataLength():
        return buffer.DataAsNumpy()
    if buffer.Offset() > 1 and buffer.Size():
        if buffer.Offset() + buffer.Size() > len(content):
            raise ValueError(f"buffer {number} lies beyond the end of the file")
        return np.frombuffer(content, np.uint8, buffer.Size(), buffer.Offset())
    return None


def _block(quantization: Any) -> int:
    from ai_edge_litert import schema_py_generated as schema

    if quantization.DetailsType() != schema.QuantizationDetails.BlockwiseQuantization:
        return 0
    details, table = schema.BlockwiseQuantization(), quantization.Details()
    details.Init(table.Bytes, table.Pos)
    return int(details.BlockSize())


def scheme_of(tensor: Tensor) -> Any:
    """How one tensor is stored."""
    from verifier.inspection.scheme import Scheme

    if tensor.format in _FLOATS or not (len(tensor.scales) or tensor.block):
        return Scheme(tensor.format)
    middle = 128 if tensor.format == "uint8" else 0
    symmetric = bool((tensor.zeros == middle).all()) if len(tensor.zeros) else middle == 0
    if tensor.block:
        words = f"per_group({tensor.block})"
    elif len(tensor.scales) > 1:
        words = f"per_channel(axis={tensor.axis})"
    else:
        words = "per_tensor"
    return Scheme(tensor.format, words, symmetric, "static")


def weight_behind(file: File, number: int) -> tuple[Tensor | None, bool]:
    """The constant behind an operand, and whether an operator turns it into floats on the way."""
    dequantized = False
    for _ in range(_DEPTH):
        if number < 0:
            return None, dequantized
        if file.tensors[number].data is not None:
            return file.tensors[number], dequantized
        maker = file.producers.get(number)
        if maker is None or maker.name not in (*_THROUGH, "DEQUANTIZE"):
            return None, dequantized
        dequantized = dequantized or maker.name == "DEQUANTIZE"
        number = maker.inputs[0]
    return None, dequantized


def survey(file: File) -> Any:
    """Tensors and products of the main graph as `verifier.inspection.ledger.Survey` has them."""
    from verifier.inspection.ledger import Survey

    entries: dict[tuple[str, str], Any] = {}
    found: list[Any] = []
    channels: dict[str, bool] = {}
    for operator in file.operators:
        if operator.name in PRODUCTS:
            product, listed = _product(file, operator, PRODUCTS[operator.name], channels)
        elif operator.name in _RECURRENT:
            product, listed = _cell(file, operator)
        else:
            continue
        found.append(product)
        for entry in listed:
            entries.setdefault((entry.tensor_class, entry.name), entry)
    for entry in _tables(file):
        entries.setdefault((entry.tensor_class, entry.name), entry)
    return Survey(_head_apart(tuple(entries.values()), found), tuple(found), channels)


def _product(file: File, operator: Operator, layout: Layout, channels: dict[str, bool]) -> tuple[Any, list[Any]]:
    from verifier.inspection.ledger import Entry, Product

    data, output = file.of(operator, layout.data), file.tensors[operator.outputs[0]]
    number = operator.inputs[layout.weight] if layout.weight < len(operator.inputs) else -1
    weight, dequantized = weight_behind(file, number)
    taken = _taken(data, weight, dequantized)
    compute = "fp32" if dequantized else _compute(data, weight)
    stored = (_stored(weight),) if weight is not None else ()
    if weight is not None:
        several = len(weight.scales) > 1 and not weight.block
        channels.setdefault(weight.name, several and weight.axis == layout.channel)
    product = Product(output.label, operator.name, compute, dequantized, stored)
    inner, outer = ("activations", "outputs") if stored else ("other", "other")
    listed = [Entry("weights", each.name, each.scheme, each.elements) for each in stored]
    if data is not None:
        listed.append(Entry(inner, data.name, taken, 0))
    if not stored and number >= 0:
        listed.append(Entry(inner, file.tensors[number].name, scheme_of(file.tensors[number]), 0))
    listed.append(Entry(outer, output.name, scheme_of(output), 0))
    bias = file.of(operator, layout.bias)
    if bias is not None and bias.data is not None:
        listed.append(Entry("bias", bias.name, scheme_of(bias), bias.elements))
    return product, listed


def _compute(data: Tensor | None, weight: Tensor | None) -> str:
    """Format that the products' inputs have, as the operator's definition reads them.

    Codes as weights beside float data: the kernels quantize the data to 8 bit, row by row, and multiply integers.
    """
    if data is None:
        return "other"
    if data.format not in _FLOATS:
        return "int16" if data.format == "int16" else "int8"
    return "int8" if weight is not None and weight.format not in _FLOATS else data.format


def _taken(data: Tensor | None, weight: Tensor | None, dequantized: bool) -> Any:
    from verifier.inspection.scheme import Scheme

    if data is None:
        return Scheme("other")
    if data.format in _FLOATS and weight is not None and weight.format not in _FLOATS and not dequantized:
        return Scheme("int8", "per_token", None, "dynamic")
    return scheme_of(data)


def _stored(weight: Tensor) -> Any:
    from verifier.inspection.scheme import Stored

    form = "float" if weight.format in _FLOATS else "affine"
    axis = weight.axis if len(weight.scales) > 1 and not weight.block else None
    scheme = scheme_of(weight)
    return Stored(weight.name, scheme, weight.elements, weight.shape, form, axis=axis, block=weight.block)


def _cell(file: File, operator: Operator) -> tuple[Any, list[Any]]:
    from verifier.inspection.ledger import Entry, Product

    data, output = file.of(operator, 0), file.tensors[operator.outputs[0]]
    weights = [file.of(operator, place) for place in _RECURRENT[operator.name]]
    known = [weight for weight in weights if weight is not None and weight.data is not None]
    stored = tuple(_stored(weight) for weight in known)
    compute = _compute(data, known[0] if known else None)
    listed = [Entry("weights", each.name, each.scheme, each.elements) for each in stored]
    taken = _taken(data, known[0] if known else None, False)
    listed.append(Entry("activations", data.name if data else "", taken, 0))
    listed.append(Entry("outputs", output.name, scheme_of(output), 0))
    return Product(output.label, operator.name, compute, False, stored), listed


def _tables(file: File) -> list[Any]:
    from verifier.inspection.ledger import Entry

    found = []
    for operator in file.operators:
        if operator.name in ("EMBEDDING_LOOKUP", "GATHER"):
            number = operator.inputs[1 if operator.name == "EMBEDDING_LOOKUP" else 0]
            table, _ = weight_behind(file, number)
            if table is not None and len(table.shape) > 1 and table.format not in ("int32", "int64", "other"):
                found.append(Entry("embeddings", table.name, scheme_of(table), table.elements))
    return found


def _head_apart(entries: tuple[Any, ...], found: list[Any]) -> tuple[Any, ...]:
    """The last layer's weight is the head, if it is not also the first one's."""
    names = [product.weights[0].name for product in found if product.weights]
    if len(set(names)) < 2:
        return entries
    return tuple(
        entry._replace(tensor_class="head") if entry.tensor_class == "weights" and entry.name == names[-1] else entry
        for entry in entries
    )


def storage(file: File) -> list[dict[str, Any]]:
    """Bits of weights as in `verifier.evidence.inspection.WeightStorage`; each tensor counts once."""
    from verifier.inspection.grid import BITS, GRIDS, used_bits

    groups: dict[tuple[Any, ...], list[tuple[Tensor, float | None, float | None]]] = {}
    for tensor_class, tensor in _constants(file):
        scheme, low, high = scheme_of(tensor), None, None
        grid = GRIDS.get(tensor.format)
        if grid is not None and grid.even and tensor.format in ("int8", "uint8", "int16", "uint16"):
            codes = tensor.data.view(tensor.format)
            low, high = float(codes.min()), float(codes.max())
        used = used_bits(low, high) if low is not None and high is not None else None
        key = (tensor_class, tensor.format, scheme.granularity, used or 0)
        groups.setdefault(key, []).append((tensor, low, high))
    rows = []
    for (tensor_class, fmt, granularity, used), members in sorted(groups.items()):
        elements = sum(tensor.elements for tensor, _, _ in members)
        codes = 8 * sum(tensor.data.nbytes for tensor, _, _ in members)
        scales = sum(32 * len(tensor.scales) + 64 * len(tensor.zeros) for tensor, _, _ in members)
        lows = [low for _, low, _ in members if low is not None]
        highs = [high for _, _, high in members if high is not None]
        rows.append(
            {
                "tensor_class": tensor_class,
                "format": fmt,
                "granularity": granularity,
                "stored_as": fmt,
                "tensors": len(members),
                "elements": elements,
                "low": min(lows) if lows else None,
                "high": max(highs) if highs else None,
                "used_bits": used or None,
                "numeric_bits": BITS.get(fmt, 0),
                "storage_bits": codes / elements,
                "effective_bits": (codes + scales) / elements,
                "examples": [tensor.name for tensor, _, _ in members],
            }
        )
    return rows


def _constants(file: File) -> list[tuple[str, Tensor]]:
    """Weights of products and tables that are looked up, each once, if it has values."""
    found = survey(file)
    names = {stored.name for product in found.products for stored in product.weights}
    tables = {entry.name for entry in found.entries if entry.tensor_class == "embeddings"}
    listed: dict[str, tuple[str, Tensor]] = {}
    for tensor in file.tensors:
        if tensor.data is not None and tensor.elements and tensor.name in names | tables:
            listed.setdefault(tensor.name, ("weights" if tensor.name in names else "embeddings", tensor))
    return list(listed.values())


def ledger(path: str) -> dict[str, Any]:
    """The parts of a `verifier.evidence.PrecisionLedger` of a file, and every weight with its place."""
    from verifier.inspection.ledger import layers, operator_groups, product_rows, tensor_groups

    file = read(path)
    found = survey(file)
    return {
        "tensors": tensor_groups(found.entries),
        "operators": [dict(group, time_share=None) for group in operator_groups(found.products)],
        "layers": product_rows(found.products),
        "storage": storage(file),
        **layers(found),
    }
