"""Differences between the claim's hardware and tool chain and those of this host."""

from __future__ import annotations

import re

from lynxspec.claim import Claim, Regime, present
from lynxspec.claim.hardware import Hardware
from verifier.evidence import Evidence, HostReport
from verifier.evidence.accelerator import Card
from verifier.evidence.environment import Role
from verifier.judge.materiality import Axis, Difference

POWER_TOLERANCE = 0.01
"""Limits are set in watts; a card tells what it rounded them to."""
MEMORY_TOLERANCE = 0.05
"""Kernels reserve a few percent of the memory, and sizes are sold in round numbers."""

_NOISE = frozenset(
    {"amd", "intel", "arm", "apple", "ampere", "nvidia", "processor", "cpu", "core", "cores", "the", "with", "at"}
)
_VARIANTS = frozenset({"ti", "super", "laptop", "mobile", "max-q", "d", "nvl", "xt", "xtx", "gre"})
"""Words that make another product of a card's name; a driver's name has them where they belong to it. Words that a
claim may well add to the driver's name are none of them: the slot, the generation."""
_VERSIONS = frozenset({Axis.RUNTIME_VERSION, Axis.QUANTIZER_VERSION, Axis.FRAMEWORK_VERSION})
_UNKNOWN = frozenset({"", "unknown", "?", "?/?/?"})


def name_tokens(name: str) -> frozenset[str]:
    """The words of a processor's name that tell products apart."""
    text = re.sub(r"\(r\)|\(tm\)|\(c\)|@\s*[0-9.]+\s*[gm]hz", " ", name.casefold())
    text = re.sub(r"\b[0-9]+-core\b", " ", text)
    return frozenset(re.findall(r"[a-z0-9][a-z0-9.+-]*", text)) - _NOISE


def is_generic(name: str) -> bool:
    """Whether a processor's name lacks a model number, as names from hypervisors do: ``AMD EPYC``."""
    if re.search(r"qemu|kvm|virtual", name, re.IGNORECASE):
        return True
    words = [word for word in name_tokens(name) if not re.fullmatch(r"v[0-9]", word)]
    return not any(re.search(r"[0-9]", word) and len(word) > 1 for word in words)


def is_card(product: str, card: str) -> bool:
    """Whether a claim's product is the card that the driver names: all of its words, and no other variant of it."""
    wanted, found = name_tokens(product), name_tokens(card)
    return bool(found) and found <= wanted and not _VARIANTS & (wanted - found)


def same_machine(claim: Claim, host: HostReport) -> bool:
    """Whether the claim was measured on this very machine."""
    digest = present(claim.hardware.host.machine)
    return digest is not None and digest == host.machine


def hardware_differences(claim: Claim, host: HostReport) -> tuple[Difference, ...]:
    """Axes of the hardware on which the claim and this host differ, or are not known to agree."""
    hardware, stated = claim.hardware, claim.hardware.host
    here = same_machine(claim, host)
    found = [*_names(hardware, host)]
    stepping = present(stated.stepping)
    if stepping is not None and not {stepping.casefold(), host.stepping.casefold()} & _UNKNOWN:
        found += _unequal(Axis.STEPPING, stepping, host.stepping)
    found += _unequal(Axis.LOGICAL_CPUS, str(stated.logical_cpus), str(host.logical_cpus))
    missing = {_plain(x) for x in stated.isa} - {_plain(x) for x in host.isa}
    if missing:
        lacking = ", ".join(sorted(x for x in stated.isa if _plain(x) in missing))
        found.append(Difference(axis=Axis.ISA, claimed=lacking, here="not available"))
    if abs(host.memory_bytes - stated.memory.base) > MEMORY_TOLERANCE * stated.memory.base:
        gib = host.memory_bytes / 2**30
        found.append(Difference(axis=Axis.MEMORY, claimed=str(stated.memory), here=f"{gib:.1f} GiB"))
    guest = present(stated.virtualization)
    if guest is not None and not {guest.casefold(), host.virtualization.casefold()} & _UNKNOWN:
        found += _unequal(Axis.VIRTUALIZATION, guest, host.virtualization)
    if not here:
        generic = is_generic(stated.cpu) or is_generic(host.cpu)
        axis = Axis.UNNAMED_MACHINE if generic and hardware.kind == "cpu" else Axis.MACHINE
        found.append(Difference(axis=axis, claimed=_digest(present(stated.machine)), here=_digest(host.machine)))
    found += _card_differences(hardware, host, here=here)
    for said, seen in ((stated.os, host.os), (stated.kernel, host.kernel)):
        found += _unequal(Axis.OPERATING_SYSTEM, said, seen)
    return tuple(found)


def tool_differences(regime: Regime, evidence: Evidence, *, model: str | None = None) -> tuple[Difference, ...]:
    """Versions that differ for one regime; ``model`` is the digest of the model that a clause is about.

    Where that is the claimed file itself, the quantizer's version no longer matters; where it is neither that file nor
    what the recipe gave here, the model itself differs.
    """
    chain = regime.toolchain
    quantizer, runtime, framework = present(chain.quantizer), present(chain.runtime), present(chain.framework)
    packages = packages_of(regime, evidence)
    claimed = present(regime.artifact)
    is_claimed = model is not None and claimed is not None and model == claimed.sha256
    found: list[Difference] = []
    if runtime is not None:
        here = version_of(regime, evidence, "runtime", runtime.name)
        found += _unequal(Axis.RUNTIME_VERSION, runtime.version, here, runtime.name)
        ran_in = evidence.environment(regime.name, "runtime")
        if ran_in is not None and ran_in.status != "ok":
            wanted = f"{runtime.name} {runtime.version} on {runtime.provider}"
            found.append(Difference(axis=Axis.EXECUTION, claimed=wanted, here=ran_in.message))
        ran = next((x.provider for x in evidence.ledgers if x.regime == regime.name and x.provider), None)
        if ran is not None:
            found += _unequal(Axis.PROVIDER, runtime.provider, ran)
    if quantizer is not None and not is_claimed:
        found += _unequal(Axis.QUANTIZER_VERSION, quantizer.version, _quantizer_here(regime, evidence), quantizer.name)
    if framework is not None:
        here = installed(framework.name, packages)
        if here:
            found += _unequal(Axis.FRAMEWORK_VERSION, framework.version, here, framework.name)
    if model is not None and claimed is not None and not is_claimed:
        found.append(Difference(axis=Axis.MODEL_FILE, claimed=_digest(claimed.sha256), here=_digest(model)))
    return tuple(found)


def packages_of(regime: Regime, evidence: Evidence) -> dict[str, str]:
    """Packages that the regime's runtime ran among: those of its environment, in older evidence the host's."""
    environment = evidence.environment(regime.name, "runtime")
    return environment.packages if environment else evidence.host.packages


def version_of(regime: Regime, evidence: Evidence, role: Role, name: str) -> str:
    """Version of the regime's quantizer or runtime where it ran; empty if it was nowhere to be had."""
    environment = evidence.environment(regime.name, role)
    return environment.version if environment else installed(name, evidence.host.packages)


def installed(name: str, packages: dict[str, str]) -> str:
    """Version of a tool among the installed packages, or of its build for an accelerator; empty if absent."""
    wanted = _plain(name)
    exact = [version for package, version in packages.items() if _plain(package) == wanted]
    builds = [
        version for package, version in packages.items() if _plain(package) in (wanted + "gpu", wanted + "openvino")
    ]
    return (exact or builds or [""])[0]


def _quantizer_here(regime: Regime, evidence: Evidence) -> str:
    """The version that ran the recipe; where it did not run, the one that is installed."""
    quantizer = present(regime.toolchain.quantizer)
    for run in evidence.quantizations:
        if (
            run.regime == regime.name
            and run.status == "ok"
            and quantizer
            and _plain(run.tool) == _plain(quantizer.name)
        ):
            return run.version
    return version_of(regime, evidence, "quantizer", quantizer.name) if quantizer else ""


def _names(hardware: Hardware, host: HostReport) -> list[Difference]:
    """Names outrank machine digests: a claim for another product is for other hardware, whatever else agrees."""
    if hardware.kind == "cpu":
        seen = name_tokens(host.cpu)
        if name_tokens(hardware.host.cpu) != seen:
            return [Difference(axis=Axis.PROCESSOR, claimed=hardware.host.cpu, here=host.cpu)]
        if not seen <= name_tokens(f"{hardware.vendor} {hardware.product}"):
            return [Difference(axis=Axis.PROCESSOR, claimed=hardware.product, here=host.cpu)]
        return []
    matching = [name for name in host.accelerators if is_card(hardware.product, name)]
    if not matching:
        here = ", ".join(host.accelerators) or "no accelerator"
        return [Difference(axis=Axis.PROCESSOR, claimed=hardware.product, here=here)]
    if len(matching) < hardware.count:
        return [Difference(axis=Axis.COUNT, claimed=str(hardware.count), here=str(len(matching)))]
    return []


def _card_differences(hardware: Hardware, host: HostReport, *, here: bool) -> list[Difference]:
    """Power, driver, memory, capability and partition of an accelerator, by what its driver says of it.

    What the claim states and nothing here can tell is a difference too: power on another machine, all of a card that
    could not be asked.
    """
    power, driver = present(hardware.power), present(hardware.stack.driver)
    if hardware.kind == "cpu":
        unread = power is not None and not here
        return [Difference(axis=Axis.POWER, claimed="a power limit or mode", here="not known")] if unread else []
    ours = _ours(hardware, host)
    if not ours:
        unknown = []
        if power is not None:
            unknown.append(Difference(axis=Axis.POWER, claimed="a power limit or mode", here="not known"))
        if driver is not None:
            unknown.append(Difference(axis=Axis.DRIVER, claimed=driver, here="not known"))
        return unknown
    found: list[Difference] = []
    for card in ours:
        found += _one_card(hardware, card)
    return list(dict.fromkeys(found))


def more_power(claim: Claim, host: HostReport) -> str | None:
    """A card that may draw more than the limit under which the claim was measured, in words; `None` if none may."""
    power = present(claim.hardware.power)
    limit = present(power.limit) if power is not None else None
    if limit is None or claim.hardware.kind == "cpu":
        return None
    drawn = [card.power_limit_w or 0.0 for card in _ours(claim.hardware, host)]
    most = max(drawn, default=0.0)
    if most <= limit.base * (1.0 + POWER_TOLERANCE):
        return None
    return f"The card may draw more power than when the claim was measured: {most:g} W, the claim's limit is {limit}."


def _ours(hardware: Hardware, host: HostReport) -> list[Card]:
    """The cards that the claim is about."""
    return [card for card in host.cards if is_card(hardware.product, card.name)][: hardware.count]


def _one_card(hardware: Hardware, card: Card) -> list[Difference]:
    power, driver, memory = present(hardware.power), present(hardware.stack.driver), present(hardware.memory)
    limit = present(power.limit) if power is not None else None
    stated = present(hardware.stack.compute_capability)
    found: list[Difference] = []
    if power is not None and (limit is None or card.power_limit_w is None):
        found.append(Difference(axis=Axis.POWER, claimed="a power limit or mode", here="not known"))
    elif limit is not None and abs((card.power_limit_w or 0.0) / limit.base - 1) > POWER_TOLERANCE:
        found.append(Difference(axis=Axis.POWER, claimed=f"limit {limit}", here=f"{card.power_limit_w:g} W"))
    if driver is not None and (not card.driver or _plain(card.driver) not in _plain(driver)):
        found.append(Difference(axis=Axis.DRIVER, claimed=driver, here=card.driver or "not known"))
    if memory is not None and not _holds(card, memory.base):
        here = f"{card.memory_bytes / 2**30:.1f} GiB"
        found.append(Difference(axis=Axis.MEMORY, claimed=f"{memory} on the card", here=here))
    if stated is not None and card.compute_capability and _digits(stated) != _digits(card.compute_capability):
        here = f"compute capability {card.compute_capability}"
        found.append(Difference(axis=Axis.PROCESSOR, claimed=f"compute capability {stated}", here=here))
    if card.mig == "on" and present(hardware.partition) is None:
        found.append(Difference(axis=Axis.PROCESSOR, claimed="a whole card", here=f"{card.name} cut by MIG"))
    return found


def _holds(card: Card, stated: float) -> bool:
    """Whether the card has that memory, the claim's unit taken as written or as cards are sold: GB for GiB."""
    sizes = (stated, stated * 2**30 / 10**9)
    return any(abs(card.memory_bytes - size) <= MEMORY_TOLERANCE * size for size in sizes)


def _digits(capability: str) -> str:
    """``sm_90a`` and ``9.0`` as ``90``."""
    return re.sub(r"[^0-9]", "", capability)


def _unequal(axis: Axis, claimed: str, here: str, subject: str = "") -> list[Difference]:
    same = _version if axis in _VERSIONS else _text
    if same(claimed, here) == same(here, claimed):
        return []
    prefix = f"{subject} " if subject else ""
    return [Difference(axis=axis, claimed=f"{prefix}{claimed}", here=f"{prefix}{here}" if here else "not installed")]


def same_version(one: str, other: str) -> bool:
    """Whether two versions agree, a build's own tag aside where only one of them states it."""
    return bool(one and other) and _version(one, other) == _version(other, one)


def _text(one: str, _other: str) -> str:
    return one.strip().casefold()


def _version(one: str, other: str) -> str:
    """Without the local part of a version (``2.13.0+cpu``), which names a build, unless both sides state one."""
    plain = one.strip().casefold()
    return plain if "+" in other else plain.partition("+")[0]


def _plain(word: str) -> str:
    return re.sub(r"[^a-z0-9]", "", word.casefold())


def _digest(digest: str | None) -> str:
    return f"{digest[:12]}…" if digest else "unknown"
