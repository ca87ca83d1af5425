"""The promised grade of reproduction is weaker than the recipe allows, or nothing says how to reproduce.

## What it checks
Whether a recipe whose tool is deterministic, and whose artifact has a digest, promises less than the same bytes;
whether any command is given that redoes the claim.

## Why it matters to a buyer
Bit-exact reproduction is the cheapest proof there is. Who could promise it and promises similar behaviour keeps
room for another model.

## Disclose instead
``bit_exact`` where the recipe gives the same bytes again, and the command that redoes the claim.

## References
ONNX Runtime 1.31 writes the same file for the same recipe across hash seeds and core counts (measured).
"""

from __future__ import annotations

from collections.abc import Iterator

from lynxspec.claim import present
from lynxspec.draft import Draft
from lynxspec.facts.tool_chains import tool
from lynxspec.lint.regimes import quantized
from lynxspec.lint.rule import Hit, Rule, Severity

_DETERMINISTIC = frozenset({"onnxruntime"})


def _check(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    if claim is None:
        return
    grade = claim.reproduction.grade
    tools = [present(regime.toolchain.quantizer) for _, regime in quantized(claim)]
    known = [tool(entry.name) for entry in tools if entry is not None]
    deterministic = bool(known) and all(entry is not None and entry.name in _DETERMINISTIC for entry in known)
    if grade != "bit_exact" and deterministic and len(known) == len(tools):
        message = f"the tool writes the same bytes again, yet only {grade!r} is promised"
        yield Hit(message=message, at=(("reproduction", "grade"),))
    if not claim.reproduction.commands:
        yield Hit(
            message="no command redoes the claim",
            at=(("reproduction", "commands"), ("reproduction", "commands", 0)),
            severity=Severity.WARNING,
        )


RULE = Rule(
    code="LXS362",
    name="reproduction-promises-little",
    severity=Severity.INFO,
    component=None,
    summary="the grade of reproduction is weaker than the recipe allows, or there is no command",
    remedy="promise the same bytes where the tool gives them, and give the command",
    question="Does your recipe give the published file again, byte for byte?",
    check=_check,
)
