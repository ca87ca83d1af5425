"""What looking into a model gives: bits per weight, layers by name, time by operator, and how far numbers moved."""

from __future__ import annotations

from typing import Literal

from lynxspec.claim.base import Frozen, Sha256


class WeightStorage(Frozen):
    """Bits of weights that share a scheme, told apart: what a value can be, what it takes, what a weight costs."""

    tensor_class: Literal["weights", "embeddings"]
    format: str
    """A `NumberFormat`."""
    granularity: str
    """As in `TensorGroup`."""
    stored_as: str
    """Element type of the file's tensor: ``int8`` for 4-bit values stored one per byte, ``fp32`` before a
    quantize-dequantize pair."""
    tensors: int
    elements: int
    low: float | None
    high: float | None
    """Smallest and largest code in use, over all of them; ``None`` for floats and unknown codes."""
    used_bits: int | None
    """Bits of the narrowest integer that holds these codes, the same for each tensor; ``None`` for floats."""
    numeric_bits: int
    """Bits of one value of the format; 0 where not known."""
    storage_bits: float
    """Bits that the file spends on one value."""
    effective_bits: float
    """The same with scales and zero points."""
    examples: tuple[str, ...]
    """Names of the tensors, at most 5,000."""


class Layer(Frozen):
    """One matrix product or convolution, by name."""

    node: str
    op_type: str
    weight: str
    """Its weight tensor; empty for a product of two activations."""
    weight_format: str
    """Format of that tensor; empty without one."""
    compute: str
    """Format it computes in: what the file means, or what the runtime does."""
    time_share: float | None
    """Share of the runtime's kernel time (executed ledger)."""


class TimeShare(Frozen):
    """Kernel time of all other operators of one type: conversions between formats, layouts, activation functions."""

    op_type: str
    count: int
    time_share: float


class FormatError(Frozen):
    """Distance of the weights of one format from the reference's, in local grid steps, as in `WeightError`."""

    format: str
    tensors: int
    elements: int
    clipped: int
    worst_steps: float
    beyond_half_step: int


class EngineBuild(Frozen):
    """What an engine's builder made of a model for one kind of device, without that device."""

    target: str
    """Compute capability, ``8.9``; empty where the parser already refused the file."""
    status: Literal["built", "refused"]
    by: Literal["parser", "builder", "target"]
    """Who refused: the reader of the file, the builder, or nobody, since the tool has no such target."""
    bytes: int | None
    """Of the engine; ``None`` if there is none."""
    message: str
    """Why it was refused, the tool's own words included; empty if it was not."""


class LayerSignal(Frozen):
    """One layer's output in the quantized model against the reference's."""

    node: str
    op_type: str
    weight: str
    """Its weight tensor in the reference; empty for a product of two activations."""
    tensor: str
    """Tensor of the reference that was compared."""
    values: int
    sqnr_db: float | None
    """Power of the reference's values over that of the difference, in decibels; ``None`` if nothing differs."""


class ActivationFit(Frozen):
    """One activation's range in the artifact, and the values of the reference that fall outside it."""

    tensor: str
    low: float
    high: float
    """Smallest and largest value that the format holds with its scale."""
    calibration_values: int
    """0 if the calibration set was not looked at."""
    calibration_clipped: int
    evaluation_values: int
    evaluation_clipped: int
    """Values that rounding cannot keep: more than half a step outside."""
    calibration_low: float | None
    calibration_high: float | None
    evaluation_low: float
    evaluation_high: float
    """Smallest and largest value seen."""


class Outliers(Frozen):
    """Channels of one activation of the reference that goes into a matrix product."""

    tensor: str
    channels: int
    max_over_median: float
    """Largest channel maximum over the median of the channels' maxima."""
    kurtosis: float
    """Fourth standardized moment of all values; 3 for a normal distribution."""


class GrowthPoint(Frozen):
    """How far the quantized model is from the reference at one place of the sequence."""

    source: Literal["output_position", "input_length", "unrolled_step"]
    name: str
    """Output, or weight whose product recurs."""
    first: int
    last: int
    """Positions, lengths or steps, counted from 1, both included."""
    values: int
    sqnr_db: float | None
    """As in `LayerSignal`; ``None`` too for outputs that are no floats."""
    differing: float | None
    """Share of values that differ, for outputs that are no floats."""


class SignalReport(Frozen):
    """The quantized model beside the reference, layer by layer, on a few items."""

    regime: str
    sha256: Sha256
    """Digest of the quantized model."""
    status: Literal["ok", "failed"]
    message: str
    family: str
    """A `ModelFamily`: it decides what is looked at."""
    evaluation_items: int
    calibration_items: int
    """Items that were run, spread evenly over each set."""
    layers: tuple[LayerSignal, ...]
    """In the order of the graph."""
    outputs: tuple[LayerSignal, ...]
    """The model's own floating-point outputs."""
    unmatched: tuple[str, ...]
    """Layers of the reference without a counterpart of their name."""
    left_out: int
    """Layers that the time or the number of layers did not allow."""
    activations: tuple[ActivationFit, ...]
    outliers: tuple[Outliers, ...]
    growth: tuple[GrowthPoint, ...]


class Repetition(Frozen):
    """The outputs of one pass over the first items of the evaluation set."""

    process: int
    """Number of the process, from 1."""
    threads: int | None
    """Threads of the runtime; ``None`` as its own default."""
    run: int
    """Number of the pass within its process, from 1."""
    outputs_sha256: Sha256


class RepeatReport(Frozen):
    """The same inputs again: in one process, in others, and with other numbers of threads."""

    regime: str
    sha256: Sha256
    """Digest of the model."""
    status: Literal["ok", "failed"]
    message: str
    items: int
    repetitions: tuple[Repetition, ...]
