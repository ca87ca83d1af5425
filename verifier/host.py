"""What this machine is, as far as the operating system tells: processor, memory, hypervisor, tools."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
from importlib import metadata
from pathlib import Path

from verifier.accelerators import cards
from verifier.evidence import HostReport

ISA_FLAGS = (
    "avx2",
    "fma",
    "f16c",
    "avx512f",
    "avx512bw",
    "avx512vl",
    "avx512_vnni",
    "avx_vnni",
    "avx512_bf16",
    "avx512_fp16",
    "amx_tile",
    "amx_int8",
    "amx_bf16",
    "asimddp",
    "i8mm",
    "sve",
    "sve2",
    "bf16",
)
"""Extensions that change integer or low-precision arithmetic, or its speed, in the runtimes that we drive."""

REPORTED_PACKAGES = (
    "lynxspec",
    "numpy",
    "onnx",
    "onnxruntime",
    "scikit-learn",
    "scipy",
    "torch",
    "torchao",
    "tensorrt",
    "tensorrt-rtx",
    "nvidia-modelopt",
    "nvidia-ml-py",
    "openvino",
    "weasyprint",
    "pyhanko",
)


def describe() -> HostReport:
    """Read the machine's description; nothing is changed and nothing is sent anywhere."""
    cpuinfo = _cpuinfo()
    family = "/".join(cpuinfo.get(key, "?") for key in ("cpu family", "model", "stepping"))
    found = cards()
    flags = set((cpuinfo.get("flags") or cpuinfo.get("Features") or "").split())
    return HostReport(
        cpu=cpuinfo.get("model name") or platform.processor() or platform.machine(),
        stepping=family,
        logical_cpus=_usable_cpus(),
        memory_bytes=memory_bytes(),
        isa=tuple(flag for flag in ISA_FLAGS if flag in flags),
        os=_os_release(),
        kernel=platform.release(),
        virtualization=_virtualization(flags),
        machine=machine_digest(),
        accelerators=tuple(card.name for card in found.cards) or _accelerators(),
        cards=found.cards,
        cards_unknown=found.reason,
        python=platform.python_version(),
        packages=_packages(),
    )


def cpu_vendor() -> str:
    """Maker of the processor, from its vendor id."""
    names = {"AuthenticAMD": "AMD", "GenuineIntel": "Intel", "HygonGenuine": "Hygon"}
    vendor = _cpuinfo().get("vendor_id", "")
    return names.get(vendor, vendor or "unknown")


def machine_digest() -> str | None:
    """A digest that names this very machine without giving its identifiers away; `None` if it has none.

    Images are cloned with their machine id, so it takes the firmware's UUID, too. A guest without one is known to be
    the same machine only until it boots again: then its boot id stands in, and an older claim's rates become not
    testable rather than wrongly judged on the clone of its machine.
    """
    parts = [_read(path) for path in ("/etc/machine-id", "/sys/class/dmi/id/product_uuid")]
    if not parts[1] and "hypervisor" in _cpuinfo().get("flags", "").split():
        parts[1] = _read("/proc/sys/kernel/random/boot_id")
    if not any(parts):
        return None
    return hashlib.sha256("\n".join(["lynxspec machine 1", *parts]).encode()).hexdigest()


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _cpuinfo() -> dict[str, str]:
    """The first processor's entries."""
    entries: dict[str, str] = {}
    for line in _read("/proc/cpuinfo").splitlines():
        if not line.strip():
            break
        key, _, value = line.partition(":")
        entries[key.strip()] = value.strip()
    return entries


def _usable_cpus() -> int:
    """Processors that we may use: affinity, bounded by the control group's quota."""
    count = len(os.sched_getaffinity(0))
    quota, _, period = _read("/sys/fs/cgroup/cpu.max").partition(" ")
    if quota.isdigit() and period.isdigit() and int(period) > 0:
        count = min(count, max(1, int(quota) // int(period)))
    return count


def memory_bytes() -> int:
    """Main memory, bounded by the control group's limit."""
    total = 0
    for line in _read("/proc/meminfo").splitlines():
        if line.startswith("MemTotal:"):
            total = int(line.split()[1]) * 1024
    limit = _read("/sys/fs/cgroup/memory.max")
    return min(total, int(limit)) if limit.isdigit() else total


def _os_release() -> str:
    for line in _read("/etc/os-release").splitlines():
        if line.startswith("PRETTY_NAME="):
            return line.partition("=")[2].strip('"')
    return platform.platform()


def _virtualization(flags: set[str]) -> str:
    """Hypervisor by `lscpu`, which reads the processor's own leaf; ``none`` if the flag is absent."""
    if "hypervisor" not in flags and flags:
        return "none"
    lscpu = shutil.which("lscpu")
    if lscpu:
        answer = subprocess.run(  # fixed arguments
            [lscpu], capture_output=True, text=True, check=False, timeout=20, env={"LC_ALL": "C"}
        )
        for line in answer.stdout.splitlines():
            if line.startswith("Hypervisor vendor:"):
                return line.partition(":")[2].strip()
    return "unknown"


def _accelerators() -> tuple[str, ...]:
    """NVIDIA cards by the driver's own list; empty without a driver."""
    found: list[str] = []
    for card in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information")):
        lines = _read(str(card)).splitlines()
        found.extend(line.partition(":")[2].strip() for line in lines if line.startswith("Model:"))
    return tuple(found)


def _packages() -> dict[str, str]:
    versions = {}
    for name in REPORTED_PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions
