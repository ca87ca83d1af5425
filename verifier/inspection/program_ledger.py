"""The precision ledger of a ``torch.export`` program: what its tensors store and what its products are fed.

Weights are followed from each product back to the raw tensors of the file, through views, casts and dequantization, so
that neither a tensor's name nor the type that a subclass shows counts, only what is stored and how the graph uses it.

Runs inside the worker: standard library and numpy, syntax of Python 3.8.
Longer than 400 lines: following a weight and reading what a product is fed are one walk over one graph.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from verifier.inspection.ledger import (
    Entry,
    Product,
    Survey,
    head_apart,
    layers,
    operator_groups,
    product_rows,
    tensor_groups,
)
from verifier.inspection.program import Node, Program, Ref, Tensor, read
from verifier.inspection.program_storage import Weight, storage, tidy
from verifier.inspection.scheme import FLOATS, Scheme, Stored

PRODUCTS: dict[str, tuple[str, ...]] = {
    "linear": ("input", "weight", "bias"),
    "addmm": ("mat1", "mat2", "self"),
    "mm": ("self", "mat2", ""),
    "bmm": ("self", "mat2", ""),
    "baddbmm": ("batch1", "batch2", "self"),
    "matmul": ("self", "other", ""),
    "_int_mm": ("self", "mat2", ""),
    "_scaled_mm": ("self", "mat2", "bias"),
    "conv1d": ("input", "weight", "bias"),
    "conv2d": ("input", "weight", "bias"),
    "conv3d": ("input", "weight", "bias"),
    "convolution": ("input", "weight", "bias"),
    "conv_transpose1d": ("input", "weight", "bias"),
    "conv_transpose2d": ("input", "weight", "bias"),
    "scaled_dot_product_attention": ("query", "key", ""),
    "gru": ("input", "params", ""),
    "lstm": ("input", "params", ""),
    "linear_dynamic": ("input", "weight", "bias"),
}
"""By operator: its parameters for data, weight and bias."""
_INTEGER = ("_int_mm", "linear_dynamic")
_VIEWS = frozenset(
    "t transpose permute reshape view unsqueeze squeeze flatten expand contiguous clone alias detach to _to_copy "  # noqa: SIM905 - words
    "unsafe_view slice select swapaxes".split()
)
_TURNS = ("t", "transpose", "permute", "swapaxes")
_DEQUANTIZE = ("dequantize_affine", "dequantize_per_tensor", "dequantize_per_channel", "dequantize_per_token")
_QUANTIZE = ("quantize_affine", "quantize_per_tensor", "quantize_per_channel", "quantize_per_token")
_DEPTH = 64


class _Graph:
    """A program that can be walked both ways."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.makers = {name: node for node in program.nodes for name in node.outputs}
        self.users: dict[str, list[Node]] = {}
        for node in program.nodes:
            for value in node.arguments.values():
                for name in value if isinstance(value, list) else [value]:
                    if isinstance(name, Ref):
                        self.users.setdefault(name, []).append(node)

    def constant(self, name: Any) -> Tensor | None:
        """The stored tensor behind views and casts."""
        for _ in range(_DEPTH):
            if name in self.program.tensors:
                return self.program.tensors[name]
            node = self.makers.get(name)
            if node is None or _word(node) not in _VIEWS:
                return None
            name = _data(node)
        return None


def inspect(path: str) -> dict[str, Any]:
    """The same parts as `verifier.inspection.whole.inspect` gives of an ONNX file."""
    program = read(path)
    found, weights = survey(program)
    return {
        "tensors": tensor_groups(found.entries),
        "operators": [dict(group, time_share=None) for group in operator_groups(found.products)],
        "layers": product_rows(found.products),
        "storage": storage(program, weights),
        **layers(found),
    }


def survey(program: Program) -> tuple[Survey, list[tuple[str, Weight]]]:
    """All tensors and products, and each stored weight once with its class."""
    graph = _Graph(program)
    entries: dict[tuple[str, str], Entry] = {}
    found: list[Product] = []
    channels: dict[str, bool] = {}
    listed: dict[str, tuple[str, Weight]] = {}
    for node in program.nodes:
        if _word(node) in PRODUCTS:
            weights = _weights(graph, node)
            found.append(_product(graph, node, weights))
            for weight in weights:
                channels.setdefault(weight.stored.name, weight.stored.axis == 0)
                listed.setdefault(weight.stored.name, ("weights", weight))
            for entry in _operands(graph, node, weights):
                entries.setdefault((entry.tensor_class, entry.name), entry)
        elif _word(node) == "embedding":
            table = _trace(graph, node.arguments.get("weight"))
            if table is not None:
                listed.setdefault(table.stored.name, ("embeddings", table))
                stored = table.stored
                entry = Entry("embeddings", stored.name, stored.scheme, stored.elements)
                entries.setdefault((entry.tensor_class, entry.name), entry)
    return _grouped(Survey(head_apart(tuple(entries.values()), found), tuple(found), channels), listed)


def _grouped(found: Survey, listed: dict[str, tuple[str, Weight]]) -> tuple[Survey, list[tuple[str, Weight]]]:
    """Call a layer that is just one group wide what its neighbours are called: for it both words are true."""
    sizes = {(w.stored.scheme.format, w.stored.block) for _, w in listed.values() if w.stored.block}

    def named(stored: Stored) -> Stored:
        width = stored.shape[1] if len(stored.shape) == 2 else 0
        scheme = stored.scheme
        if scheme.granularity != "per_channel(axis=0)" or (scheme.format, width) not in sizes:
            return stored
        return stored._replace(scheme=scheme._replace(granularity=f"per_group({width})"), axis=1, block=width)

    stored = {name: named(weight.stored) for name, (_, weight) in listed.items()}
    entries = tuple(
        entry._replace(scheme=stored[entry.name].scheme)
        if entry.tensor_class in ("weights", "head", "embeddings") and entry.name in stored
        else entry
        for entry in found.entries
    )
    products = tuple(p._replace(weights=tuple(stored[w.name] for w in p.weights)) for p in found.products)
    rows = [(kind, weight._replace(stored=stored[name])) for name, (kind, weight) in listed.items()]
    return Survey(entries, products, found.channels), rows


def weights_of(program: Program) -> dict[str, Weight]:
    """Weights of products by name."""
    return {weight.stored.name: weight for kind, weight in survey(program)[1] if kind == "weights"}


def label(node: Node) -> str:
    """Name of a product: its module's path, then its own name in the graph."""
    return f"{node.module}.{node.name}" if node.module else node.name


def _word(node: Node) -> str:
    return node.target.rsplit(".", 1)[-1]


def _data(node: Node) -> Any:
    """What a view or cast is of: its first tensor."""
    return next((value for value in node.arguments.values() if isinstance(value, Ref)), "")


def _weights(graph: _Graph, node: Node) -> list[Weight]:
    if _word(node) in ("gru", "lstm"):
        traced = [_trace(graph, name) for name in node.arguments["params"]]
        return [weight for weight in traced if weight is not None and len(weight.codes.shape) > 1]
    if _word(node) == "linear_dynamic":
        return [_linear_dynamic(graph, node)]
    for parameter in (PRODUCTS[_word(node)][1], PRODUCTS[_word(node)][0]):
        weight = _trace(graph, node.arguments.get(parameter))
        if weight is not None:
            if _word(node) == "_scaled_mm":
                scale = graph.constant(_argument(node, "scale_b"))
                scaled = _affine(graph, weight.codes, scale, None, (None, None))
                return [_turn(scaled, weight.stored.turned)]
            if weight.scale is None and weight.stored.scheme.format not in FLOATS:
                weight = _scaled_after(graph, node, weight)
            return [weight]
    return []


def _linear_dynamic(graph: _Graph, node: Node) -> Weight:
    codes, scale, zero = (graph.constant(node.arguments[name]) for name in ("weight", "scales", "zero_points"))
    if codes is None or scale is None:
        raise ValueError(f"the weight of {label(node)} is not in the file")
    return _affine(graph, codes, scale, zero, (None, None))


def _trace(graph: _Graph, name: Any) -> Weight | None:  # noqa: PLR0911 - one return per way that a weight is stored
    """The weight behind an operand; ``None`` if it is computed from the inputs."""
    turned = False
    for _ in range(_DEPTH):
        tensor = graph.program.tensors.get(name)
        if tensor is not None:
            return _turn(_plain(tensor), turned)
        node = graph.makers.get(name)
        if node is None:
            return None
        word = _word(node)
        if word in _DEQUANTIZE:
            codes, scale = graph.constant(_data(node)), graph.constant(_argument(node, "scale", "scales"))
            if codes is None:
                return None
            limits = node.arguments.get("quant_min"), node.arguments.get("quant_max")
            zero = graph.constant(_argument(node, "zero_point", "zero_points"))
            return _turn(_affine(graph, codes, scale, zero, limits), turned)
        if word in ("mul", "mul_"):
            found = [graph.constant(value) for value in node.arguments.values() if isinstance(value, Ref)]
            both = sorted((each for each in found if each is not None), key=lambda each: -each.elements)
            if len(both) == len(found) == 2 and both[0].format not in FLOATS:
                return _turn(_affine(graph, both[0], both[1], None, (None, None)), turned)
            return None
        if word not in _VIEWS:
            return None
        turned = turned != (word in _TURNS)
        name = _data(node)
    return None


def _argument(node: Node, *names: str) -> Any:
    return next((node.arguments[name] for name in names if name in node.arguments), "")


def _plain(tensor: Tensor) -> Weight:
    scheme = Scheme(tensor.format) if tensor.format in FLOATS else Scheme(tensor.format, "per_tensor", None, "static")
    form = "float" if tensor.format in FLOATS else "affine"
    stored = Stored(tidy(tensor.name), scheme, tensor.elements, tensor.shape, form)
    return Weight(stored, tensor, None, None, None, None)


def _turn(weight: Weight, turned: bool) -> Weight:
    return weight._replace(stored=weight.stored._replace(turned=turned))


def _affine(graph: _Graph, codes: Tensor, scale: Tensor | None, zero: Tensor | None, limits: tuple[Any, Any]) -> Weight:
    """A weight of codes with a scale for each block of values; the block follows from the two shapes."""
    words, axis, block = _granularity(codes.shape, scale.shape if scale is not None else ())
    low, high = (value if isinstance(value, int) else None for value in limits)
    fmt = _narrow(codes.format, low, high)
    centred = None if fmt.startswith("fp8") else _centred(graph, zero, fmt)
    scheme = Scheme(fmt, words, centred, "static")
    stored = Stored(
        tidy(codes.name),
        scheme,
        codes.elements,
        codes.shape,
        "affine",
        scale.name if scale is not None else "",
        zero.name if zero is not None else "",
        axis,
        block,
    )
    return Weight(stored, codes, scale, zero, low, high)


def _narrow(fmt: str, low: int | None, high: int | None) -> str:
    """Four-bit numbers that are stored one per byte are known by the range that dequantization names."""
    for bits in (2, 3, 4, 5, 6, 7):
        if (low, high) == (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1):
            return f"int{bits}"
        if (low, high) == (0, 2**bits - 1):
            return f"uint{bits}"
    return fmt


def _centred(graph: _Graph, zero: Tensor | None, fmt: str) -> bool:
    middle = 2 ** (int(fmt[4:]) - 1) if fmt.startswith("uint") else 0
    return zero is None or bool((graph.program.array(zero) == middle).all())


def _granularity(shape: tuple[int, ...], scale: tuple[int, ...]) -> tuple[str, int | None, int]:
    """Words, axis of the channels, size of a group: how many values along each axis share a scale."""
    count = int(np.prod(scale, dtype=np.int64)) if scale else 1
    if count == 1:
        return "per_tensor", None, 0
    padded = scale if len(scale) == len(shape) else (*scale, *(1 for _ in shape[len(scale) :]))
    blocks = [size // steps if steps and size % steps == 0 else 0 for size, steps in zip(shape, padded)]
    wide = [axis for axis, steps in enumerate(padded) if steps > 1]
    if len(wide) == 1 and blocks[wide[0]] == 1:
        return f"per_channel(axis={wide[0]})", wide[0], 0
    if len(shape) == 2 and blocks[0] == 1 and blocks[1] > 1:
        return f"per_group({blocks[1]})", 1, blocks[1]
    return "per_block", None, 0


def _scaled_after(graph: _Graph, node: Node, weight: Weight) -> Weight:
    """Codes that are multiplied as they are: the scale multiplies the product's result, beside that of the inputs."""
    name = node.outputs[0]
    maker = _quantizer(graph, node.arguments.get(PRODUCTS[_word(node)][0], ""))
    inputs = graph.constant(_argument(maker, "scale", "scales")) if maker is not None else None
    for _ in range(16):
        users = [user for user in graph.users.get(name, []) if user.outputs]
        if len(users) != 1 or not users[0].outputs:
            break
        user = users[0]
        if _word(user) in ("mul", "mul_"):
            scales = [graph.constant(value) for value in user.arguments.values() if isinstance(value, Ref)]
            scale = next((found for found in scales if found not in (None, inputs)), None)
            if scale is not None:
                return _turn(_affine(graph, weight.codes, scale, None, (None, None)), weight.stored.turned)
        elif _word(user) not in (*_VIEWS, "sub", "sub_", "add", "add_"):
            break
        name = user.outputs[0]
    return weight


def _product(graph: _Graph, node: Node, weights: list[Weight]) -> Product:
    stored = tuple(weight.stored for weight in weights)
    taken = _activation(graph, node, weights)
    fed = taken.format not in FLOATS and _word(node) not in _INTEGER
    return Product(label(node), _word(node), _compute(graph, node, taken, stored), fed, stored)


def _compute(graph: _Graph, node: Node, taken: Scheme, stored: tuple[Stored, ...]) -> str:
    """What the file means: integers where both operands are on a grid, the format of the operands else."""
    formats = [taken.format, *(each.scheme.format for each in stored)]
    if _word(node) in _INTEGER:
        return "int8"
    if _word(node) == "_scaled_mm":
        return graph.program.formats.get(node.arguments["self"], "fp8_e4m3fn")
    if stored and all(fmt not in FLOATS for fmt in formats):
        return next((fmt for fmt in formats if fmt.startswith("fp8")), "int8")
    names = [name for name in (_argument(node, PRODUCTS[_word(node)][0]), *node.outputs) if isinstance(name, str)]
    return next((f for f in (graph.program.formats.get(n, "") for n in names) if f in FLOATS), "fp32")


def _activation(graph: _Graph, node: Node, weights: list[Weight]) -> Scheme:
    """Format in which a product takes its data."""
    if _word(node) == "linear_dynamic":
        return Scheme("uint8", "per_tensor", False, "dynamic")
    if _word(node) == "_scaled_mm":
        scale = _argument(node, "scale_a")
        shape = graph.program.shapes.get(scale, ())
        words = "per_tensor" if all(size == 1 for size in shape) else "per_token"
        fmt = graph.program.formats.get(node.arguments["self"], "fp8_e4m3fn")
        return Scheme(fmt, words, None, "dynamic" if graph.constant(scale) is None else "static")
    data, weight, _ = PRODUCTS[_word(node)]
    name = node.arguments.get(data, "")
    if weights and graph.constant(name) is not None:
        name = node.arguments.get(weight, "")
    return _scheme(graph, name)


def _scheme(graph: _Graph, name: Any) -> Scheme:
    """Format of a computed tensor: the one that it was quantized to, if it was."""
    maker = _quantizer(graph, name)
    if maker is not None:
        return _quantized(graph, maker)
    fmt = graph.program.formats.get(name, "fp32")
    return Scheme(fmt) if fmt in FLOATS else Scheme(fmt, "per_tensor", None, "static")


def _quantizer(graph: _Graph, name: Any) -> Node | None:
    """Where a computed tensor was quantized, back through casts and shifts of its codes."""
    for _ in range(_DEPTH):
        node = graph.makers.get(name)
        if node is None:
            return None
        word = _word(node)
        if word in _QUANTIZE:
            return node
        shift = word in ("add", "sub") and not isinstance(_argument(node, "other"), Ref)
        if not shift and word not in _DEQUANTIZE and word not in _VIEWS:
            return None
        name = _data(node)
    return None


def _quantized(graph: _Graph, node: Node) -> Scheme:
    scale = _argument(node, "scale", "scales")
    maker = graph.makers.get(scale) if isinstance(scale, Ref) else None
    dynamic = maker is not None and graph.constant(scale) is None
    block = node.arguments.get("block_size")
    shape = graph.program.shapes.get(_data(node), ())
    words = "per_tensor"
    if isinstance(block, list) and len(block) == len(shape) and all(size == 1 for size in block[:-1]):
        words = "per_token" if block[-1] == shape[-1] else f"per_group({block[-1]})"
    limits = (node.arguments.get("quant_min"), node.arguments.get("quant_max"))
    fmt = _narrow(graph.program.formats.get(node.outputs[0], "int8"), *limits)
    symmetric = None
    if not fmt.startswith("fp8"):
        mapping = str(maker.arguments.get("mapping_type", "ASYMMETRIC")) if maker is not None else ""
        zero = graph.constant(_argument(node, "zero_point", "zero_points"))
        symmetric = mapping == "SYMMETRIC" if dynamic else _centred(graph, zero, fmt)
    return Scheme(fmt, words, symmetric, "dynamic" if dynamic else "static")


def _operands(graph: _Graph, node: Node, weights: list[Weight]) -> list[Entry]:
    data, second, bias = PRODUCTS[_word(node)]
    names = [str(node.arguments.get(data, ""))]
    taken, given = ("activations", "outputs") if weights else ("other", "other")
    found = [Entry("weights", w.stored.name, w.stored.scheme, w.stored.elements) for w in weights]
    found.append(Entry(taken, f"{label(node)}:{names[0]}", _activation(graph, node, weights), 0))
    if not weights:
        other = str(node.arguments.get(second, ""))
        found.append(Entry("other", f"{label(node)}:{other}", _scheme(graph, other), 0))
    found.append(Entry(given, node.outputs[0], _given(graph, node), 0))
    added = graph.constant(node.arguments.get(bias, "")) if bias else None
    added = added or (_added(graph, node) if weights else None)
    if added is not None and len(added.shape) == 1:
        found.append(Entry("bias", tidy(added.name), _plain(added).stored.scheme, added.elements))
    if _word(node) in ("gru", "lstm"):
        found.append(Entry("state", node.outputs[0], _activation(graph, node, weights), 0))
    return found


def _given(graph: _Graph, node: Node) -> Scheme:
    """Format that a product hands on: sums of integers are scaled to floats before anybody else reads them."""
    name = node.outputs[0]
    for _ in range(16):
        fmt = graph.program.formats.get(name, "fp32")
        users = [user for user in graph.users.get(name, []) if user.outputs]
        if fmt in FLOATS or len(users) != 1:
            break
        name = users[0].outputs[0]
    fmt = graph.program.formats.get(name, "fp32")
    after = [user for user in graph.users.get(name, []) if _word(user) in _QUANTIZE]
    if len(after) == 1 and graph.constant(_argument(after[0], "scale", "scales")) is not None:
        return _quantized(graph, after[0])
    return Scheme(fmt if fmt in FLOATS else "fp32")


def _added(graph: _Graph, node: Node) -> Tensor | None:
    """The constant that is added to a product's result."""
    name = node.outputs[0]
    for _ in range(16):
        users = [user for user in graph.users.get(name, []) if user.outputs]
        if len(users) != 1:
            return None
        if _word(users[0]) in ("add", "add_"):
            values = [graph.constant(value) for value in users[0].arguments.values() if isinstance(value, Ref)]
            return next((found for found in values if found is not None), None)
        if _word(users[0]) not in (*_VIEWS, "mul", "mul_", "sub", "sub_"):
            return None
        name = users[0].outputs[0]
    return None
