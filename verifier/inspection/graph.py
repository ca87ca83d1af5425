"""An ONNX file as an index of producers, consumers and constants, with its matrix products and convolutions."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, NamedTuple

MICROSOFT = "com.microsoft"
STANDARD = ("", "ai.onnx")
KNOWN_DOMAINS = (*STANDARD, "ai.onnx.ml", MICROSOFT, "com.microsoft.nchwc", "com.ms.internal.nhwc")
"""Domains of the standard and of ONNX Runtime itself; anything else would be somebody's library."""


_FLOAT_TYPES = (1, 10, 11, 16)
"""Element types (``TensorProto.DataType``) that an operator hands on: fp32, fp16, fp64, bf16."""
_NO_FLOATS = (
    *("Shape", "Size", "ArgMax", "ArgMin", "NonZero", "IsNaN", "IsInf", "Constant", "ConstantOfShape"),
    *("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "QuantizeLinear", "DynamicQuantizeLinear"),
)
"""Operators whose output has another type than the floats that they read."""


class Layout(NamedTuple):
    """Where a product's operands stand among its inputs; -1 where it has none."""

    kind: str
    """``float`` (quantize-dequantize pairs too), ``integer``, ``qlinear``, ``dynamic``, ``nbits`` or ``recurrent``."""
    weight: int = 1
    bias: int = -1
    data_zero: int = -1
    weight_scale: int = -1
    weight_zero: int = -1
    output_zero: int = -1


PRODUCTS: dict[str, Layout] = {
    "Conv": Layout("float", bias=2),
    "ConvTranspose": Layout("float", bias=2),
    "FusedConv": Layout("float", bias=2),
    "NhwcFusedConv": Layout("float", bias=2),
    "MatMul": Layout("float"),
    "Gemm": Layout("float", bias=2),
    "FusedMatMul": Layout("float"),
    "TransposeMatMul": Layout("float"),
    "FusedGemm": Layout("float", bias=2),
    "Attention": Layout("float", bias=2),
    "Einsum": Layout("float"),
    "ConvInteger": Layout("integer", data_zero=2, weight_zero=3),
    "MatMulInteger": Layout("integer", data_zero=2, weight_zero=3),
    "MatMulIntegerToFloat": Layout("integer", weight_scale=3, data_zero=4, weight_zero=5, bias=6),
    "DynamicQuantizeMatMul": Layout("dynamic", weight_scale=2, weight_zero=3, bias=4),
    "QLinearConv": Layout("qlinear", weight=3, data_zero=2, weight_scale=4, weight_zero=5, output_zero=7, bias=8),
    "QLinearMatMul": Layout("qlinear", weight=3, data_zero=2, weight_scale=4, weight_zero=5, output_zero=7),
    "QGemm": Layout("qlinear", weight=3, data_zero=2, weight_scale=4, weight_zero=5, bias=6, output_zero=8),
    "QAttention": Layout("qlinear", weight=1, bias=2, weight_scale=4, data_zero=6, weight_zero=7),
    "MatMulNBits": Layout("nbits", weight_scale=2, weight_zero=3, bias=5),
    "LSTM": Layout("recurrent", bias=3),
    "GRU": Layout("recurrent", bias=3),
    "RNN": Layout("recurrent", bias=3),
    "DynamicQuantizeLSTM": Layout("recurrent", bias=3, weight_scale=8, weight_zero=9),
}
"""Operators that multiply and accumulate; an ``Attention`` of the standard domain has no weights of its own."""


class Graph(NamedTuple):
    """One graph of the file; inside a loop or branch the names of the graphs around it are visible too."""

    nodes: tuple[Any, ...]
    producers: dict[str, Any]
    consumers: dict[str, list[Any]]
    constants: dict[str, Any]
    outputs: tuple[str, ...]
    elem_types: dict[str, int]
    """Element type of tensors that the file declares one for, and of those whose type follows from these."""

    def constant(self, name: str) -> Any | None:
        """The constant tensor of that name, if it is one."""
        return self.constants.get(name) if name else None


def load(path: str) -> Any:
    """Read an ONNX file, with external data only from its own folder; raises `ValueError`."""
    import onnx

    model = _read(path)
    folder = os.path.dirname(os.path.abspath(path))
    if check_external_data(model, folder):
        onnx.external_data_helper.load_external_data_for_model(model, folder)
    if model.functions:
        import onnx.inliner

        model = onnx.inliner.inline_local_functions(model)
    return model


def _read(path: str) -> Any:
    import onnx

    try:
        model = onnx.load(path, load_external_data=False)
    except Exception as error:
        raise ValueError(f"{os.path.basename(path)} is not a readable ONNX file: {error}") from error
    if not model.graph.node and not model.graph.output:
        raise ValueError(f"{os.path.basename(path)} holds no graph")
    return model


def check_external_data(model: Any, folder: str) -> bool:
    """Whether tensors lie outside the file; raises `ValueError` if one lies outside the file's folder."""
    import onnx

    external = False
    home = os.path.realpath(folder)
    for tensor in _tensors(model):
        if tensor.data_location != onnx.TensorProto.EXTERNAL:
            continue
        external = True
        location = next((entry.value for entry in tensor.external_data if entry.key == "location"), "")
        target = os.path.realpath(os.path.join(home, location))
        inside = os.path.commonpath([home, target]) == home if location and not os.path.isabs(location) else False
        if not inside or not os.path.isfile(target):
            raise ValueError(
                f"external data of tensor {tensor.name!r} is at {location!r}, "
                "which is not a file inside the model's folder"
            )
    return external


def examine(path: str) -> None:
    """Refuse what must not reach an engine: unreadable files, data outside the folder, operators of a library."""
    model = _read(path)
    if check_external_data(model, os.path.dirname(os.path.abspath(path))):
        raise ValueError(
            "the model's weights lie in another file, which the model's digest does not cover; "
            "put them into the model file"
        )
    foreign = foreign_domains(model)
    if foreign:
        raise ValueError(
            "the model needs operators of {}; custom-operator libraries are never loaded".format(", ".join(foreign))
        )


def foreign_domains(model: Any) -> tuple[str, ...]:
    """Operator domains that only a custom-operator library could serve."""
    local = {function.domain for function in model.functions}
    used = {node.domain for graph in _protos(model.graph) for node in graph.node}
    return tuple(sorted(used.difference(KNOWN_DOMAINS).difference(local)))


def graphs(model: Any) -> Iterator[Graph]:
    """The main graph, then those of loops and branches."""
    return _index(model.graph, None)


def attribute(node: Any, name: str, default: Any) -> Any:
    """A node's attribute as a plain value."""
    import onnx

    for entry in node.attribute:
        if entry.name == name:
            return onnx.helper.get_attribute_value(entry)
    return default


def operand(node: Any, position: int) -> str:
    """Name of an input, empty if the node does not have it."""
    return str(node.input[position]) if 0 <= position < len(node.input) else ""


def label(node: Any) -> str:
    """Name of a node; its first output where the exporter gave none."""
    return str(node.name or (node.output[0] if node.output else node.op_type))


def products(graph: Graph) -> Iterator[tuple[Any, Layout]]:
    """The matrix products and convolutions in order, recurrent cells included."""
    for node in graph.nodes:
        layout = PRODUCTS.get(node.op_type)
        if layout is not None:
            if node.op_type == "Attention" and node.domain in STANDARD:
                layout = Layout("float")
            yield node, layout


def array(tensor: Any) -> Any:
    """A constant as a numpy array."""
    import onnx

    return onnx.numpy_helper.to_array(tensor)


def _index(proto: Any, around: Graph | None) -> Iterator[Graph]:
    nodes = tuple(proto.node)
    constants = dict(around.constants) if around else {}
    constants.update((tensor.name, tensor) for tensor in proto.initializer)
    producers = dict(around.producers) if around else {}
    consumers: dict[str, list[Any]] = {}
    for node in nodes:
        for name in node.output:
            producers[name] = node
        for name in node.input:
            consumers.setdefault(name, []).append(node)
        if node.op_type == "Constant" and node.domain in STANDARD:
            value = attribute(node, "value", None)
            if value is not None:
                constants[node.output[0]] = value
    typed = [*proto.value_info, *proto.input, *proto.output]
    elem_types = dict(around.elem_types) if around else {}
    elem_types.update((i.name, i.type.tensor_type.elem_type) for i in typed if i.type.HasField("tensor_type"))
    _carry_types(nodes, constants, elem_types)
    graph = Graph(nodes, producers, consumers, constants, tuple(out.name for out in proto.output), elem_types)
    yield graph
    for node in nodes:
        for inner in _subgraphs(node):
            yield from _index(inner, graph)


def _carry_types(nodes: tuple[Any, ...], constants: dict[str, Any], elem_types: dict[str, int]) -> None:
    """Float types of tensors that the file does not declare: what comes of half-precision operands has their type.

    Many exporters and converters declare inputs and outputs alone. Nodes stand in the order of their dependencies.
    """

    def known(name: str) -> int:
        tensor = constants.get(name)
        return elem_types.get(name) or (int(tensor.data_type) if tensor is not None else 0)

    for node in nodes:
        if node.op_type in _NO_FLOATS:
            continue
        if node.op_type == "Cast":
            found = int(attribute(node, "to", 0))
        else:
            names = node.input[1:2] if node.op_type == "DequantizeLinear" else node.input
            found = next((kind for kind in map(known, names) if kind in _FLOAT_TYPES), 0)
        for name in node.output if found else ():
            if not elem_types.get(name):
                elem_types[name] = found


def _subgraphs(node: Any) -> Iterator[Any]:
    for entry in node.attribute:
        if entry.HasField("g"):
            yield entry.g
        yield from entry.graphs


def _protos(graph: Any) -> Iterator[Any]:
    yield graph
    for node in graph.node:
        for inner in _subgraphs(node):
            yield from _protos(inner)


def all_nodes(model: Any) -> list[Any]:
    """Nodes of the main graph and of the bodies of loops and branches."""
    return [node for graph in _protos(model.graph) for node in graph.node]


def _tensors(model: Any) -> Iterator[Any]:
    bodies = [*_protos(model.graph)]
    for graph in bodies:
        for tensor in graph.initializer:
            yield tensor
        for sparse in graph.sparse_initializer:
            yield sparse.values
            yield sparse.indices
    nodes = [node for graph in bodies for node in graph.node]
    nodes.extend(node for function in model.functions for node in function.node)
    for node in nodes:
        for entry in node.attribute:
            if entry.HasField("t"):
                yield entry.t
            for tensor in entry.tensors:
                yield tensor
