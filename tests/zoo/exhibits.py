"""What lies are told over: recorded evidence of the examples, the same on a quiet day, and hand-written evidence.

Everything is plain data, a fresh copy each time, so that a lie can change one thing.
"""

from __future__ import annotations

import copy
import functools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ruamel.yaml import YAML

from lynxspec.claim import Claim
from verifier.evidence import Evidence
from verifier.judge import judge
from verifier.verdict import ClauseVerdict

from ..verifier import fixtures  # noqa: TID252 - tests are no package that has a name

ROOT = Path(__file__).parents[2]
RECORDS = ROOT / "examples/records"
Plain = dict[str, Any]

PROCESSES, BLOCKS = 3, 24
"""Of a quiet day: fresh processes per regime, and blocks of each."""
BLOCK_S = 2.5
NOISE = 0.005
"""Standard deviation of a block's rate on a quiet day: what two cores that nobody else uses show."""


@dataclass(frozen=True, kw_only=True)
class Exhibit:
    """A claim with evidence for it."""

    name: str
    make: Callable[[], tuple[Plain, Plain]]
    quiet: bool
    """Whether the host was left alone, so that rates, latencies and gains are decided."""

    def fresh(self) -> tuple[Plain, Plain]:
        """Copies of claim and evidence."""
        return copy.deepcopy(self.make())


def verdicts(claim: Plain, evidence: Plain) -> dict[str, ClauseVerdict]:
    """Judge plain data; by clause id."""
    found = judge(Claim.model_validate_json(json.dumps(claim)), Evidence.model_validate_json(json.dumps(evidence)))
    return {verdict.id: verdict for verdict in found}


EXAMPLES = ("g2p-gru-int8", "minilm-reviews-int8", "mobilenetv2-mnist-int8")
"""One model a family; what other runtimes make of the same models is no other exhibit."""


def folders() -> list[Path]:
    """Their records, with claim and evidence."""
    return [RECORDS / name for name in EXAMPLES]


@functools.cache
def _recorded(folder: Path) -> tuple[Plain, Plain]:
    claim = json.loads(json.dumps(YAML(typ="safe", pure=True).load((folder / "claim.yaml").read_text())))
    return claim, json.loads((folder / "evidence.json").read_text())


@functools.cache
def _quiet_day(folder: Path) -> tuple[Plain, Plain]:
    """The recorded evidence with a timed run that nobody disturbed, at the claim's own rates."""
    claim, evidence = copy.deepcopy(_recorded(folder))
    probe = float(claim["hardware"]["speed_probe"].split()[0])
    rng = np.random.default_rng(20261121)
    sustain = evidence["sustain"]
    for place, regime in enumerate(claim["regimes"]):
        run = run_of(evidence, regime["name"])
        stated = regime["performance"]
        run["blocks"] = blocks(rate_of(regime), claim["load"]["batch"], rng, place=place)
        run["window_s"] = sum(b["seconds"] for b in run["blocks"])
        run["bins"] = []
        run["calls"] = sum(b["calls"] for b in run["blocks"])
        run["quantiles"] = [
            {"p": p, "value_s": v, "low_s": v * 0.99, "high_s": v * 1.01}
            for p, v in ((q, seconds(stated["latency"][f"p{q * 100:.0f}"]) * 0.97) for q in (0.5, 0.9, 0.99))
        ]
        run["overhead_share"] = 0.0005
    sustain["order"] = [r["name"] for r in claim["regimes"]] * (PROCESSES * BLOCKS)
    sustain["probe"]["gflops"] = [round(float(x), 3) for x in probe * (1 + 0.003 * rng.standard_normal(40))]
    sustain["host"] = [
        {"t_s": float(i), "busy": 0.98, "steal": 0.0, "foreign": 0.005, "pressure": 0.02, "mhz": None}
        for i in range(round(2 * PROCESSES * BLOCKS * BLOCK_S))
    ]
    sustain["telemetry"] = None
    return claim, evidence


def blocks(
    rate: float, batch: int, rng: np.random.Generator, *, place: int = 0, shape: Callable[[float], float] | None = None
) -> list[Plain]:
    """Interleaved blocks around ``rate``; ``shape`` gives its factor at each moment of the run, 0 to 1."""
    rows, count = [], PROCESSES * BLOCKS
    for i in range(count):
        factor = shape(i / count) if shape else 1.0
        calls = max(1, round(rate * factor * BLOCK_S * (1 + NOISE * rng.standard_normal()) / batch))
        rows.append(
            {
                "process": i // BLOCKS,
                "order": 2 * i + place,
                "start_s": (2 * i + place) * BLOCK_S,
                "seconds": calls * batch / (rate * factor * (1 + NOISE * rng.standard_normal())),
                "calls": calls,
                "items": calls * batch,
            }
        )
    return rows


def recorded() -> Iterator[Exhibit]:
    """The examples as they were recorded, on hosts that others used, too."""
    for folder in folders():
        yield Exhibit(name=folder.name, make=functools.partial(_recorded, folder), quiet=False)


def quiet() -> Iterator[Exhibit]:
    """The hand-written evidence, and the examples with all that was recorded but the timed run."""
    yield Exhibit(name="hand-written", make=lambda: (fixtures.claim_data(), fixtures.evidence_data()), quiet=True)
    for folder in folders():
        yield Exhibit(name=f"{folder.name}-quiet", make=functools.partial(_quiet_day, folder), quiet=True)


def reference(claim: Plain) -> Plain:
    """The full-precision regime."""
    return next(r for r in claim["regimes"] if r["role"] == "reference")


def fast(claim: Plain) -> Plain:
    """The quantized regime."""
    return next(r for r in claim["regimes"] if r["role"] != "reference")


def run_of(evidence: Plain, regime: str) -> Plain:
    """The timed run of a regime."""
    return next(r for r in evidence["sustain"]["runs"] if r["regime"] == regime)


def scores_of(evidence: Plain, regime: str) -> Plain:
    """The evaluation of a regime's claimed model."""
    return next(s for s in evidence["scores"] if s["regime"] == regime)


def ledger_of(evidence: Plain, regime: str, *, executed: bool = False) -> Plain:
    """What the file of a regime holds, or what ran."""
    found = [x for x in evidence["ledgers"] if x["regime"] == regime and (x["ledger"] == "executed") is executed]
    return min(found, key=lambda x: x["ledger"] != "supplied_artifact")


def artifact_of(claim: Plain, role: str) -> Plain | None:
    """The listed file of a role."""
    return next((a for a in claim["model"]["artifacts"] if a["role"] == role), None)


def rate_of(regime: Plain) -> float:
    """Claimed items per second."""
    return float(regime["performance"]["sustained"]["rate"].split()[0])


def seconds(text: str) -> float:
    """A duration in seconds."""
    number, unit = text.split()
    return float(number) * {"s": 1.0, "ms": 1e-3, "us": 1e-6, "min": 60.0}[unit]


def scaled(text: str, factor: float) -> str:
    """A quantity with its unit, times a factor."""
    number, unit = text.split(maxsplit=1)
    return f"{float(number) * factor:.6g} {unit}"
