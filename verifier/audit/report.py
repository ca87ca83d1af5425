"""What `lynxspec check` has to say of a record, for people and for programs."""

from __future__ import annotations

from typing import Literal

from lynxspec.claim import Frozen

CHECK: Literal["lynxspec-check/1"] = "lynxspec-check/1"
"""Version of the report."""
Status = Literal["pass", "weak", "fail", "not_asked", "not_reached"]


class Step(Frozen):
    """Outcome of one step."""

    number: int
    """Place in the procedure."""
    name: str
    """Name in the procedure."""
    status: Status
    """``pass``; ``weak``: less could be shown; ``fail``; ``not_asked``; ``not_reached`` after a failure."""
    reason: str
    """Code, e.g. ``signature-altered``; empty for a pass."""
    message: str
    """What was found."""


class Countersigned(Frozen):
    """A countersignature that lies beside the record."""

    file: str
    """Its file."""
    person: str
    """Name, as the file gives it."""
    function: str
    """What the person is, as the file gives it."""
    organisation: str
    """As the file gives it."""
    time: str
    """By the approver's own clock."""
    statement: str
    """What the approval means."""
    signer: str
    """Subject of the certificate."""
    fingerprint: str
    """SHA-256 of the certificate."""
    trusted: bool
    """Whether the certificate leads to a trust anchor of the reader."""
    second_person: bool
    """Whether it is another key than the record's."""


class CheckReport(Frozen):
    """What can be said of a record."""

    format: Literal["lynxspec-check/1"]
    exit_code: Literal[0, 1, 3]
    """0 authentic and trusted; 1 rejected; 3 intact, but less could be shown."""
    steps: tuple[Step, ...]
    """All steps in order."""
    signer: str | None
    """Subject of the certificate."""
    fingerprint: str | None
    """SHA-256 of the certificate."""
    signed_at: str | None
    """Time that the signer states."""
    stamped_at: str | None
    """Time in the time stamp, if there is one."""
    stamp_trusted: bool
    """Whether the time stamp's service leads to a trust anchor."""
    archived_at: tuple[str, ...]
    """Times in the document time stamps, oldest first."""
    proven_at: str | None
    """Moment before which the record was signed, if a service that the reader trusts says so."""
    record_id: str | None
    """Id of the record; only of a record that was not rejected."""
    record_sha256: str | None
    """Digest of record.json; as above."""
    claim_sha256: str | None
    """Digest of the embedded claim; as above."""
    overall: str | None
    """Verdict on the claim; as above."""
    countersigned: tuple[Countersigned, ...]
    """Who else approved this very file."""


_MARKS = {"pass": "ok", "weak": "weak", "fail": "FAIL", "not_asked": "-", "not_reached": "-"}
_WORDS = {0: "authentic and trusted", 1: "REJECTED", 3: "intact, but less than everything could be shown"}


def report_text(report: CheckReport) -> str:
    """The report for people."""
    lines = [f"{_WORDS[report.exit_code]}"]
    lines.extend(
        f"{step.number:>3}  {_MARKS[step.status]:<5} {step.name:<12} {step.message}"
        + (f" [{step.reason}]" if step.reason else "")
        for step in report.steps
    )
    if report.signer:
        lines.append(f"signer       {report.signer}")
        lines.append(f"fingerprint  {report.fingerprint}")
        lines.append(f"signed       {report.signed_at or 'no time stated'} (by the signer's own clock)")
    if report.proven_at:
        lines.append(f"proven       signed before {report.proven_at}")
    for each in report.countersigned:
        lines.append(f"approved     {each.person}, {each.function}, {each.organisation}, {each.time}: {each.statement}")
        second = "" if each.second_person else "; the record's own signer, no second person"
        lines.append(
            f"             {each.signer}, {'trusted' if each.trusted else 'NOT trusted'}{second} ({each.file})"
        )
    if report.overall:
        lines.append(f"verdict      {report.overall}, according to record.json (record {report.record_id})")
    return "\n".join(printable(line) for line in lines) + "\n"


def printable(line: str) -> str:
    """Names come from the file: nothing in them may steer a terminal."""
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in line)


def report_json(report: CheckReport) -> str:
    """The report for programs."""
    return report.model_dump_json(indent=2) + "\n"
