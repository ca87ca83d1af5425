"""What an engine executes, by TensorRT's own inspector and profiler: formats and time of each layer.

The inspector's JSON changes between versions (NVIDIA, "Engine Inspector"; TensorRT 11 splits ``Format/Datatype`` into
two fields). A layer whose formats cannot be read, or products that no engine layer names, make this fail: a guess
would pass for evidence.

Runs inside the worker process: standard library, numpy and the one tool, syntax of Python 3.8.
"""

from __future__ import annotations

import json
import re
from typing import Any

RUNS = 10
"""Profiled runs whose layer times are added up, after one that is not counted."""
_NODE = re.compile(r"\[ONNX Layer: ([^\]]*)\]")
_WORDS = (
    ("fp8_e4m3fn", r"\b(fp8|f8e4m3|e4m3)\b"),
    ("fp4_e2m1", r"\b(fp4|e2m1)\b"),
    ("int8", r"\bint8\b"),
    ("int4", r"\bint4\b"),
    ("bf16", r"\b(bf16|bfloat16)\b"),
    ("fp16", r"\b(fp16|half|float16)\b"),
    ("fp32", r"\b(fp32|float|float32)\b"),
    ("int32", r"\bint32\b"),
    ("int64", r"\bint64\b"),
    ("bool", r"\bbool\b"),
)
"""The inspector's words for element types, narrower ones first."""
_TF32 = re.compile(r"tf32")
_CONVERTS = re.compile(r"reformat|cast|quantize", re.IGNORECASE)


def executed(trt: Any, path: str, configure: Any, inputs: dict[str, Any], provider: str) -> dict[str, Any]:
    """The executed ledger of a model on this device; raises `ValueError` if it cannot be read."""
    from verifier.runtimes._tensorrt_engine import Session
    from verifier.runtimes._tensorrt_network import grouped, parse, typed_layers

    session = Session(trt, path, configure, graph=False, transfers=True)
    lane, feeds = session.lane(inputs)
    engine = session.engine(feeds)
    profiler = _profiler(trt)
    lane.profile(profiler, feeds, RUNS)
    text = engine.create_engine_inspector().get_engine_information(trt.LayerInformationFormat.JSON)
    rows = read(json.loads(text)["Layers"], typed_layers(parse(trt, path).network), profiler.times)
    groups = grouped(rows["layers"])
    for group in groups:
        named = [
            row for row in rows["layers"] if (row["op_type"], row["compute"]) == (group["op_type"], group["compute"])
        ]
        if all(row["time_share"] is not None for row in named):
            group["time_share"] = sum(row["time_share"] for row in named)
    return {"provider": provider, "operators": groups, "layers": rows["layers"], "time": rows["time"], "tensors": []}


def _profiler(trt: Any) -> Any:
    class Times(trt.IProfiler):  # type: ignore[misc]  # a class of the tool, which has no types
        """Milliseconds by layer, over all runs."""

        def __init__(self) -> None:
            trt.IProfiler.__init__(self)
            self.times: dict[str, float] = {}

        def report_layer_time(self, layer_name: str, ms: float) -> None:
            self.times[layer_name] = self.times.get(layer_name, 0.0) + ms

    return Times()


def read(layers: list[Any], products: list[dict[str, Any]], times: dict[str, float]) -> dict[str, Any]:
    """Products as executed, and the time of all other layers by type.

    ``layers``: the inspector's, in detail; ``products``: the network's, as typed; ``times``: milliseconds by layer.
    Raises `ValueError` where a product is in no layer, or the formats of its layer cannot be read.
    """
    if any(not isinstance(layer, dict) for layer in layers):
        raise ValueError("the engine inspector gives names only: the engine was not built for detail")
    total = sum(times.values())
    places: dict[str, dict[str, Any]] = {}
    for layer in layers:
        for node in nodes_of(layer):
            places.setdefault(node, layer)
    lost = [row["node"] for row in products if row["node"] not in places]
    if lost:
        raise ValueError(
            f"{len(lost)} of {len(products)} products are in no layer that the engine inspector names, e.g. {lost[0]}"
        )
    shared: dict[int, int] = {}
    for row in products:
        shared[id(places[row["node"]])] = shared.get(id(places[row["node"]]), 0) + 1
    rows = []
    for row in products:
        layer = places[row["node"]]
        spent = times.get(layer["Name"])
        share = None if spent is None or not total else spent / total / shared[id(layer)]
        rows.append(dict(row, compute=compute_of(layer), time_share=share))
    return {"layers": rows, "time": _rest(layers, shared, times, total)}


def nodes_of(layer: dict[str, Any]) -> list[str]:
    """Nodes of the ONNX file that an engine layer holds: by its metadata, else by the parts of its name."""
    found = _NODE.findall(layer.get("Metadata") or "")
    return found or [part.strip() for part in str(layer.get("Name", "")).split(" + ")]


def compute_of(layer: dict[str, Any]) -> str:
    """Format that a layer computes in: that of its weights and what it reads, if they agree; tf32 by its tactic.

    Raises `ValueError` if no format can be read, or several: a residual that is added in 16 bit looks the same as
    8 bit that is converted first, and only one of the two is what an 8 bit claim says.
    """
    inputs = [tensor for tensor in layer.get("Inputs", ()) if isinstance(tensor, dict)]
    weights = layer.get("Weights")
    if isinstance(weights, dict) and inputs:
        inputs = [inputs[0], {"DataType": weights.get("Type", "")}]
    found = sorted({fmt for fmt in map(format_of, inputs) if fmt and fmt not in ("int32", "int64", "bool")})
    if len(found) != 1:
        what = " and ".join(found) or "no format"
        raise ValueError(
            f"the engine inspector tells {what} of layer {layer.get('Name', '?')}: what it computes in is open"
        )
    tactic = str(layer.get("TacticName", ""))
    return "tf32" if found[0] == "fp32" and _TF32.search(tactic) else found[0]


def format_of(tensor: dict[str, Any]) -> str:
    """Element type of a tensor in the inspector's words; empty if it cannot be told."""
    words = " ".join(str(tensor.get(key, "")) for key in ("DataType", "Datatype", "Format/Datatype", "Format")).lower()
    return next((fmt for fmt, pattern in _WORDS if re.search(pattern, words)), "")


def _rest(
    layers: list[dict[str, Any]], shared: dict[int, int], times: dict[str, float], total: float
) -> list[dict[str, Any]]:
    spent: dict[str, list[float]] = {}
    for layer in layers:
        if id(layer) not in shared and layer["Name"] in times:
            spent.setdefault(_kind(layer), []).append(times[layer["Name"]])
    return [
        {"op_type": kind, "count": len(each), "time_share": sum(each) / total if total else 0.0}
        for kind, each in sorted(spent.items())
    ]


def _kind(layer: dict[str, Any]) -> str:
    """``Cast`` for what only converts between formats, as the judge calls it; else the engine's word."""
    kind = str(layer.get("LayerType", "other"))
    return "Cast" if _CONVERTS.search(kind) else kind
