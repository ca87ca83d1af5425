"""``lynxspec doctor``: hardware, quantizers and runtimes found, and the pip line for each that is missing."""

from __future__ import annotations

import argparse
import sys
from importlib import metadata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from verifier.quantizers.quantizer import Quantizer
    from verifier.runtimes.runtime import Runtime


def configure(parser: argparse.ArgumentParser) -> None:
    """No arguments."""
    parser.set_defaults()


def run(_arguments: argparse.Namespace) -> int:
    """Print what is here; 3 if a tool is missing, else 0."""
    from verifier import quantizers, runtimes  # noqa: PLC0415 - commands import what they need when they run
    from verifier.host import describe  # noqa: PLC0415 - as above

    host = describe()
    write = sys.stdout.write
    write(f"processor     {host.cpu} ({host.stepping}), {host.logical_cpus} logical\n")
    write(f"memory        {host.memory_bytes / 2**30:.0f} GiB\n")
    write(f"instructions  {', '.join(host.isa) or 'none of interest'}\n")
    write(f"system        {host.os}, kernel {host.kernel}, hypervisor {host.virtualization}\n")
    write(f"accelerators  {', '.join(host.accelerators) or 'none found'}\n")
    quantizer_gaps = [
        _tool("quantizer", quantizers.find(n), quantizers.missing(quantizers.find(n))) for n in quantizers.names()
    ]
    engines = [runtimes.find(name) for name in runtimes.names()]
    runtime_gaps = [_page(r) if r.npm else _tool("runtime", r, runtimes.missing(r)) for r in engines]
    found, whole = _renderer()
    write(f"audit record  {found}\n")
    return 3 if any((*quantizer_gaps, *runtime_gaps)) or not whole else 0


def _tool(kind: str, plugin: Quantizer | Runtime, missing: tuple[str, ...]) -> bool:
    """Print one line; whether the tool is missing."""
    state = f"missing: pip install {plugin.distribution}" if missing else metadata.version(plugin.distribution)
    sys.stdout.write(f"{kind:<13} {plugin.name} {state}\n")
    return bool(missing)


def _page(plugin: Runtime) -> bool:
    """The same for an engine that is a package of npm and runs in a browser."""
    from verifier.environments import npm  # noqa: PLC0415 - as above

    found = npm.browser()
    state = f"in {', '.join(found)}; npm fetches the declared version" if found else "missing: a Chromium browser"
    sys.stdout.write(f"{'runtime':<13} {plugin.name} {state}\n")
    return not found


def _renderer() -> tuple[str, bool]:
    """Versions of the PDF renderer, or what it lacks; and whether it is whole."""
    from lynxspec.errors import LynxSpecError  # noqa: PLC0415 - as above

    try:
        from verifier.audit.render import versions  # noqa: PLC0415 - as above

        return ", ".join(f"{name} {version}" for name, version in versions().items()), True
    except LynxSpecError as error:
        return f"{error.message}; {error.hint}", False
