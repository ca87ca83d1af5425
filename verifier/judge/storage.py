"""Bits per weight, told apart: those of the number format, those that the file stores, and those with scales."""

from __future__ import annotations

from lynxspec.vocabulary import UNQUANTIZED
from verifier.evidence import PrecisionLedger, TensorGroup
from verifier.evidence.inspection import WeightStorage
from verifier.judge.clause import number

_INTEGERS = {f"int{bits}": (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for bits in range(2, 17)}
_INTEGERS.update({f"uint{bits}": (0, 2**bits - 1) for bits in range(1, 17)})


BLOCKS = {
    "mxfp4": ("fp4_e2m1", "per_group(32)"),
    "mxfp8_e4m3": ("fp8_e4m3fn", "per_group(32)"),
    "mxfp8_e5m2": ("fp8_e5m2", "per_group(32)"),
    "mxint8": ("int8", "per_group(32)"),
    "nvfp4": ("fp4_e2m1", "per_group(16)"),
}
"""Block formats by what a ledger calls them: the format of an element, and the block (OCP Microscaling Formats 1.0)."""


def in_format(ledger: PrecisionLedger, group: TensorGroup, declared: str) -> bool:
    """Whether the tensors of a group are in the declared number format, whatever the file calls it."""
    if group.format == declared or BLOCKS.get(declared) == (group.format, group.granularity):
        return True
    return holds_only(ledger, group, declared)


def holds_only(ledger: PrecisionLedger, group: TensorGroup, declared: str) -> bool:
    """Whether every tensor of a group in a wider integer format holds no value beyond the declared one's range.

    Four-bit values stored one per byte are four-bit numbers: what they cost is said beside it, and judged where the
    claim states a size.
    """
    wide, narrow = _INTEGERS.get(group.format), _INTEGERS.get(declared)
    if wide is None or narrow is None or not (wide[0] <= narrow[0] and narrow[1] <= wide[1]):
        return False
    fitting = {
        name
        for row in ledger.storage
        if row.format == group.format and row.low is not None and row.high is not None
        if narrow[0] <= row.low and row.high <= narrow[1]
        for name in row.examples
    }
    return len(group.examples) == group.tensors and fitting.issuperset(group.examples)


def bits_found(ledger: PrecisionLedger) -> str:
    """Bits per weight of each quantized format, over all its tensors."""
    rows: dict[tuple[str, str], list[WeightStorage]] = {}
    for row in ledger.storage:
        if row.format not in UNQUANTIZED and row.elements > 0:
            rows.setdefault((row.tensor_class, row.format), []).append(row)
    return "; ".join(
        f"{cls} {fmt}: {members[0].numeric_bits or 'unknown'} bits per number, "
        f"{_mean(members, 'storage_bits')} in the file, {_mean(members, 'effective_bits')} with scales and zero points"
        for (cls, fmt), members in rows.items()
    )


def _mean(rows: list[WeightStorage], name: str) -> str:
    total = sum(row.elements for row in rows)
    return number(sum(getattr(row, name) * row.elements for row in rows) / total)  # one of two fields of the type


def storage_notes(ledger: PrecisionLedger) -> list[str]:
    """Where the three differ in a way that a buyer would not expect."""
    notes = []
    for row in ledger.storage:
        if row.format in UNQUANTIZED:
            continue
        where = f"{row.tensor_class}: {row.tensors} tensors"
        if row.used_bits is not None and row.used_bits <= row.numeric_bits // 2:
            span = f"{number(row.low or 0)} to {number(row.high or 0)}"
            notes.append(f"{where} in {row.format} use codes {span} alone, which {row.used_bits} bits would hold")
        if row.stored_as in UNQUANTIZED:
            notes.append(
                f"{where} in {row.format} are kept as {row.stored_as}: {number(row.storage_bits)} bits per weight"
            )
    return notes
