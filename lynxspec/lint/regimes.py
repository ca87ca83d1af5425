"""Readings of a claim that several rules share: its regimes, their schemes, bytes and declared handles."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from lynxspec.claim import Absent, Claim, Regime, present
from lynxspec.claim.calibration import Calibration, CalibrationData, CalibrationMethod
from lynxspec.claim.precision import MixedPrecision, Quantization, Quantized, Unquantized
from lynxspec.claim.subject import Parameters
from lynxspec.claim.throughput import Latency, Sustained
from lynxspec.location import Path
from lynxspec.vocabulary import STORAGE_BITS, NumberFormat

Scheme: TypeAlias = Quantized | Unquantized


def numbered(claim: Claim) -> Iterator[tuple[Path, Regime]]:
    """Regimes with their paths."""
    for index, regime in enumerate(claim.regimes):
        yield ("regimes", index), regime


def quantized(claim: Claim) -> Iterator[tuple[Path, Regime]]:
    """Quantized regimes with their paths."""
    return ((path, regime) for path, regime in numbered(claim) if regime.role == "quantized")


def path_of(claim: Claim, name: str) -> Path:
    """Where the regime of that name stands."""
    return next((path for path, regime in numbered(claim) if regime.name == name), ("regimes",))


def schemes(regime: Regime) -> Iterator[tuple[str, Scheme]]:
    """Tensor classes that are disclosed, with their schemes."""
    precision = regime.precision
    for name, answer in (
        ("weights", precision.weights),
        ("activations", precision.activations),
        ("outputs", precision.outputs),
        ("bias", precision.bias),
        ("embeddings", precision.embeddings),
        ("head", precision.head),
        ("kv_cache_key", precision.kv_cache_key),
        ("kv_cache_value", precision.kv_cache_value),
        ("state", precision.state),
    ):
        if not isinstance(answer, Absent):
            yield name, answer


def weights(regime: Regime) -> Scheme | None:
    """Scheme of the weights."""
    answer = regime.precision.weights
    return None if isinstance(answer, Absent) else answer


def activations(regime: Regime) -> Scheme | None:
    """Scheme of the activations."""
    answer = regime.precision.activations
    return None if isinstance(answer, Absent) else answer


def activations_quantized(regime: Regime) -> bool:
    """Whether operators read quantized activations."""
    return isinstance(activations(regime), Quantized)


def sustained(regime: Regime) -> Sustained | None:
    """The sustained rate."""
    return present(regime.performance.sustained)


def latency(regime: Regime) -> Latency | None:
    """The latency percentiles."""
    return present(regime.performance.latency)


def quantization(regime: Regime) -> Quantization | None:
    """How the numbers were made."""
    return present(regime.quantization)


def mixed_precision(regime: Regime) -> MixedPrecision | None:
    """The policy."""
    return present(regime.mixed_precision)


def calibration(regime: Regime) -> Calibration | None:
    """The calibration, if there was one."""
    return regime.calibration if isinstance(regime.calibration, Calibration) else None


def calibration_data(regime: Regime) -> CalibrationData | None:
    """The items that the statistics came from."""
    found = calibration(regime)
    return None if found is None else present(found.data)


def calibration_method(regime: Regime) -> CalibrationMethod | None:
    """How ranges were found."""
    found = calibration(regime)
    return None if found is None or isinstance(found.method, Absent) else found.method


def parameters(claim: Claim) -> Parameters | None:
    """Number of parameters."""
    return present(claim.model.parameters)


def bits(number_format: object) -> float | None:
    """Bits per value on disk; ``None`` for formats without a fixed size."""
    return STORAGE_BITS.get(NumberFormat(str(number_format)))


def regime_name(claim: Claim, path: Path) -> str | None:
    """Name of the regime that ``path`` lies in."""
    if len(path) > 1 and path[0] == "regimes" and isinstance(path[1], int) and path[1] < len(claim.regimes):
        return claim.regimes[path[1]].name
    return None
