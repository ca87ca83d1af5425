"""The system that the numbers belong to."""

from __future__ import annotations

from typing import Literal

from lynxspec.claim.base import Count, Disclosed, Frozen, NotBlank, Sha256
from lynxspec.claim.units import Compute, Frequency, Power, Size


class PowerState(Frozen):
    """What bounds the power; a rate without it can differ fivefold on edge modules."""

    limit: Disclosed[Power]
    """Power limit that was set."""
    mode: Disclosed[NotBlank]
    """Named power mode, e.g. ``MAXN``."""


class Clocks(Frozen):
    """Clocks under the load of the measurement."""

    compute: Disclosed[Frequency]
    """Clock of the compute units."""
    memory: Disclosed[Frequency]
    """Clock of the memory."""
    locked: bool
    """Whether they were locked by hand."""


class Host(Frozen):
    """The machine around the accelerator, or the machine itself for CPU claims."""

    cpu: NotBlank
    """Processor name as the operating system prints it."""
    stepping: Disclosed[NotBlank]
    """Family, model and stepping, e.g. ``25/17/1``."""
    logical_cpus: Count
    """Logical processors that the run could use."""
    memory: Size
    """Main memory."""
    isa: tuple[NotBlank, ...]
    """Instruction-set extensions that change integer arithmetic, e.g. ``avx512_vnni``."""
    os: NotBlank
    """Operating system and release."""
    kernel: NotBlank
    """Kernel release."""
    virtualization: Disclosed[NotBlank]
    """Hypervisor, if the host is a guest."""
    machine: Disclosed[Sha256]
    """Digest that names this very machine (SHA-256 over a salt and its machine id): virtual hosts with a generic
    processor name cannot be told apart otherwise."""


class DriverStack(Frozen):
    """The four version axes of an accelerator; CUDA's names, others by likeness."""

    driver: Disclosed[NotBlank]
    """Kernel driver."""
    toolkit: Disclosed[NotBlank]
    """CUDA, ROCm or like toolkit of the runtime."""
    framework_build: Disclosed[NotBlank]
    """What the framework was built for."""
    compute_capability: Disclosed[NotBlank]
    """Compute capability, ``sm_90``, ``gfx942``, or instruction-set level."""


class Hardware(Frozen):
    """The accelerator (or CPU) with its power, clocks, cooling, partition and host."""

    vendor: NotBlank
    """Maker."""
    product: NotBlank
    """Product name with memory size and form factor where several exist."""
    kind: Literal["cpu", "gpu", "npu", "tpu", "fpga", "mobile", "browser"]
    """Kind of processor that ran the model."""
    count: Count
    """How many of them one instance of the claim uses."""
    form_factor: Disclosed[NotBlank]
    """SXM, PCIe, OAM, module, socket."""
    memory: Disclosed[Size]
    """Memory per accelerator."""
    power: Disclosed[PowerState]
    """Power limit or mode."""
    clocks: Disclosed[Clocks]
    """Clocks under load."""
    cooling: Disclosed[NotBlank]
    """Air, liquid, passive."""
    partition: Disclosed[NotBlank]
    """MIG slice, NUMA or CPU set."""
    host: Host
    """The machine around it."""
    stack: DriverStack
    """Driver, toolkit, framework build, compute capability."""
    speed_probe: Disclosed[Compute]
    """Rate of the verifier's fixed FP32 matrix product during the measurement: tells a slower machine from a slower
    model."""
