"""Accelerators with memory, bandwidth, power and dense peak rates; a blank is "no source found", never zero."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache

from lynxspec.facts.source import read_rows

PEAK_CLASSES = ("fp32", "tf32", "fp16", "bf16", "fp8", "int8", "fp6", "fp4", "int4")
"""Classes of number formats that share a peak rate."""

_MEMORY_MATCH = 0.10
"""GB against GiB and physical against usable memory differ by less than this."""

_OTHER_PARTS = frozenset({"laptop", "mobile", "d", "dd", "max-q", "maxq", "vgpu"})
"""Words that turn a product name into another, slower part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One product."""

    product: str
    vendor: str
    kind: str
    """``gpu``, ``tpu``, ``npu`` or ``cpu``, as in a claim."""
    key: frozenset[str]
    """Words that a product name must hold to mean this product."""
    variant: frozenset[str]
    """Words that tell products of one key apart."""
    arch: str
    target: str
    """Compute target, e.g. ``sm_90``."""
    per: str
    """What the figures count: GPU, module, OAM, chip."""
    memory_gb: tuple[float, ...]
    """Memory sizes that exist, in 10^9 bytes as the vendor prints them."""
    bandwidth_gb_s: float | None
    tdp_w: float | None
    dense: Mapping[str, float]
    """Dense peak by class, in 10^12 operations per second; a missing class is unknown."""
    sparse_factor: float
    """Sparse over dense peak; 1 without hardware sparsity."""
    power_modes: bool
    """Whether named power modes change the peak."""
    grade: str
    """``A`` vendor document seen, ``A-`` tabulation that names it, ``B`` third party."""
    source: str
    notes: str


def _number(text: str) -> float | None:
    return float(text) if text else None


def _entry(row: Mapping[str, str]) -> Entry:
    return Entry(
        product=row["product"],
        vendor=row["vendor"],
        kind=row["kind"],
        key=frozenset(row["key"].split()),
        variant=frozenset(row["variant"].split("|")) - {""},
        arch=row["arch"],
        target=row["target"],
        per=row["per"],
        memory_gb=tuple(float(size) for size in row["memory_gb"].split("|") if size),
        bandwidth_gb_s=_number(row["bandwidth_gb_s"]),
        tdp_w=_number(row["tdp_w"]),
        dense={name: float(row[name]) for name in PEAK_CLASSES if row[name]},
        sparse_factor=float(row["sparse_factor"]),
        power_modes=row["power_modes"] == "yes",
        grade=row["grade"],
        source=row["source"],
        notes=row["notes"],
    )


@cache
def entries() -> tuple[Entry, ...]:
    """All products, in the table's order."""
    return tuple(_entry(row) for row in read_rows("hardware.csv"))


def words(name: str) -> frozenset[str]:
    """The words of a product name: lower case, thin spaces as spaces, ``80 GiB`` as ``80gb``, ``SXM5`` as ``sxm``."""
    text = unicodedata.normalize("NFKC", name).lower()
    text = re.sub(r"(\d+(?:\.\d+)?)[\s_-]*gi?b\b", r" \1gb ", text)
    text = re.sub(r"\b(sxm)\d\b", r"\1", text)
    text = re.sub(r"\b(rtx|gaudi|tpu|gtx)[\s_-]*(?=v?\d)", r"\1 ", text)
    text = re.sub(r"\b(inferentia|trainium)[\s_-]+(?=\d\b)", r"\1", text)
    return frozenset(re.findall(r"[a-z0-9]+(?:\.[0-9]+gb)?", text))


def same_memory(one_gb: float, sizes_gb: tuple[float, ...]) -> bool:
    """Whether a memory size is one of ``sizes_gb``, read as GB or GiB."""
    return any(abs(one_gb - size) <= _MEMORY_MATCH * size for size in sizes_gb)


@cache
def candidates(product: str) -> tuple[Entry, ...]:
    """Every product that ``product`` may mean; several if the name leaves the form factor open."""
    have = words(product)
    if have & _OTHER_PARTS:
        return ()
    found = [entry for entry in entries() if entry.key and entry.key <= have]
    named = [entry for entry in found if entry.variant & have]
    sizes = [float(word[:-2]) for word in have if re.fullmatch(r"[0-9.]+gb", word)]
    kept = named or found
    if sizes:
        kept = [e for e in kept if not e.memory_gb or any(same_memory(size, e.memory_gb) for size in sizes)]
    return tuple(kept)


def find(product: str) -> Entry | None:
    """The product of that name, if the name means exactly one."""
    found = candidates(product)
    return found[0] if len(found) == 1 else None


def nearest(product: str, *, count: int = 3) -> tuple[str, ...]:
    """Names of products that are spelled most like ``product``."""
    text = " ".join(sorted(words(product)))
    ranked = sorted(
        ((SequenceMatcher(None, text, " ".join(sorted(words(e.product)))).ratio(), e.product) for e in entries()),
        key=lambda pair: (-pair[0], pair[1]),
    )
    return tuple(name for ratio, name in ranked[:count] if ratio >= 0.4)  # below this the names share no word
