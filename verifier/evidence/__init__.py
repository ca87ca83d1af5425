"""What each stage measured: frozen, serializable, versioned; a third party can judge it again without any runtime.

Large arrays (outputs, time stamps of every call) lie beside the evidence as files that are named by digest.
A little over 400 lines: the whole of a format that is versioned as one.
"""

from __future__ import annotations

from typing import Literal

from lynxspec.claim.base import Frozen, Sha256
from verifier.evidence.accelerator import Card
from verifier.evidence.accuracy import BatchProbe, TimedPairs
from verifier.evidence.also import OtherRuntime
from verifier.evidence.calibration import CalibrationAccount
from verifier.evidence.environment import EnvironmentReport, Role
from verifier.evidence.inspection import (
    EngineBuild,
    FormatError,
    Layer,
    RepeatReport,
    SignalReport,
    TimeShare,
    WeightStorage,
)
from verifier.evidence.load import LoadReport
from verifier.evidence.telemetry import Telemetry

EVIDENCE: Literal["lynxspec-evidence/1"] = "lynxspec-evidence/1"
"""Version of these types; older ones stay readable."""


class HostReport(Frozen):
    """What this machine is, as found."""

    cpu: str
    stepping: str
    """Family, model and stepping, ``25/17/1``."""
    logical_cpus: int
    memory_bytes: int
    isa: tuple[str, ...]
    """Instruction-set extensions that matter for integer and low-precision arithmetic, sorted."""
    os: str
    kernel: str
    virtualization: str
    """Hypervisor, ``none`` or ``unknown``."""
    machine: Sha256 | None
    """Digest of a salt and the machine id; ``None`` if there is no machine id."""
    accelerators: tuple[str, ...]
    """Accelerators found, by name."""
    cards: tuple[Card, ...] = ()
    """What the driver says of each NVIDIA card; empty without one, and in older evidence."""
    cards_unknown: str = ""
    """Why there are none: no driver, or no library to ask it with. Empty in older evidence."""
    python: str
    packages: dict[str, str]
    """Versions of the packages that took part."""


class Material(Frozen):
    """A file of the claim, as found."""

    name: str
    uri: str
    role: str
    supplied_by: Literal["claimant", "mirror", "third_party"]
    expected_sha256: Sha256
    sha256: Sha256 | None
    bytes: int | None
    status: Literal["ok", "mismatch", "unavailable"]
    message: str
    """What went wrong, empty if nothing did."""


class InertOption(Frozen):
    """A declared option that changed nothing."""

    option: str
    declared: str
    compared_with: str
    """The setting that gave the same artifact, e.g. the tool's default."""
    samples: int | None = None
    """Calibration samples that the comparison ran on; ``None`` where none are used, and in older evidence."""
    every_sample: bool | None = None
    """Whether those were all; on a few of them an option may seem to do nothing. ``None`` in older evidence."""


class QuantizationRun(Frozen):
    """The declared recipe, run here."""

    regime: str
    tool: str
    version: str
    status: Literal["ok", "failed", "not_testable"]
    message: str
    sha256: Sha256 | None
    bytes: int | None
    repeat_sha256: Sha256 | None
    """Digest of a second run of the same recipe: equal means that the tool is deterministic here."""
    seconds: float
    calibration_samples: int | None
    """Samples that really entered the statistics."""
    calibration_digest: Sha256 | None
    """Digest over those samples in order."""
    inert: tuple[InertOption, ...]
    calibration: CalibrationAccount | None = None
    """``None`` where no calibration ran, and in older evidence."""
    options_tried: tuple[str, ...] = ()
    """Declared settings that were changed in turn, to see whether the artifact changes."""
    options_untried: tuple[str, ...] = ()
    """Those for which the time allotted, or a tool that failed on few samples, left no answer."""


class TensorGroup(Frozen):
    """Tensors of one class that share a scheme."""

    tensor_class: Literal["weights", "activations", "outputs", "bias", "embeddings", "head", "state", "other"]
    format: str
    """A `NumberFormat`."""
    granularity: str
    """``per_tensor``, ``per_channel(axis=0)``, ``per_group(32)``, or ``none`` for unquantized tensors; ``computed`` for
    those that the file computes from constants of that format."""
    symmetry: Literal["symmetric", "asymmetric", "none"]
    timing: Literal["static", "dynamic", "none"]
    tensors: int
    elements: int
    """Values in them; 0 where not known (activations)."""
    examples: tuple[str, ...]
    """Names in the order of the graph, all but in groups of more than 5,000."""


class OperatorGroup(Frozen):
    """Matrix products and convolutions by the format they compute in."""

    op_type: str
    compute: str
    """Format of the products' inputs: ``int8``, ``fp32``, ..."""
    count: int
    time_share: float | None
    """Share of the run time, from the runtime's profiler."""
    examples: tuple[str, ...]
    """As for tensors: a layer that was left in another format must be there by name."""


class PrecisionLedger(Frozen):
    """What precision a file holds, or a runtime executes."""

    regime: str
    ledger: Literal["supplied_artifact", "recipe_artifact", "built", "executed"]
    """``built``: as an engine's parser and builder type the products, without executing them."""
    sha256: Sha256
    """Digest of the model file that was looked at."""
    status: Literal["ok", "failed"]
    message: str
    tensors: tuple[TensorGroup, ...]
    operators: tuple[OperatorGroup, ...]
    provider: str | None
    """Execution provider that really ran (executed ledger)."""
    first_layer: str | None = None
    """Weight format of the first matrix product or convolution."""
    last_layer: str | None = None
    """Weight format of the last one."""
    layers: tuple[Layer, ...] = ()
    """The products one by one, in order; at most 5,000."""
    storage: tuple[WeightStorage, ...] = ()
    """Bits per weight (ledgers of files)."""
    time: tuple[TimeShare, ...] = ()
    """Where the rest of the kernel time goes (executed ledger)."""
    notes: tuple[str, ...] = ()
    """What the runtime chose by itself, and what its report cannot show (executed ledger)."""
    builds: tuple[EngineBuild, ...] = ()
    """Engines, or refusals, by kind of device, the claim's own first (ledger of what was built)."""


class WeightError(Frozen):
    """Distance of quantized weights from the reference's, in local grid steps."""

    regime: str
    sha256: Sha256
    tensors: int
    elements: int
    clipped: int
    """Weights outside the representable range, counted apart."""
    worst_steps: float
    """Largest distance of an unclipped weight, in steps of its own scale; round-to-nearest keeps it at 0.5."""
    beyond_half_step: int
    """Weights further than half a step (with a guard of 1e-3 steps for the arithmetic)."""
    unmatched: tuple[str, ...]
    """Quantized weights whose reference tensor was not found; they are not counted."""
    formats: tuple[FormatError, ...] = ()
    """The same by number format."""


class ArtifactComparison(Frozen):
    """The supplied artifact against the one that the recipe gives."""

    regime: str
    supplied_sha256: Sha256 | None
    recipe_sha256: Sha256 | None
    identical: bool | None
    scales_compared: int
    scales_different: int
    worst_scale_ratio: float
    """Largest relative difference of a scale."""
    zero_points_different: int
    weights_different: int
    """Quantized weight values that differ."""
    examples: tuple[str, ...]
    unmatched: int
    """Scales found in only one of the two."""


class ItemScores(Frozen):
    """Accuracy of one model over the whole evaluation set."""

    regime: str
    subject: Literal["supplied_artifact", "recipe_artifact"]
    sha256: Sha256
    """Digest of the evaluated model."""
    status: Literal["ok", "failed"]
    message: str
    samples: int
    metrics: dict[str, float]
    """Value of each metric, by its handle."""
    outcomes: dict[str, tuple[float, ...]]
    """Per item and metric: 1 or 0 where an item is right or wrong, else the item's score."""
    labels: dict[str, tuple[float, ...]]
    """Per item: the truth of metrics that rank (Spearman, AUC); empty for the others."""
    probed: int = 0
    """Items, from the first, that the three digests are over."""
    head_blind: float | None = None
    """Share of items for which the head answers the same when it is given another item's model outputs."""
    outputs_sha256: Sha256 | None
    """Digest of the outputs."""
    repeat_sha256: Sha256 | None
    """The same, from a fresh process."""
    one_thread_sha256: Sha256 | None
    """The same, with one thread."""
    clusters: tuple[int, ...] = ()
    """Per item: number of the document that it belongs to, by the set's array ``document`` or by equal inputs; empty
    where every item stands for itself."""
    order_seed: int | None = None
    """Seed of the random order in which items were evaluated until enough was known; ``None``: in the file's order."""
    batches: tuple[BatchProbe, ...] = ()
    """The same items in calls of other sizes."""

    def outcomes_at(self, batch: int) -> dict[str, tuple[float, ...]]:
        """Outcomes in calls of that many items, where the whole set was run so; else those of the evaluation."""
        whole = [probe.outcomes for probe in self.batches if probe.batch == batch and probe.outcomes]
        return whole[0] if whole else self.outcomes


class Block(Frozen):
    """One uninterrupted stretch of timed calls."""

    process: int
    """Number of the worker process (each regime has fresh ones)."""
    order: int
    """Position in the interleaved sequence over both regimes."""
    start_s: float
    """Start on a monotonic clock, since the stage began."""
    seconds: float
    calls: int
    items: int
    fresh: bool = False
    """Whether a fresh seed ordered and selected the inputs, rather than the declared one."""


class Quantile(Frozen):
    """A latency percentile with its exact binomial bounds."""

    p: float
    value_s: float
    low_s: float | None
    """Lower 95 % bound; ``None`` if there are too few calls."""
    high_s: float | None


class HostSample(Frozen):
    """The host during one second."""

    t_s: float
    busy: float
    """Share of the logical processors' time that anybody used, 0..1."""
    steal: float
    """Share that the hypervisor took away, 0..1."""
    foreign: float
    """Share that processes other than our own used, 0..1."""
    pressure: float | None
    """Share of the second in which a task waited for a processor (PSI some), 0..1."""
    mhz: float | None


class SustainedRun(Frozen):
    """Timed blocks of one regime."""

    regime: str
    sha256: Sha256
    """Digest of the timed model."""
    status: Literal["ok", "failed"]
    message: str
    item: str
    batch: int
    concurrency: int
    window_s: float
    """Time of the counted blocks together."""
    warm_up_s: float
    blocks: tuple[Block, ...]
    bins: tuple[float, ...]
    """Items completed in each second of the counted blocks, in order."""
    quantiles: tuple[Quantile, ...]
    calls: int
    peak_memory_bytes: int
    """Largest resident set of a worker process."""
    baseline_memory_bytes: int
    """Resident set of the worker before the model was loaded."""
    memory_separated: bool = True
    """Whether the inputs that we laid ready are not in the peak; the kernel must permit to start it anew."""
    threads: dict[str, int]
    timed_scores: dict[str, float]
    """Metrics over a random sample of the outputs of the timed run."""
    timed_items: int
    timed_disagreements: int
    """Items of that sample whose outcome differs from the evaluation's."""
    timed_pairs: tuple[TimedPairs, ...] = ()
    """How they differ, metric by metric; empty in older evidence."""
    repeated_input_ratio: float | None
    """Rate with one input repeated over the rate with changing inputs; well above 1 hints at caching."""
    overhead_share: float | None
    """Time of the timing loop itself over the time of a call."""
    timestamps_sha256: Sha256 | None
    load: LoadReport | None = None
    """How the load was made; ``None`` in older evidence, whose load was a closed loop whatever the claim said."""


class SpeedProbe(Frozen):
    """A fixed FP32 matrix product (512 cubed, numpy, declared threads) between blocks, in a process of its own."""

    gflops: tuple[float, ...]
    """Rate of each probe, the median over its products, in order."""
    threads: int


class SustainEvidence(Frozen):
    """The interleaved measurement of all regimes."""

    order: tuple[str, ...]
    """Regime of each block in sequence, e.g. A B B A."""
    runs: tuple[SustainedRun, ...]
    probe: SpeedProbe
    host: tuple[HostSample, ...]
    seconds: float
    telemetry: Telemetry | None = None
    """Readings of every sensor, from a process of its own; ``None`` in evidence from before there was one."""
    declared_processes: int | None = None
    """Fresh processes per regime that the claim asks for; ``None`` in older evidence."""
    processes: int | None = None
    """Those that ran: three at least, whatever the claim says."""
    rounds_added: int = 0
    """How many of them were added where a verdict was still open."""
    fresh_seed: int | None = None
    """Drawn for this run: orders and selects the inputs of the blocks that are marked fresh, and draws the calls whose
    outputs are scored."""


class Failure(Frozen):
    """A stage that gave no result: our evidence, never the vendor's guilt."""

    stage: str
    regime: str | None
    message: str
    not_built: bool = False
    """Nothing went wrong: this verifier has no way to do it for that kind of file or tool."""


class Evidence(Frozen):
    """All that was measured for one claim."""

    format: Literal["lynxspec-evidence/1"]
    claim_sha256: Sha256
    """Digest of the claim file."""
    host: HostReport
    materials: tuple[Material, ...]
    quantizations: tuple[QuantizationRun, ...]
    ledgers: tuple[PrecisionLedger, ...]
    weight_errors: tuple[WeightError, ...]
    comparisons: tuple[ArtifactComparison, ...]
    scores: tuple[ItemScores, ...]
    sustain: SustainEvidence | None
    signals: tuple[SignalReport, ...] = ()
    """How far numbers moved, layer by layer."""
    repeats: tuple[RepeatReport, ...] = ()
    """The same inputs again."""
    failures: tuple[Failure, ...]
    environments: tuple[EnvironmentReport, ...] = ()
    """Where each regime's quantizer and runtime ran; empty in older evidence, whose tools were all the host's."""

    also: tuple[OtherRuntime, ...] = ()
    """The same model and scheme on other runtimes, where the reader asked for them."""

    def environment(self, regime: str, role: Role) -> EnvironmentReport | None:
        """That of a regime's quantizer or runtime."""
        return next((e for e in self.environments if e.regime == regime and e.role == role), None)
