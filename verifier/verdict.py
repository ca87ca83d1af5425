"""What can be said of one clause: a verdict, and a reason that knows its verdict."""

from __future__ import annotations

from enum import Enum, StrEnum

from lynxspec.claim.base import Frozen, NotBlank


class Verdict(StrEnum):
    """The four answers; only the first two speak about the claim."""

    REPRODUCED = "reproduced"
    REFUTED = "refuted"
    INCONCLUSIVE = "inconclusive"
    NOT_TESTABLE = "not_testable"


class Reason(Enum):
    """Why; each reason belongs to one verdict, so that the two can never contradict each other."""

    # reproduced
    BIT_EXACT = ("bit_exact", Verdict.REPRODUCED, "same bytes")
    SCALES_EQUAL = ("scales_equal", Verdict.REPRODUCED, "same scales and zero points, within tolerance")
    EQUIVALENT_BEHAVIOUR = ("equivalent_behaviour", Verdict.REPRODUCED, "other bytes, equivalent behaviour")
    WITHIN_TOLERANCE = ("within_tolerance", Verdict.REPRODUCED, "measured within the tolerance")
    BETTER_THAN_CLAIMED = ("better_than_claimed", Verdict.REPRODUCED, "measured better than claimed")
    HELD_OVER_WINDOW = ("held_over_window", Verdict.REPRODUCED, "held over the claim's own window")
    HELD_AT_EQUILIBRIUM = (
        "held_at_equilibrium",
        Verdict.REPRODUCED,
        "held at thermal equilibrium, over less than the claim's window",
    )
    AS_DECLARED = ("as_declared", Verdict.REPRODUCED, "found as declared")
    CRITERION_MET = ("criterion_met", Verdict.REPRODUCED, "acceptance criterion met")
    DETERMINISTIC = ("deterministic", Verdict.REPRODUCED, "same outputs when repeated")
    # refuted
    CLAIMANT_FILE_DIFFERS = ("claimant_file_differs", Verdict.REFUTED, "the claimant's file has another digest")
    OTHER_PRECISION = ("other_precision", Verdict.REFUTED, "the model file holds another precision than declared")
    OTHER_PRECISION_BUILT = (
        "other_precision_built",
        Verdict.REFUTED,
        "the runtime's builder types products in another precision than declared",
    )
    OTHER_PRECISION_EXECUTED = (
        "other_precision_executed",
        Verdict.REFUTED,
        "the runtime executes another precision than declared",
    )
    OTHER_SCALES = ("other_scales", Verdict.REFUTED, "the declared recipe gives other scales than the artifact holds")
    OTHER_BEHAVIOUR = ("other_behaviour", Verdict.REFUTED, "the artifact behaves differently from the declared recipe")
    WEIGHTS_OFF_GRID = (
        "weights_off_grid",
        Verdict.REFUTED,
        "weights further than half a grid step from the reference under round-to-nearest",
    )
    BELOW_CLAIM = ("below_claim", Verdict.REFUTED, "measured worse than claimed, beyond the tolerance")
    DIFFERS_FROM_CLAIM = ("differs_from_claim", Verdict.REFUTED, "measured another value, beyond the tolerance")
    CRITERION_NOT_MET = ("criterion_not_met", Verdict.REFUTED, "acceptance criterion not met")
    SELF_CONTRADICTORY = ("self_contradictory", Verdict.REFUTED, "the claim contradicts its own numbers")
    # inconclusive
    NOT_DETERMINISTIC = ("not_deterministic", Verdict.INCONCLUSIVE, "outputs differ when repeated")
    TOOL_FAILED = ("tool_failed", Verdict.INCONCLUSIVE, "our tool failed")
    ENGINE_REFUSED = ("engine_refused", Verdict.INCONCLUSIVE, "the runtime's builder refuses the model")
    NOT_REACHED = ("not_reached", Verdict.INCONCLUSIVE, "an earlier stage gave no result")
    TOO_FEW_ITEMS = ("too_few_items", Verdict.INCONCLUSIVE, "too few items to decide")
    INTERVAL_TOO_WIDE = ("interval_too_wide", Verdict.INCONCLUSIVE, "the interval spans the limit")
    HOST_DISTURBED = ("host_disturbed", Verdict.INCONCLUSIVE, "other load on the host during the measurement")
    MACHINE_SLOWER = (
        "machine_slower",
        Verdict.INCONCLUSIVE,
        "this machine ran slower as a whole than when the claim was measured",
    )
    NO_WITNESS = (
        "no_witness",
        Verdict.INCONCLUSIVE,
        "nothing shows that the machine performs as in the claim",
    )
    SAMPLES_DROPPED = (
        "samples_dropped",
        Verdict.INCONCLUSIVE,
        "the tool leaves declared calibration samples out of its statistics",
    )
    DRIFTING = ("drifting", Verdict.INCONCLUSIVE, "the rate drifts")
    SHIFTED = ("shifted", Verdict.INCONCLUSIVE, "the rate jumped from one level to another")
    TOO_FEW_PROCESSES = (
        "too_few_processes",
        Verdict.INCONCLUSIVE,
        "too few fresh processes to know how much they differ",
    )
    EVIDENCE_TOO_WEAK = (
        "evidence_too_weak",
        Verdict.INCONCLUSIVE,
        "what was measured could have an innocent cause and decides nothing",
    )
    WINDOW_NOT_COVERED = ("window_not_covered", Verdict.INCONCLUSIVE, "the claim's window was not measured in full")
    MIRROR_FILE_DIFFERS = ("mirror_file_differs", Verdict.INCONCLUSIVE, "a mirror's file has another digest")
    PLATFORM_MAY_DIFFER = (
        "platform_may_differ",
        Verdict.INCONCLUSIVE,
        "another platform may round differently; the difference proves nothing",
    )
    # not testable
    OTHER_HARDWARE = ("other_hardware", Verdict.NOT_TESTABLE, "the claim is for other hardware")
    TOOL_ABSENT = ("tool_absent", Verdict.NOT_TESTABLE, "the declared tool version is not installed")
    CANNOT_EXECUTE = ("cannot_execute", Verdict.NOT_TESTABLE, "the runtime cannot execute on this machine")
    NO_TARGET = ("no_target", Verdict.NOT_TESTABLE, "the runtime builds nothing for that device on this machine")
    NOT_CLAIMED = ("not_claimed", Verdict.NOT_TESTABLE, "the claim states no value")
    NO_SENSOR = ("no_sensor", Verdict.NOT_TESTABLE, "no sensor for it on this machine")
    NOT_IMPLEMENTED = ("not_implemented", Verdict.NOT_TESTABLE, "this verifier cannot test it")
    MATERIAL_UNAVAILABLE = ("material_unavailable", Verdict.NOT_TESTABLE, "a file that it needs is not to be had")

    def __init__(self, code: str, verdict: Verdict, sentence: str) -> None:
        """Code for programs, verdict, and words for people."""
        self.code = code
        self.verdict = verdict
        self.sentence = sentence

    @classmethod
    def of(cls, code: str) -> Reason:
        """The reason of that code; raises `KeyError`."""
        return {reason.code: reason for reason in cls}[code]


class ClauseKind(StrEnum):
    """What kind of statement a clause is; the materiality table and the judges are keyed by it."""

    MATERIALS = "materials"
    TOOL_CHAIN = "tool_chain"
    HARDWARE = "hardware"
    ARTIFACT = "artifact"
    PRECISION_ARTIFACT = "precision_artifact"
    PRECISION_BUILT = "precision_built"
    PRECISION_EXECUTED = "precision_executed"
    RECIPE_EFFECT = "recipe_effect"
    WEIGHT_ERROR = "weight_error"
    DETERMINISM = "determinism"
    ACCURACY = "accuracy"
    REFERENCE_ACCURACY = "reference_accuracy"
    CRITERION = "criterion"
    MEMORY = "memory"
    THROUGHPUT = "throughput"
    SPEEDUP = "speedup"
    LATENCY = "latency"
    TIMED_OUTPUTS = "timed_outputs"


class Interval(Frozen):
    """An uncertainty interval with its coverage."""

    low: float
    high: float
    unit: str
    coverage: float
    """Nominal coverage probability, e.g. 0.95."""
    method: NotBlank
    """How it was computed."""


class ClauseVerdict(Frozen):
    """One clause, judged."""

    id: NotBlank
    """Kind and regime, e.g. ``throughput/int8``."""
    kind: ClauseKind
    regime: str | None
    title: NotBlank
    """The clause in words."""
    claimed: str
    """Claimed value with unit, or what was declared."""
    measured: str | None
    """Measured value with unit; ``None`` if nothing was measured. Where the verdict is not testable or inconclusive
    this is *observed on this machine* and proves nothing about the claim."""
    interval: Interval | None
    tolerance: str | None
    decision_rule: str
    """When it is reproduced, when refuted, with error rates where there are any."""
    verdict: Verdict
    reason: str
    """Code of a `Reason`; its verdict equals ``verdict``."""
    explanation: NotBlank
    """One or two sentences with the numbers."""
    notes: tuple[str, ...] = ()
    """Findings beside the verdict: inert options, drift, deviations."""


def overall(verdicts: tuple[ClauseVerdict, ...]) -> Verdict:
    """Verdict on the claim: refuted if a clause is; undecided if any clause is; else reproduced."""
    kinds = {v.verdict for v in verdicts}
    if Verdict.REFUTED in kinds:
        return Verdict.REFUTED
    if Verdict.INCONCLUSIVE in kinds:
        return Verdict.INCONCLUSIVE
    if Verdict.REPRODUCED not in kinds:
        return Verdict.NOT_TESTABLE
    return Verdict.NOT_TESTABLE if Verdict.NOT_TESTABLE in kinds else Verdict.REPRODUCED
