"""The tools that made and ran a regime, by name and exact version."""

from __future__ import annotations

from lynxspec.claim.base import Disclosed, Frozen, Name, NotBlank, Options, Version


class Quantizer(Frozen):
    """The tool that wrote the quantized model."""

    name: Name
    """Plug-in name, e.g. ``onnxruntime``."""
    version: Version
    """Exact version."""
    options: Options
    """Settings from the tool's closed vocabulary."""


class Runtime(Frozen):
    """The engine that executed the model."""

    name: Name
    """Plug-in name, e.g. ``onnxruntime``."""
    version: Version
    """Exact version."""
    provider: NotBlank
    """Execution provider or back end, e.g. ``CPUExecutionProvider``."""
    options: Options
    """Session settings: threads, graph optimization, ..."""


class Framework(Frozen):
    """The framework that the model was built or exported with."""

    name: NotBlank
    """Name."""
    version: Version
    """Exact version."""


class ToolChain(Frozen):
    """Quantizer, runtime, framework, container."""

    quantizer: Disclosed[Quantizer]
    """The tool that wrote the quantized model."""
    runtime: Disclosed[Runtime]
    """The engine that executed it."""
    framework: Disclosed[Framework]
    """The framework of the model file."""
    container: Disclosed[NotBlank]
    """Digest of the container image."""
