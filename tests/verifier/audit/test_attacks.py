"""`check` rejects every attack that our generator makes, and says why; it accepts everything honest."""

from __future__ import annotations

import pytest

from verifier.audit.check import CheckReport, check, report_text

from . import attacks_bytes, attacks_content, attacks_identity, attacks_update
from .attacks import ATTACKS, Attack
from .genuine import Genuine

GROUPS = {
    "byte edits and truncation",
    "universal signature forgery",
    "incremental saving",
    "signature wrapping",
    "attachments",
    "metadata",
    "certification attacks",
    "active content",
    "smuggled in an archive update",
    "shadow",
    "identity",
    "time stamps",
    "two readings",
    "contradictions",
    "hostile JSON",
    "signature of another kind",
    "replay and rollback",
    "countersignatures",
}
FILES = (attacks_bytes, attacks_content, attacks_identity, attacks_update)


def answer(genuine: Genuine, attack: Attack) -> CheckReport:
    forgery = attack.forgery(genuine)
    return check(
        forgery.pdf,
        trust=[genuine.root] if forgery.trust is None else forgery.trust,
        stamp_trust=forgery.stamp_trust,
        crls=[genuine.crl] if forgery.crls is None else forgery.crls,
        signers=forgery.signers,
        claim_bytes=genuine.claim if forgery.claim is None else forgery.claim,
        not_before=forgery.not_before,
        countersignatures=forgery.countersignatures,
        # pages of somebody else's record are not worth rendering: who signed is judged without them
        rerender=attack.group not in ("identity", "time stamps", "countersignatures"),
    )


def reasons(report: CheckReport) -> set[str]:
    wanted = {1: "fail", 3: "weak"}.get(report.exit_code)
    return {step.reason for step in report.steps if step.status == wanted}


def test_there_are_attacks_of_every_class():
    assert {attack.group for attack in ATTACKS} == GROUPS
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS) >= 60


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda a: a.name)
def test_an_attack_is_answered_and_named(genuine: Genuine, attack: Attack):
    report = answer(genuine, attack)
    assert report.exit_code == attack.code or (attack.code == 3 and report.exit_code == 1), report_text(report)
    assert reasons(report) & attack.reasons, report_text(report)


@pytest.mark.parametrize(
    "level", ["signed", "stamped", "long_term", "archived", "archived_again", "archived_by_pyhanko"]
)
def test_honest_records_of_every_level_are_accepted(genuine: Genuine, level: str):
    crls = [genuine.crl] if level in ("signed", "stamped") else []  # else the record carries it
    report = check(getattr(genuine, level), trust=[genuine.root], crls=crls, claim_bytes=genuine.claim)
    assert report.exit_code == 0, report_text(report)
