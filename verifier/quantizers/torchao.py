"""torchao's configurations on ``torch.export`` programs: weight-only, dynamic and static, by layer name.

The program's linear layers are made modules again, quantized by torchao itself, and exported anew with the tensor
subclasses unwrapped, so that the file holds raw codes, scales and zero points and opens without a pickle.

Runs inside the worker: standard library, numpy, torch and torchao, syntax of Python 3.8.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from typing import Any

from verifier import pytorch_recipe as recipe
from verifier.inspection.program_archive import SUFFIX
from verifier.quantizers.quantizer import Quantizer

_FLOAT8_DYNAMIC = "Float8DynamicActivationFloat8WeightConfig"
_WEIGHT_ONLY = ("Int8WeightOnlyConfig", "IntxWeightOnlyConfig", "Float8WeightOnlyConfig")
_DYNAMIC = (
    "Int8DynamicActivationInt8WeightConfig",
    "Int8DynamicActivationIntxWeightConfig",
    _FLOAT8_DYNAMIC,
)
_STATIC = ("Int8StaticActivationInt8WeightConfig",)
_REFUSED = {
    "Int4WeightOnlyConfig": "Int4WeightOnlyConfig packs weights for one kind of GPU, and what it packs is no raw "
    "tensor that another process could open; the same numbers are written by IntxWeightOnlyConfig"
}
_CONFIGS = (*_WEIGHT_ONLY, *_DYNAMIC, *_STATIC)
_OPTIONS: dict[str, tuple[Any, ...]] = {
    "config": (*_CONFIGS, *_REFUSED),
    "device": ("cpu", "cuda"),
    "calibration_order": ("file",),
}
_INTX = tuple(f"int{bits}" for bits in range(1, 9))


def check(job: dict[str, Any]) -> tuple[str, ...]:
    """Why torchao cannot do a recipe; empty if it can."""
    return tuple(_reasons(job))


def _reasons(job: dict[str, Any]) -> Iterator[str]:
    stop = False
    for reason in (*recipe.option_reasons(job, _OPTIONS), *recipe.common_reasons(job)):
        stop = True
        yield reason
    if stop:
        return
    config = recipe.option(job, "config", None)
    if config is None:
        if _fitting(job) is None:
            yield "no configuration of torchao has this scheme; the option config names one: " + ", ".join(_CONFIGS)
        return
    if config in _REFUSED:
        yield _REFUSED[config]
        return
    for reason in (*_weight_reasons(config, job), *_approach_reasons(config, job)):
        yield reason
    if config == _FLOAT8_DYNAMIC:
        for reason in _float8_reasons(recipe.option(job, "device", "cpu")):
            yield reason


def _fitting(job: dict[str, Any]) -> str | None:
    """The first configuration that has the declared scheme, for a recipe that names none."""
    fits = (c for c in _CONFIGS if not any((*_weight_reasons(c, job), *_approach_reasons(c, job))))
    return next(fits, None)


def _weight_reasons(config: str, job: dict[str, Any]) -> Iterator[str]:
    weights = recipe.scheme(job, "weights")
    kind, _ = recipe.granularity(weights)
    intx = "Intx" in config
    formats = _INTX if intx else ("fp8_e4m3fn",) if config.startswith("Float8") else ("int8",)
    if weights["format"] not in formats:
        yield "{} has weights in {}, not {}".format(config, ", ".join(formats), weights["format"])
    kinds = ["per_group", "per_channel"] if intx else ["per_tensor", "per_channel"]
    if config == "Int8WeightOnlyConfig":
        kinds.append("per_group")
    if kind not in kinds:
        yield "{} has weight scales {}, not {}".format(config, " or ".join(kinds), kind)
    if weights.get("symmetry") != "symmetric" and not intx:
        yield f"{config} has symmetric weights"


def _approach_reasons(config: str, job: dict[str, Any]) -> Iterator[str]:
    approach = (job.get("quantization") or {}).get("approach")
    wanted = "weight_only" if config in _WEIGHT_ONLY else "dynamic" if config in _DYNAMIC else "static"
    if approach not in (None, wanted):
        yield f"{config} is {wanted}, the recipe says {approach}"
    calibration = "data" in (job.get("calibration") or {})
    both = ("symmetric", "asymmetric")
    if wanted == "weight_only":
        activations = recipe.scheme(job, "activations")
        if activations and activations["format"] not in recipe.FLOATS:
            yield f"{config} leaves activations alone; the recipe declares {activations['format']}"
    elif wanted == "static":
        for reason in recipe.activation_reasons(
            job, fmt="int8", timing="static", kinds=("per_tensor",), symmetries=("symmetric",)
        ):
            yield reason
        method = (job.get("calibration") or {}).get("method") or {}
        if not calibration or method.get("kind") != "minmax":
            yield "static quantization needs calibration data and method minmax"
    else:
        floating = config.startswith("Float8")
        kinds = ("per_token",) if "Intx" in config else ("per_token", "per_tensor")
        for reason in recipe.activation_reasons(
            job,
            fmt="fp8_e4m3fn" if floating else "int8",
            timing="dynamic",
            kinds=kinds,
            symmetries=("symmetric",) if floating else both,
        ):
            yield reason
        for reason in _pair_reasons(config, job):
            yield reason
    if calibration and wanted != "static":
        yield f"{config} uses no calibration data"


def _pair_reasons(config: str, job: dict[str, Any]) -> Iterator[str]:
    """FP8 has one granularity for both operands."""
    one = recipe.granularity(recipe.scheme(job, "activations"))[0]
    other = recipe.granularity(recipe.scheme(job, "weights"))[0]
    if config.startswith("Float8") and (one == "per_tensor") != (other == "per_tensor"):
        yield f"{config} has per_token with per_channel or per_tensor for both, not {one} with {other}"


def _float8_reasons(device: str) -> Iterator[str]:
    import torch

    if device != "cuda":
        yield f"{_FLOAT8_DYNAMIC} needs the option device: cuda"
    elif not torch.cuda.is_available():
        yield f"{_FLOAT8_DYNAMIC} needs a CUDA device of compute capability 8.9 or more; none is here"
    elif torch.cuda.get_device_capability() < (8, 9):
        major, minor = torch.cuda.get_device_capability()
        yield f"{_FLOAT8_DYNAMIC} needs compute capability 8.9, this device has {major}.{minor}"


def quantize(job: dict[str, Any]) -> dict[str, Any]:
    """Write ``job["output"]``."""
    logging.getLogger("torchao").setLevel(logging.ERROR)
    from torchao.quantization import quantize_
    from torchao.utils import unwrap_tensor_subclass

    from verifier.inspection.program_ledger import survey
    from verifier.pytorch_programs import load, save, with_linear_modules

    program, exported = load(job["model"])
    module, linears = with_linear_modules(exported)
    products = [(product.node, product.op_type) for product in survey(program)[0].products]
    left = recipe.excluded(job, linears, products)
    chosen = [name for name in linears if name not in left]
    if not chosen:
        raise ValueError("the program has no linear layer to quantize: torchao quantizes linear layers alone")
    _fits(job, module, chosen)
    device = recipe.option(job, "device", "cpu")
    module = module.to(device)
    answer: dict[str, Any] = {"samples": None, "digest": None}
    job = dict(job, options=dict(job.get("options") or {}, config=recipe.option(job, "config", None) or _fitting(job)))
    if job["options"]["config"] in _STATIC:
        configs, answer = _calibrated(job, module, chosen, program)
    else:
        configs = dict.fromkeys(chosen, _config(job))
    for name, config in configs.items():
        quantize_(module, config, filter_fn=lambda _, path, wanted=name: path == wanted)
    unwrap_tensor_subclass(module)
    save(module.to("cpu"), program, job["output"])
    return dict(answer, excluded=sorted(left))


def _fits(job: dict[str, Any], module: Any, chosen: list[str]) -> None:
    """Refuse what torchao leaves out: it passes over layers whose width is no multiple of the group, without a word."""
    kind, size = recipe.granularity(recipe.scheme(job, "weights"))
    for name in chosen:
        width = module.get_submodule(name).weight.shape[1]
        if kind == "per_group" and width % size:
            raise ValueError(f"layer {name} has {width} input channels, no multiple of the group of {size}")


def _config(job: dict[str, Any]) -> Any:
    """The configuration with every setting from the recipe."""
    import torch
    import torchao.quantization as ao
    from torchao.quantization.granularity import PerAxis, PerGroup, PerRow, PerTensor
    from torchao.quantization.quant_primitives import MappingType

    weights, activations = recipe.scheme(job, "weights"), recipe.scheme(job, "activations")
    kind, size = recipe.granularity(weights)
    name = recipe.option(job, "config", "")
    rows = {"per_tensor": PerTensor, "per_channel": PerRow, "per_token": PerRow}
    mapping = {"symmetric": MappingType.SYMMETRIC, "asymmetric": MappingType.ASYMMETRIC}
    of_weights = PerGroup(size) if kind == "per_group" else PerAxis(0) if "Intx" in name else rows[kind]()
    if name == "Int8WeightOnlyConfig":
        return ao.Int8WeightOnlyConfig(granularity=of_weights)
    if name == "IntxWeightOnlyConfig":
        return ao.IntxWeightOnlyConfig(
            weight_dtype=_narrow(torch, weights["format"]),
            granularity=of_weights,
            mapping_type=mapping[weights["symmetry"]],
        )
    if name == "Float8WeightOnlyConfig":
        return ao.Float8WeightOnlyConfig(granularity=of_weights)
    of_activations = rows[recipe.granularity(activations)[0]]()
    if name == _FLOAT8_DYNAMIC:
        return ao.Float8DynamicActivationFloat8WeightConfig(granularity=of_weights)
    if name == "Int8DynamicActivationIntxWeightConfig":
        return ao.Int8DynamicActivationIntxWeightConfig(
            weight_dtype=_narrow(torch, weights["format"]),
            weight_granularity=of_weights,
            weight_mapping_type=mapping[weights["symmetry"]],
            act_mapping_type=mapping[activations["symmetry"]],
        )
    return ao.Int8DynamicActivationInt8WeightConfig(
        granularity=[of_activations, of_weights], act_mapping_type=mapping[activations["symmetry"]]
    )


def _narrow(torch: Any, fmt: str) -> Any:
    """``torch.int4`` and its like; `check` has seen to the name."""
    kinds = (torch.int1, torch.int2, torch.int3, torch.int4, torch.int5, torch.int6, torch.int7, torch.int8)
    return dict(zip(_INTX, kinds))[fmt]


def _calibrated(
    job: dict[str, Any], module: Any, chosen: list[str], program: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """A configuration for each layer, with the scale of its inputs by torchao's own min-max observer."""
    import torch
    import torchao.quantization as ao
    from torchao.quantization.granularity import PerRow, PerTensor
    from torchao.quantization.observer import AffineQuantizedMinMaxObserver
    from torchao.quantization.quant_primitives import MappingType

    made = {
        name: AffineQuantizedMinMaxObserver(
            MappingType.SYMMETRIC,
            torch.int8,
            granularity=PerTensor(),
            eps=torch.finfo(torch.float32).eps,
            scale_dtype=torch.float32,
            zero_point_dtype=torch.int8,
        )
        for name in chosen
    }
    ranks: dict[str, int] = {}
    hooks = [
        module.get_submodule(name).register_forward_pre_hook(_observing(name, observer, ranks))
        for name, observer in made.items()
    ]
    samples, digest = _feed(job, module, program)
    for hook in hooks:
        hook.remove()
    kind = recipe.granularity(recipe.scheme(job, "weights"))[0]
    pair = [PerTensor(), PerTensor() if kind == "per_tensor" else PerRow()]
    configs = {}
    for name, observer in made.items():
        if name not in ranks:
            raise ValueError(f"no calibration sample reached the layer {name}")
        scale = observer.calculate_qparams()[0].reshape([1] * ranks[name])  # torchao wants one size for each axis
        configs[name] = ao.Int8StaticActivationInt8WeightConfig(act_quant_scale=scale, granularity=pair)
    return configs, {"samples": samples, "digest": digest}


def _observing(name: str, observer: Any, ranks: dict[str, int]) -> Any:
    def see(_: Any, arguments: tuple[Any, ...]) -> None:
        ranks[name] = arguments[0].dim()
        observer(arguments[0])

    return see


def _feed(job: dict[str, Any], module: Any, program: Any) -> tuple[int, str]:
    """Run the calibration items, in the order of the file; their number and the digest of what was read."""
    import numpy as np
    import torch

    from verifier.pytorch_programs import torch_type
    from verifier.workload import read_inputs

    if not job.get("calibration_data"):
        raise ValueError("static quantization needs calibration data")
    data = job["calibration"]["data"]
    count = min(data["samples"], job.get("limit") or data["samples"])
    arrays = read_inputs(job["calibration_data"], list(program.inputs), count)
    count = len(next(iter(arrays.values())))
    if count < data["samples"] and not job.get("limit"):
        raise ValueError(f"the recipe asks for {data['samples']} calibration samples, the file has {count}")
    kinds = [torch_type(program.formats[name]) for name in program.placed]
    device = recipe.option(job, "device", "cpu")
    read = hashlib.sha256()
    for at in range(0, count, data["batch_size"]):
        batch = [np.ascontiguousarray(arrays[name][at : at + data["batch_size"]]) for name in program.inputs]
        for array in batch:
            read.update(array.tobytes())
        tensors = [torch.from_numpy(array).to(device, kind) for array, kind in zip(batch, kinds)]
        plain = len(tensors) - program.keywords
        with torch.no_grad():
            module(*tensors[:plain], **dict(zip(program.inputs[plain:], tensors[plain:])))
        if job.get("report"):
            job["report"](min(1.0, (at + data["batch_size"]) / count), "calibration")
    return count, read.hexdigest()


def variants(job: dict[str, Any]) -> tuple[tuple[str, str, str, dict[str, Any]], ...]:
    """The recipe with one setting changed at a time."""
    return recipe.variants(job, check)


QUANTIZER = Quantizer(
    name="torchao",
    requires=("torch", "torchao"),
    distribution="torchao",
    options=tuple(_OPTIONS),
    check=check,
    quantize=quantize,
    variants=variants,
    companions=("torch", "numpy", "onnx"),
    reads=(SUFFIX,),
    writes=SUFFIX,
)
