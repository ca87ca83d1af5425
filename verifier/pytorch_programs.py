"""``torch.export`` programs in PyTorch: loaded without a pickle, their linear layers made modules again, saved.

Runs inside the worker: standard library, numpy and torch, imported inside the functions; syntax of Python 3.8.
"""

from __future__ import annotations

import functools
import importlib.util
import inspect
import logging
import os
import tempfile
from typing import Any

from verifier.inspection.program import Program, read
from verifier.inspection.program_archive import wash

_REGISTERED: list[Any] = []
"""The operator library below, kept alive; registered once in a process."""
_PACKED: dict[tuple[int, int], tuple[Any, Any, Any]] = {}
"""By address of stored weight and bias: these two, held so that their addresses stay theirs, and the packed form."""


def load(path: str) -> tuple[Program, Any]:
    """The program as read, and as PyTorch's ``ExportedProgram``.

    PyTorch is given a washed copy, in which nothing is left that it would unpickle or evaluate. Raises `ValueError`
    for a file that is not safe, or that needs an operator library which is not installed.
    """
    import torch

    program = read(path)
    _libraries(program)
    with tempfile.TemporaryDirectory(prefix="lynxspec-") as folder:
        clean = os.path.join(folder, "model.pt2")
        wash(path, clean)
        return program, torch.export.load(clean)


def _libraries(program: Program) -> None:
    """Have the operators of the program registered."""
    if "torchao" in program.libraries:
        if importlib.util.find_spec("torchao") is None:
            raise ValueError(
                f"{os.path.basename(program.path)} uses operators of torchao, which this environment lacks; "
                "install the torchao that quantized the model"
            )
        logging.getLogger("torchao").setLevel(logging.ERROR)
        import torchao.quantization  # noqa: F401 - registers its operators
    if "quantized_decomposed" in program.libraries:
        from torch.ao.quantization.fx import _decomposed  # noqa: F401 - registers its operators
    if "lynxspec" in program.libraries:
        register()


def callable_module(exported: Any) -> Any:
    """What is called; PyTorch's guards in Python are left out, since they take time in every call."""
    if "check_guards" in inspect.signature(exported.module).parameters:
        return exported.module(check_guards=False)
    return exported.module()


def with_linear_modules(exported: Any) -> tuple[Any, list[str]]:
    """A module whose linear operators over stored weights are ``torch.nn.Linear`` again, and their names.

    Quantizers look for these modules; exporting turns them into operators.
    """
    import torch

    module = callable_module(exported)
    stored = dict([*module.named_parameters(), *module.named_buffers()])
    found: list[str] = []
    for node in list(module.graph.nodes):
        if node.op != "call_function" or node.target is not torch.ops.aten.linear.default:
            continue
        data, weight, bias = (*node.args, None)[:3]
        names = [each.target if each is not None and each.op == "get_attr" else None for each in (weight, bias)]
        path = str(names[0]).rpartition(".")[0]
        if (
            names[0] != path + ".weight"
            or names[1] not in (None, path + ".bias")
            or (bias is None) != (names[1] is None)
        ):
            continue
        if path not in found:
            module.set_submodule(path, _linear(stored[names[0]], stored.get(names[1]) if names[1] else None))
            found.append(path)
        with module.graph.inserting_before(node):
            call = module.graph.call_module(path, (data,))
        call.meta = dict(node.meta)
        node.replace_all_uses_with(call)
        module.graph.erase_node(node)
    module.graph.eliminate_dead_code()
    module.recompile()
    return module, found


def _linear(weight: Any, bias: Any) -> Any:
    import torch

    layer = torch.nn.Linear(weight.shape[1], weight.shape[0], bias is not None, device="meta", dtype=weight.dtype)
    layer.weight = torch.nn.Parameter(weight.detach(), requires_grad=False)
    if bias is not None:
        layer.bias = torch.nn.Parameter(bias.detach(), requires_grad=False)
    return layer.eval()


def save(module: Any, program: Program, target: str) -> None:
    """Export ``module`` with the inputs, names and free sizes of ``program``, and write it washed."""
    import torch

    arguments, keywords = example(program)
    with tempfile.TemporaryDirectory(prefix="lynxspec-", dir=os.path.dirname(os.path.abspath(target))) as folder:
        raw, clean = os.path.join(folder, "raw.pt2"), os.path.join(folder, "clean.pt2")
        with torch.no_grad():
            exported = torch.export.export(
                module, arguments, keywords, dynamic_shapes=_free(program, arguments, keywords), strict=False
            )
        torch.export.save(exported, raw)
        wash(raw, clean)
        os.replace(clean, target)


def example(program: Program) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Inputs of the shapes that the program takes, all zero."""
    import torch

    kinds = dict(_torch_types())
    made = []
    for name in program.placed:
        shape = [_instance(program, size) for size in program.shapes[name]]
        made.append(torch.zeros(shape, dtype=kinds[program.formats[name]]))
    plain = len(made) - program.keywords
    return tuple(made[:plain]), dict(zip(program.inputs[plain:], made[plain:]))


def _instance(program: Program, size: int | str) -> int:
    """A size that is neither 0 nor 1, which PyTorch treats apart."""
    if isinstance(size, int):
        return size
    if size not in program.ranges:
        raise ValueError(f"the size {size} of an input is computed from others; only free sizes are exported again")
    low, high = program.ranges[size]
    return max(2, low or 0) if high is None else min(max(2, low or 0), high)


def _free(program: Program, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    """Free sizes as ``torch.export`` takes them, one ``Dim`` for each symbol."""
    import torch

    @functools.lru_cache(None)
    def dim(symbol: str) -> Any:
        low, high = program.ranges[symbol]
        return torch.export.Dim(symbol, min=low, max=high)

    rows = [
        {at: dim(size) for at, size in enumerate(program.shapes[name]) if isinstance(size, str)}
        for name in program.placed
    ]
    if not any(rows):
        return None
    # torch.export takes the module's own parameter names; a graph module calls its inputs as the program does
    return (*rows[: len(arguments)],) if not keywords else dict(zip(program.inputs, rows))


def _torch_types() -> list[tuple[str, Any]]:
    import torch

    return [
        ("uint8", torch.uint8),
        ("int8", torch.int8),
        ("int16", torch.int16),
        ("int32", torch.int32),
        ("int64", torch.int64),
        ("fp16", torch.float16),
        ("fp32", torch.float32),
        ("fp64", torch.float64),
        ("bool", torch.bool),
        ("bf16", torch.bfloat16),
    ]


def torch_type(fmt: str) -> Any:
    """PyTorch's type for a number format; raises `ValueError` for one that no input may have."""
    found = dict(_torch_types()).get(fmt)
    if found is None:
        raise ValueError(f"an input in {fmt} is not among those that are fed")
    return found


def register() -> None:
    """Register ``lynxspec::linear_dynamic``: torch.ao's dynamically quantized linear layer over raw tensors.

    torch.ao keeps such a weight in an object that only a pickle can store. Here the file holds codes, scales and zero
    points, and what is run is torch.ao's own ``quantized::linear_dynamic`` over the weight as it packs it itself.
    """
    import torch

    if _REGISTERED:
        return
    library = torch.library.Library("lynxspec", "DEF")
    _REGISTERED.append(library)
    library.define(
        "linear_dynamic(Tensor input, Tensor weight, Tensor scales, Tensor zero_points, Tensor? bias, "
        "bool reduce_range) -> Tensor"
    )
    library.impl("linear_dynamic", _linear_dynamic, "CPU")
    torch.library.register_fake("lynxspec::linear_dynamic", _linear_shape, lib=library)


def _linear_shape(input: Any, weight: Any, scales: Any, zero_points: Any, bias: Any, reduce_range: bool) -> Any:  # noqa: A002 - the operator's name for it
    del scales, zero_points, bias, reduce_range
    return input.new_empty((*input.shape[:-1], weight.shape[0]))


def _linear_dynamic(input: Any, weight: Any, scales: Any, zero_points: Any, bias: Any, reduce_range: bool) -> Any:  # noqa: A002 - the operator's name for it
    import torch

    key = weight.data_ptr(), bias.data_ptr() if bias is not None else 0
    held = _PACKED.get(key)
    if held is None:
        held = (weight, bias, _pack(weight, scales, zero_points, bias))
        _PACKED[key] = held
    return torch.ops.quantized.linear_dynamic(input, held[2], reduce_range)


def _pack(weight: Any, scales: Any, zero_points: Any, bias: Any) -> Any:
    import torch

    if scales.numel() == 1:
        codes = torch._make_per_tensor_quantized_tensor(weight, float(scales), int(zero_points))  # noqa: SLF001 - no public one
    else:
        codes = torch._make_per_channel_quantized_tensor(weight, scales.double(), zero_points.long(), 0)  # noqa: SLF001 - as above
    return torch.ops.quantized.linear_prepack(codes, bias)
