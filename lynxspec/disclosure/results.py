"""How far accuracy, throughput, what they are compared with, and their setting are disclosed."""

from __future__ import annotations

from lynxspec.claim import NotApplicable, Regime, Unknown, present
from lynxspec.disclosure.subject import Subject, absent, partly, rates, spell, subject_of, told
from lynxspec.draft import Disclosure
from lynxspec.location import Path
from lynxspec.vocabulary import ModelFamily, Status

SUSTAINED_WINDOW_S = 600.0
"""A shorter window is partial unless thermal equilibrium is shown (the minimum run time of MLPerf Inference)."""


def throughput_gain(s: Subject) -> Disclosure:
    """Assess `Component.THROUGHPUT_GAIN`; the numbers of both sides are a disclosure as good as their ratio."""
    if s.is_reference:
        note = "the reference regime is what gains are counted from"
        return Disclosure(status=Status.NOT_APPLICABLE, value=None, path=("comparisons",), note=note)
    both = rates(s)
    ratio = f"{both[0] / both[1]:.3g} x (ratio of the regimes)" if both else ""
    if s.comparison is None:
        return told(ratio, s.comparison_path) if ratio else absent(None, s.comparison_path)
    path = (*s.comparison_path, "throughput_gain")
    gain = present(s.comparison.throughput_gain)
    if gain is None:
        missing = absent(s.comparison.throughput_gain, path)
        return partly(ratio, path, "the regimes have rates, but no gain is claimed") if ratio else missing
    if s.comparison.qualifier in {"up_to", "theoretical"}:
        note = f"the gain is {s.comparison.qualifier.replace('_', ' ')}, a bound and not a result"
        return partly(str(gain), (*s.comparison_path, "qualifier"), note)
    return told(str(gain), path)


def baseline(s: Subject) -> Disclosure:
    """Assess `Component.BASELINE`: the reference's precision, the same system, and a rate that can be compared."""
    if s.reference is None:
        return Disclosure(status=Status.MISSING, value=None, path=("regimes",), note="there is no reference regime")
    weights = present(s.reference.precision.weights)
    path = (*s.reference_path, "precision", "weights")
    if weights is None:
        return absent(s.reference.precision.weights, path)
    text = f"{s.reference.name} ({spell(weights)})"
    return told(text, path) if s.is_reference else _same_system(s, s.reference, text)


def _same_system(s: Subject, reference: Regime, text: str) -> Disclosure:
    if s.comparison is None:
        return partly(text, s.comparison_path, "no comparison says that both regimes ran on the same system")
    if s.comparison.system == "other":
        return partly(text, (*s.comparison_path, "system"), "the reference ran on another system")
    speed = sustained_throughput(subject_of(s.claim, s.claim.regimes.index(reference)))
    if speed.status is not Status.DISCLOSED:
        return partly(text, speed.path, f"the sustained throughput of the reference is {speed.status}: {speed.note}")
    return told(f"{text}, same system", (*s.reference_path, "precision", "weights"))


def model_family(s: Subject) -> Disclosure:
    """Assess `Component.MODEL_FAMILY`."""
    family = s.claim.model.family
    path = ("model", "family")
    if family is ModelFamily.OTHER:
        return partly(str(family), path, "the family decides what calibration must capture, and 'other' tells nothing")
    return told(str(family), path)


def model_name(s: Subject) -> Disclosure:
    """Assess `Component.MODEL_NAME`."""
    model = s.claim.model
    if isinstance(model.revision, Unknown):
        note = f"the revision is unknown: {model.revision.unknown}"
        return partly(model.name, ("model", "revision"), note)
    return told(model.name, ("model", "name"))


def evaluation_set(s: Subject) -> Disclosure:
    """Assess `Component.EVALUATION_SET`."""
    evaluation = s.claim.evaluation
    name, samples = present(evaluation.dataset), present(evaluation.samples)
    path: Path = ("evaluation", "dataset")
    if name is None:
        if samples is None:
            return absent(evaluation.dataset, path)
        return partly(f"{samples} items", path, "the items are counted, but the set is not named")
    held = {d.name: (i, d) for i, d in enumerate(s.claim.data)}
    if name not in held:
        return partly(name, path, f"no data set in the claim is named {name!r}")
    if samples is None:
        return partly(name, ("evaluation", "samples"), "the number of items is not given")
    index, dataset = held[name]
    if isinstance(dataset.split, Unknown):
        return partly(f"{name}, {samples} items", ("data", index, "split"), "which part of it is unknown")
    return told(f"{dataset.title}, {samples} items", path)


def _accuracy(s: Subject, regime: Regime, path: Path) -> Disclosure:
    path = (*path, "accuracy")
    values = present(regime.accuracy)
    if not values:
        return absent(regime.accuracy, path)
    text = ", ".join(f"{v.metric} {v.value:g}" for v in values)
    metrics = s.claim.evaluation.metrics
    if metrics and metrics[0].name not in {v.metric for v in values}:
        return partly(text, path, f"the headline metric {metrics[0].name!r} is not among the values")
    if s.estimated:
        return partly(text, ("identity", "nature"), f"the numbers are {s.claim.identity.nature}, not measured")
    return told(text, path)


def accuracy_result(s: Subject) -> Disclosure:
    """Assess `Component.ACCURACY_RESULT`."""
    return _accuracy(s, s.regime, s.path)


def accuracy_reference(s: Subject) -> Disclosure:
    """Assess `Component.ACCURACY_REFERENCE`."""
    if s.reference is None:
        return Disclosure(status=Status.MISSING, value=None, path=("regimes",), note="there is no reference regime")
    return _accuracy(s, s.reference, s.reference_path)


def acceptance_criterion(s: Subject) -> Disclosure:
    """Assess `Component.ACCEPTANCE_CRITERION`."""
    answer = s.claim.evaluation.criterion
    path: Path = ("evaluation", "criterion")
    criterion = present(answer)
    if criterion is None:
        return absent(answer, path)
    return told(f"{criterion.metric} within {criterion.margin} of {criterion.reference}", path)


def workload_relevance(s: Subject) -> Disclosure:
    """Assess `Component.WORKLOAD_RELEVANCE`."""
    answer = s.claim.evaluation.relevance
    path: Path = ("evaluation", "relevance")
    relevance = present(answer)
    if relevance is None:
        return absent(answer, path)
    text = f"{relevance.kind}: {relevance.workload}"
    if relevance.kind != "deployment_workload":
        return partly(text, (*path, "kind"), f"a {relevance.kind.replace('_', ' ')} is not the deployment workload")
    return told(text, path)


def sustained_throughput(s: Subject) -> Disclosure:
    """Assess `Component.SUSTAINED_THROUGHPUT`."""
    answer = s.regime.performance.sustained
    path = (*s.path, "performance", "sustained")
    sustained = present(answer)
    if sustained is None:
        return absent(answer, path)
    text = f"{sustained.rate} over {sustained.window}"
    if s.estimated:
        return partly(text, ("identity", "nature"), f"the numbers are {s.claim.identity.nature}, not measured")
    equilibrium = present(sustained.thermal_equilibrium)
    if sustained.window.base < SUSTAINED_WINDOW_S and (equilibrium is None or not equilibrium.shown):
        note = f"{sustained.window} is shorter than {SUSTAINED_WINDOW_S:g} s and thermal equilibrium is not shown"
        return partly(text, (*path, "window"), note)
    return told(text, path)


def batch_or_concurrency(s: Subject) -> Disclosure:
    """Assess `Component.BATCH_OR_CONCURRENCY`."""
    load = s.claim.load
    return told(f"batch {load.batch}, {load.concurrency} in flight, {load.scenario}", ("load", "batch"))


def latency(s: Subject) -> Disclosure:
    """Assess `Component.LATENCY`."""
    answer = s.regime.performance.latency
    path = (*s.path, "performance", "latency")
    latency = present(answer)
    if latency is None:
        return absent(answer, path, may_not_apply=s.claim.load.scenario == "offline")
    text = f"p50 {latency.p50}, p90 {latency.p90}"
    if isinstance(latency.p99, Unknown):
        return partly(text, (*path, "p99"), "the 99th percentile is unknown")
    return told(text, path)


def hardware(s: Subject) -> Disclosure:
    """Assess `Component.HARDWARE`."""
    hardware = s.claim.hardware
    text = f"{hardware.count} x {hardware.vendor} {hardware.product}"
    if hardware.kind == "cpu":
        return told(text, ("hardware", "product"))
    for name, answer in (("memory", hardware.memory), ("power", hardware.power)):
        if present(answer) is None:
            return partly(text, ("hardware", name), f"the {name} of the {hardware.kind} is not given")
    return told(text, ("hardware", "product"))


def driver_stack(s: Subject) -> Disclosure:
    """Assess `Component.DRIVER_STACK`."""
    stack, kind = s.claim.hardware.stack, s.claim.hardware.kind
    axes = {
        "driver": stack.driver,
        "toolkit": stack.toolkit,
        "framework_build": stack.framework_build,
        "compute_capability": stack.compute_capability,
    }
    known = [value for answer in axes.values() if (value := present(answer)) is not None]
    base: Path = ("hardware", "stack")
    if not known:
        return absent(stack.driver if kind != "cpu" else stack.framework_build, (*base, "framework_build"))
    for name, answer in axes.items():
        # an accelerator has all four axes or their like; a processor has no driver and no toolkit
        impossible = isinstance(answer, NotApplicable) and kind in {"gpu", "npu", "tpu", "fpga"}
        if isinstance(answer, Unknown) or impossible:
            return partly("; ".join(known), (*base, name), f"the {name.replace('_', ' ')} is not given")
    return told("; ".join(known), base)


def peak_only(s: Subject) -> Disclosure:
    """Assess `Component.PEAK_ONLY`, a flag: disclosed means that a peak is all there is."""
    peak, sustained = present(s.regime.performance.peak), present(s.regime.performance.sustained)
    path = (*s.path, "performance", "peak")
    if peak is not None and sustained is None:
        return Disclosure(status=Status.DISCLOSED, value=str(peak), path=path, note="only a peak is given")
    return Disclosure(status=Status.NOT_APPLICABLE, value=None, path=path, note="not a claim of a peak alone")
