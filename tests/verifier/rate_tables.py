"""The tables of error rates in ``verifier/METHOD.md``: ``python -m tests.verifier.rate_tables FACTOR`` prints them.

FACTOR multiplies the runs of the slow tests.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

from .rate_simulation import (
    DURATION,
    ESTIMATES,
    RULES,
    TRACES,
    Coverage,
    Early,
    Repeated,
    Row,
    coverage,
    early,
    estimates,
    repeated,
    row,
    simulate,
)

PROCESS_CASES = ((3, 0.0), (3, 0.005), (3, 0.01), (3, 0.02), (5, 0.01), (10, 0.01))
"""Fresh processes, and the standard deviation between them."""
COVERAGE_CASES = tuple((phi, n) for n in (30, 60, 120, 600) for phi in (0.0, 0.3, 0.5, 0.9))
"""Autocorrelation and blocks."""


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [list(head), *(list(r) for r in rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def accuracy(rows: list[Row]) -> str:
    """Error of the estimate beside that of other tools' rules."""
    return _table(
        ("trace", "runs", "this verifier", "found drifting", *(f"mean of {name}" for name, _ in RULES)),
        (
            (
                r.name,
                str(r.estimates),
                f"{100 * r.error:.2f}",
                _percent(r.drifting),
                *(f"{100 * o[0]:.2f}" for o in r.others),
            )
            for r in rows
        ),
    )


def decisions(rows: list[Row]) -> str:
    """Verdicts with a look every second."""
    return _table(
        (
            "trace",
            "runs",
            "edge: refuted / confirmed",
            "honest: refuted / confirmed",
            "short: confirmed / refuted (median s)",
            "burst confirmed",
        ),
        (
            (
                r.name,
                str(r.runs),
                f"{_percent(r.edge_refuted)} / {_percent(r.edge_confirmed)}",
                f"{_percent(r.honest_refuted)} / {_percent(r.honest_confirmed)}",
                f"{_percent(r.short_confirmed)} / {_percent(r.short_refuted)} ({r.seconds:.0f})",
                _percent(r.burst_confirmed),
            )
            for r in rows
        ),
    )


def others(rows: list[Row]) -> str:
    """False verdicts of a mean over a fixed time: honest refuted / short confirmed / burst confirmed."""
    return _table(
        ("trace", *(name for name, _ in RULES)),
        ((r.name, *(" / ".join(_percent(x) for x in o[1:]) for o in r.others)) for r in rows),
    )


def hasty(rows: list[Early]) -> str:
    """How safe an early confirmation is."""
    return _table(
        ("trace", "runs", "edge confirmed", "short confirmed", "honest confirmed (median s)"),
        (
            (r.name, str(r.runs), _percent(r.edge), _percent(r.short), f"{_percent(r.honest)} ({r.seconds:.0f})")
            for r in rows
        ),
    )


def processes(rows: list[Repeated]) -> str:
    """What variation between processes costs."""
    return _table(
        (
            "processes",
            "sd between",
            "runs",
            "bounds cover",
            "half-width %",
            "edge: refuted / confirmed",
            "honest confirmed at 2 % / 5 %",
        ),
        (
            (
                str(r.processes),
                f"{100 * r.deviation:.1f} %",
                str(r.runs),
                _percent(r.covered),
                f"{100 * r.half:.2f}",
                f"{_percent(r.refuted)} / {_percent(r.confirmed)}",
                f"{_percent(r.reproduced[0])} / {_percent(r.reproduced[1])}",
            )
            for r in rows
        ),
    )


def covered(rows: list[Coverage]) -> str:
    """Coverage of nominal 95 %."""
    return _table(
        ("autocorrelation", "blocks", "runs", "window's mean", "sustained, at the end", "sustained, every second"),
        (
            (
                str(r.phi),
                str(r.blocks),
                str(r.runs),
                _percent(r.window),
                _percent(r.sequence),
                "" if r.always is None else _percent(r.always),
            )
            for r in rows
        ),
    )


def studies(factor: float) -> tuple[list[Row], list[Early], list[Repeated], list[Coverage]]:
    """All simulations, with ``factor`` times their usual runs."""
    runs = round(400 * factor)
    return (
        [row(t, simulate(t, runs, seed=i), estimates(t, ESTIMATES, seed=90 + i)) for i, t in enumerate(TRACES)],
        [early(t, runs // 2, seed=30 + i) for i, t in enumerate(TRACES)],
        [repeated(k, d, runs=runs, seed=50 + i) for i, (k, d) in enumerate(PROCESS_CASES)],
        [
            coverage(phi, n, runs=4 * runs, followed=runs // 2 if n == DURATION else 0, seed=70 + i)
            for i, (phi, n) in enumerate(COVERAGE_CASES)
        ],
    )


if __name__ == "__main__":
    rows, quick, fresh, held = studies(float(sys.argv[1]))
    for name, text in (
        ("accuracy", accuracy(rows)),
        ("decisions", decisions(rows)),
        ("others", others(rows)),
        ("early", hasty(quick)),
        ("processes", processes(fresh)),
        ("coverage", covered(held)),
    ):
        sys.stdout.write(f"<!-- {name} -->\n{text}\n<!-- end -->\n\n")
