"""``lynxspec doctor``: hardware, quantizers and runtimes found, and the pip line for each that is missing.

``--gpu`` describes the cards, and with a folder of recipes measures, verifies and lies on them. A machine without a
card ends with 3 and says why.
"""

from __future__ import annotations

import argparse
import sys
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from lynxspec.errors import UsageError
from verifier.commands import options

if TYPE_CHECKING:
    from verifier.evidence.accelerator import Card
    from verifier.quantizers.quantizer import Quantizer
    from verifier.runtimes.runtime import Runtime

BASE = "onnxruntime"
"""The one tool that every installation has."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "--gpu",
        nargs="?",
        const="",
        metavar="FOLDER",
        help="describe the cards; with a folder of recipes, measure and verify them all here",
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder for evidence and records of --gpu FOLDER")
    parser.add_argument("--dry-run", action="store_true", help="run the set of --gpu FOLDER without a card, too")
    options.add_environments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print what is here; 3 if the base installation lacks something; other tools come when a claim names them."""
    if arguments.gpu is not None:
        return _gpu(arguments)
    from verifier import quantizers, runtimes  # noqa: PLC0415 - commands import what they need when they run
    from verifier.host import describe  # noqa: PLC0415 - as above

    host = describe()
    write = sys.stdout.write
    write(f"processor     {host.cpu} ({host.stepping}), {host.logical_cpus} logical\n")
    write(f"memory        {host.memory_bytes / 2**30:.0f} GiB\n")
    write(f"instructions  {', '.join(host.isa) or 'none of interest'}\n")
    write(f"system        {host.os}, kernel {host.kernel}, hypervisor {host.virtualization}\n")
    write(f"accelerators  {', '.join(host.accelerators) or 'none found'}\n")
    makers = [quantizers.find(name) for name in quantizers.names()]
    engines = [runtimes.find(name) for name in runtimes.names()]
    gaps = [maker.name for maker in makers if _tool("quantizer", maker, quantizers.missing(maker))]
    gaps += [e.name for e in engines if (_page(e) if e.npm else _tool("runtime", e, runtimes.missing(e)))]
    found, whole = _renderer()
    write(f"audit record  {found}\n")
    return 3 if BASE in gaps or not whole else 0


def _gpu(arguments: argparse.Namespace) -> int:
    """The cards, and the set of recipes; 3 without a card, 1 if a claim is refuted, 3 if any is undecided."""
    from verifier.accelerators import cards, processes  # noqa: PLC0415 - as above
    from verifier.commands.device_set import run_set, table  # noqa: PLC0415 - as above

    found = cards()
    for number, card in enumerate(found.cards):
        sys.stdout.write(_card(card, len(processes(number))))
    if not found.cards:
        sys.stdout.write(f"no card: {found.reason}\n")
        if not arguments.dry_run:
            return 3
    if not arguments.gpu:
        return 0
    folder = Path(arguments.gpu)
    if not any(folder.glob("*.recipe.yaml")):
        raise UsageError(f"{folder} holds no *.recipe.yaml", hint="examples/gpu/build.py writes a set of them")
    out = arguments.out or folder / "out"
    out.mkdir(parents=True, exist_ok=True)
    extra = [word for name in arguments.env for word in ("--env", name)]
    extra += [f"--{flag}" for flag in ("offline", "substitute", "isolate") if vars(arguments).get(flag)]
    rows = run_set(folder, out, extra, options.wishes_of(arguments), _tell)
    sys.stdout.write(table(rows))
    results = {row.result for row in rows}
    return 1 if "REFUTED" in results else 0 if results == {"reproduced"} else 3


def _tell(words: str) -> None:
    sys.stderr.write(words)


def _card(card: Card, busy: int) -> str:
    limit = "?" if card.power_limit_w is None else f"{card.power_limit_w:g}"
    clocks = "/".join("?" if c is None else f"{c:g}" for c in (card.max_sm_clock_mhz, card.max_memory_clock_mhz))
    links = "none told" if card.nvlinks is None else str(card.nvlinks)
    return (
        f"card          {card.name}, {card.memory_bytes / 2**30:.1f} GiB, {card.uuid}\n"
        f"              compute capability {card.compute_capability}\n"
        f"driver        {card.driver}, CUDA up to {card.cuda}\n"
        f"power         limit {limit} W; highest clocks {clocks} MHz\n"
        f"modes         MIG {card.mig}, ECC {card.ecc}, persistence {card.persistence}; NVLinks {links}\n"
        f"processes     {busy} compute on it now\n"
    )


def _tool(kind: str, plugin: Quantizer | Runtime, missing: tuple[str, ...]) -> bool:
    """Print one line; whether the tool is missing."""
    absent = f"not here, and installed when a claim declares it; or pip install {plugin.distribution}"
    state = absent if missing else metadata.version(plugin.distribution)
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
