"""A ``torch.export`` program (.pt2): its operators in order and the tensors that it holds, read without PyTorch.

Runs inside the worker: standard library and numpy, syntax of Python 3.8. What may be in such a file, and what is
refused, is in `verifier.inspection.program_archive`.
"""

from __future__ import annotations

import json
import os
import re
import zipfile
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from verifier.inspection.program_archive import FORMATS, NUMPY, Parts, numbers, parts_of

_ALONE = re.compile(r"Symbol\('([a-z]{1,4}\d+)'[A-Za-z ,=]*\)")


class Tensor(NamedTuple):
    """A parameter, buffer or constant, as stored."""

    name: str
    format: str
    """What the file stores, whatever a tensor subclass would say of itself."""
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int
    entry: str
    kind: str
    """``parameter``, ``buffer`` or ``constant``."""

    @property
    def elements(self) -> int:
        """How many values."""
        return int(np.prod(self.shape, dtype=np.int64))


class Node(NamedTuple):
    """One operator call."""

    name: str
    target: str
    """``aten.linear``, ``torchao.dequantize_affine``: library and operator, without its overload."""
    arguments: dict[str, Any]
    """By parameter name: a `Ref` for a tensor of the graph, a list of them, or the plain value."""
    outputs: tuple[str, ...]
    module: str
    """Path of the module that it was traced from; empty where not recorded."""


class Ref(str):
    """Name of a tensor in the graph."""

    __slots__ = ()


class Program(NamedTuple):
    """A program: its operators in order, and the tensors that it holds."""

    path: str
    nodes: tuple[Node, ...]
    tensors: dict[str, Tensor]
    """By the name that the graph gives them."""
    inputs: tuple[str, ...]
    """Names, those given by keyword last."""
    keywords: int
    """How many are given by keyword."""
    placed: tuple[str, ...]
    """The same inputs as the graph names them."""
    outputs: tuple[tuple[str, str], ...]
    """Name and tensor of the graph."""
    formats: dict[str, str]
    """Number format of each tensor of the graph."""
    shapes: dict[str, tuple[int | str, ...]]
    """Sizes; a free one by its symbol."""
    libraries: frozenset[str]
    """Operator libraries that it needs."""
    ranges: dict[str, tuple[int | None, int | None]]
    """Smallest and largest value of each free size."""

    def array(self, tensor: Tensor) -> Any:
        """Values of a tensor; those of a format without a numpy type as codes."""
        with zipfile.ZipFile(self.path) as archive:
            data = archive.read(tensor.entry)
        kind = np.dtype(NUMPY.get(tensor.format, "u1"))
        flat = np.frombuffer(data, kind)[tensor.offset :]
        steps = [step * kind.itemsize for step in tensor.strides]
        return np.lib.stride_tricks.as_strided(flat, tensor.shape, steps, writeable=False)


def read(path: str) -> Program:
    """The program in a file; raises `ValueError` for anything but JSON and raw tensors, and says what it is."""
    with zipfile.ZipFile(path) as archive:
        parts = parts_of(archive, os.path.basename(path))
    return _program(path, parts)


def _program(path: str, parts: Parts) -> Program:
    module = parts.model["graph_module"]
    graph = module["graph"]
    signature = module["signature"]
    tensors: dict[str, Tensor] = {}
    users: list[str] = []
    for spec in signature["input_specs"]:
        ((kind, row),) = spec.items()
        if kind == "user_input":
            users.append(_single(row["arg"], title=os.path.basename(path)))
        elif kind in ("parameter", "buffer", "tensor_constant"):
            name = row[kind + "_name"]
            stored = _tensor(parts, name, "constant" if kind == "tensor_constant" else kind)
            tensors[row["arg"]["name"]] = stored
        else:
            raise ValueError(f"{os.path.basename(path)}: an input is of kind {kind}, which is not read")
    metas = graph["tensor_values"]
    libraries = frozenset(target.split(".")[2] for target in _targets(graph) if target.startswith("torch.ops."))
    return Program(
        path,
        tuple(_node(row) for row in graph["nodes"]),
        tensors,
        *_input_names(module, users),
        tuple(users),
        _outputs(module),
        {name: FORMATS.get(meta["dtype"], "other") for name, meta in metas.items()},
        {name: tuple(_size(size) for size in meta["sizes"]) for name, meta in metas.items()},
        libraries,
        {
            name: (row.get("min_val"), row.get("max_val"))
            for name, row in parts.model.get("range_constraints", {}).items()
        },
    )


def _targets(graph: dict[str, Any]) -> Iterator[str]:
    for node in graph["nodes"]:
        yield node["target"]
        for argument in node["inputs"]:
            inner = argument["arg"].get("as_graph")
            if inner:
                yield from _targets(inner["graph"])


def _single(argument: dict[str, Any], title: str) -> str:
    ((kind, value),) = argument.items()
    if kind != "as_tensor":
        raise ValueError(f"{title}: an input of the model is no tensor ({kind})")
    return str(value["name"])


def _size(size: dict[str, Any]) -> int | str:
    if "as_int" in size:
        return int(size["as_int"])
    text = str(size["as_expr"]["expr_str"])
    alone = _ALONE.fullmatch(text)
    return alone[1] if alone else text


def _tensor(parts: Parts, name: str, kind: str) -> Tensor:
    for folder, rows in parts.payload.items():
        if name in rows:
            meta = rows[name]["tensor_meta"]
            sizes, strides = tuple(numbers(meta["sizes"])), tuple(numbers(meta["strides"]))
            offset = numbers([meta["storage_offset"]])[0]
            entry = f"{parts.root}data/{folder}/{rows[name]['path_name']}"
            return Tensor(name, FORMATS[meta["dtype"]], sizes, strides, offset, entry, kind)
    raise ValueError(f"the tensor {name} is not in the file")


def _node(row: dict[str, Any]) -> Node:
    stack = row["metadata"].get("nn_module_stack", "")
    module = stack.split(";")[-1].split(",")[1] if stack.count(",") >= 2 else ""
    module = "" if module.startswith("_empty") else module
    arguments = {entry["name"] or str(at): _value(entry["arg"]) for at, entry in enumerate(row["inputs"])}
    outputs = tuple(
        value["name"]
        for output in row["outputs"]
        for values in (output.get("as_tensor"), *(output.get("as_tensors") or ()))
        for value in ([values] if values else [])
    )
    words = row["target"].split(".")
    target = ".".join(words[2:4]) if row["target"].startswith("torch.ops.") else row["target"]
    name = row.get("name") or (outputs[0] if outputs else row["target"])
    return Node(name, target, arguments, outputs, module)


def _value(argument: dict[str, Any]) -> Any:  # noqa: PLR0911 - one return for each kind of argument
    ((kind, value),) = argument.items()
    if kind == "as_tensor":
        return Ref(value["name"])
    if kind == "as_tensors":
        return [Ref(each["name"]) for each in value]
    if kind == "as_optional_tensor":
        return _value(value) if isinstance(value, dict) and "as_tensor" in value else None
    if kind in ("as_sym_int", "as_sym_float", "as_sym_bool"):
        return next(iter(value.values()))
    if kind == "as_sym_ints":
        return [next(iter(each.values())) for each in value]
    if kind == "as_scalar_type":
        return FORMATS.get(value, "other")
    return None if kind == "as_none" else value


def _top(module: dict[str, Any]) -> dict[str, Any]:
    """How the model itself is called."""
    rows = [row["signature"] for row in module["module_call_graph"] if row["fqn"] == "" and row["signature"]]
    return rows[0] if rows else {}


def _keys(spec: dict[str, Any]) -> list[Any]:
    context = spec["context"]
    return list(json.loads(context) if isinstance(context, str) else context or ())


def _input_names(module: dict[str, Any], users: list[str]) -> tuple[tuple[str, ...], int]:
    """As the module's ``forward`` calls them, and how many go by keyword; else the graph's own names."""
    top = _top(module)
    if not top:
        return tuple(users), 0
    spec = json.loads(top["in_spec"])[1]
    keywords = _keys(spec["children_spec"][1])
    leaves = [child for each in spec["children_spec"] for child in each["children_spec"]]
    if len(leaves) != len(users) or any(leaf["type"] is not None for leaf in leaves):
        raise ValueError("an input of the model is a list or a dict; give each tensor by itself")
    names = list(top.get("forward_arg_names") or ())
    plain = len(users) - len(keywords)
    names = [*(names[:plain] if len(names) >= plain else users[:plain]), *keywords]
    return (tuple(names) if len(set(names)) == len(names) else tuple(users)), len(keywords)


def _outputs(module: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """Keys of the dict that the module returns; else ``output``, or ``output_0``, ``output_1``, ..."""
    found = [
        (kind, row["arg"])
        for spec in module["signature"]["output_specs"]
        for kind, row in spec.items()
        if kind == "user_output"
    ]
    tensors = [_single(argument, "the model's output") for _, argument in found]
    top = _top(module)
    names = [f"output_{at}" for at in range(len(tensors))] if len(tensors) != 1 else ["output"]
    if top:
        spec = json.loads(top["out_spec"])[1]
        if spec["type"] in ("builtins.dict", "collections.OrderedDict"):
            keys = _keys(spec)
            if len(keys) == len(tensors) and all(isinstance(key, str) for key in keys):
                names = keys
    return tuple(zip(names, tensors))
