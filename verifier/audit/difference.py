"""What changed between two records of one claim: verdicts, measured values, host, versions, people, signer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from lynxspec.claim import Frozen
from lynxspec.errors import UnreadableInput
from verifier.audit.record import Record
from verifier.audit.report import CheckReport, printable
from verifier.verdict import ClauseVerdict, Interval

DIFF: Literal["lynxspec-diff/1"] = "lynxspec-diff/1"
"""Version of the report."""

Kind = Literal["verdict", "reason", "value", "only_in_a", "only_in_b"]


class Side(Frozen):
    """One of the two records."""

    path: str
    """File."""
    record_id: str
    """Id of the record."""
    created: str
    """When it was made."""
    signer: str | None
    """Subject of the certificate."""
    fingerprint: str | None
    """SHA-256 of the certificate."""
    check: Literal[0, 1, 3]
    """What `check` says of it, without rendering its pages again: 0 trusted, 3 intact."""
    overall: str
    """Verdict on the claim."""


class Difference(Frozen):
    """One thing that is not the same in both."""

    name: str
    """What."""
    a: str | None
    """In the first record; ``None`` if it is not there."""
    b: str | None
    """In the second record; ``None`` if it is not there."""


class ClauseDifference(Frozen):
    """A clause that came out otherwise."""

    id: str
    """Kind and regime."""
    title: str
    """The clause in words."""
    kind: Kind
    """The weightiest difference: in verdict, in its reason, in the measured value, or that one lacks the clause."""
    verdict: tuple[str | None, str | None]
    """Of the first and of the second record."""
    reason: tuple[str | None, str | None]
    """Codes."""
    measured: tuple[str | None, str | None]
    """Values with units."""
    interval: tuple[Interval | None, Interval | None]
    """Their uncertainty."""
    overlap: bool | None
    """Whether the intervals overlap; ``None`` if there are not two of one unit."""


class RecordDifference(Frozen):
    """The whole comparison."""

    format: Literal["lynxspec-diff/1"]
    claim: str
    """Handle of the claim."""
    claim_sha256: tuple[str, str]
    """Digests of the claim files: the same claim may have been written anew."""
    same_verdicts: bool
    """No verdict changed and no clause came or went."""
    a: Side
    b: Side
    clauses: tuple[ClauseDifference, ...]
    """Clauses that differ, those with another verdict first."""
    unchanged: int
    """Clauses that are the same in all that is compared."""
    claimed: tuple[Difference, ...]
    """What the claim files say otherwise, as far as records quote it."""
    host: tuple[Difference, ...]
    """The machines."""
    versions: tuple[Difference, ...]
    """Tools of the runs, judge, and what made the pages."""
    people: tuple[Difference, ...]
    """Who did it, where and for whom; who signed."""


def compare(
    first: Record, second: Record, reports: tuple[CheckReport, CheckReport], paths: tuple[str, str]
) -> RecordDifference:
    """Compare two records that `check` did not reject. Raises `UnreadableInput` if they are about two claims."""
    if first.claim.id != second.claim.id and first.document.sha256 != second.document.sha256:
        raise UnreadableInput(
            f"{paths[0]} is about the claim {first.claim.id}, {paths[1]} about {second.claim.id}",
            hint="Compare two records of one claim; for two claims there is lynxspec compare.",
        )
    clauses, unchanged = _clauses(first.verdicts, second.verdicts)
    return RecordDifference(
        format=DIFF,
        claim=first.claim.id,
        claim_sha256=(first.document.sha256, second.document.sha256),
        same_verdicts=not any(c.kind in ("verdict", "only_in_a", "only_in_b") for c in clauses),
        a=_side(first, reports[0], paths[0]),
        b=_side(second, reports[1], paths[1]),
        clauses=clauses,
        unchanged=unchanged,
        claimed=_claimed(first, second),
        host=_differences(_host(first), _host(second)),
        versions=_differences(_versions(first), _versions(second)),
        people=_differences(_people(first), _people(second)),
    )


def _side(record: Record, report: CheckReport, path: str) -> Side:
    return Side(
        path=path,
        record_id=record.id,
        created=record.created,
        signer=report.signer,
        fingerprint=report.fingerprint,
        check=report.exit_code,
        overall=record.overall.value,
    )


_ORDER: tuple[Kind, ...] = ("verdict", "only_in_a", "only_in_b", "reason", "value")


def _clauses(
    first: Iterable[ClauseVerdict], second: Iterable[ClauseVerdict]
) -> tuple[tuple[ClauseDifference, ...], int]:
    """Clauses that differ, weightiest first, and how many do not."""
    before, after = ({v.id: v for v in verdicts} for verdicts in (first, second))
    found, unchanged = [], 0
    for name in dict.fromkeys((*before, *after)):
        difference = _clause(before.get(name), after.get(name))
        if difference is None:
            unchanged += 1
        else:
            found.append(difference)
    return tuple(sorted(found, key=lambda c: _ORDER.index(c.kind))), unchanged


def _clause(a: ClauseVerdict | None, b: ClauseVerdict | None) -> ClauseDifference | None:
    one = a or b
    kind = _kind(a, b)
    if one is None or kind is None:
        return None
    intervals = (None if a is None else a.interval, None if b is None else b.interval)
    return ClauseDifference(
        id=one.id,
        title=one.title,
        kind=kind,
        verdict=(None if a is None else a.verdict.value, None if b is None else b.verdict.value),
        reason=(None if a is None else a.reason, None if b is None else b.reason),
        measured=(None if a is None else a.measured, None if b is None else b.measured),
        interval=intervals,
        overlap=_overlap(*intervals),
    )


def _kind(a: ClauseVerdict | None, b: ClauseVerdict | None) -> Kind | None:
    if a is None or b is None:
        return "only_in_b" if a is None else "only_in_a"
    if a.verdict is not b.verdict:
        return "verdict"
    if a.reason != b.reason:
        return "reason"
    return "value" if (a.measured, a.interval) != (b.measured, b.interval) else None


def _overlap(a: Interval | None, b: Interval | None) -> bool | None:
    if a is None or b is None or a.unit != b.unit:
        return None
    return a.low <= b.high and b.low <= a.high


def _claimed(first: Record, second: Record) -> tuple[Difference, ...]:
    """Claimed values of clauses that both have, and the statement."""
    if first.document.sha256 == second.document.sha256:
        return ()
    before, after = ({v.id: v.claimed for v in r.verdicts} for r in (first, second))
    both = [name for name in before if name in after]
    return _differences(
        {"statement": first.claim.statement, **{name: before[name] for name in both}},
        {"statement": second.claim.statement, **{name: after[name] for name in both}},
    )


def _host(record: Record) -> dict[str, str]:
    host = record.evidence.host
    return {
        "machine": host.machine or "not known",
        "cpu": host.cpu,
        "stepping": host.stepping,
        "logical_cpus": str(host.logical_cpus),
        "memory_bytes": str(host.memory_bytes),
        "isa": ", ".join(host.isa),
        "accelerators": ", ".join(host.accelerators) or "none",
        "os": host.os,
        "kernel": host.kernel,
        "virtualization": host.virtualization,
    }


def _versions(record: Record) -> dict[str, str]:
    tools = {f"{run.tool} ({run.regime})": run.version for run in record.evidence.quantizations}
    return {
        "python": record.evidence.host.python,
        **{f"package {name}": version for name, version in record.evidence.host.packages.items()},
        **{f"quantizer {name}": version for name, version in tools.items()},
        "judge": record.judge,
        "score": record.score.model,
        **{f"renderer {name}": version for name, version in record.renderer.items()},
    }


def _people(record: Record) -> dict[str, str]:
    signer = record.signer
    return {
        **{name: str(value) for name, value in record.performed.model_dump(mode="json").items()},
        "signer": "none" if signer is None else signer.name,
        "certificate": "none" if signer is None else signer.fingerprint,
    }


def _differences(before: dict[str, str], after: dict[str, str]) -> tuple[Difference, ...]:
    return tuple(
        Difference(name=name, a=before.get(name), b=after.get(name))
        for name in dict.fromkeys((*before, *after))
        if before.get(name) != after.get(name)
    )


def difference_json(found: RecordDifference) -> str:
    """The comparison for programs."""
    return found.model_dump_json(indent=2) + "\n"


def difference_text(found: RecordDifference) -> str:
    """The comparison for people."""
    word = "the same verdicts" if found.same_verdicts else "other verdicts"
    lines = [f"{found.claim}: {word}"]
    if found.claim_sha256[0] != found.claim_sha256[1]:
        lines.append("The claim file was changed between the two.")
    for mark, side in (("A", found.a), ("B", found.b)):
        state = "trusted" if side.check == 0 else "intact, not everything shown"
        lines.append(f"  {mark}  {side.path}: record {side.record_id} of {side.created}, {side.overall}")
        lines.append(f"     signed by {side.signer or 'nobody'} ({state})")
    for clause in found.clauses:
        lines += ["", *_clause_lines(clause)]
    lines += ["", f"{found.unchanged} clauses are unchanged."]
    for title, rows in (
        ("Claimed", found.claimed),
        ("Host", found.host),
        ("Versions", found.versions),
        ("People", found.people),
    ):
        if rows:
            lines += ["", title]
            lines += [f"  {row.name}: {_or_nothing(row.a)} -> {_or_nothing(row.b)}" for row in rows]
    return "\n".join(printable(line) for line in lines) + "\n"


def _or_nothing(text: str | None) -> str:
    return "nothing" if text is None else text


def _clause_lines(clause: ClauseDifference) -> list[str]:
    lines = [f"{clause.title} [{clause.id}]"]
    for mark, verdict, reason, measured, interval in zip(
        "AB", clause.verdict, clause.reason, clause.measured, clause.interval, strict=True
    ):
        if verdict is None:
            lines.append(f"  {mark}  no such clause")
            continue
        span = "" if interval is None else f", {interval.low:.5g} to {interval.high:.5g} {interval.unit}"
        lines.append(f"  {mark}  {verdict} ({reason}): {measured or 'nothing measured'}{span}")
    if clause.overlap is not None:
        lines.append(f"     the intervals {'overlap' if clause.overlap else 'do not overlap'}")
    return lines
