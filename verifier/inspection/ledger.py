"""The precision ledger of an ONNX model: tensor groups, product groups, and every weight and product by name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

from verifier.inspection.activations import given, taken
from verifier.inspection.graph import Graph, Layout, attribute, graphs, label, operand, products
from verifier.inspection.scheme import (
    FLOATS,
    FORMATS,
    Scheme,
    Stored,
    affine,
    computed,
    format_of,
    trace,
    weight_of,
)

MOST_NAMES = 5000
"""Names listed per group: all of them in real models, so that the judge can hold a policy against each layer."""


class Entry(NamedTuple):
    """One tensor of the ledger."""

    tensor_class: str
    name: str
    scheme: Scheme
    elements: int


class Product(NamedTuple):
    """One matrix product or convolution."""

    node: str
    op_type: str
    compute: str
    dequantized: bool
    """Whether float operands come out of a DequantizeLinear: an intended integer product that runs in float."""
    weights: tuple[Stored, ...]


class Survey(NamedTuple):
    """All tensors and products of a file."""

    entries: tuple[Entry, ...]
    products: tuple[Product, ...]
    channels: dict[str, bool]
    """By weight: whether its axis is the operator's output channel."""


def survey(model: Any, executed: bool = False) -> Survey:
    """Read a model; ``executed``: it is what a runtime made of it, where quantize-dequantize pairs are real work."""
    entries: dict[tuple[str, str], Entry] = {}
    found: list[Product] = []
    channels: dict[str, bool] = {}
    for graph in graphs(model):
        for node, layout in products(graph):
            weights = weight_of(graph, node, layout)
            found.append(_product(graph, node, layout, weights, executed))
            for stored in weights:
                channels.setdefault(stored.name, output_channel(node, stored))
            for entry in _operands(graph, node, layout, weights):
                entries.setdefault((entry.tensor_class, entry.name), entry)
        for entry in _embeddings(graph):
            entries.setdefault((entry.tensor_class, entry.name), entry)
    return Survey(head_apart(tuple(entries.values()), found), tuple(found), channels)


def layers(found: Survey) -> dict[str, Any]:
    """Each weight once, by name, so that a layer left in float is seen; and the first and the last layer."""
    classes = {entry.name: entry.tensor_class for entry in found.entries if entry.tensor_class in ("weights", "head")}
    listed: dict[str, dict[str, Any]] = {}
    for product in found.products:
        for stored in product.weights:
            listed.setdefault(stored.name, _layer(product, stored, classes, found.channels))
    rows = list(listed.values())
    ends = [product.weights[0] for product in found.products if product.weights]
    return {
        "weights": rows,
        "float_weights": [row["name"] for row in rows if row["format"] in FLOATS],
        "first_layer": ends[0].scheme.format if ends else None,
        "last_layer": ends[-1].scheme.format if ends else None,
        "first_weight": ends[0].name if ends else None,
        "last_weight": ends[-1].name if ends else None,
    }


def _layer(product: Product, stored: Stored, classes: dict[str, str], channels: dict[str, bool]) -> dict[str, Any]:
    return {
        "name": stored.name,
        "node": product.node,
        "op_type": product.op_type,
        "tensor_class": classes.get(stored.name, "weights"),
        "format": stored.scheme.format,
        "granularity": stored.scheme.granularity,
        "symmetry": _symmetry(stored.scheme.symmetric),
        "output_channel": channels.get(stored.name, False),
        "elements": stored.elements,
    }


def output_channel(node: Any, stored: Stored) -> bool:
    """Whether the channels of a weight are the operator's output channels."""
    if stored.axis is None or stored.block or not stored.shape:
        return False
    rank = len(stored.shape)
    if "ConvTranspose" in node.op_type:
        expected = 1
    elif "Conv" in node.op_type:
        expected = 0
    else:
        expected = rank - 2 if attribute(node, "transB", 0) else rank - 1
        if stored.turned and rank > 1:
            expected = 2 * rank - 3 - expected
    return stored.axis == expected


def tensor_groups(entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """Entries by class and scheme; a group is symmetric only if every zero point of it is at the middle.

    With a sign a zero point beside zero is a choice, and those that have one are counted apart; without a sign it lies
    in the middle by chance only.
    """
    groups: dict[tuple[str, str, str, str, str], list[Entry]] = {}
    for entry in entries:
        scheme = entry.scheme
        apart = _symmetry(scheme.symmetric) if scheme.format.startswith("int") else ""
        key = (entry.tensor_class, scheme.format, scheme.granularity, scheme.timing, apart)
        groups.setdefault(key, []).append(entry)
    return [
        {
            "tensor_class": key[0],
            "format": key[1],
            "granularity": key[2],
            "symmetry": _group_symmetry(members),
            "timing": key[3],
            "tensors": len(members),
            "elements": sum(entry.elements for entry in members),
            "examples": [entry.name for entry in members[:MOST_NAMES]],
        }
        for key, members in sorted(groups.items())
    ]


def operator_groups(found: Iterable[Product]) -> list[dict[str, Any]]:
    """Products by operator and compute format."""
    groups: dict[tuple[str, str], list[str]] = {}
    for product in found:
        groups.setdefault((product.op_type, product.compute), []).append(product.node)
    return [
        {"op_type": key[0], "compute": key[1], "count": len(names), "examples": names[:MOST_NAMES]}
        for key, names in sorted(groups.items())
    ]


def _symmetry(symmetric: bool | None) -> str:
    return "none" if symmetric is None else "symmetric" if symmetric else "asymmetric"


def _group_symmetry(members: list[Entry]) -> str:
    known = [entry.scheme.symmetric for entry in members if entry.scheme.symmetric is not None]
    return _symmetry(all(known) if known else None)


def _product(graph: Graph, node: Any, layout: Layout, weights: tuple[Stored, ...], executed: bool) -> Product:
    data = [taken(graph, name, node, layout) for name in _data_names(graph, node, layout)]
    formats = [scheme.format for scheme in data] + [stored.scheme.format for stored in weights]
    fed = any(fmt not in FLOATS for fmt in formats) and layout.kind in ("float", "recurrent")
    if layout.kind in ("integer", "qlinear", "dynamic") or node.op_type == "DynamicQuantizeLSTM":
        compute = "int8"
    elif layout.kind == "nbits":
        compute = "int8" if attribute(node, "accuracy_level", 0) == 4 else _float_format(graph, node)
    elif not executed and formats and all(fmt not in FLOATS for fmt in formats) and layout.kind == "float":
        compute = _integer_format(formats)
    else:
        compute = _float_format(graph, node)
    return Product(label(node), node.op_type, compute, fed, weights)


def _integer_format(formats: list[str]) -> str:
    """Format that operands of quantize-dequantize form mean to be multiplied in: the widest."""
    named = next((fmt for fmt in formats if fmt.startswith("fp8")), None)
    if named:
        return named
    return "int16" if any(fmt.endswith("16") for fmt in formats) else "int8"


def _float_format(graph: Graph, node: Any) -> str:
    for name in (*node.output[:1], *node.input):
        fmt = FORMATS.get(graph.elem_types.get(name, 0), "")
        tensor = graph.constant(name)
        fmt = format_of(tensor) if tensor is not None else fmt
        if fmt in FLOATS:
            return fmt
    return "fp32"


def _data_names(graph: Graph, node: Any, layout: Layout) -> list[str]:
    """Operands that are activations; of an attention's product, both."""
    if layout.kind != "float" or node.op_type == "Attention":
        return [operand(node, 0)]
    names = [name for name in node.input[:2] if name]
    return [name for name in names if trace(graph, name) is None]


def _operands(graph: Graph, node: Any, layout: Layout, weights: tuple[Stored, ...]) -> list[Entry]:
    entries = [Entry("weights", stored.name, stored.scheme, stored.elements) for stored in weights]
    made = {} if weights or layout.kind != "float" else _computed(graph, node)
    entries.extend(Entry("weights", name, Scheme(fmt, "computed"), size) for name, (fmt, size) in made.items())
    # products of two activations (attention) are no layers: what they take and give is listed apart
    before, after = ("activations", "outputs") if weights or made else ("other", "other")
    data = (name for name in _data_names(graph, node, layout) if name not in made)
    entries.extend(Entry(before, name, taken(graph, name, node, layout), 0) for name in data)
    entries.append(Entry(after, node.output[0], given(graph, node, layout), 0))
    bias = _bias(graph, node, layout, weights)
    if bias is not None:
        entries.append(bias)
    if layout.kind == "recurrent":
        entries.append(Entry("state", node.output[0], taken(graph, operand(node, 0), node, layout), 0))
    return entries


def _computed(graph: Graph, node: Any) -> dict[str, tuple[str, int]]:
    """The operand that the file computes from constants, where the other one depends on the model's inputs."""
    names = [name for name in node.input[:2] if name]
    found = {name: made for name in names for made in [computed(graph, name)] if made is not None}
    return found if len(names) == 2 and len(found) == 1 else {}


def _bias(graph: Graph, node: Any, layout: Layout, weights: tuple[Stored, ...]) -> Entry | None:
    name = operand(node, layout.bias)
    if not name and "MatMul" in node.op_type and weights:
        name = _added(graph, node)
    stored = trace(graph, name) if name else None
    if stored is None:
        return None
    scheme = stored.scheme
    if scheme.format == "int32" and scheme.granularity == "none":
        wide = bool(weights) and weights[0].scheme.granularity.startswith("per_channel")
        scheme = Scheme("int32", "per_channel(axis=0)" if wide else "per_tensor", True, "static")
    return Entry("bias", stored.name, scheme, stored.elements)


def _added(graph: Graph, node: Any) -> str:
    """The constant that an Add after a matrix product adds."""
    name = node.output[0]
    for _ in range(4):
        users = graph.consumers.get(name, [])
        if len(users) != 1:
            return ""
        user = users[0]
        if user.op_type == "Add":
            other = operand(user, 1) if operand(user, 0) == name else operand(user, 0)
            found = trace(graph, other)
            return other if found is not None and len(found.shape) == 1 else ""
        if user.op_type not in ("Cast", "Mul", "QuantizeLinear", "DequantizeLinear", "Reshape"):
            return ""
        name = user.output[0]
    return ""


def _embeddings(graph: Graph) -> list[Entry]:
    return [Entry("embeddings", stored.name, stored.scheme, stored.elements) for stored in tables(graph)]


def tables(graph: Graph) -> list[Stored]:
    """Tables that are looked up by index."""
    found = []
    for node in graph.nodes:
        if node.op_type in ("Gather", "GatherBlockQuantized"):
            positions: tuple[int, ...] = (0,)
        elif node.op_type in ("EmbedLayerNormalization", "QEmbedLayerNormalization"):
            positions = (2, 3, 4)
        else:
            continue
        for position in positions:
            stored = _table(graph, node, operand(node, position))
            if stored is not None and len(stored.shape) > 1 and stored.scheme.format not in ("int32", "int64", "other"):
                found.append(stored)
    return found


def _table(graph: Graph, node: Any, name: str) -> Stored | None:
    stored = trace(graph, name)
    if stored is None or stored.scheme.format in FLOATS or stored.form != "float":
        return stored
    codes = graph.constants[stored.name]
    if node.op_type == "GatherBlockQuantized":
        names = (operand(node, 2), operand(node, 3))
        return affine(graph, codes, names, attribute(node, "quantize_axis", 1), attribute(node, "block_size", 128))
    users = graph.consumers.get(node.output[0], [])
    user = next((user for user in users if user.op_type == "DequantizeLinear"), None)
    if user is None:
        return stored
    return affine(graph, codes, (operand(user, 1), operand(user, 2)), -1)


def head_apart(entries: tuple[Entry, ...], found: list[Product]) -> tuple[Entry, ...]:
    """The last layer's weight is the head, if it is not also the first one's or one of several uses in between."""
    names = [product.weights[0].name for product in found if product.weights]
    counts = Counter(names)
    if len(counts) < 2:
        return entries
    head = names[-1]
    return tuple(
        entry._replace(tensor_class="head") if entry.tensor_class == "weights" and entry.name == head else entry
        for entry in entries
    )


def product_rows(found: Iterable[Product]) -> list[dict[str, Any]]:
    """Products in order as in `verifier.evidence.inspection.Layer`, without their time."""
    rows = []
    for product in found:
        stored = product.weights[0] if product.weights else None
        rows.append(
            {
                "node": product.node,
                "op_type": product.op_type,
                "weight": stored.name if stored else "",
                "weight_format": stored.scheme.format if stored else "",
                "compute": product.compute,
                "time_share": None,
            }
        )
    return rows[:MOST_NAMES]


__all__ = [
    "Entry",
    "Product",
    "Survey",
    "layers",
    "operator_groups",
    "product_rows",
    "survey",
    "tables",
    "tensor_groups",
]
