"""TensorRT for RTX: parsed, typed and built anywhere, executed where there is a device that it takes."""

from __future__ import annotations

from verifier.runtimes._tensorrt import runtime_of

RUNTIME = runtime_of("tensorrt-rtx", "tensorrt_rtx", "tensorrt-rtx")
