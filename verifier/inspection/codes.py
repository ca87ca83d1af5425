"""The numbers behind a stored weight: codes, scales and zero points spread over its shape.

Runs inside the worker: standard library and numpy, syntax of Python 3.8.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from verifier.inspection.graph import Graph, array, operand
from verifier.inspection.grid import GRIDS, Grid, spacing
from verifier.inspection.scheme import Stored


def expand(graph: Graph, stored: Stored) -> tuple[Any, Any, Any]:
    """Codes, scales and zero points as doubles of one shape; codes are ``None`` where no grid is known.

    Codes of a float format are the values that it holds before the scale. A 16-bit float without a scale has scale 1.
    Where the file keeps floats in front of a quantize-dequantize pair, the codes are those that the pair makes of them.
    """
    grid = GRIDS.get(stored.scheme.format)
    if grid is None:
        return None, None, None
    if stored.form == "float":
        codes = array(graph.constants[stored.name]).astype(np.float64)
        return codes, np.ones_like(codes), np.zeros_like(codes)
    scale = values(graph, stored.scale)
    if scale is None:
        return None, None, None
    if stored.form == "nbits":
        return _expand_packed(graph, stored, scale)
    codes = array(graph.constants[stored.name]).astype(np.float64)
    zero = values(graph, stored.zero)
    if zero is None:
        zero = np.zeros_like(scale)
    scale, zero = _spread(scale, codes.shape, stored), _spread(zero, codes.shape, stored)
    if stored.form == "unquantized_codes":
        codes = _rounded(grid, np.divide(codes, scale, out=np.zeros_like(codes), where=scale != 0) + zero)
    return codes, scale, zero


def values(graph: Graph, name: str) -> Any | None:
    """A constant as doubles, also one that the file keeps in a narrower format with a scale of its own."""
    tensor = graph.constant(name)
    if tensor is not None:
        return array(tensor).astype(np.float64)
    node = graph.producers.get(name) if name else None
    if node is None or node.op_type not in ("DequantizeLinear", "Cast"):
        return None
    codes = values(graph, operand(node, 0))
    if codes is None or node.op_type == "Cast":
        return codes
    scale, zero = values(graph, operand(node, 1)), values(graph, operand(node, 2))
    if scale is None or scale.size != 1:
        return None
    return (codes - (zero.reshape(()) if zero is not None else 0.0)) * scale.reshape(())


def _rounded(grid: Grid, exact: Any) -> Any:
    """Nearest value of the format; ties go to the even code."""
    exact = np.clip(exact, grid.low, grid.high)
    step = spacing(grid, exact)
    return np.rint(exact / step) * step


def _spread(values: Any, shape: tuple[int, ...], stored: Stored) -> Any:
    if stored.block:
        axis = (stored.axis or 0) % len(shape)
        wide = np.repeat(values, stored.block, axis=axis)
        return wide[tuple(slice(0, length) for length in shape)]
    if values.size == 1:
        return np.broadcast_to(values.reshape(()), shape)
    if values.ndim == len(shape):
        return np.broadcast_to(values, shape)
    if values.ndim == 2 and len(shape) == 3:
        return np.broadcast_to(values[:, None, :], shape)
    if stored.axis is None:
        return np.broadcast_to(values.reshape((-1,) + (1,) * (len(shape) - 1)), shape)
    wanted = [1] * len(shape)
    wanted[stored.axis] = -1
    return np.broadcast_to(values.reshape(wanted), shape)


def _expand_packed(graph: Graph, stored: Stored, scales: Any) -> tuple[Any, Any, Any]:
    """MatMulNBits keeps [N, blocks, bytes], the low bits first; here it becomes [K, N] as in the reference."""
    inputs, outputs = stored.shape
    blocks = -(-inputs // stored.block)
    codes = _unpack(array(graph.constants[stored.name]).reshape(outputs, blocks, -1), stored.bits)
    codes = codes.reshape(outputs, blocks * stored.block)[:, :inputs]
    scale = scales.reshape(outputs, blocks)
    zero_tensor = graph.constant(stored.zero)
    if zero_tensor is None:
        zero = np.full((outputs, blocks), float(2 ** (stored.bits - 1)))
    elif zero_tensor.data_type in (2, 3):
        zero = _unpack(array(zero_tensor).view(np.uint8).reshape(outputs, -1), stored.bits)[:, :blocks]
    else:
        zero = array(zero_tensor).astype(np.float64).reshape(outputs, blocks)
    wide = np.repeat(scale, stored.block, axis=1)[:, :inputs]
    zeros = np.repeat(zero, stored.block, axis=1)[:, :inputs]
    if stored.scheme.format.startswith("int"):
        middle = float(2 ** (stored.bits - 1))
        codes, zeros = codes - middle, zeros - middle
    return codes.T.astype(np.float64), wide.T, zeros.T.astype(np.float64)


def _unpack(packed: Any, bits: int) -> Any:
    parts = [(packed >> shift) & (2**bits - 1) for shift in range(0, 8, bits)]
    return np.stack(parts, axis=-1).reshape((*packed.shape[:-1], -1)).astype(np.float64)
