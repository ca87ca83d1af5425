"""What PyTorch's profiler says was executed: matrix products and convolutions with the format of their operands.

A trace is the Chrome format that ``torch.profiler`` exports. A product is the innermost operator of a known kind: a
``linear`` that calls ``addmm`` is that ``addmm``. On a GPU its time is that of the kernels it launched.

Runs inside the worker: standard library, syntax of Python 3.8.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

_OPERATORS = re.compile(
    r"(aten|mkldnn|onednn|quantized|_quantized)::_?("
    r"linear|addmm|mm|bmm|baddbmm|matmul|int_mm|scaled_mm|addmm_activation|einsum|"
    r"conv[123]d|convolution|mkldnn_convolution|cudnn_convolution\w*|slow_conv\w*|thnn_conv\w*|conv_depthwise\w*|"
    r"nnpack_spatial_convolution|convolution_overrideable|scaled_dot_product\w*|flash_attention_forward|"
    r"efficient_attention_forward|weight_int8pack_mm|weight_int4pack_mm\w*|dyn_quant_matmul\w*|"
    r"lstm|gru|mkldnn_rnn_layer|cudnn_rnn|linear_dynamic|linear_pointwise\w*|convolution_pointwise\w*|"
    r"qlinear\w*|qconv\w*|mkldnn_linear|fbgemm_linear\w*"
    r")"
)
_FORMATS = {
    "float": "fp32",
    "double": "fp64",
    "c10::BFloat16": "bf16",
    "c10::Half": "fp16",
    "signed char": "int8",
    "unsigned char": "int8",
    "c10::Float8_e4m3fn": "fp8_e4m3fn",
    "c10::Float8_e5m2": "fp8_e5m2",
    "c10::qint8": "int8",
    "c10::quint8": "int8",
}
_INTEGER = re.compile(r"linear_dynamic|qlinear|qconv|int_mm|dyn_quant_matmul")
"""Operators that multiply integers although their input is floats."""
_KERNELS = (
    (re.compile(r"tf32|s1688|TF32"), "tf32"),
    (re.compile(r"e4m3|f8f6f4|fp8|float8", re.IGNORECASE), "fp8_e4m3fn"),
    (re.compile(r"imma|i8i8|s8s8|_s8_|i16832gemm|int8", re.IGNORECASE), "int8"),
    (re.compile(r"bf16|bfloat16", re.IGNORECASE), "bf16"),
    (re.compile(r"hgemm|f16f16|h1688|h16816|fp16|half", re.IGNORECASE), "fp16"),
    (re.compile(r"sgemm|f32f32_f32f32|simt_s|ffma", re.IGNORECASE), "fp32"),
)
"""What a GPU kernel's name says of the format in which it multiplies; the first that fits."""


class Ran(NamedTuple):
    """One product, as executed."""

    operator: str
    compute: str
    """Number format of what is multiplied."""
    micros: float


class Trace(NamedTuple):
    """Products of the profiled runs in order, and the time of all else."""

    products: list[Ran]
    others: dict[str, tuple[int, float]]
    """Operators that are no product: how often, and how long (microseconds, without what they call)."""
    total: float
    kernels: list[str]
    """Names of the GPU kernels of the products."""


class _Span:
    """An operator call, with the calls inside it."""

    def __init__(self, event: dict[str, Any]) -> None:
        self.event = event
        self.start, self.length = float(event["ts"]), float(event["dur"])
        self.inside: list[_Span] = []
        self.product = _OPERATORS.fullmatch(event["name"]) is not None

    def innermost(self) -> list[_Span]:
        """The products in it that hold none."""
        below = [product for inner in self.inside for product in inner.innermost()]
        return below or ([self] if self.product else [])

    def all(self) -> list[_Span]:
        """It and all inside."""
        return [self, *(each for inner in self.inside for each in inner.all())]


def read_trace(events: list[dict[str, Any]]) -> Trace:
    """Products and the rest, from the events of a trace."""
    roots = _nest([e for e in events if e.get("ph") == "X" and e.get("cat") == "cpu_op"])
    kernels = _kernels(events)
    products: list[Ran] = []
    others: dict[str, tuple[int, float]] = {}
    names: list[str] = []
    total = 0.0
    for root in roots:
        inner = root.innermost()
        for span in inner:
            launched = [kernel for each in span.all() for kernel in kernels.get(_external(each.event), ())]
            micros = sum(float(k["dur"]) for k in launched) if kernels else span.length
            names.extend(str(k["name"]) for k in launched)
            ran = Ran(span.event["name"], _compute(span.event, [str(k["name"]) for k in launched]), micros)
            products.append(ran)
            total += micros
        within = {id(each) for span in inner for each in span.all()}
        for span in root.all():
            if id(span) in within:
                continue
            micros = _own(span, kernels)
            total += micros
            count, spent = others.get(span.event["name"], (0, 0.0))
            others[span.event["name"]] = (count + 1, spent + micros)
    return Trace(products, others, total, names)


def _own(span: _Span, kernels: dict[Any, list[dict[str, Any]]]) -> float:
    """Time of a call without the calls inside it."""
    if kernels:
        return sum(float(kernel["dur"]) for kernel in kernels.get(_external(span.event), ()))
    return max(0.0, span.length - sum(inner.length for inner in span.inside))


def _external(event: dict[str, Any]) -> Any:
    return event.get("args", {}).get("External id")


def _kernels(events: list[dict[str, Any]]) -> dict[Any, list[dict[str, Any]]]:
    found: dict[Any, list[dict[str, Any]]] = {}
    for event in events:
        if event.get("cat") in ("kernel", "gpu_memcpy", "gpu_memset") and event.get("ph") == "X":
            found.setdefault(_external(event), []).append(event)
    return found


def _nest(events: list[dict[str, Any]]) -> list[_Span]:
    """Calls by the thread they ran in, each inside the one that made it."""
    roots: list[_Span] = []
    threads: dict[Any, list[_Span]] = {}
    for event in sorted(events, key=lambda e: (float(e["ts"]), -float(e["dur"]))):
        span = _Span(event)
        stack = threads.setdefault((event.get("pid"), event.get("tid")), [])
        while stack and span.start >= stack[-1].start + stack[-1].length:
            stack.pop()
        if stack:
            stack[-1].inside.append(span)
        else:
            roots.append(span)
        stack.append(span)
    return roots


def _compute(event: dict[str, Any], kernels: list[str]) -> str:
    """By the kernel where its name tells, else by the operator and its operands' types."""
    for name in kernels:
        for pattern, fmt in _KERNELS:
            if pattern.search(name):
                return fmt
    if _INTEGER.search(event["name"]):
        return "int8"
    types = [str(kind) for kind in event.get("args", {}).get("Input type", ())]
    found = [_FORMATS[kind] for kind in types if kind in _FORMATS]
    return found[0] if found else "fp32"
