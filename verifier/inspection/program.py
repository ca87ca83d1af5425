"""A ``torch.export`` program (.pt2) read as what it is, a zip of JSON and raw tensors, before PyTorch may see it.

``torch.export.load`` would run code from a hostile file in four ways: it unpickles weights, constants and sample
inputs, it evaluates symbolic sizes with sympy, it looks operators up by attribute, and it compiles names and guards
that are in the file into Python. `read` refuses whatever could; `wash` writes a copy with nothing else in it, in a
fixed order, so that the same program gives the same bytes.

Runs inside the worker: standard library and numpy, syntax of Python 3.8. Format: torch/_export/serde/schema.py,
schema version 8, and torch/export/pt2_archive of PyTorch 2.13.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import zipfile
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

SUFFIX = ".pt2"
FORMATS = {
    1: "uint8",
    2: "int8",
    3: "int16",
    4: "int32",
    5: "int64",
    6: "fp16",
    7: "fp32",
    8: "fp64",
    12: "bool",
    13: "bf16",
    28: "uint16",
    29: "fp8_e4m3fn",
    30: "fp8_e5m2",
    31: "fp8_e4m3fnuz",
    32: "fp8_e5m2fnuz",
    33: "fp8_e8m0",
}
"""Number formats by the schema's ``ScalarType``."""
_NUMPY = {
    "uint8": "u1",
    "int8": "i1",
    "int16": "<i2",
    "int32": "<i4",
    "int64": "<i8",
    "fp16": "<f2",
    "fp32": "<f4",
    "fp64": "<f8",
    "bool": "?",
    "bf16": "<u2",
    "uint16": "<u2",
}
"""Arrays of a format; one that numpy lacks is handed out as its codes (``u1``)."""

_MOST_ENTRIES = 200_000
_MOST_JSON = 512 * 2**20
_CONTROL = ("archive_format", "archive_version", "byteorder", "version", ".data/version")
_DROPPED = (".data/serialization_id", ".format_version", ".storage_alignment")
_NAME = re.compile(r"(?:(?!__)[A-Za-z_][A-Za-z0-9_]*)?")
_PATH = re.compile(r"(?!__)[A-Za-z0-9_]*(?:\.(?!__)[A-Za-z0-9_]+)*")
_WORD = re.compile(r"[A-Za-z0-9_.:+\-]*")
_TEXT = re.compile(r"[A-Za-z0-9_ ,.>-]{0,200}")
_TOKEN = re.compile(r"\s*(?:([A-Za-z_]\w*)|'[a-z]{1,4}\d+'|\d+(?:\.\d+)?(?:e[+-]?\d+)?|<=|>=|[-+*/(),<>=])")
_SYMBOL = re.compile(r"[a-z]{1,4}\d+")
_ALONE = re.compile(r"Symbol\('([a-z]{1,4}\d+)'[A-Za-z ,=]*\)")
_FUNCTIONS = frozenset(
    (  # noqa: SIM905 - a list of words is read more easily
        "FloorDiv ModularIndexing Where PythonMod Mod CleanDiv CeilToInt FloorToInt CeilDiv LShift RShift PowByNatural "
        "FloatPow FloatTrueDiv IntTrueDiv TruncToFloat TruncToInt RoundToInt RoundDecimal ToFloat Identity "
        "IsNonOverlappingAndDenseIndicator Max Min Eq Ne Lt Le Gt Ge And Or Not Abs True False oo "
        "Symbol Integer Rational Add Mul Pow positive integer nonnegative negative nonzero real"
    ).split()
)
"""What symbolic sizes are written with; sympy would evaluate any other expression as Python."""
_SPACES = ("aten", "prims", "torchao", "quantized", "quantized_decomposed", "lynxspec")
"""Operator libraries whose operators compute and do nothing else; `_FORBIDDEN` are the exceptions."""
_FORBIDDEN = re.compile(r".*(from_file|save|load|print|unpickle|prepack_pickle|compile|import).*")
_HIGHER = ("cond", "while_loop", "scan", "map_impl", "wrap_with_set_grad_enabled", "wrap_with_autocast")
_PYTHON = {
    "_operator": "add sub mul floordiv mod truediv neg eq ne lt le gt ge and_ or_ not_ getitem pow pos".split(),  # noqa: SIM905 - as above
    "math": "ceil floor trunc sqrt".split(),  # noqa: SIM905 - as above
    "torch": "sym_int sym_float sym_max sym_min sym_not sym_ite sym_sum sym_sqrt".split(),  # noqa: SIM905 - as above
}
_KINDS = {
    **dict.fromkeys(("as_string", "as_strings"), (_TEXT, "an operator is given the text {value!r}")),
    **dict.fromkeys(("name", "as_name", "forward_arg_names"), (_NAME, "{value!r} is no name of a tensor")),
    **dict.fromkeys(
        ("parameter_name", "buffer_name", "tensor_constant_name", "fqn"), (_PATH, "{value!r} is no path of a module")
    ),
}
"""What a string may be by its place; other places have `_WORD`."""
_TREES = (None, "builtins.tuple", "builtins.list", "builtins.dict", "collections.OrderedDict")


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
        kind = np.dtype(_NUMPY.get(tensor.format, "u1"))
        flat = np.frombuffer(data, kind)[tensor.offset :]
        steps = [step * kind.itemsize for step in tensor.strides]
        return np.lib.stride_tricks.as_strided(flat, tensor.shape, steps, writeable=False)


class _Parts(NamedTuple):
    model: dict[str, Any]
    payload: dict[str, dict[str, Any]]
    """By ``weights`` and ``constants``: path and meta of each tensor."""
    root: str
    entries: dict[str, zipfile.ZipInfo]


def read(path: str) -> Program:
    """The program in a file; raises `ValueError` for anything but JSON and raw tensors, and says what it is."""
    with zipfile.ZipFile(path) as archive:
        parts = _parts(archive, os.path.basename(path))
    return _program(path, parts)


def wash(path: str, target: str) -> None:
    """Write the program to ``target`` as PyTorch loads it, with nothing in it that `read` did not look at.

    Left out: sample inputs (a pickle), guards (Python), stack traces (with the paths of whoever exported it), and the
    archive's random serial number.
    """
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as out:
        parts = _parts(archive, os.path.basename(path))
        files: dict[str, Any] = {"archive_format": b"pt2", "archive_version": b"0", "byteorder": b"little"}
        files[".data/version"] = b"6\n"
        files["models/model.json"] = _compact(parts.model)
        files["data/sample_inputs/model.pt"] = b""
        for kind, rows in parts.payload.items():
            files[f"data/{kind}/model_{kind}_config.json"] = _compact({"config": rows})
            files.update({f"data/{kind}/{row['path_name']}": None for row in rows.values()})
        for name, data in files.items():
            info = zipfile.ZipInfo("archive/" + name, (1980, 1, 1, 0, 0, 0))
            if data is not None:
                out.writestr(info, data)
                continue
            info.file_size = parts.entries[name].file_size
            with archive.open(parts.entries[name]) as source, out.open(info, "w") as copy:
                shutil.copyfileobj(source, copy, 2**20)


def _compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode("utf-8")


def _parts(archive: zipfile.ZipFile, title: str) -> _Parts:
    listed = archive.infolist()
    if not listed or len(listed) > _MOST_ENTRIES:
        raise ValueError(f"{title} is no exported program: it has {len(listed)} entries")
    root = listed[0].filename.split("/", 1)[0] + "/"
    entries: dict[str, zipfile.ZipInfo] = {}
    for info in listed:
        if not info.filename.startswith(root) or info.compress_type != zipfile.ZIP_STORED:
            raise ValueError(f"{title}: entry {info.filename!r} is compressed or outside the archive's one folder")
        if info.filename[len(root) :] in entries:
            raise ValueError(f"{title}: entry {info.filename!r} is there twice")
        entries[info.filename[len(root) :]] = info
    models = [name for name in entries if name.startswith("models/")]
    if len(models) != 1:
        raise ValueError(f"{title} is no exported program: it holds {len(models)} models, not one")
    model = models[0][len("models/") : -len(".json")]
    _known_entries(entries, model, title)
    order = archive.read(entries["byteorder"]) if "byteorder" in entries else b"little"
    if order != b"little":
        raise ValueError(f"{title} is written in byte order {order!r}; little is read")
    payload = {kind: _payload(archive, entries, kind, model, title) for kind in ("weights", "constants")}
    document = _json(archive, entries[models[0]], title)
    return _Parts(_checked(document, title), payload, root, entries)


def _known_entries(entries: dict[str, zipfile.ZipInfo], model: str, title: str) -> None:
    """Compiled code (``data/aotinductor``), TorchScript and whatever else has no place in it."""
    for name in entries:
        known = (
            name in (*_CONTROL, *_DROPPED, f"models/{model}.json", f"data/sample_inputs/{model}.pt")
            or re.fullmatch(r"data/(weights|constants)/[A-Za-z0-9_.\-]+", name)
            or name.startswith("extra/")
        )
        if not known:
            raise ValueError(f"{title} holds {name!r}: only a graph as JSON and raw tensors are read, never code")


def _json(archive: zipfile.ZipFile, info: zipfile.ZipInfo, title: str) -> Any:
    if info.file_size > _MOST_JSON:
        raise ValueError(f"{title}: {info.filename} has {info.file_size} bytes, more than {_MOST_JSON}")
    try:
        return json.loads(archive.read(info).decode("utf-8"))
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise ValueError(f"{title}: {info.filename} is no JSON: {error}") from error


def _payload(
    archive: zipfile.ZipFile, entries: dict[str, zipfile.ZipInfo], kind: str, model: str, title: str
) -> dict[str, Any]:
    """Where each tensor lies; pickles and script objects are refused."""
    name = f"data/{kind}/{model}_{kind}_config.json"
    if name not in entries:
        raise ValueError(
            f"{title} has no {name}: programs of this form are written by PyTorch 2.9 and later; export it again"
        )
    rows = _json(archive, entries[name], title)["config"]
    for tensor, row in rows.items():
        meta = row.get("tensor_meta")
        if row.get("use_pickle") is not False or not isinstance(meta, dict):
            raise ValueError(
                f"{title}: {tensor} is stored as a pickle, which is never loaded; unwrap tensor subclasses before "
                "exporting, so that raw tensors are stored"
            )
        _stored(title, tensor, row, entries.get(f"data/{kind}/{row['path_name']}"))
    return dict(sorted(rows.items()))


def _stored(title: str, name: str, row: dict[str, Any], info: zipfile.ZipInfo | None) -> None:
    """Refuse meta data that do not fit the bytes: reading would run out of them."""
    meta = row["tensor_meta"]
    sizes, strides = _numbers(meta["sizes"]), _numbers(meta["strides"])
    offset = _numbers([meta["storage_offset"]])[0]
    fits = _PATH.fullmatch(name) and info is not None and meta["dtype"] in FORMATS and len(sizes) == len(strides)
    if fits and info is not None:
        width = np.dtype(_NUMPY.get(FORMATS[meta["dtype"]], "u1")).itemsize
        span = offset + 1 + sum((size - 1) * step for size, step in zip(sizes, strides)) if all(sizes) else 0
        fits = min([offset, *sizes, *strides]) >= 0 and span * width <= info.file_size
    if not fits:
        raise ValueError(f"{title}: the bytes of {name} are not what its shape and number format say")


def _numbers(sizes: list[Any]) -> list[int]:
    found = [size.get("as_int") if isinstance(size, dict) else size for size in sizes]
    whole = [size for size in found if isinstance(size, int) and not isinstance(size, bool)]
    if len(whole) != len(found):
        raise ValueError("a stored tensor has a symbolic size")
    return whole


def _checked(document: Any, title: str) -> dict[str, Any]:
    """The model without what is not needed; every string that PyTorch would make code of is looked at."""
    if not isinstance(document, dict) or not isinstance(document.get("graph_module"), dict):
        raise ValueError(f"{title} is no exported program: its model has no graph")  # noqa: TRY004 - the file is at fault
    if document.get("schema_version", {}).get("major") != 8:
        raise ValueError(f"{title} is of schema version {document.get('schema_version')}; 8 is read: export it again")
    model = dict(document, guards_code=[])
    try:
        clean: dict[str, Any] = _walk(model, "", ())
    except RecursionError as error:
        raise ValueError(f"{title} is nested too deeply") from error
    except ValueError as error:
        raise ValueError(f"{title}: {error}") from error
    return clean


def _walk(value: Any, key: str, path: tuple[str, ...]) -> Any:
    """A copy of the document in which every string is of the kind that its place asks for."""
    if isinstance(value, dict):
        if key == "metadata":
            return {"nn_module_stack": value["nn_module_stack"]} if _is_stack(value.get("nn_module_stack")) else {}
        if key in ("custom_obj_values", "as_custom_obj", "custom_obj") and value:
            raise ValueError("it holds an object of a class, which only a pickle could restore")
        if any(not _PATH.fullmatch(name) for name in value):
            raise ValueError(f"a name in {'.'.join(path)} is not made of letters, digits and underscores")
        return {name: _walk(inner, name, (*path[-4:], name)) for name, inner in value.items()}
    if isinstance(value, list):
        return [_walk(inner, key, path) for inner in value]
    if isinstance(value, str):
        _string(value, key)
    elif isinstance(value, float) and value not in (float("inf"), float("-inf")) and value != value:  # noqa: PLR0124
        raise ValueError(f"{key} is not a number")
    return value


def _is_stack(value: Any) -> bool:
    """``id,path,type;...``: PyTorch splits these strings and does nothing else with them."""
    return isinstance(value, str) and len(value) < 10_000 and re.fullmatch(r"[\w.,;@\[\]()' -]*", value) is not None


def _string(value: str, key: str) -> None:
    if key in ("target", "as_operator"):
        _operator(value)
    elif key == "expr_str":
        _expression(value)
    elif key in ("in_spec", "out_spec"):
        _tree(json.loads(value)[1])
    else:
        pattern, words = _KINDS.get(key, (_WORD, "a {key} is {value!r}"))
        if not pattern.fullmatch(value):
            raise ValueError(words.format(key=key, value=value[:60]))


def _operator(target: str) -> None:
    """Only operators that compute: attribute look-up would reach any function of PyTorch."""
    parts = target.split(".")
    names = all(re.fullmatch(r"(?!__)[A-Za-z_0-9]+", part) for part in parts)
    if names and parts[:2] == ["torch", "ops"] and len(parts) in (4, 5):
        if parts[2] == "higher_order" and parts[3] in _HIGHER:
            return
        if parts[2] in _SPACES and not _FORBIDDEN.fullmatch(parts[3]):
            return
    if names and len(parts) == 2 and parts[1] in _PYTHON.get(parts[0], ()):
        return
    raise ValueError(f"the operator {target[:80]!r} is not among those that are run from a file")


def _expression(text: str) -> None:
    at, depth = 0, 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        word = match[1] if match else None
        if match is None or len(text) > 2000 or (word and word not in _FUNCTIONS and not _SYMBOL.fullmatch(word)):
            raise ValueError(f"the size {text[:60]!r} is no arithmetic over symbols")
        depth += match[0].count("(") - match[0].count(")")
        if "**" in text or depth > 50:
            raise ValueError(f"the size {text[:60]!r} is no plain arithmetic over symbols")
        at = match.end()
        if not text[at:].strip():
            break


def _tree(spec: Any) -> None:
    """How inputs and outputs are nested; classes would have to be imported."""
    if spec["type"] not in _TREES:
        raise ValueError(f"inputs or outputs are of the class {spec['type']!r}; return a dict, a tuple or a tensor")
    for child in spec["children_spec"]:
        _tree(child)


def _program(path: str, parts: _Parts) -> Program:
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


def _tensor(parts: _Parts, name: str, kind: str) -> Tensor:
    for folder, rows in parts.payload.items():
        if name in rows:
            meta = rows[name]["tensor_meta"]
            sizes, strides = tuple(_numbers(meta["sizes"])), tuple(_numbers(meta["strides"]))
            offset = _numbers([meta["storage_offset"]])[0]
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
