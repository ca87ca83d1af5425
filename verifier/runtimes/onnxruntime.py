"""ONNX Runtime as an engine: sessions whose settings are all named, and what its optimized graph really computes.

Runs inside the worker process: standard library, numpy, onnxruntime and onnx, syntax of Python 3.8.
"""

from __future__ import annotations

import functools
import json
import os
import statistics
import tempfile
from typing import Any

from verifier.runtimes._examined import examine_apart
from verifier.runtimes._onnxruntime_devices import (
    COMPILING,
    DEVICE_OPTIONS,
    DISTRIBUTIONS,
    DeviceSession,
    device_options,
    on_device,
    probe,
    provider_entry,
    uses_tf32,
)
from verifier.runtimes.runtime import Runtime

_LEVELS = {
    "disabled": "ORT_DISABLE_ALL",
    "basic": "ORT_ENABLE_BASIC",
    "extended": "ORT_ENABLE_EXTENDED",
    "all": "ORT_ENABLE_ALL",
}
_MODES = {"sequential": "ORT_SEQUENTIAL", "parallel": "ORT_PARALLEL"}
_OPTIONS = (
    "intra_op_threads",
    "inter_op_threads",
    "graph_optimization",
    "execution_mode",
    "mem_arena",
    "mem_pattern",
    "prepacking",
    "flush_denormals",
    "spinning",
    "deterministic",
    *DEVICE_OPTIONS,
)
_CONTROL = ("If", "Loop", "Scan")
_PROFILED_RUNS = 5
"""Runs whose kernel times are added up, after one that is not counted."""


class _Session:
    """An inference session and the names of its outputs."""

    def __init__(self, session: Any) -> None:
        self.session = session
        self.outputs = [output.name for output in session.get_outputs()]
        self.inputs = [entry.name for entry in session.get_inputs()]


def _whole(options: dict[str, Any], name: str, default: int) -> int:
    value = options.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"option {name} must be a whole number, not {value!r}")
    return value


def _choice(options: dict[str, Any], name: str, default: str, words: dict[str, str]) -> str:
    value = options.get(name, default)
    if value not in words:
        raise ValueError("option {} must be one of {}, not {!r}".format(name, ", ".join(words), value))
    return words[value]


def _flag(options: dict[str, Any], name: str, default: bool) -> bool:
    value = options.get(name, default)
    if not isinstance(value, bool):
        raise TypeError(f"option {name} must be true or false, not {value!r}")
    return value


def _session_options(options: dict[str, Any]) -> Any:
    """Options as ONNX Runtime takes them; no option of a claim can name a file or a library."""
    import onnxruntime as ort

    unknown = sorted(set(options).difference(_OPTIONS))
    if unknown:
        raise ValueError("unknown session options {}; known are {}".format(", ".join(unknown), ", ".join(_OPTIONS)))
    settings = ort.SessionOptions()
    settings.intra_op_num_threads = _whole(options, "intra_op_threads", 0)
    settings.inter_op_num_threads = _whole(options, "inter_op_threads", 0)
    level = _choice(options, "graph_optimization", "all", _LEVELS)
    settings.graph_optimization_level = ort.GraphOptimizationLevel.__members__[level]
    settings.execution_mode = ort.ExecutionMode.__members__[_choice(options, "execution_mode", "sequential", _MODES)]
    settings.enable_cpu_mem_arena = _flag(options, "mem_arena", True)
    settings.enable_mem_pattern = _flag(options, "mem_pattern", True)
    settings.use_deterministic_compute = _flag(options, "deterministic", False)
    settings.add_session_config_entry("session.disable_prepacking", "0" if _flag(options, "prepacking", True) else "1")
    settings.add_session_config_entry(
        "session.set_denormal_as_zero", "1" if _flag(options, "flush_denormals", False) else "0"
    )
    spinning = "1" if _flag(options, "spinning", True) else "0"
    settings.add_session_config_entry("session.intra_op.allow_spinning", spinning)
    settings.add_session_config_entry("session.inter_op.allow_spinning", spinning)
    settings.log_severity_level = 3
    return settings


def _start(path: str, provider: str, settings: Any, options: dict[str, Any] | None = None) -> Any:
    """A session on that provider alone; falling back to another one is an error."""
    import onnxruntime as ort

    available = ort.get_available_providers()
    if provider not in available:
        raise ValueError("provider {} is not in this build, which has {}".format(provider, ", ".join(available)))
    session = ort.InferenceSession(path, settings, providers=[provider_entry(provider, options or {})])
    session.disable_fallback()
    used = session.get_providers()
    if not used or used[0] != provider:
        raise RuntimeError("provider {} was asked for, but the session runs on {}".format(provider, ", ".join(used)))
    return session


def open_session(path: str, provider: str, options: dict[str, Any]) -> _Session | DeviceSession:
    """Load a model."""
    device_options(provider, options)
    examine_apart(path)
    session = _start(path, provider, _session_options(options), options)
    return DeviceSession(session, options) if on_device(provider) else _Session(session)


def run(session: _Session | DeviceSession, inputs: dict[str, Any]) -> dict[str, Any]:
    """Run once, all outputs."""
    if isinstance(session, DeviceSession):
        return session.call(inputs)
    return dict(zip(session.outputs, session.session.run(session.outputs, inputs)))


def bare(session: _Session | DeviceSession) -> Any:
    """ONNX Runtime's own call, as its documentation shows it."""
    if isinstance(session, DeviceSession):
        return session.bare
    return functools.partial(session.session.run, session.outputs)


def executed(path: str, provider: str, options: dict[str, Any], inputs: dict[str, Any]) -> dict[str, Any]:
    """Optimize and profile: products of the optimized graph by compute format, with their share of kernel time."""
    from verifier.inspection.graph import examine, load
    from verifier.inspection.ledger import layers, product_rows, survey, tensor_groups

    examine(path)
    device_options(provider, options)
    if provider in COMPILING:
        raise ValueError(f"{provider} compiles parts of the graph, and ONNX Runtime does not show what is in them")
    settings = _session_options(options)
    with tempfile.TemporaryDirectory(prefix="lynxspec-") as folder:
        optimized = os.path.join(folder, "optimized.onnx")
        settings.optimized_model_filepath = optimized
        settings.enable_profiling = True
        settings.profile_file_prefix = os.path.join(folder, "profile")
        session = _start(_named(path, folder), provider, settings, options)
        outputs = [output.name for output in session.get_outputs()]
        for _ in range(_PROFILED_RUNS + 1):
            session.run(outputs, inputs)
        with open(session.end_profiling(), encoding="utf-8") as file:
            events = json.load(file)
        times, types = _kernel_times(events), _kernel_types(events)
        found = survey(load(optimized), executed=True)
    # a loop's own time holds that of the nodes inside it
    total = sum(time for node, (time, _) in times.items() if types[node] not in _CONTROL) or 1
    named = layers(found)
    made = {product.node for product in found.products}
    ran_on = _providers(times, made) or provider
    if on_device(provider):
        # the profile has the time in which a call was handed over, not that of the device
        timed = {"operators": _untimed(found.products), "layers": product_rows(found.products), "time": []}
        if uses_tf32(path, provider, options, inputs):
            _as_tf32((*timed["operators"], *timed["layers"]))
    else:
        timed = {
            "operators": _timed_groups(found.products, times, total),
            "layers": _timed_layers(product_rows(found.products), times, total),
            "time": _other_times(made, times, types, total),
        }
    return {
        "provider": ran_on,
        **timed,
        "tensors": tensor_groups(found.entries),
        "float_products": [
            {"name": product.node, "op_type": product.op_type, "dequantized": product.dequantized}
            for product in found.products
            if product.compute not in ("int8", "int16")
        ],
        "first_layer": named["first_layer"],
        "last_layer": named["last_layer"],
    }


def _providers(times: dict[str, Any], products: set[str]) -> str:
    """Where the products ran; what only counts shapes may well stay on the processor beside a device."""
    ran = {name for node, (_, name) in times.items() if node in products and name}
    return ", ".join(sorted(ran or {name for _, name in times.values() if name}))


def _untimed(found: Any) -> list[dict[str, Any]]:
    from verifier.inspection.ledger import operator_groups

    return [dict(group, time_share=None) for group in operator_groups(found)]


def _as_tf32(rows: Any) -> None:
    for row in rows:
        if row["compute"] == "fp32":
            row["compute"] = "tf32"


def _named(path: str, folder: str) -> str:
    """The profile knows nodes by name: those without one get their first output's, in a copy, and each its own.

    The time of nodes that share a name would be told of all of them together.
    """
    import onnx

    from verifier.inspection.graph import all_nodes, label, load

    model = load(path)
    nodes = all_nodes(model)
    if all(node.name for node in nodes) and len({node.name for node in nodes}) == len(nodes):
        return path
    taken: set[str] = set()
    for node in nodes:
        name, copies = label(node), 1
        while name in taken:
            copies += 1
            name = f"{label(node)}:{copies}"
        taken.add(name)
        node.name = name
    copy = os.path.join(folder, "named.onnx")
    onnx.save(model, copy)
    return copy


def _kernel_times(events: list[dict[str, Any]]) -> dict[str, Any]:
    """Time and provider of each node over all runs but the first, which also allocates.

    The median of its times stands for each of them: one moment in which the host took the processor away would else
    count for the layer that happened to run, and could make a small float layer look like a large one.
    """
    times: dict[str, list[int]] = {}
    providers: dict[str, str] = {}
    suffix = "_kernel_time"
    for event in events:
        name = event.get("name", "")
        if event.get("cat") == "Node" and name.endswith(suffix):
            node = name[: -len(suffix)]
            times.setdefault(node, []).append(int(event["dur"]))
            providers[node] = event.get("args", {}).get("provider", "")
    return {node: (_usual(each[1:]), providers[node]) for node, each in times.items()}


def _usual(times: list[int]) -> float:
    """Sum of the times, were each the median; 0 of none."""
    return statistics.median(times) * len(times) if times else 0.0


def _kernel_types(events: list[dict[str, Any]]) -> dict[str, str]:
    """Operator of each node."""
    suffix = "_kernel_time"
    return {
        event["name"][: -len(suffix)]: event.get("args", {}).get("op_name", "")
        for event in events
        if event.get("cat") == "Node" and event.get("name", "").endswith(suffix)
    }


def _timed_layers(rows: list[dict[str, Any]], times: dict[str, Any], total: float) -> list[dict[str, Any]]:
    return [dict(row, time_share=times[row["node"]][0] / total if row["node"] in times else None) for row in rows]


def _other_times(
    products: set[str], times: dict[str, Any], types: dict[str, str], total: float
) -> list[dict[str, Any]]:
    """Time of all that is no product, by operator: conversions, layouts, activation functions."""
    spent: dict[str, list[float]] = {}
    for node, (time, _) in times.items():
        if node not in products and types[node] and types[node] not in _CONTROL:
            spent.setdefault(types[node], []).append(time)
    return [
        {"op_type": name, "count": len(each), "time_share": sum(each) / total} for name, each in sorted(spent.items())
    ]


def _timed_groups(found: Any, times: dict[str, Any], total: float) -> list[dict[str, Any]]:
    from verifier.inspection.ledger import operator_groups

    groups = []
    for group in operator_groups(found):
        names = {p.node for p in found if (p.op_type, p.compute) == (group["op_type"], group["compute"])}
        spent = sum(times[name][0] for name in names if name in times)
        groups.append(dict(group, time_share=spent / total if total else None))
    return groups


RUNTIME = Runtime(
    name="onnxruntime",
    requires=("onnxruntime",),
    distribution="onnxruntime",
    options=_OPTIONS,
    open=open_session,
    run=run,
    bare=bare,
    executed=executed,
    probe=probe,
    distributions=DISTRIBUTIONS,
)
