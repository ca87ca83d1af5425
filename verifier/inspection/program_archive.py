"""A ``torch.export`` archive (.pt2) as what it is, a zip of JSON and raw tensors, looked at before PyTorch may see it.

``torch.export.load`` would run code from a hostile file in four ways: it unpickles weights, constants and sample
inputs, it evaluates symbolic sizes with sympy, it looks operators up by attribute, and it compiles names and guards
that are in the file into Python. `parts_of` refuses whatever could; `wash` writes a copy with nothing else in it, in a
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
NUMPY = {
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


class Parts(NamedTuple):
    """A file that was looked at."""

    model: dict[str, Any]
    payload: dict[str, dict[str, Any]]
    """By ``weights`` and ``constants``: path and meta of each tensor."""
    root: str
    entries: dict[str, zipfile.ZipInfo]


def wash(path: str, target: str) -> None:
    """Write the program to ``target`` as PyTorch loads it, with nothing in it that `read` did not look at.

    Left out: sample inputs (a pickle), guards (Python), stack traces (with the paths of whoever exported it), and the
    archive's random serial number.
    """
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as out:
        parts = parts_of(archive, os.path.basename(path))
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


def parts_of(archive: zipfile.ZipFile, title: str) -> Parts:
    """What is in the archive; raises `ValueError` for anything but JSON and raw tensors, and says what it is."""
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
    return Parts(_checked(document, title), payload, root, entries)


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
    sizes, strides = numbers(meta["sizes"]), numbers(meta["strides"])
    offset = numbers([meta["storage_offset"]])[0]
    fits = _PATH.fullmatch(name) and info is not None and meta["dtype"] in FORMATS and len(sizes) == len(strides)
    if fits and info is not None:
        width = np.dtype(NUMPY.get(FORMATS[meta["dtype"]], "u1")).itemsize
        span = offset + 1 + sum((size - 1) * step for size, step in zip(sizes, strides)) if all(sizes) else 0
        fits = min([offset, *sizes, *strides]) >= 0 and span * width <= info.file_size
    if not fits:
        raise ValueError(f"{title}: the bytes of {name} are not what its shape and number format say")


def numbers(sizes: list[Any]) -> list[int]:
    """Sizes of a stored tensor, which are plain numbers."""
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
