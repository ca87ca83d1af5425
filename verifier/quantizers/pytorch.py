"""torch.ao's eager dynamic quantization, ``quantize_dynamic`` over linear layers, as older claims name it.

torch.ao quantizes the weights. It keeps them in an object that only a pickle can store; the file written here holds
the same codes, scales and zero points as raw tensors, and the runtime packs and runs them with torch.ao's own operator.

Runs inside the worker: standard library, numpy and torch, syntax of Python 3.8.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

from verifier import pytorch_recipe as recipe
from verifier.inspection.program_archive import SUFFIX
from verifier.quantizers.quantizer import Quantizer

_OPTIONS: dict[str, tuple[Any, ...]] = {
    "function": ("quantize_dynamic",),
    "engine": ("x86", "fbgemm", "onednn", "qnnpack"),
}


def check(job: dict[str, Any]) -> tuple[str, ...]:
    """Why torch.ao cannot do a recipe; empty if it can."""
    return tuple(_reasons(job))


def _reasons(job: dict[str, Any]) -> Iterator[str]:
    stop = False
    for reason in (*recipe.option_reasons(job, _OPTIONS), *recipe.common_reasons(job)):
        stop = True
        yield reason
    if stop:
        return
    weights = recipe.scheme(job, "weights")
    if weights["format"] != "int8" or weights.get("symmetry") != "symmetric":
        yield "quantize_dynamic has symmetric int8 weights"
    if recipe.granularity(weights)[0] not in ("per_tensor", "per_channel"):
        yield "quantize_dynamic has weight scales per_tensor or per_channel"
    for reason in recipe.activation_reasons(
        job, fmt="uint8", timing="dynamic", kinds=("per_tensor",), symmetries=("asymmetric",)
    ):
        yield reason
    if (job.get("quantization") or {}).get("approach") not in (None, "dynamic"):
        yield "quantize_dynamic is dynamic"
    if "data" in (job.get("calibration") or {}):
        yield "quantize_dynamic uses no calibration data"


def quantize(job: dict[str, Any]) -> dict[str, Any]:
    """Write ``job["output"]``."""
    import torch

    from verifier.inspection.program_ledger import survey
    from verifier.pytorch_programs import load, register, save, with_linear_modules

    program, exported = load(job["model"])
    module, linears = with_linear_modules(exported)
    products = [(product.node, product.op_type) for product in survey(program)[0].products]
    left = recipe.excluded(job, linears, products)
    chosen = [name for name in linears if name not in left]
    if not chosen:
        raise ValueError("the program has no linear layer to quantize: this verifier has torch.ao quantize those alone")
    engine = recipe.option(job, "engine", None)
    if engine is not None:
        torch.backends.quantized.engine = engine
    register()
    wide = recipe.granularity(recipe.scheme(job, "weights"))[0] == "per_channel"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from torch.ao.quantization import per_channel_dynamic_qconfig, quantize_dynamic
        from torch.ao.quantization.qconfig import default_dynamic_qconfig

        config = per_channel_dynamic_qconfig if wide else default_dynamic_qconfig
        quantized = quantize_dynamic(module, dict.fromkeys(chosen, config), dtype=torch.qint8)
    for name in chosen:
        quantized.set_submodule(name, _raw(quantized.get_submodule(name)))
    save(quantized, program, job["output"])
    return {"samples": None, "digest": None, "excluded": sorted(left)}


def _raw(layer: Any) -> Any:
    """torch.ao's layer with its codes, scales and zero points as plain buffers."""
    import torch

    weight, bias = layer._weight_bias()  # noqa: SLF001 - torch.ao has no other way to both
    if weight.qscheme() in (torch.per_channel_affine, torch.per_channel_symmetric):
        scales, zeros = weight.q_per_channel_scales(), weight.q_per_channel_zero_points()
    else:
        scales, zeros = torch.tensor([weight.q_scale()]), torch.tensor([weight.q_zero_point()])

    class Linear(torch.nn.Module):  # type: ignore[misc]  # torch is not there when types are checked
        """``lynxspec::linear_dynamic``; torch.ao reduces the range of activations for its own kernels."""

        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("weight", weight.int_repr())
            self.register_buffer("scales", scales.float())
            self.register_buffer("zero_points", zeros.to(torch.int8))
            self.register_buffer("bias", bias.detach() if bias is not None else None)

        def forward(self, inputs: Any) -> Any:
            return torch.ops.lynxspec.linear_dynamic(
                inputs, self.weight, self.scales, self.zero_points, self.bias, True
            )

    return Linear()


def variants(job: dict[str, Any]) -> tuple[tuple[str, str, str, dict[str, Any]], ...]:
    """The recipe with one setting changed at a time."""
    return recipe.variants(job, check)


QUANTIZER = Quantizer(
    name="pytorch",
    requires=("torch",),
    distribution="torch",
    options=tuple(_OPTIONS),
    check=check,
    quantize=quantize,
    variants=variants,
    companions=("numpy", "onnx"),
    reads=(SUFFIX,),
    writes=SUFFIX,
)
