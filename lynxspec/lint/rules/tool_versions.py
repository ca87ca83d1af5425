"""Names, versions, providers and options of the tool chain cannot be looked up.

## What it checks
Versions that name a moving target ("latest", "10.x"); versions newer than any that the facts know; tools, execution
providers and options that the facts do not know; the quantizer's mode against the approach; formats in free text
that stay ambiguous (a bare "FP8" is E4M3FN, E4M3FNUZ or E5M2; a bare "FP4" is E2M1, MXFP4 or NVFP4).

## Why it matters to a buyer
The same word has different defaults in different tools and versions. Without an exact version nobody can run the
recipe again, and a misspelled option is silently ignored by many tools.

## Disclose instead
The version as the tool prints it, options by their exact names, and the exact variant of the number format.

## References
OCP 8-bit Floating Point Specification 1.0; ROCm precision support (MI300 computes in FNUZ).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches

from lynxspec.claim import Absent, Claim, present
from lynxspec.claim.toolchain import Framework, Quantizer, Runtime
from lynxspec.draft import Draft
from lynxspec.facts.tool_chains import expected_options, is_loose, newer_than_known, options, takes, tool
from lynxspec.lint.leaves import leaves
from lynxspec.lint.regimes import numbered, quantization, regime_name, schemes
from lynxspec.lint.rule import Effect, Hit, Rule, Severity
from lynxspec.location import Path
from lynxspec.vocabulary import Component, NumberFormat

_BARE = re.compile(r"(?<![A-Za-z0-9_])(?:(?:fp|float)(8|4))(?![A-Za-z0-9]|[_ -]?(?:e\d|\())", re.IGNORECASE)
_EXACT = re.compile(r"e4m3|e5m2|fnuz|mxfp|nvfp|e2m1|mx-?fp|nv-?fp", re.IGNORECASE)
_SPEAKS = frozenset({"text", "title", "represents", "details", "description", "framework_build", "selection"})

Entry = Quantizer | Runtime | Framework


def _tools(claim: Claim) -> Iterator[tuple[Path, str, Entry]]:
    for path, regime in numbered(claim):
        chain = regime.toolchain
        for role, answer in (
            ("quantizer", chain.quantizer),
            ("runtime", chain.runtime),
            ("framework", chain.framework),
        ):
            if not isinstance(answer, Absent):
                yield (*path, "toolchain", role), role, answer


def _loose(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    for path, role, entry in _tools(claim) if claim else ():
        if is_loose(entry.version):
            yield Hit(
                message=f"{entry.name} {entry.version!r} is not an exact version",
                at=((*path, "version"),),
                regime=regime_name(claim, path) if claim else None,
                component=Component.RUNTIME if role == "runtime" else None,
                effect=Effect.WEAKENS if role != "framework" else Effect.NONE,
            )


def _unknown(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    for path, role, entry in _tools(claim) if claim else ():
        known, name = tool(entry.name), regime_name(claim, path) if claim else None
        if known is None:
            message = f"no facts about the {role} {entry.name!r}: it is not checked"
            yield Hit(message=message, at=((*path, "name"),), regime=name)
            continue
        if newer_than_known(known, entry.version):
            message = f"{entry.name} {entry.version} is newer than the newest that is known here ({known.newest})"
            yield Hit(message=message, at=((*path, "version"),), regime=name)
        if isinstance(entry, Runtime) and known.providers and entry.provider not in known.providers:
            near = get_close_matches(entry.provider, known.providers, n=1)
            message = f"{entry.name} has no provider {entry.provider!r}" + (
                f"; did you mean {near[0]!r}?" if near else ""
            )
            yield Hit(message=message, at=((*path, "provider"),), regime=name, severity=Severity.WARNING)


def _options(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    for path, role, entry in _tools(claim) if claim else ():
        listed = options(entry.name, role)
        if isinstance(entry, Framework) or listed is None:
            continue
        name = regime_name(claim, path) if claim else None
        for key in expected_options(entry.name) if role == "quantizer" else ():
            if key not in entry.options and not (key == "format" and entry.options.get("mode") == "dynamic"):
                message = f"the option {key!r} of {entry.name} is not written out; defaults differ by call"
                yield Hit(message=message, at=((*path, "options", key),), regime=name, severity=Severity.INFO)
        for key, value in entry.options.items():
            at: Path = (*path, "options", key)
            if key not in listed:
                near = get_close_matches(key, listed, n=1)
                hint = f"; did you mean {near[0]!r}?" if near else ""
                yield Hit(
                    message=f"{entry.name} has no {role} option {key!r} that is known here{hint}", at=(at,), regime=name
                )
            elif not takes(listed[key], value):
                yield Hit(message=f"option {key} of {entry.name} does not take {value!r}", at=(at,), regime=name)


def _mode(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    for path, regime in numbered(claim) if claim else ():
        quantizer, how = present(regime.toolchain.quantizer), quantization(regime)
        if quantizer is None or how is None:
            continue
        mode = quantizer.options.get("mode")
        known = isinstance(mode, str) and mode in {"static", "dynamic", "weight_only"}
        if known and how.approach.value not in {mode, "qat"}:
            yield Hit(
                message=f"{regime.name}: the approach is {how.approach}, the quantizer ran in mode {mode}",
                at=((*path, "quantization", "approach"), (*path, "toolchain", "quantizer", "options", "mode")),
                regime=regime.name,
                effect=Effect.CONTRADICTS,
            )


def _resolved(claim: Claim, bits: str) -> str | None:
    """The one exact format of that width in the claim's quantized regimes; ``None`` if there is none or several."""
    found = {
        str(fmt)
        for _, regime in numbered(claim)
        for name, scheme in schemes(regime)
        if name in {"weights", "activations"} and f"fp{bits}" in (fmt := NumberFormat(scheme.format)).value
    }
    return found.pop() if len(found) == 1 else None


def _ambiguous(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    if claim is None:
        return
    for path, text in leaves(claim).texts:
        if path[-1] not in _SPEAKS:
            continue
        match = _BARE.search(text)
        if match is None or _EXACT.search(text):
            continue
        exact = _resolved(claim, match[1])
        yield Hit(
            message=f"{match[0]!r} names no variant"
            + (f"; the regimes say {exact}" if exact else ", nor does any regime"),
            at=(path,),
            regime=regime_name(claim, path),
            severity=Severity.INFO if exact else Severity.WARNING,
            effect=Effect.NONE if exact else Effect.WEAKENS,
        )


RULES = (
    Rule(
        code="LXS611",
        name="version-not-exact",
        severity=Severity.WARNING,
        component=Component.TOOL_CHAIN,
        summary="a version names a moving target or a range",
        remedy="state the version as the tool prints it",
        question="Which exact versions of quantizer, runtime and framework were used?",
        check=_loose,
    ),
    Rule(
        code="LXS612",
        name="tool-not-known",
        severity=Severity.INFO,
        component=Component.TOOL_CHAIN,
        summary="a tool, version or provider is not among the facts",
        remedy="check the spelling; otherwise facts about it remain unchecked",
        question="",
        check=_unknown,
    ),
    Rule(
        code="LXS613",
        name="option-not-known",
        severity=Severity.WARNING,
        component=Component.TOOL_CHAIN,
        summary="the tool has no such option, or it does not take such a value",
        remedy="use the option's exact name and one of its values",
        question="Which options did the tool run with?",
        check=_options,
    ),
    Rule(
        code="LXS614",
        name="mode-contradicts-approach",
        severity=Severity.ERROR,
        component=Component.TOOL_CHAIN,
        summary="the quantizer ran in another mode than the approach says",
        remedy="state the approach that was run",
        question="Was the model quantized statically, dynamically, or in its weights only?",
        check=_mode,
    ),
    Rule(
        code="LXS615",
        name="float-format-ambiguous",
        severity=Severity.WARNING,
        component=Component.PRECISION_FORMAT,
        summary="a bare FP8 or FP4 leaves the variant open",
        remedy="write E4M3FN, E4M3FNUZ or E5M2; E2M1, MXFP4 or NVFP4",
        question="Which FP8 or FP4 variant is meant?",
        check=_ambiguous,
    ),
)
