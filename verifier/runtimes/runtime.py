"""`Runtime`: what one inference engine can do for the verifier; one file per engine ends in ``RUNTIME``.

This file and every runtime's file run inside the worker process, in the tool chain's own environment: standard
library, numpy and the one engine only, syntax of Python 3.8. The engine is imported inside the functions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple


def _everywhere(_provider: str, _options: dict[str, Any]) -> tuple[str, ...]:
    """For engines that execute wherever they can be installed."""
    return ()


class Runtime(NamedTuple):
    """One engine."""

    name: str
    """Name that claims use."""
    requires: tuple[str, ...]
    """Top-level modules; probed without importing them."""
    distribution: str
    """Distribution whose version is the engine's version; empty if it is none of Python's."""
    options: tuple[str, ...]
    """Closed vocabulary of session options."""
    open: Callable[[str, str, dict[str, Any]], Any]
    """``open(model_path, provider, options) -> session``; raises if the provider is not really used."""
    run: Callable[[Any, dict[str, Any]], dict[str, Any]]
    """``run(session, inputs by name) -> outputs by name`` (numpy arrays)."""
    bare: Callable[[Any], Callable[[dict[str, Any]], Any]]
    """``bare(session)(inputs by name)``: the engine's own call, which our loop is held against."""
    executed: Callable[[str, str, dict[str, Any], dict[str, Any]], dict[str, Any]]
    """``executed(model_path, provider, options, inputs) -> {"provider", "operators": [...], "tensors": [...]}``: what
    the engine really runs, with time shares; the shapes of `verifier.evidence.PrecisionLedger`."""
    companions: tuple[str, ...] = ("numpy", "onnx")
    """Requirements, beside the engine itself, of the environment that it runs in."""
    formats: tuple[str, ...] = (".onnx",)
    """Suffixes of the model files that it opens, the preferred one first."""
    quantizers: tuple[str, ...] = ()
    """Tools that write its own format, where that is not ONNX: they stand in for the claim's quantizer when the claim's
    scheme is carried over to this runtime."""
    heads: bool = True
    """Whether it opens the small ONNX files of heads, too; if not, ONNX's own evaluator runs them."""
    inspect: Callable[[str], dict[str, Any]] | None = None
    """``inspect(path)``: precision ledger of a file in the engine's own format; ``None`` where that format is ONNX."""
    probe: Callable[[str, dict[str, Any]], tuple[str, ...]] = _everywhere
    """``probe(provider, options) -> reasons`` why nothing can be executed on this machine: no device, no browser. What
    would have to be executed is then not testable here; it did not fail."""
    distributions: tuple[tuple[str, str], ...] = ()
    """Pairs of provider and distribution, where a provider is in another build of the engine than the usual one."""
    build: Callable[[str, str, dict[str, Any], dict[str, Any], str], dict[str, Any]] | None = None
    """``build(model_path, provider, options, inputs, compute capability)``: what the engine's parser and builder make
    of a model without executing it, as a `verifier.evidence.PrecisionLedger` with its ``builds``; ``None`` for engines
    that have no such step."""

    def distribution_of(self, provider: str) -> str:
        """Distribution that has the provider."""
        return dict(self.distributions).get(provider, self.distribution)

    def builds_of(self, provider: str) -> tuple[str, ...]:
        """The same, then the other builds of the engine, which may be what is there."""
        others = (self.distribution, *(name for _, name in self.distributions))
        return tuple(dict.fromkeys((self.distribution_of(provider), *others)))
