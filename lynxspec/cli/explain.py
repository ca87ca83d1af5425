"""``lynxspec explain``: the documentation of a rule, the list of all rules, or disclosure clauses for a tender."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from lynxspec.cli import tender
from lynxspec.errors import UsageError
from lynxspec.lint.engine import documentation, rule_named, rules
from lynxspec.lint.rule import Rule

TENDER = "rfp"
"""Request for proposals."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``lynxspec explain``."""
    parser.add_argument(
        "rule", nargs="?", metavar="RULE", help=f"code or name, e.g. LXS101; `{TENDER}` for clauses of a tender"
    )
    parser.add_argument("--list", action="store_true", help="list all rules")
    parser.add_argument(
        "--format",
        choices=("text", "json", "markdown"),
        default="text",
        help=f"default: text; markdown for {TENDER} only",
    )


def run(arguments: argparse.Namespace) -> int:
    """Print one rule, or all of them."""
    if arguments.list == (arguments.rule is not None):
        raise UsageError("explain takes a rule, rfp, or --list", hint="`lynxspec explain --list` shows all rules")
    if arguments.rule == TENDER:
        text = {"text": tender.text, "json": tender.as_json, "markdown": tender.markdown}[arguments.format]()
    elif arguments.format == "markdown":
        raise UsageError("only the clauses of a tender are written as markdown", hint=f"`lynxspec explain {TENDER}`")
    elif arguments.list:
        text = _json([_entry(rule) for rule in rules()]) if arguments.format == "json" else _table()
    else:
        rule = rule_named(arguments.rule)
        text = _json(_entry(rule)) if arguments.format == "json" else _page(rule)
    sys.stdout.write(text)
    return 0


def _json(value: object) -> str:
    """Write indented JSON."""
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def _entry(rule: Rule) -> dict[str, Any]:
    """Give a rule as data."""
    return {
        "code": rule.code,
        "name": rule.name,
        "severity": rule.severity.name.lower(),
        "component": rule.component.value if rule.component is not None else None,
        "summary": rule.summary,
        "remedy": rule.remedy,
        "question": rule.question,
        "since": rule.since,
        "documentation": documentation(rule).strip(),
    }


def _table() -> str:
    """List the rules, one line each."""
    width = max((len(rule.name) for rule in rules()), default=0)
    return "".join(f"{r.code}  {r.severity.name.lower():<7}  {r.name:<{width}}  {r.summary}\n" for r in rules())


def _page(rule: Rule) -> str:
    """Lay out one rule on a page; what its documentation says already is not said twice."""
    about = f" about {rule.component.value.replace('_', ' ')}" if rule.component is not None else ""
    page = documentation(rule).strip()
    lines = [f"# {rule.code} {rule.name}", "", f"{rule.severity.name.lower()}{about}, since {rule.since}", ""]
    if rule.summary not in page:
        lines += [rule.summary, ""]
    lines.append(page)
    if rule.remedy not in page:
        lines += ["", "## Remedy", rule.remedy]
    if rule.question:
        lines += ["", "## Ask the vendor", rule.question]
    return "\n".join(lines) + "\n"
