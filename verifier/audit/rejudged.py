"""Whether judging embedded evidence again gives the verdicts that a record states."""

from __future__ import annotations

import math
import re
from importlib import metadata

from lynxspec.claim import Claim
from verifier.audit.provenance import judging_digest, scoring_digest
from verifier.audit.record import Record
from verifier.errors import RecordRejected
from verifier.judge import JUDGE, judge
from verifier.verdict import ClauseVerdict, Interval

_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?")


def rejudged(claim: Claim, record: Record) -> tuple[str, str]:
    """Words, and a reason where less can be said; raises `RecordRejected` if this very judge decides otherwise."""
    if record.judge != JUDGE:
        return f"judged by {record.judge}; this version judges by {JUDGE}", "other-judge"
    again = judge(claim, record.evidence)
    if again == record.verdicts:
        return "judging the embedded evidence gives these very verdicts", ""
    ours = {
        "judging": judging_digest(),
        "scoring": scoring_digest(),
        "numpy": metadata.version("numpy"),
        "scipy": metadata.version("scipy"),
    }
    if any(record.renderer.get(name) != version for name, version in ours.items()):
        return "judged by other versions of our code or libraries: not compared", "other-judge"
    if [_essence(v) for v in again] != [_essence(v) for v in record.verdicts]:
        raise RecordRejected("the embedded evidence gives other verdicts", "verdicts-differ")
    pairs = list(zip(again, record.verdicts, strict=True))
    quoted = [(x, y) for a, b in pairs for x, y in zip(_numbers(a), _numbers(b), strict=True)]
    near = all(math.isclose(x, y, rel_tol=2e-3, abs_tol=1e-9) for x, y in quoted)
    if not near or not all(_close(a.interval, b.interval) for a, b in pairs):
        raise RecordRejected("the embedded evidence gives other numbers", "verdicts-differ")
    return "the same verdicts; numbers differ in their last digits", "last-digits"


def _essence(verdict: ClauseVerdict) -> tuple[object, ...]:
    """What another processor's last digits cannot change."""
    v = verdict
    words = tuple(_NUMBER.sub("#", text or "") for text in (v.measured, v.explanation, *v.notes))
    return v.id, v.kind, v.regime, v.title, v.claimed, v.tolerance, v.decision_rule, v.verdict, v.reason, words


def _numbers(verdict: ClauseVerdict) -> list[float]:
    """All numbers that the clause's texts quote."""
    texts = (verdict.measured, verdict.explanation, *verdict.notes)
    return [float(found) for text in texts for found in _NUMBER.findall(text or "")]


def _close(first: Interval | None, second: Interval | None) -> bool:
    if first is None or second is None:
        return first is second
    pairs = ((first.low, second.low), (first.high, second.high), (first.coverage, second.coverage))
    return (first.unit, first.method) == (second.unit, second.method) and all(
        math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-12) for a, b in pairs
    )
