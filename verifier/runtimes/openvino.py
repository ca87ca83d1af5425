"""OpenVINO as an engine: compiled models whose hints are all named, and what its runtime graph really computes.

Runs inside the worker process: standard library, numpy, openvino, and onnx for reading files; syntax of Python 3.8.

Two of its own words do not say what is computed. ``INFERENCE_PRECISION_HINT`` is BF16 by default on processors that
have it, so that a model in FP32 runs in BF16 unless told otherwise. And ``runtimePrecision`` of a matrix product over
compressed weights names the weights' type, whatever the product is computed in. So the format of a product is that of
its activations at run time and of the kernel that ran (``primitiveType``); and where weights are integers and
activations floats, one more run without dynamic quantization shows whether the activations were quantized on the way.

Longer than 400 lines: a runtime is one file, so that whoever reviews it sees all that it can do to a model.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from typing import Any

from verifier.runtimes._examined import examine_apart
from verifier.runtimes.runtime import Runtime

_PRECISIONS = ("default", "f32", "bf16", "f16")
_HINTS = {"latency": "LATENCY", "throughput": "THROUGHPUT", "cumulative_throughput": "CUMULATIVE_THROUGHPUT"}
_MODES = ("performance", "accuracy")
_OPTIONS = (
    "intra_op_threads",
    "inference_precision",
    "performance_hint",
    "execution_mode",
    "num_streams",
    "dynamic_quantization_group_size",
)
_PRODUCTS = {
    "Convolution": "Conv",
    "BinaryConvolution": "Conv",
    "DeformableConvolution": "DeformConv",
    "Deconvolution": "ConvTranspose",
    "FullyConnected": "MatMul",
    "MatMul": "MatMul",
    "ScaledDotProductAttention": "Attention",
    "QKVProjection": "MatMul",
    "LLMMLP": "MatMul",
    "MHA": "Attention",
    "RNNSeq": "RNN",
    "RNNCell": "RNN",
    "LSTMSequence": "LSTM",
    "LSTMCell": "LSTM",
    "GRUSequence": "GRU",
    "GRUCell": "GRU",
    "AUGRUSequence": "GRU",
    "AUGRUCell": "GRU",
}
"""Layer types of its CPU plug-in that multiply, with ONNX's word for each."""
_SILENT = ("Const", "Input", "Output", "Parameter", "Result")
_OPAQUE = ("TensorIterator", "Loop", "If")
"""Layers whose inside its report does not show."""
_FORMATS = {
    "f64": "fp64",
    "f32": "fp32",
    "f16": "fp16",
    "bf16": "bf16",
    "i8": "int8",
    "u8": "uint8",
    "i4": "int4",
    "u4": "uint4",
    "i2": "int2",
    "u2": "uint2",
    "i16": "int16",
    "u16": "uint16",
    "f8e4m3": "fp8_e4m3fn",
    "f8e5m2": "fp8_e5m2",
    "f4e2m1": "fp4_e2m1",
}
_KERNEL = re.compile(r"_(i8|u8|bf16|f16|f32|f64)$", re.IGNORECASE)
_FUSED = re.compile(r"(/WithoutBiases|/DequantizationMultiply|/DequantizationSubtract)+$")
"""What its transformations hang on the name of a layer."""
_FLOATS = ("fp64", "fp32", "tf32", "fp16", "bf16")
_BEHIND = 6
"""Operators behind a product whose name the fused layer may have taken."""
_PROFILED_RUNS = 5
"""Runs whose kernel times are added up, after one that is not counted."""


class _Session:
    """A compiled model, its names, and requests that are not in use: each serves one caller at a time."""

    def __init__(self, compiled: Any) -> None:
        self.compiled = compiled
        self.inputs = [port.get_any_name() for port in compiled.inputs]
        self.outputs = [_output_name(port) for port in compiled.outputs]
        self._free: deque[Any] = deque([compiled.create_infer_request()])

    def infer(self, inputs: dict[str, Any]) -> Any:
        """The call that its documentation shows, ``compiled_model(inputs)``, for any number of callers."""
        try:
            request = self._free.pop()
        except IndexError:
            request = self.compiled.create_infer_request()
        results = request.infer(inputs, share_inputs=True)
        self._free.append(request)
        return results


def _output_name(port: Any) -> str:
    """A tensor may have several names; the file's output is the one that its result node is called after."""
    names = sorted(port.get_names())
    result = re.sub(r"/sink_port_\d+$", "", port.get_node().get_friendly_name())
    return result if result in names else port.get_any_name()


def _whole(options: dict[str, Any], name: str) -> int:
    value = options[name]
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"option {name} must be a whole number, not {value!r}")
    return value


def _choice(options: dict[str, Any], name: str, words: Any) -> str:
    value = options[name]
    if not isinstance(value, str) or value not in words:
        raise ValueError("option {} must be one of {}, not {!r}".format(name, ", ".join(words), value))
    return value


def _settings(options: dict[str, Any]) -> dict[str, Any]:
    """Options under the engine's own names; what is not stated is left to the engine."""
    unknown = sorted(set(options).difference(_OPTIONS))
    if unknown:
        raise ValueError("unknown options {}; known are {}".format(", ".join(unknown), ", ".join(_OPTIONS)))
    settings: dict[str, Any] = {}
    if options.get("intra_op_threads"):
        settings["INFERENCE_NUM_THREADS"] = _whole(options, "intra_op_threads")
    if options.get("num_streams"):
        settings["NUM_STREAMS"] = _whole(options, "num_streams")
    if "dynamic_quantization_group_size" in options:
        settings["DYNAMIC_QUANTIZATION_GROUP_SIZE"] = _whole(options, "dynamic_quantization_group_size")
    if "inference_precision" in options:
        precision = _choice(options, "inference_precision", _PRECISIONS)
        if precision != "default":
            settings["INFERENCE_PRECISION_HINT"] = precision
    if "performance_hint" in options:
        settings["PERFORMANCE_HINT"] = _HINTS[_choice(options, "performance_hint", _HINTS)]
    if "execution_mode" in options:
        settings["EXECUTION_MODE_HINT"] = _choice(options, "execution_mode", _MODES).upper()
    return settings


def _compile(path: str, provider: str, settings: dict[str, Any]) -> Any:
    """The model on that device alone."""
    import openvino

    core = openvino.Core()
    reasons = _absent(core, provider)
    if reasons:
        raise ValueError(reasons[0])
    compiled = core.compile_model(core.read_model(path), provider, settings)
    used = list(compiled.get_property("EXECUTION_DEVICES"))
    if [name.split(".")[0] for name in used] != [provider.split(".", maxsplit=1)[0]]:
        raise RuntimeError("device {} was asked for, but the model runs on {}".format(provider, ", ".join(used)))
    return compiled


def _absent(core: Any, provider: str) -> tuple[str, ...]:
    found = list(core.available_devices)
    if provider in found or provider.split(".", maxsplit=1)[0] in found:
        return ()
    if provider.split(":", maxsplit=1)[0] in ("AUTO", "MULTI", "HETERO", "BATCH"):
        return (f"device {provider} leaves the choice of the device to OpenVINO; name the device that was measured",)
    return ("OpenVINO finds no device {} here, only {}".format(provider, ", ".join(found) or "none"),)


def probe(provider: str, _options: dict[str, Any]) -> tuple[str, ...]:
    """Why nothing can be executed on that device here; empty if it can."""
    import openvino

    return _absent(openvino.Core(), provider)


def open_session(path: str, provider: str, options: dict[str, Any]) -> _Session:
    """Load and compile a model."""
    examine_apart(path)
    return _Session(_compile(path, provider, _settings(options)))


def run(session: _Session, inputs: dict[str, Any]) -> dict[str, Any]:
    """Run once, all outputs."""
    return dict(zip(session.outputs, session.infer(inputs).values()))


def bare(session: _Session) -> Any:
    """OpenVINO's own call, as its documentation shows it."""
    return session.infer


class _Layer:
    """One layer of the runtime graph, with what its report says of it."""

    def __init__(self, node: Any, times: dict[str, int]) -> None:
        report = {key: value.astype(str) for key, value in node.get_rt_info().items()}
        self.name: str = node.get_friendly_name()
        self.kind: str = report["layerType"]
        self.order = int(report["execOrder"])
        self.kernel: str = report["primitiveType"]
        originals = [name for name in report.get("originalLayersNames", "").split(",") if name]
        self.originals = {_FUSED.sub("", name) for name in (*originals, self.name)}
        self.reads = [_format(node.input_value(at).get_element_type()) for at in range(node.get_input_size())]
        self.gives = report.get("outputPrecisions", "").split(",")[0]
        self.time = times.get(self.name)

    @property
    def compute(self) -> str:
        """What it multiplies in: the kernel's format, integers only where the activations come as integers too."""
        data = self.reads[0] if self.reads else ""
        match = _KERNEL.search(self.kernel)
        kernel = _FORMATS[match.group(1).lower()] if match else ""
        if kernel in _FLOATS:
            return kernel
        return "int8" if kernel or data.endswith("int8") else data or "other"

    @property
    def weights(self) -> str:
        """Format of its second operand: integers as they lie in the graph, floats as the kernel takes them."""
        stored = self.reads[1] if len(self.reads) > 1 else ""
        return self.compute if stored in _FLOATS and self.compute in _FLOATS else stored

    @property
    def compressed(self) -> bool:
        """Float activations over integer weights, which it unpacks on the way, or for which it packs activations."""
        return self.kind == "FullyConnected" and self.reads[0] in _FLOATS and "int" in "".join(self.reads[1:2])


def _format(element: Any) -> str:
    word = re.sub(r"[<>']|Type:", "", str(element.get_type_name())).strip()
    return _FORMATS.get(word, word)


def executed(path: str, provider: str, options: dict[str, Any], inputs: dict[str, Any]) -> dict[str, Any]:
    """Compile and profile: products of the runtime graph by compute format, with their share of kernel time."""
    from verifier.inspection.graph import examine

    examine(path)
    settings = _settings(options)
    compiled = _compile(path, provider, dict(settings, PERF_COUNT=True))
    request = compiled.create_infer_request()
    outputs = _values(request, inputs)
    first = _times(request, 1)
    for _ in range(_PROFILED_RUNS):
        again = _values(request, inputs)
    whole = _times(request, _PROFILED_RUNS + 1)
    times = {name: max(0, whole[name] - first.get(name, 0)) for name in whole}
    layers = sorted((_Layer(node, times) for node in compiled.get_runtime_model().get_ops()), key=lambda x: x.order)
    quantized = _equal(outputs, again) and _quantized_on_the_way(
        layers, compiled, outputs, lambda size: _grouped(path, provider, settings, size, inputs)
    )
    return dict(
        _account(path, layers, sum(times.values()) or 1, quantized),
        provider=provider,
        notes=_notes(options, compiled, layers, quantized),
    )


def _values(request: Any, inputs: dict[str, Any]) -> list[Any]:
    return list(request.infer(inputs, share_inputs=True).values())


def _times(request: Any, runs: int) -> dict[str, int]:
    """Microseconds of each layer over all runs so far; the engine keeps their mean."""
    times: dict[str, int] = {}
    for row in request.get_profiling_info():
        if row.status.name == "EXECUTED":
            spent = round(row.real_time.total_seconds() * 1e6) * runs
            times[row.node_name] = times.get(row.node_name, 0) + spent
    return times


def _equal(one: list[Any], other: list[Any]) -> bool:
    import numpy as np

    return all(np.array_equal(a, b) for a, b in zip(one, other))


def _grouped(path: str, provider: str, settings: dict[str, Any], size: int, inputs: dict[str, Any]) -> list[Any]:
    """Outputs of the same model with activations quantized in groups of that many; 0: not at all."""
    compiled = _compile(path, provider, dict(settings, PERF_COUNT=True, DYNAMIC_QUANTIZATION_GROUP_SIZE=size))
    return _values(compiled.create_infer_request(), inputs)


def _quantized_on_the_way(
    layers: list[_Layer], compiled: Any, outputs: list[Any], grouped: Callable[[int], list[Any]]
) -> bool:
    """Whether products over compressed weights got integer activations; the kernel's name does not say so.

    Then the outputs, which repeat, are others without dynamic quantization, and others again with larger groups.
    Without it another kernel may be chosen, which rounds otherwise; the size of the groups moves nothing then.
    """
    size = int(compiled.get_property("DYNAMIC_QUANTIZATION_GROUP_SIZE"))
    if not size or not any(layer.compressed for layer in layers):
        return False
    return not _equal(outputs, grouped(0)) and not _equal(outputs, grouped(2 * size))


def _account(path: str, layers: list[_Layer], total: int, quantized: bool) -> dict[str, Any]:
    """The parts of a `verifier.evidence.PrecisionLedger`."""
    known = _Known(path)
    rows: list[dict[str, Any]] = []
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for layer in layers:
        if layer.kind not in _PRODUCTS:
            continue
        node, op_type, weight = known.find(layer)
        compute = "int8" if quantized and layer.compressed else layer.compute
        row = {
            "node": node,
            "op_type": op_type,
            "weight": weight,
            "weight_format": layer.weights if weight else "",
            "compute": compute,
            "time_share": layer.time / total if layer.time is not None else None,
        }
        rows.append(row)
        groups.setdefault((op_type, compute), []).append(row)
    weighted = [row["weight_format"] for row in rows if row["weight_format"]]
    return {
        "operators": [_group(key, members) for key, members in sorted(groups.items())],
        "layers": rows,
        "time": _other_times(layers, total),
        "tensors": _tensors(layers),
        "float_products": [
            {"name": row["node"], "op_type": row["op_type"], "dequantized": "int" in row["weight_format"]}
            for row in rows
            if row["compute"] in _FLOATS
        ],
        "first_layer": weighted[0] if weighted else None,
        "last_layer": weighted[-1] if weighted else None,
    }


def _group(key: tuple[str, str], members: list[dict[str, Any]]) -> dict[str, Any]:
    shares = [row["time_share"] for row in members]
    return {
        "op_type": key[0],
        "compute": key[1],
        "count": len(members),
        "examples": [row["node"] for row in members],
        "time_share": None if None in shares else sum(shares),
    }


class _Known:
    """Products of the file by every name that a fused layer may carry."""

    def __init__(self, path: str) -> None:
        from verifier.inspection.graph import graphs, label, load
        from verifier.inspection.ledger import survey

        model = load(path)
        self._products = {product.node: product for product in survey(model).products}
        self._aliases: dict[str, str] = {}
        for graph in graphs(model):
            for node in graph.nodes:
                if label(node) in self._products:
                    for name in _chain(graph, node, self._products):
                        self._aliases.setdefault(name, label(node))
        self._taken: set[str] = set()

    def find(self, layer: _Layer) -> tuple[str, str, str]:
        """Node, operator and weight of the product in the file that a layer is; its own name where none is known."""
        direct = [name for name in layer.originals if name in self._products]
        behind = [self._aliases[name] for name in layer.originals if name in self._aliases]
        found = next((name for name in sorted(direct) + sorted(behind) if name not in self._taken), None)
        if found is None:
            return _FUSED.sub("", layer.name), _PRODUCTS[layer.kind], ""
        self._taken.add(found)
        product = self._products[found]
        return found, product.op_type, product.weights[0].name if product.weights else ""


def _chain(graph: Any, node: Any, products: dict[str, Any]) -> list[str]:
    """Names of the operators that only read what a product gives, up to the next product."""
    from verifier.inspection.graph import label

    names = [label(node), *node.output]
    for _ in range(_BEHIND):
        users = graph.consumers.get(node.output[0], [])
        if len(users) != 1 or label(users[0]) in products:
            break
        node = users[0]
        names += [label(node), *node.output]
    return names


def _other_times(layers: list[_Layer], total: int) -> list[dict[str, Any]]:
    """Time of all that is no product, by layer type: conversions, layouts, activation functions."""
    spent: dict[str, list[int]] = {}
    for layer in layers:
        if layer.kind not in _PRODUCTS and layer.kind not in _SILENT and layer.time is not None:
            spent.setdefault(layer.kind, []).append(layer.time)
    return [
        {"op_type": name, "count": len(each), "time_share": sum(each) / total} for name, each in sorted(spent.items())
    ]


def _tensors(layers: list[_Layer]) -> list[dict[str, Any]]:
    """What products read and give, by number format; scales are inside the kernels and not reported."""
    groups: dict[tuple[str, str], list[str]] = {}
    for layer in layers:
        if layer.kind in _PRODUCTS and layer.reads:
            groups.setdefault(("activations", layer.reads[0]), []).append(layer.name)
            groups.setdefault(("outputs", _FORMATS.get(layer.gives, layer.gives)), []).append(layer.name)
            if layer.kind != "MatMul" and len(layer.reads) > 1:
                groups.setdefault(("weights", layer.weights), []).append(layer.name)
    return [
        {
            "tensor_class": key[0],
            "format": key[1],
            "granularity": "none",
            "symmetry": "none",
            "timing": "none",
            "tensors": len(names),
            "elements": 0,
            "examples": names,
        }
        for key, names in sorted(groups.items())
    ]


def _notes(options: dict[str, Any], compiled: Any, layers: list[_Layer], quantized: bool) -> list[str]:
    """What the engine chose by itself, and what its report cannot show."""
    notes = []
    precision = _format(compiled.get_property("INFERENCE_PRECISION_HINT"))
    asked = _FORMATS.get(options.get("inference_precision", "default"), "")
    if not asked and precision in _FLOATS:
        notes.append(f"no inference precision is stated: on this device OpenVINO's default is {precision}")
    elif asked and asked != precision:
        notes.append(f"inference precision {asked} was asked for, and OpenVINO took {precision}")
    if quantized:
        size = compiled.get_property("DYNAMIC_QUANTIZATION_GROUP_SIZE")
        notes.append(
            f"activations of products over compressed weights are quantized at run time in groups of {size}, which is "
            "the default: the kernels are named after floats, but switching it off changes the outputs"
        )
    opaque = sorted({layer.kind for layer in layers if layer.kind in _OPAQUE})
    if opaque:
        notes.append("OpenVINO's report does not show what runs inside {}".format(", ".join(opaque)))
    return notes


RUNTIME = Runtime(
    name="openvino",
    requires=("openvino",),
    distribution="openvino",
    options=_OPTIONS,
    open=open_session,
    run=run,
    bare=bare,
    executed=executed,
    # it would run a head in the device's default precision too; a head stays in full precision
    heads=False,
    probe=probe,
)
