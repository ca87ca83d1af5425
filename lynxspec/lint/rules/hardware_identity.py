"""The hardware's fields contradict each other or the published facts about the product.

## What it checks
Vendor, kind, memory, form factor and compute target against the table of products; a product that the table does
not know is information with the nearest names. Edge modules need their power mode. The host's processor, its
threads and its instruction sets against the product, the partition and the session options. Peak figures in the
statement that are the product's sparse figures.

## Why it matters to a buyer
Product names cover parts that differ by a factor: form factor, memory size and power mode decide the rate. A module
at 15 W does a fifth of what it does in its highest mode.

## Disclose instead
The product with form factor and memory size, the power limit or mode, and the processors that the run could use.

## References
The hardware table of this package names its source in every row, among them the power modes of Jetson AGX Orin
(NVIDIA DLA repository).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lynxspec.claim import Claim, present
from lynxspec.draft import Draft
from lynxspec.facts.formats import peak_class
from lynxspec.facts.hardware import Entry, candidates, nearest, same_memory, words
from lynxspec.facts.presets import number_format
from lynxspec.lint.regimes import numbered
from lynxspec.lint.rule import Effect, Hit, Rule, Severity
from lynxspec.location import Path
from lynxspec.vocabulary import Component

_EDGE = frozenset(
    {"jetson", "orin", "xavier", "snapdragon", "exynos", "dimensity", "rk3588", "hailo", "raspberry", "kria"}
)
_CPU_WORDS = frozenset(
    {"epyc", "xeon", "ryzen", "threadripper", "graviton", "altra", "cortex", "neoverse", "pentium", "celeron"}
)
_CPU_VENDORS = {
    "epyc": "amd",
    "ryzen": "amd",
    "threadripper": "amd",
    "xeon": "intel",
    "pentium": "intel",
    "celeron": "intel",
    "graviton": "aws",
}
_ISA = re.compile(
    r"(avx|avx2|avx512\w*|avx_vnni\w*|avx10\w*|avxvnni\w*|vnni|amx\w*|sse\w*|ssse3|fma3?|f16c|bmi\d|mmx|neon|asimd\w*|sve2?\w*|sme2?\w*|"
    r"dotprod|i8mm|bf16|fp16|fphp|rvv\w*|vsx|altivec|lsx|lasx|vxe2?|wasm_?simd\w*|mma|aes|popcnt)",
    re.IGNORECASE,
)
_FIGURE = re.compile(
    r"(\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?)\s*([TP])(?:era|eta)?(?:OPS|FLOPS?|FLOP/s|ops/s)", re.IGNORECASE
)
_GENERIC = frozenset(
    {"amd", "intel", "cpu", "processor", "core", "vcpu", "gb", "r", "tm", "with", "the", "2", "4", "8", "16"}
)


def _entries(claim: Claim) -> tuple[Entry, ...]:
    form = present(claim.hardware.form_factor)
    found = candidates(f"{claim.hardware.product} {form}" if form else claim.hardware.product)
    return found or candidates(claim.hardware.product)


def _facts(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    found = candidates(claim.hardware.product) if claim else ()
    if claim is None or not found:
        return
    machine, product = claim.hardware, ("hardware", "product")
    memory, target = present(machine.memory), present(machine.stack.compute_capability)
    form = present(machine.form_factor)
    sizes = tuple(size for entry in found for size in entry.memory_gb)
    if memory is not None and sizes and not same_memory(memory.base / 1e9, sizes):
        text = " or ".join(f"{size:g} GB" for size in sorted(set(sizes)))
        yield _contradiction(f"{machine.product} has {text}, the claim says {memory}", ("hardware", "memory"))
    vendors = {entry.vendor.lower() for entry in found}
    if not any(vendor in machine.vendor.lower() or machine.vendor.lower() in vendor for vendor in vendors):
        yield _contradiction(
            f"{machine.product} is made by {found[0].vendor}, not {machine.vendor}", ("hardware", "vendor")
        )
    if machine.kind not in {entry.kind for entry in found}:
        yield _contradiction(f"{machine.product} is a {found[0].kind}, not a {machine.kind}", ("hardware", "kind"))
    targets = {entry.target for entry in found}
    spelled = re.search(r"(?:sm_?|compute\s*|cc\s*)?(\d{1,2})\.?(\d)\b|(gfx\w+)", target.lower()) if target else None
    if spelled and all(t.startswith(("sm_", "gfx")) for t in targets):
        said = spelled[3] or f"sm_{spelled[1]}{spelled[2]}"
        if said.split("+")[0] not in targets:
            place = ("hardware", "stack", "compute_capability")
            yield _contradiction(f"{machine.product} is {found[0].target}, the claim says {target}", place)
    variants = {word for entry in found for word in entry.variant}
    if (
        form
        and variants & {"sxm", "pcie", "nvl"}
        and words(form) & {"sxm", "pcie", "nvl"}
        and not words(form) & variants
    ):
        yield _contradiction(f"{machine.product} in form factor {form!r}", ("hardware", "form_factor"), product)


def _contradiction(message: str, *at: Path) -> Hit:
    return Hit(message=message, at=(*at, ("hardware", "product")), effect=Effect.CONTRADICTS)


def _processor(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    if claim is None:
        return
    machine = claim.hardware
    have, cpu = words(machine.product), words(machine.host.cpu)
    named = have & _CPU_WORDS
    if machine.kind != "cpu" and named:
        message = f"{machine.product} is a cpu, not a {machine.kind}"
        yield Hit(message=message, at=(("hardware", "kind"), ("hardware", "product")), effect=Effect.CONTRADICTS)
    if machine.kind == "cpu":
        if not (have - _GENERIC) & (cpu - _GENERIC):
            message = f"the claim is about {machine.product!r}, the host's processor is {machine.host.cpu!r}"
            yield Hit(message=message, at=(("hardware", "host", "cpu"), ("hardware", "product")), effect=Effect.WEAKENS)
        vendors = {_CPU_VENDORS[word] for word in named if word in _CPU_VENDORS}
        if vendors and not any(vendor in machine.vendor.lower() for vendor in vendors):
            message = f"{machine.product} is not made by {machine.vendor}"
            yield Hit(message=message, at=(("hardware", "vendor"), ("hardware", "product")), effect=Effect.CONTRADICTS)
    counted = re.search(r"(\d{1,5})\s*(?:vcpus?|threads|logical)", machine.product.lower())
    if counted and int(counted[1]) != machine.host.logical_cpus:
        yield Hit(
            message=f"{machine.product!r}, but {machine.host.logical_cpus} logical processors",
            at=(("hardware", "host", "logical_cpus"), ("hardware", "product")),
        )
    if machine.kind == "cpu" and machine.count > 16:
        yield Hit(message=f"one instance on {machine.count} processors", at=(("hardware", "count"),))
    elif machine.kind == "cpu" and machine.count > machine.host.logical_cpus:
        message = f"{machine.count} processors with {machine.host.logical_cpus} logical processors"
        yield Hit(message=message, at=(("hardware", "count"), ("hardware", "host", "logical_cpus")))


def _host(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    if claim is None:
        return
    host = claim.hardware.host
    for index, name in enumerate(host.isa):
        if not _ISA.fullmatch(name.replace("-", "_").replace(".", "_")):
            message = f"{name!r} is no instruction-set extension that is known here"
            yield Hit(message=message, at=(("hardware", "host", "isa", index),), severity=Severity.INFO)
    for field, text in (("kernel", host.kernel), ("os", host.os)):
        if not re.search(r"\d", text):
            yield Hit(
                message=f"{field} {text!r} names no release", at=(("hardware", "host", field),), severity=Severity.INFO
            )
    level = present(claim.hardware.stack.compute_capability)
    extensions = {re.sub(r"[^a-z0-9]", "", name.lower()) for name in host.isa}
    for word in re.findall(r"[A-Za-z0-9_-]+", level or ""):
        plain = re.sub(r"[^a-z0-9]", "", word.lower())
        if _ISA.fullmatch(word.replace("-", "_")) and plain not in extensions:
            message = f"{word} is the instruction-set level, but not among the host's extensions"
            at = (("hardware", "host", "isa"), ("hardware", "stack", "compute_capability"))
            yield Hit(message=message, at=at)
    partition = present(claim.hardware.partition)
    threads = re.search(r"(\d{1,5})\b[^.;]{0,40}\b(?:threads|vcpus?|logical|cpus)", partition or "", re.IGNORECASE)
    if threads and int(threads[1]) > host.logical_cpus:
        message = f"partition {partition!r} on {host.logical_cpus} logical processors"
        yield Hit(message=message, at=(("hardware", "partition"), ("hardware", "host", "logical_cpus")))
    yield from _threads(claim)


def _threads(claim: Claim) -> Iterator[Hit]:
    host = claim.hardware.host
    for path, regime in numbered(claim):
        runtime = present(regime.toolchain.runtime)
        for key, value in runtime.options.items() if runtime else ():
            if "threads" not in key or isinstance(value, bool) or not isinstance(value, int):
                continue
            at: tuple[Path, ...] = (
                (*path, "toolchain", "runtime", "options", key),
                ("hardware", "host", "logical_cpus"),
            )
            if value > host.logical_cpus:
                message = f"{regime.name}: {key} is {value} on {host.logical_cpus} logical processors"
                yield Hit(message=message, at=at, regime=regime.name)
            elif value <= 0:
                message = f"{regime.name}: {key} is {value}, which leaves the number to the machine"
                yield Hit(message=message, at=at, regime=regime.name, severity=Severity.INFO)


def _power(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    if claim is None:
        return
    found = _entries(claim)
    if not (words(claim.hardware.product) & _EDGE or any(entry.power_modes for entry in found)):
        return
    power = present(claim.hardware.power)
    if power is None or present(power.mode) is None:
        at: Path = ("hardware", "power") if power is None else ("hardware", "power", "mode")
        notes = next((entry.notes for entry in found if entry.power_modes), "")
        message = f"{claim.hardware.product} without its power mode" + (f" ({notes})" if notes else "")
        yield Hit(message=message, at=(at, ("hardware", "product")), effect=Effect.WEAKENS)


def _unknown(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    if claim is None or claim.hardware.kind not in {"gpu", "tpu", "npu"} or candidates(claim.hardware.product):
        return
    near = nearest(claim.hardware.product)
    message = f"no facts about {claim.hardware.product!r}: limits are not checked" + (
        f"; known: {', '.join(near)}" if near else ""
    )
    yield Hit(message=message, at=(("hardware", "product"),))


def _ambiguous(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    found = _entries(claim) if claim else ()
    if claim is not None and len(found) > 1:
        names = ", ".join(entry.product for entry in found)
        message = f"{claim.hardware.product!r} may mean {names}: state form factor and memory"
        yield Hit(message=message, at=(("hardware", "product"), ("hardware", "form_factor")), effect=Effect.WEAKENS)


def _sparse(draft: Draft) -> Iterator[Hit]:
    claim = draft.claim
    found = _entries(claim) if claim else ()
    if claim is None or not found:
        return
    texts: list[tuple[Path, str]] = [(("identity", "title"), claim.identity.title)]
    statement = present(claim.identity.statement)
    if statement is not None:
        texts.append((("identity", "statement", "text"), statement.text))
    for path, text in texts:
        formats = {number_format(word) for word in re.findall(r"[A-Za-z0-9_]+", text)} - {None}
        named = {peak_class(fmt) for fmt in formats if fmt is not None} | {
            word for word in ("fp8", "fp4", "fp6", "int8", "int4") if word in text.lower()
        }
        for match in _FIGURE.finditer(text):
            figure = float(match[1].replace(",", "")) * (1000 if match[2].upper() == "P" else 1) / claim.hardware.count
            for entry in found:
                for name, dense in entry.dense.items():
                    wanted = not (named - {None}) or name in named
                    honest = any(
                        abs(figure - other) < 0.01 * other
                        for k, other in entry.dense.items()
                        if k in named or not named
                    )
                    doubled = entry.sparse_factor > 1 and abs(figure - dense * entry.sparse_factor) < 0.01 * figure
                    if wanted and doubled and not honest and "spars" not in text.lower():
                        yield Hit(
                            message=f"{match[0]} is the sparse {name} peak of {entry.product}; dense is {dense:g} TOPS",
                            at=(path,),
                        )
                        break
                else:
                    continue
                break


RULES = (
    Rule(
        code="LXS511",
        name="hardware-contradicts-facts",
        severity=Severity.ERROR,
        component=Component.HARDWARE,
        summary="memory, vendor, kind or compute target are not those of the product",
        remedy="correct the product name or the field",
        question="Which product, with which memory and form factor, was measured?",
        check=_facts,
    ),
    Rule(
        code="LXS512",
        name="processor-contradicted",
        severity=Severity.WARNING,
        component=Component.HARDWARE,
        summary="product, kind, host processor and number of processors do not fit",
        remedy="name the processor that ran the model, with the logical processors that it could use",
        question="Which processor ran the model, and how many logical processors could it use?",
        check=_processor,
    ),
    Rule(
        code="LXS513",
        name="host-contradicted",
        severity=Severity.WARNING,
        component=None,
        summary="threads, instruction sets or releases do not fit the host",
        remedy="state the host as the operating system prints it",
        question="How many threads ran on how many logical processors?",
        check=_host,
    ),
    Rule(
        code="LXS514",
        name="power-mode-missing",
        severity=Severity.WARNING,
        component=Component.HARDWARE,
        summary="an edge module is named without its power mode",
        remedy="state the power mode, e.g. MAXN or 15 W",
        question="In which power mode was the module?",
        check=_power,
    ),
    Rule(
        code="LXS515",
        name="product-unknown",
        severity=Severity.INFO,
        component=Component.HARDWARE,
        summary="there are no facts about the product",
        remedy="check the spelling; otherwise its limits remain unchecked",
        question="",
        check=_unknown,
    ),
    Rule(
        code="LXS516",
        name="product-ambiguous",
        severity=Severity.WARNING,
        component=Component.HARDWARE,
        summary="the product's name covers several parts",
        remedy="state form factor and memory size",
        question="Which form factor and memory size does the accelerator have?",
        check=_ambiguous,
    ),
    Rule(
        code="LXS517",
        name="sparse-peak-as-dense",
        severity=Severity.WARNING,
        component=Component.PEAK_ONLY,
        summary="a peak figure in the statement is the one with structured sparsity",
        remedy="give the dense peak, or say that the figure is with sparsity",
        question="Is the model sparse, and what is the dense peak?",
        check=_sparse,
    ),
)
