"""Wishes in a document that a rule be ignored: how they are read, what they cover, and whether they bind.

``# lynxspec: ignore[LXS215] the buyer's own workload is under contract`` names one rule or several, by code or name,
and gives a reason. It covers the key on its own line, or the next one below, with everything under it; above the first
key it covers the document. It stands in the vendor's own file, so it binds no buyer and no auditor.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Literal

from lynxspec.draft import Draft, Ignore, Places
from lynxspec.errors import HostileInput
from lynxspec.lint.rule import Confidence, Effect, Finding, Rule, Severity
from lynxspec.location import Location, Path, Span

Profile = Literal["buyer", "vendor", "auditor"]
"""On whose behalf the linter reads; only ``vendor`` honours the ignores that stand in the vendor's file."""

_MARK = re.compile(r"^#?\s*lynxspec:\s*ignore\b\s*(?:\[([^\]]*)\])?[ \t:]*(.*)")

MAX_IGNORES = 1000
"""More than any honest file holds."""

_REFERENCES = """
## References
Linters that let the checked party silence them print the reason of each suppression and flag unused ones; here the
checked party is the counterparty of the reader, so that its suppressions are listed and do not bind."""


def _no_check(_draft: Draft) -> Iterator[object]:
    """Yield nothing: the engine makes these findings itself, after all rules have run."""
    return iter(())


def _rule(code: str, name: str, severity: Severity, *, summary: str, remedy: str, documentation: str) -> Rule:
    return Rule(
        code=code,
        name=name,
        severity=severity,
        component=None,
        summary=summary,
        remedy=remedy,
        question="",
        check=_no_check,  # type: ignore[arg-type]
        documentation=summary + "\n" + documentation + _REFERENCES,
    )


WITHOUT_REASON = _rule(
    "LXS701",
    "ignore-without-reason",
    Severity.WARNING,
    summary="An ignore comment names no rule or gives no reason.",
    remedy="Write `# lynxspec: ignore[CODE] reason`, or remove the comment.",
    documentation="""
## What it checks
Each `# lynxspec: ignore[...]` comment for a rule and a reason of two words or more.
## Why it matters to a buyer
A finding that was silenced without a reason is a question that was refused.
## Disclose instead
Say why the rule does not hold for this claim. The comment is not honoured under any profile until it does.""",
)
UNUSED = _rule(
    "LXS702",
    "unused-ignore",
    Severity.WARNING,
    summary="An ignore comment covers no finding.",
    remedy="Remove the comment, correct its rule, or move it to the line that it is meant for.",
    documentation="""
## What it checks
Whether each ignore comment meets a finding of its rule at the place that it covers.
## Why it matters to a buyer
A stale ignore silences the next finding that happens to match it, and nobody will have decided that.
## Disclose instead
Remove the comment.""",
)
NOT_HONOURED = _rule(
    "LXS703",
    "ignore-not-honoured",
    Severity.INFO,
    summary="The claimant's file asks to ignore a finding; the finding stands.",
    remedy="Judge the stated reason yourself; nothing was silenced.",
    documentation="""
## What it checks
Lists, for buyers and auditors, each ignore comment that meets a finding.
## Why it matters to a buyer
The reason may be a good one, but it is the vendor's: you see both the finding and the reason.
## Disclose instead
Put the reason into the claim itself, where the component stands, for example as `not_applicable`.""",
)
ENGINE_RULES = (WITHOUT_REASON, UNUSED, NOT_HONOURED)


def ignores_in(comments: Iterable[tuple[Span, str]], *, source: str) -> tuple[Ignore, ...]:
    """Find the wishes among the comments of a document, each given with its place."""
    found = []
    for span, text in comments:
        match = _MARK.match(text.strip())
        if match is None:
            continue
        location = Location(source=source, span=span)
        names = dict.fromkeys(name.strip() for name in (match[1] or "").split(","))
        found += [Ignore(rule=name, reason=match[2].strip(), location=location) for name in names]
        if len(found) > MAX_IGNORES:
            raise HostileInput(
                f"{source}:{span.line}: more than {MAX_IGNORES} rules are ignored",
                hint="a claim that needs so many exceptions should be corrected instead",
            )
    return tuple(found)


def keys_by_line(places: Places) -> dict[int, Path]:
    """The outermost key that stands on each line."""
    lines: dict[int, Path] = {}
    for path, span in (*places.keys.items(), *places.values.items()):
        if not path or span.line is None:
            continue
        known = lines.get(span.line)
        if known is None or len(path) < len(known):
            lines[span.line] = path
    return dict(sorted(lines.items()))


def covered(ignore: Ignore, lines: dict[int, Path]) -> Path | None:
    """Path of the key that the ignore stands at or above; the root above the first key, ``None`` below the last."""
    line = ignore.location.span.line or 0
    numbers = list(lines)
    if numbers and line < numbers[0]:
        return ()
    at = bisect_left(numbers, line)
    return lines[numbers[at]] if at < len(numbers) else None


def settle(draft: Draft, findings: tuple[Finding, ...], profile: Profile, known: Iterable[Rule]) -> tuple[Finding, ...]:
    """Honour or list each ignore of the draft; returns the findings with what is to be said of the ignores."""
    if not draft.ignores:
        return findings
    codes = {key: rule.code for rule in known for key in (rule.code, rule.name)}
    settled, said = list(findings), []
    lines = keys_by_line(draft.places)
    for ignore in draft.ignores:
        if not ignore.rule or len(ignore.reason.split()) < 2:
            what = f"the ignore of {ignore.rule} gives no reason" if ignore.rule else "an ignore names no rule"
            said.append(_say(WITHOUT_REASON, f"{what}; it is not honoured", ignore.location))
            continue
        root = covered(ignore, lines)
        code = codes.get(ignore.rule)
        met = [i for i, f in enumerate(settled) if f.code == code and root is not None and _under(f, root)]
        if not met:
            message = f"no rule is called {ignore.rule!r}" if code is None else f"no finding of {code} stands here"
            said.append(_say(UNUSED, message, ignore.location))
        elif profile == "vendor":
            for i in met:
                settled[i] = replace(settled[i], ignored=ignore.reason)
        else:
            message = f"the claimant asks to ignore {code}: {ignore.reason}"
            said.append(_say(NOT_HONOURED, message, ignore.location))
    return (*settled, *said)


def _under(finding: Finding, root: Path) -> bool:
    return any(location.path[: len(root)] == root for location in finding.locations)


def _say(rule: Rule, message: str, location: Location) -> Finding:
    return Finding(
        code=rule.code,
        rule=rule.name,
        severity=rule.severity,
        confidence=Confidence.CERTAIN,
        message=message,
        remedy=rule.remedy,
        component=None,
        locations=(location,),
        regime=None,
        effect=Effect.NONE,
    )
