"""``lynxspec doctor``: hardware, quantizers and runtimes found, and the pip line for each that is missing."""

from __future__ import annotations

import argparse
import sys
from importlib import metadata
from importlib.util import find_spec


def configure(parser: argparse.ArgumentParser) -> None:
    """No arguments."""
    parser.set_defaults()


def run(_arguments: argparse.Namespace) -> int:
    """Print what is here; 3 if a tool is missing, else 0."""
    from verifier.host import describe  # noqa: PLC0415 - commands import what they need when they run
    from verifier.quantizers import quantizers  # noqa: PLC0415 - as above
    from verifier.runtimes import runtimes  # noqa: PLC0415 - as above

    host = describe()
    write = sys.stdout.write
    write(
        f"processor     {host.cpu} ({host.stepping}), {host.logical_cpus} logical, {host.memory_bytes / 2**30:.0f} GiB\n"
    )
    write(f"instructions  {', '.join(host.isa) or 'none of interest'}\n")
    write(f"system        {host.os}, kernel {host.kernel}, hypervisor {host.virtualization}\n")
    write(f"accelerators  {', '.join(host.accelerators) or 'none found'}\n")
    missing = False
    for kind, plugins in (("quantizer", quantizers()), ("runtime", runtimes())):
        for plugin in plugins:
            if all(find_spec(module) for module in plugin.requires):
                write(f"{kind:<13} {plugin.name} {metadata.version(plugin.distribution)}\n")
            else:
                missing = True
                write(f"{kind:<13} {plugin.name} missing: pip install {plugin.distribution}\n")
    write(f"audit record  {_renderer()}\n")
    return 3 if missing else 0


def _renderer() -> str:
    """Whether the PDF renderer finds its system libraries."""
    from lynxspec.errors import LynxSpecError  # noqa: PLC0415 - as above

    try:
        from verifier.audit.render import versions  # noqa: PLC0415 - as above

        return ", ".join(f"{name} {version}" for name, version in versions().items())
    except LynxSpecError as error:
        return f"{error.message}; {error.hint}"
