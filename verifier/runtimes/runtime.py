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
    start: Callable[[str, dict[str, Any]], Callable[[], tuple[int, ...]]] | None = None
    """``start(provider, options)`` for an engine that lives in processes of its own (a browser): starts them without a
    model and returns what lists their ids. Their memory is then the model's, not the worker's; calling it again with
    the same settings starts nothing."""
    timed: Callable[[Any, list[dict[str, Any]]], Any] | None = None
    """``timed(session, batches)`` for an engine whose clock is elsewhere: lays the batches ready there and returns an
    object with ``sizes`` (bytes of each output of one call), ``clocks() -> (our clock, its clock, how long reading both
    took)`` in nanoseconds, and ``loop({"loop", "order", "seconds", "draws", "wanted"}) -> {"calls", "elapsed_ns",
    "ends", "durations", "kept"}``. A loop calls over the batches in that order, again and again, until ``seconds`` have
    passed; a call that began before is counted in full. ``timed``: the clock is read before and after each call, times
    are nanoseconds since the loop began, and of the calls in ``draws`` (``[call, place]``, ascending) the ``wanted``
    outputs are kept, ``{place: (batch, outputs)}``, a later one in the place of an earlier one. ``bare``: the simplest
    loop, no times, nothing kept. ``idle``: as ``timed`` around a call that does nothing."""
    version: Callable[[], str] | None = None
    """``version()`` of an engine that is no distribution of Python's."""
    npm: str = ""
    """Package of npm that the engine is, where it is one; its folder is told to the worker by the environment variable
    ``LYNXSPEC_NPM_`` and the name in capitals."""
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
