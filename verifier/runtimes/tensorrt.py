"""TensorRT 11 and later: strongly typed networks from ONNX, executed where there is a device.

The package index has no wheel of its builder since 8.6.1; the vendor's own does. Versions before 11 took precision
flags and calibrators, which this adapter knows by name and does not drive.
"""

from __future__ import annotations

from verifier.runtimes._tensorrt import runtime_of

RUNTIME = runtime_of("tensorrt", "tensorrt", "tensorrt")
