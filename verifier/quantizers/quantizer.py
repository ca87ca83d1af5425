"""`Quantizer`: a tool that turns a reference model and a recipe into a quantized model; a file ends in ``QUANTIZER``.

Runs inside the worker process like `verifier.runtimes.runtime`: standard library, numpy and the one tool, syntax of
Python 3.8, the tool imported inside the functions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple


class Quantizer(NamedTuple):
    """One tool."""

    name: str
    """Name that claims use."""
    requires: tuple[str, ...]
    """Top-level modules; probed without importing them."""
    distribution: str
    """Distribution whose version is the tool's version."""
    options: tuple[str, ...]
    """Closed vocabulary of recipe options."""
    check: Callable[[dict[str, Any]], tuple[str, ...]]
    """``check(regime recipe as plain data) -> reasons why this tool cannot do it`` (empty if it can)."""
    quantize: Callable[[dict[str, Any]], dict[str, Any]]
    """``quantize(job) -> {"samples": n, "digest": hex}``, what entered the statistics; the job names ``model``,
    ``output``, the regime's recipe as plain data (``precision``, ``mixed_precision``, ``quantization``,
    ``calibration``, ``options``) and the ``calibration_data`` npz; writes ``output``. Where the tool is watched also
    the ledger of samples: ``read``, ``read_digest``, ``collection``, ``reason``, ``one_shot_bytes``. A job may have
    ``limit``, the items of a shortened run, and ``report``, which takes the share that is done and a note."""
    variants: Callable[[dict[str, Any]], tuple[tuple[str, str, str, dict[str, Any]], ...]]
    """``variants(job) -> ((option, declared, compared with, job with that option at the tool's default), ...)``: what
    the search for inert options runs. Where a shortened run could not show an effect the job has no ``limit``."""
    companions: tuple[str, ...] = ("numpy", "onnx")
    """Requirements, beside the tool itself, of the environment that it runs in."""
    reads: tuple[str, ...] = (".onnx",)
    """Suffixes of the reference models that it takes, the preferred one first."""
    writes: str = ".onnx"
    """Suffix of what it writes."""
    signed: bool = False
    """Whether its integers are signed ones only: an unsigned scheme is carried over to it as the signed one of the same
    width, whose codes are the same less half the range."""
