"""Which hardware computes in which number format; storing in a format is always possible."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import cache

from lynxspec.facts.hardware import Entry
from lynxspec.facts.source import read_rows
from lynxspec.vocabulary import NumberFormat


class Support(StrEnum):
    """Whether matrix units compute in a format."""

    YES = "yes"
    NO = "no"
    PARTIAL = "partial"
    UNKNOWN = "unknown"


_ROW = {
    NumberFormat.FP16: "fp16",
    NumberFormat.BF16: "bf16",
    NumberFormat.TF32: "tf32",
    NumberFormat.INT8: "int8",
    NumberFormat.UINT8: "int8",
    NumberFormat.INT4: "int4",
    NumberFormat.UINT4: "int4",
    NumberFormat.FP8_E4M3FN: "fp8_ocp",
    NumberFormat.FP8_E5M2: "fp8_ocp",
    NumberFormat.FP8_E4M3FNUZ: "fp8_fnuz",
    NumberFormat.FP8_E5M2FNUZ: "fp8_fnuz",
    NumberFormat.MXFP8_E4M3: "mxfp8",
    NumberFormat.MXFP8_E5M2: "mxfp8",
    NumberFormat.MXFP6_E2M3: "mxfp6",
    NumberFormat.MXFP6_E3M2: "mxfp6",
    NumberFormat.MXFP4: "mxfp4",
    NumberFormat.NVFP4: "nvfp4",
}

_PEAK = {"fp8_ocp": "fp8", "fp8_fnuz": "fp8", "mxfp8": "fp8", "mxfp6": "fp6", "mxfp4": "fp4", "nvfp4": "fp4"}


@cache
def _table() -> Mapping[str, Mapping[str, Support]]:
    return {
        row["format"]: {name: Support(cell) for name, cell in row.items() if name not in {"format", "source"}}
        for row in read_rows("format_support.csv")
    }


def sources() -> Mapping[str, str]:
    """Where each row of the table comes from."""
    return {row["format"]: row["source"] for row in read_rows("format_support.csv")}


def supports(hardware: Entry | str, number_format: NumberFormat) -> Support:
    """Whether ``hardware`` (an entry or a compute target such as ``sm_80``) computes in ``number_format``."""
    if number_format in {NumberFormat.FP32, NumberFormat.FP64}:
        return Support.YES
    row = _ROW.get(number_format)
    if row is None:
        return Support.UNKNOWN
    target = hardware if isinstance(hardware, str) else hardware.target
    return _table()[row].get(target, Support.UNKNOWN)


def peak_class(number_format: NumberFormat) -> str | None:
    """The class of peak rates (see `Entry.dense`) that computing in ``number_format`` is bound by."""
    if number_format is NumberFormat.FP32:
        return "fp32"
    row = _ROW.get(number_format)
    return None if row is None else _PEAK.get(row, row)
