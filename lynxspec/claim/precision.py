"""Number format of each tensor class, the exceptions, and how the numbers were made."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Tag

from lynxspec.claim.base import Count, Disclosed, Frozen, Index, NotBlank, Options
from lynxspec.vocabulary import UNQUANTIZED, Algorithm, Approach, NumberFormat


class PerTensor(Frozen):
    """One scale for the whole tensor."""

    kind: Literal["per_tensor"]
    """Granularity."""


class PerChannel(Frozen):
    """One scale per slice of an axis."""

    kind: Literal["per_channel"]
    """Granularity."""
    axis: Index
    """Axis whose slices have a scale each: the output channel in the sense of the tool's own operator."""


class PerToken(Frozen):
    """One scale per token, computed at run time."""

    kind: Literal["per_token"]
    """Granularity."""


class PerGroup(Frozen):
    """One scale per run of consecutive weights."""

    kind: Literal["per_group"]
    """Granularity."""
    group_size: Count
    """Weights that share a scale."""
    axis: Index
    """Axis along which groups run."""


class PerBlock(Frozen):
    """One scale per two-dimensional block."""

    kind: Literal["per_block"]
    """Granularity."""
    rows: Count
    """Rows of a block."""
    columns: Count
    """Columns of a block."""


class PerHead(Frozen):
    """One scale per attention head."""

    kind: Literal["per_head"]
    """Granularity."""


Granularity = Annotated[
    PerTensor | PerChannel | PerToken | PerGroup | PerBlock | PerHead,
    Discriminator("kind"),
]
"""How many values share a scale."""

_FLOATS = Literal[NumberFormat.FP64, NumberFormat.FP32, NumberFormat.TF32, NumberFormat.FP16, NumberFormat.BF16]
_QUANTIZED = Literal[tuple(f for f in NumberFormat if f not in UNQUANTIZED)]  # type: ignore[valid-type]


class Unquantized(Frozen):
    """A tensor in a floating-point format without a scale."""

    format: _FLOATS
    """Number format."""


class Quantized(Frozen):
    """A tensor on a grid."""

    format: _QUANTIZED  # type: ignore[valid-type]
    """Number format."""
    granularity: Granularity
    """How many values share a scale."""
    symmetry: Literal["symmetric", "asymmetric"]
    """``symmetric``: zero point at zero; ``asymmetric``: a zero point per scale."""
    timing: Literal["static", "dynamic"]
    """``static``: scales fixed before deployment; ``dynamic``: computed from each input."""
    scale_format: Literal["fp32", "fp16", "bf16", "fp8_e4m3fn", "fp8_e8m0"]
    """Number format of the scale."""
    zero_point_format: Disclosed[NumberFormat]
    """Number format of the zero point."""


def _scheme(value: Any) -> str:  # noqa: ANN401 - a validator sees whatever the document holds
    fmt = value.get("format") if isinstance(value, dict) else getattr(value, "format", None)
    return "unquantized" if isinstance(fmt, str) and fmt in UNQUANTIZED else "quantized"


Scheme = Annotated[
    Annotated[Unquantized, Tag("unquantized")] | Annotated[Quantized, Tag("quantized")], Discriminator(_scheme)
]
"""How one tensor class is stored."""


class Precision(Frozen):
    """One scheme for each tensor class; a class that the model lacks is ``not_applicable``."""

    weights: Disclosed[Scheme]
    """Weights of matrix products and convolutions."""
    activations: Disclosed[Scheme]
    """Inputs of matrix products and convolutions."""
    outputs: Disclosed[Scheme]
    """What the quantized operators hand on."""
    bias: Disclosed[Scheme]
    """Biases."""
    accumulator: Disclosed[NumberFormat]
    """Format in which products are summed."""
    embeddings: Disclosed[Scheme]
    """Embedding tables."""
    head: Disclosed[Scheme]
    """Last projection (classifier, language-model head)."""
    kv_cache_key: Disclosed[Scheme]
    """Keys of the attention cache."""
    kv_cache_value: Disclosed[Scheme]
    """Values of the attention cache."""
    state: Disclosed[Scheme]
    """Recurrent or state-space state."""


class Selector(Frozen):
    """Which layers an exception names."""

    kind: Literal["node", "glob", "op_type", "tensor_class"]
    """``node``: exact names in the model file; ``glob``: names by pattern; ``op_type``: all of an operator."""
    values: tuple[NotBlank, ...]
    """The names."""


class Exemption(Frozen):
    """Layers that do not follow the regime's scheme."""

    selector: Selector
    """Which."""
    format: NumberFormat
    """In which format they are instead."""
    reason: NotBlank
    """Why."""


class MixedPrecision(Frozen):
    """The mixed-precision policy: which sensitive layers stay higher, first and last above all."""

    first_layer: NumberFormat
    """Weight format of the first matrix product or convolution."""
    last_layer: NumberFormat
    """Weight format of the last one."""
    exceptions: tuple[Exemption, ...]
    """Layers that deviate; an empty list says that there are none."""


class QatRecipe(Frozen):
    """Training that knew the grid; not testable, its artifact is."""

    epochs: Count
    """Passes over the training data."""
    data: NotBlank
    """Training data."""
    details: NotBlank
    """Optimiser, schedule, fake-quantization settings."""


class Quantization(Frozen):
    """How the numbers were made."""

    algorithm: Algorithm
    """How weights were moved to the grid."""
    approach: Approach
    """When and on what quantization works."""
    parameters: Options
    """Every parameter of the algorithm, defaults written out; empty if it has none."""
    qat: Disclosed[QatRecipe]
    """Training recipe of quantization-aware training."""
