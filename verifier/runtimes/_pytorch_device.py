"""Rates on a CUDA device by its own events: of a program, and of plain copies and products to hold it against.

A host's clock sees when calls were handed over, not when they ran. Inputs go round through more memory than the cache
holds, so that no call finds its own from the time before.

Runs inside the worker: standard library and torch, syntax of Python 3.8.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

_CACHES = 2
"""Caches that the inputs fill together."""
_MOST_COPIES = 1024
_LEAST_CALLS = 20
_COPY_BYTES = 2**30
_PRODUCT = 8192
"""Rows and columns of the product that stands for the device's matrix rate."""


class Rates(NamedTuple):
    """What a device did, by events."""

    calls_per_second: float
    input_bytes: int
    """Of all copies of the inputs together."""
    cache_bytes: int
    peak_bytes: int
    """Most device memory that PyTorch had allocated."""


def rates(session: Any, inputs: dict[str, Any], seconds: float) -> Rates:
    """Calls per second of a session whose inputs lie on the device already."""
    import torch

    first = session.tensors(inputs)
    cache = int(torch.cuda.get_device_properties(0).L2_cache_size)
    one = sum(tensor.numel() * tensor.element_size() for tensor in first) or 1
    count = max(1, min(_MOST_COPIES, -(-_CACHES * cache // one)))
    copies = [[tensor.clone() for tensor in first] for _ in range(count)]
    torch.cuda.reset_peak_memory_stats()
    found = per_second(lambda at: session.call(copies[at % count]), seconds)
    return Rates(found, count * one, cache, int(torch.cuda.max_memory_allocated()))


def per_second(call: Callable[[int], Any], seconds: float) -> float:
    """Calls per second between two events, as many as take about that long."""
    import torch

    for at in range(3):
        call(at)
    trial = _elapsed(call, _LEAST_CALLS)
    count = max(_LEAST_CALLS, int(seconds / max(trial / _LEAST_CALLS, 1e-9)))
    torch.cuda.synchronize()
    return count / _elapsed(call, count)


def _elapsed(call: Callable[[int], Any], count: int) -> float:
    import torch

    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    torch.cuda.synchronize()
    begin.record()
    for at in range(count):
        call(at)
    end.record()
    end.synchronize()
    return float(begin.elapsed_time(end)) / 1e3


def copy_bytes_per_second(seconds: float = 1.0) -> float:
    """Bytes that a plain copy reads and writes each second."""
    import torch

    source = torch.empty(_COPY_BYTES, dtype=torch.uint8, device="cuda")
    target = torch.empty_like(source)
    return 2 * _COPY_BYTES * per_second(lambda _: target.copy_(source), seconds)


def products_per_second(kind: str, seconds: float = 1.0) -> float:
    """Multiplications and additions per second of a large product in ``bfloat16``, ``float16``, ``float32``, ``int8``.

    FP32 is computed as the present settings say, perhaps in TF32.
    """
    import torch

    size = _PRODUCT
    if kind == "int8":
        a, b = (torch.randint(-8, 8, (size, size), dtype=torch.int8, device="cuda") for _ in range(2))
        return 2.0 * size**3 * per_second(lambda _: torch._int_mm(a, b), seconds)  # noqa: SLF001 - its only name
    dtype = {"bfloat16": torch.bfloat16, "float16": torch.float16, "float32": torch.float32}[kind]
    x, y = (torch.randn(size, size, device="cuda").to(dtype) for _ in range(2))
    return 2.0 * size**3 * per_second(lambda _: torch.mm(x, y), seconds)
