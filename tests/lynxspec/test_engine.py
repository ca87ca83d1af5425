"""The engine: discovery, places, order, failing rules, and whom an ignore binds."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lynxspec.draft import Draft, Ignore, Places
from lynxspec.errors import RuleFailed, UsageError
from lynxspec.lint.engine import documentation, lint, rule_named, rules
from lynxspec.lint.ignores import covered, ignores_in, keys_by_line
from lynxspec.lint.rule import Finding, Hit, Rule, Severity
from lynxspec.location import Location, Path, Span
from lynxspec.scoring import score

Make = Callable[..., Draft]
UP_TO = ("comparisons[0].qualifier", "up_to")
QUALIFIER: Path = ("comparisons", 0, "qualifier")
PLACES = Places(
    source="complete.claim.yaml",
    keys={("identity",): Span(line=3, column=1), ("comparisons",): Span(line=300, column=1), QUALIFIER: Span(line=304)},
    values={QUALIFIER: Span(line=304, column=16, end_line=304, end_column=20), ("comparisons", 0): Span(line=301)},
)


def _rule(check: Callable[[Draft], Iterator[Hit]]) -> Rule:
    return Rule(
        code="LXS299",
        name="made-up",
        severity=Severity.WARNING,
        component=None,
        summary="s",
        remedy="r",
        question="",
        check=check,
    )


def _ignoring(draft: Make, comment: str, *, line: int = 304, patch: Any = (UP_TO,)) -> Draft:
    ignores = ignores_in([(Span(line=line, column=30), comment)], source="complete.claim.yaml")
    return draft(*patch, places=PLACES, ignores=ignores)


def _of(findings: tuple[Finding, ...], code: str) -> list[Finding]:
    return [f for f in findings if f.code == code]


def test_a_rule_that_raises_is_our_failure_and_no_pass(draft: Make) -> None:
    def check(made: Draft) -> Iterator[Hit]:
        yield Hit(message=str(1 / len(made.ignores)), at=((),))

    with pytest.raises(
        RuleFailed, match=r"LXS299 \(made-up\) failed on complete.claim.yaml: ZeroDivisionError"
    ) as caught:
        lint(draft(), registry=(_rule(check),))
    assert caught.value.exit_code == 4
    assert caught.value.hint


def test_a_finding_carries_the_span_of_its_path_or_of_the_nearest_ancestor(draft: Make) -> None:
    def check(_: Draft) -> Iterator[Hit]:
        yield Hit(message="exact", at=(QUALIFIER,))
        yield Hit(message="near", at=(("comparisons", 0, "system"),))

    near, exact = lint(draft(places=PLACES), registry=(_rule(check),))
    assert (exact.locations[0].span.line, exact.locations[0].span.column) == (304, 16)
    assert (near.message, near.locations[0].span.line) == ("near", 301)
    assert near.locations[0].path == ("comparisons", 0, "system")


def test_a_hit_overrides_the_severity_of_its_rule(draft: Make) -> None:
    def check(_: Draft) -> Iterator[Hit]:
        yield Hit(message="m", at=((),), severity=Severity.ERROR)

    assert [f.severity for f in lint(draft(), registry=(_rule(check),))] == [Severity.ERROR]


def test_findings_stand_in_the_order_of_the_file_and_repeat_exactly(draft: Make) -> None:
    broken = (UP_TO, ("identity.nature", "estimated"), ("evaluation.criterion", {"unknown": "none was agreed upon"}))
    findings = lint(draft(*broken, places=PLACES))
    assert findings == lint(draft(*broken, places=PLACES))
    lines = [f.locations[0].span.line or 0 for f in findings]
    assert lines == sorted(lines)


def test_rules_are_found_by_code_and_by_name() -> None:
    assert rule_named("lxs211") is rule_named("gain-up-to")
    with pytest.raises(UsageError) as caught:
        rule_named("gain-upto")
    assert caught.value.hint == "did you mean gain-up-to?"


def test_a_rule_of_a_family_has_its_own_documentation() -> None:
    texts = {documentation(rule) for rule in rules() if rule.code.startswith("LXS1")}
    assert len(texts) == 16


@pytest.mark.parametrize(
    "comment", ["lynxspec: ignore[LXS211] measured on request", "# lynxspec: ignore[gain-up-to]: ok then"]
)
def test_the_vendors_profile_honours_an_ignore_with_a_reason(draft: Make, comment: str) -> None:
    made = _ignoring(draft, comment)
    found = _of(lint(made, profile="vendor"), "LXS211")
    assert [f.ignored for f in found] == [comment.partition("]")[2].strip(": ")]
    assert score(made, found).score == 97.5  # the partial disclosure stays: an ignore silences, it discloses nothing


@pytest.mark.parametrize("profile", ["buyer", "auditor"])
def test_an_ignore_binds_no_buyer_and_no_auditor_but_is_listed(draft: Make, profile: Any) -> None:
    findings = lint(_ignoring(draft, "# lynxspec: ignore[LXS211] measured on request"), profile=profile)
    assert [f.ignored for f in _of(findings, "LXS211")] == [None]
    assert [f.message for f in _of(findings, "LXS703")] == ["the claimant asks to ignore LXS211: measured on request"]


@pytest.mark.parametrize("profile", ["buyer", "vendor", "auditor"])
@pytest.mark.parametrize(
    "comment", ["# lynxspec: ignore[LXS211]", "# lynxspec: ignore[LXS211] because", "# lynxspec: ignore"]
)
def test_an_ignore_without_a_reason_is_a_finding_and_not_honoured(draft: Make, profile: Any, comment: str) -> None:
    findings = lint(_ignoring(draft, comment), profile=profile)
    assert [f.ignored for f in _of(findings, "LXS211")] == [None]
    assert [f.severity for f in _of(findings, "LXS701")] == [Severity.WARNING]


@pytest.mark.parametrize("profile", ["buyer", "vendor", "auditor"])
@pytest.mark.parametrize("comment", ["ignore[LXS212] measured on request", "ignore[LXS999] there is no such rule"])
def test_an_unused_ignore_is_a_finding(draft: Make, profile: Any, comment: str) -> None:
    findings = lint(_ignoring(draft, f"# lynxspec: {comment}"), profile=profile)
    assert len(_of(findings, "LXS702")) == 1


def test_an_ignore_on_another_line_does_not_cover_the_finding(draft: Make) -> None:
    findings = lint(_ignoring(draft, "# lynxspec: ignore[LXS211] measured on request", line=3), profile="vendor")
    assert [f.ignored for f in _of(findings, "LXS211")] == [None]
    assert len(_of(findings, "LXS702")) == 1


@pytest.mark.parametrize(
    ("line", "path"),
    [(1, ()), (3, ("identity",)), (4, ("comparisons",)), (301, ("comparisons", 0)), (303, QUALIFIER), (305, None)],
)
def test_an_ignore_covers_its_own_line_or_the_next_key_below(line: int, path: Path | None) -> None:
    place = Location(source="x", span=Span(line=line))
    assert covered(Ignore(rule="LXS211", reason="r", location=place), keys_by_line(PLACES)) == path


def test_one_comment_may_name_several_rules_and_other_comments_name_none() -> None:
    comments = [(Span(line=1), "# lynxspec: ignore[LXS211, gain-theoretical] as agreed"), (Span(line=2), "# a remark")]
    assert [i.rule for i in ignores_in(comments, source="x")] == ["LXS211", "gain-theoretical"]


def test_linting_loads_nothing_heavy() -> None:
    program = (
        "import json, sys; from lynxspec.lint.engine import rules; import lynxspec.scoring; rules();"
        "print(json.dumps(sorted({m.partition('.')[0] for m in sys.modules})))"
    )
    loaded = json.loads(
        subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True).stdout
    )
    assert not {"torch", "onnxruntime", "weasyprint", "numpy", "scipy", "onnx", "jinja2", "verifier"} & set(loaded)
