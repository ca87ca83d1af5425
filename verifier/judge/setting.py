"""Judges of the setting: the machine and the tool chain, as declared and as found here."""

from __future__ import annotations

from collections.abc import Iterator

from lynxspec.claim import Regime, present
from lynxspec.claim.toolchain import Quantizer, Runtime
from verifier.evidence.environment import Role
from verifier.judge.case import Case
from verifier.judge.clause import Finding, clause
from verifier.judge.materiality import Axis, Effect, concerning, listed
from verifier.judge.platform import tool_differences, version_of
from verifier.verdict import ClauseKind, ClauseVerdict, Reason

HARDWARE_RULE = (
    "Reproduced if processor or accelerator by name, stepping, count, logical processors, instruction sets, "
    "memory (within 5 %) and virtualization agree; a processor whose name lacks a model number counts as the same "
    "only on the same machine by digest. Otherwise not testable, and rates, latency, memory and speed-up are not "
    "testable either."
)
TOOLS_RULE = (
    "Reproduced if quantizer and runtime are installed here in the declared versions; not testable otherwise, and "
    "what other versions measure refutes nothing."
)


def judge_hardware(case: Case) -> Iterator[ClauseVerdict]:
    """Is this the hardware that the claim is about."""
    hardware, host = case.claim.hardware, case.evidence.host
    stated, size = hardware.host, f"{host.memory_bytes / 2**30:.1f} GiB"
    blocking = concerning(ClauseKind.HARDWARE, Effect.BLOCKS, case.hardware)
    where = "the same machine" if case.on_same_machine else "another machine of the same description"
    finding: Finding = (Reason.AS_DECLARED, f"Hardware as declared: {where}.")
    if blocking:
        finding = (Reason.OTHER_HARDWARE, f"The claim is for other hardware: {listed(blocking)}.")
    here = ", ".join(host.accelerators) if hardware.kind != "cpu" and host.accelerators else host.cpu
    yield clause(
        ClauseKind.HARDWARE,
        None,
        finding,
        title="The claim's hardware is this machine's",
        claimed=f"{hardware.vendor} {hardware.product}; {stated.cpu}, {stated.logical_cpus} logical processors",
        measured=f"{here}, {host.logical_cpus} logical processors, {size}, {host.virtualization}",
        tolerance="memory within 5 %",
        rule=HARDWARE_RULE,
        notes=tuple(str(d) for d in case.hardware if d not in blocking and d.axis is not Axis.MACHINE),
    )


def judge_tool_chain(case: Case) -> Iterator[ClauseVerdict]:
    """Are quantizer and runtime of each regime here, in the declared versions."""
    for regime in case.claim.regimes:
        declared = _declared(regime)
        if declared:
            yield _tool_chain(case, regime, declared)


def _declared(regime: Regime) -> tuple[str, ...]:
    tools = (("quantizer", present(regime.toolchain.quantizer)), ("runtime", present(regime.toolchain.runtime)))
    return tuple(f"{what} {tool.name} {tool.version}" for what, tool in tools if tool is not None)


def _tool_chain(case: Case, regime: Regime, declared: tuple[str, ...]) -> ClauseVerdict:
    differences = tool_differences(regime, case.evidence)
    blocking = concerning(ClauseKind.TOOL_CHAIN, Effect.BLOCKS, differences)
    finding: Finding = (Reason.AS_DECLARED, "Quantizer and runtime are here in the declared versions.")
    if blocking:
        finding = (Reason.TOOL_ABSENT, f"The declared tool chain is not what is here: {listed(blocking)}.")
    tools: tuple[tuple[Role, Quantizer | Runtime | None], ...] = (
        ("quantizer", present(regime.toolchain.quantizer)),
        ("runtime", present(regime.toolchain.runtime)),
    )
    here = {
        tool.name: version_of(regime, case.evidence, role, tool.name) or "not installed" for role, tool in tools if tool
    }
    return clause(
        ClauseKind.TOOL_CHAIN,
        regime.name,
        finding,
        title=f"Tool chain of regime {regime.name}",
        claimed="; ".join(declared),
        measured="; ".join(f"{name} {version}" for name, version in here.items()),
        tolerance="none: versions are equal or not",
        rule=TOOLS_RULE,
        notes=(
            *(str(d) for d in differences if d.axis in (Axis.FRAMEWORK_VERSION, Axis.EXECUTION)),
            *_environments(case, regime),
        ),
    )


def _environments(case: Case, regime: Regime) -> tuple[str, ...]:
    """Where the tools ran, for those that did not run among the verifier's own packages."""
    found = [e for e in case.evidence.environments if e.regime == regime.name and e.lock_sha256]
    return tuple(
        f"{e.role} {e.tool} {e.version} ran in an environment of its own"
        f" ({'given by the reader' if e.origin == 'given' else 'built from its lock'},"
        f" {len(e.lock)} packages, lock {(e.lock_sha256 or '')[:12]}…)" + (f": {e.message}" if e.message else "")
        for e in found
        if e.origin in ("given", "built")
    )
