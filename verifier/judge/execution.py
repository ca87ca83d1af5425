"""Judges of execution: the precision that the runtime really computes in, and whether outputs repeat."""

from __future__ import annotations

from collections.abc import Iterator

from lynxspec.claim import Regime, present
from lynxspec.vocabulary import UNQUANTIZED, Approach
from verifier.evidence import ItemScores, OperatorGroup, PrecisionLedger
from verifier.evidence.inspection import RepeatReport, Repetition
from verifier.judge.case import Case
from verifier.judge.clause import Finding, absent, clause, deviations, failed, gate, percent
from verifier.judge.exceptions import Exceptions
from verifier.judge.layers import LayerRow, kind_of, layer_rows
from verifier.judge.precision import STRICT, scheme_of
from verifier.judge.signal import signal_notes
from verifier.verdict import ClauseKind, ClauseVerdict, Reason

STRAY_SHARE = 0.05
"""Share of the products' time (of their number without a profile) that may compute otherwise: first and last layers
and layouts without a kernel."""

RULE = (
    "Of the time in matrix products and convolutions (of their number where there is no profile) at most 5 % may "
    "run in another format than declared, beside what exceptions name and what is in that format in the file "
    "already. More is refuted on the declared platform, provider and runtime version, and inconclusive elsewhere."
)
DETERMINISM_RULE = (
    "Reproduced if all outputs over the first items of the evaluation set have the same digest in a second process "
    "and with one thread, and over fewer items twice in one process and with another number of threads; otherwise "
    "inconclusive, and no exact statement rests on them."
)
CONVERSIONS = ("QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "Cast", "FakeQuantize", "Convert")
CONVERSION_SHARE = 0.05
"""Share of the kernel time in conversions between formats from which it is worth a note."""


def judge_precision_executed(case: Case) -> Iterator[ClauseVerdict]:
    """Does the runtime compute in the declared format."""
    for regime in case.claim.regimes:
        ledger = case.ledger(regime, "executed")
        expected = expected_compute(regime)
        if expected is None:
            continue
        notes: list[str] = []
        if ledger is None:
            finding = absent(case.evidence.failures, regime.name, "inspect", "execut", "profile")
        elif ledger.status != "ok":
            finding = failed(ledger.message)
        else:
            finding = computed(case, regime, ledger, expected, notes)
            notes += [*_time_notes(ledger), *ledger.notes]
        notes += signal_notes(case, regime)
        differences = case.differences(regime, ledger.sha256 if ledger else None)
        yield clause(
            ClauseKind.PRECISION_EXECUTED,
            regime.name,
            gate(ClauseKind.PRECISION_EXECUTED, finding, differences),
            title=f"Precision that the runtime executes in regime {regime.name}",
            claimed=f"{expected} products",
            measured=products_found(ledger) if ledger is not None and ledger.status == "ok" else None,
            tolerance="5 % of the products' time",
            rule=RULE,
            notes=(*notes, *deviations(ClauseKind.PRECISION_EXECUTED, differences)),
        )


def expected_compute(regime: Regime) -> str | None:
    """Format family that products are declared to compute in: their activations bound the arithmetic.

    `None` where nothing is said of it: weights alone say nothing where they alone are quantized.
    """
    activations, recipe = scheme_of(regime, "activations"), present(regime.quantization)
    alone = recipe is not None and recipe.approach is Approach.WEIGHT_ONLY
    declared = activations or (None if alone else scheme_of(regime, "weights"))
    return None if declared is None else family(str(declared.format))


def family(fmt: str) -> str:
    """``uint8`` and ``int8`` meet in one product."""
    return fmt.removeprefix("u") if fmt.startswith("uint") else fmt


def computed(case: Case, regime: Regime, ledger: PrecisionLedger, expected: str, notes: list[str]) -> Finding:
    """Whether the products of a ledger compute as declared; ``notes`` takes what is not judged."""
    groups = [g for g in ledger.operators if g.count > 0]
    if not groups:
        return Reason.NOT_REACHED, "No matrix product or convolution was seen in the executed graph."
    shares = _shares(groups)
    exceptions = Exceptions.of(regime)
    file = _file_of(case, regime, ledger)
    rows = layer_rows(file, ledger) if file is not None else ()
    notes += _otherwise(rows)
    stray, unseen, words, least, most = 0.0, 0.0, [], 0.0, 0.0
    for compute in sorted({family(g.compute) for g in groups} - {expected}):
        here = [(g, s) for g, s in zip(groups, shares, strict=True) if family(g.compute) == compute]
        left = [(g, s) for g, s in here if not exceptions.covers(g)]
        number = sum(g.count for g, _ in left)
        taken_off = sum(g.count for g, _ in here) - number
        # what the file has by right includes the layers that the policy names: these were taken off already
        budget = max(0, _in_file(file, compute) - taken_off) if file else exceptions.ends.count(compute)
        part = sum(s for _, s in left) * max(0, number - budget) / number if number else 0.0
        low, high = 0.0, part
        if part > 0 and len(left) == len(here):
            total = sum(g.time_share or 0.0 for g in groups)
            known = _exact(rows, compute, max(0, number - budget), total)
            low, high = _by_name(rows, compute, total, (part, sum(s for _, s in left)))
            part, high = (part, high) if known is None else (known, known)
        least, most = least + low, most + high
        in_file = sum(g.count for g in file.operators if family(g.compute) == compute) if file else 0
        if number <= max(0, in_file - taken_off) + (0 if file else exceptions.ends.count(compute)):
            unseen += part  # the runtime does what the file says, but the file's clause could not see these weights
        notes += _kinds(groups, here, compute)
        if part > 0:
            stray += part
            words += [f"{number - budget} of {number} {compute} products ({_examples([g for g, _ in left])})"]
    conflict = None if _lower_than_declared(regime) else _conflict(stray, least, most, expected)
    if conflict is not None or stray <= STRAY_SHARE:
        return conflict or (
            Reason.AS_DECLARED,
            f"{percent(1.0 - stray)} of the products' share computes in {expected} or as file and policy say.",
        )
    found = f"{percent(stray)} of the products' share runs in another format than {expected}: {'; '.join(words)}."
    if _lower_than_declared(regime):
        return (
            Reason.AS_DECLARED,
            f"{found} Weight-only regimes leave the arithmetic to the runtime; noted, not judged.",
        )
    if file is None:
        return Reason.NOT_REACHED, f"{found} The file itself was not read, so that this cannot be laid to the runtime."
    if stray - unseen <= STRAY_SHARE:
        words_unseen = "They are so in the file, under weights that its ledger cannot see."
        return Reason.EVIDENCE_TOO_WEAK, f"{found} {words_unseen}"
    return Reason.OTHER_PRECISION_EXECUTED, found


def _kinds(groups: list[OperatorGroup], here: list[tuple[OperatorGroup, float]], compute: str) -> list[str]:
    """``20 of 53 convolutions run in fp32, 50 % of the products' time``, for each kind of product."""
    of_what = "time" if all(g.time_share is not None for g in groups) else "number"
    notes = []
    for kind in sorted({kind_of(g.op_type) for g, _ in here}):
        some = [(g, s) for g, s in here if kind_of(g.op_type) == kind]
        count, total = sum(g.count for g, _ in some), sum(g.count for g in groups if kind_of(g.op_type) == kind)
        share = percent(sum(s for _, s in some))
        notes.append(f"{count} of {total} {kind}s run in {compute}, {share} of the products' {of_what}")
    return notes


def _time_notes(ledger: PrecisionLedger) -> list[str]:
    """What changing between formats costs."""
    spent = sum(row.time_share for row in ledger.time if row.op_type in CONVERSIONS)
    return [f"conversions between formats take {percent(spent)} of the kernel time"] if spent > CONVERSION_SHARE else []


def _file_of(case: Case, regime: Regime, executed: PrecisionLedger) -> PrecisionLedger | None:
    """The ledger of the very file that was run."""
    for kind in ("supplied_artifact", "recipe_artifact"):
        file = case.ledger(regime, kind)
        if file is not None and file.sha256 == executed.sha256:
            return file if file.status == "ok" else None
    return None


def _exact(rows: tuple[LayerRow, ...], compute: str, count: int, total: float) -> float | None:
    """Share of the products' time in layers that the file means otherwise; `None` unless these are known one by one."""
    if not rows or total <= 0 or any(row.executed is None or row.time_share is None for row in rows):
        return None
    changed = [row for row in rows if family(row.executed or "") == compute and family(row.artifact) != compute]
    return sum(row.time_share or 0.0 for row in changed) / total if len(changed) == count else None


def _conflict(stray: float, least: float, most: float, expected: str) -> Finding | None:
    """Where an average over layers and the layers that are known by name come out on two sides of the limit."""
    if not (stray <= STRAY_SHARE < least or most <= STRAY_SHARE < stray):
        return None
    by_name = percent(least if least > STRAY_SHARE else most)
    words = f"{percent(stray)} of the products' share runs in another format than {expected} by the number of layers, "
    return Reason.EVIDENCE_TOO_WEAK, f"{words}{by_name} by those that are known by name."


def _by_name(
    rows: tuple[LayerRow, ...], compute: str, total: float, shares: tuple[float, float]
) -> tuple[float, float]:
    """Bounds on the share that strays into a format, by the layers that are known; ``shares``: by number, and of all.

    At least what the file means otherwise; at most what is left when that which it means so is taken off.
    """
    by_number, whole = shares
    if total <= 0:
        return 0.0, by_number
    ran = [row for row in rows if row.executed is not None and family(row.executed) == compute]
    moved = sum(row.time_share or 0.0 for row in ran if family(row.artifact) != compute)
    kept = sum(row.time_share or 0.0 for row in ran if family(row.artifact) == compute)
    return moved / total, min(by_number, max(0.0, whole - kept / total))


def _otherwise(layers: tuple[LayerRow, ...]) -> list[str]:
    """Layers that run in another format than the file means, by name."""
    rows = [row for row in layers if row.executed is not None and family(row.artifact) != family(row.executed)]
    rows.sort(key=lambda row: -(row.time_share or 0.0))
    names = ", ".join(f"{row.node} ({row.artifact} in the file, {row.executed} run)" for row in rows[:3])
    return [f"{len(rows)} of {len(layers)} layers run otherwise than the file says: {names}"] if rows else []


def _lower_than_declared(regime: Regime) -> bool:
    recipe = present(regime.quantization)
    scheme = scheme_of(regime, "activations")
    floats = scheme is not None and scheme.format in UNQUANTIZED
    return regime.role != "reference" and floats and recipe is not None and recipe.approach is Approach.WEIGHT_ONLY


def _shares(groups: list[OperatorGroup]) -> list[float]:
    """Share of each group in the time of all, or in their number if any time is missing."""
    times = [g.time_share for g in groups if g.time_share is not None and g.time_share >= 0]
    if len(times) == len(groups) and sum(times) > 0:
        return [t / sum(times) for t in times]
    total = sum(g.count for g in groups)
    return [g.count / total for g in groups]


def _in_file(file: PrecisionLedger, compute: str) -> int:
    """Products that are in that format in the file already and that the file's own clause answers for.

    That is as many as there are weights in that format, which it judges one by one, and products of two activations,
    whose operands the ledger lists as ``other``. A float product whose weight it cannot see is not among them.
    """
    read = [g for g in file.tensors if g.granularity != "computed"]
    weights = sum(g.tensors for g in read if g.tensor_class in STRICT and family(g.format) == compute)
    pairs = sum(g.tensors for g in file.tensors if g.tensor_class == "other" and family(g.format) == compute) // 2
    return min(sum(g.count for g in file.operators if family(g.compute) == compute), weights + pairs)


def _examples(groups: list[OperatorGroup]) -> str:
    names = [name for group in groups for name in group.examples]
    return "e.g. " + ", ".join(names[:3]) if names else ", ".join(sorted({g.op_type for g in groups}))


def products_found(ledger: PrecisionLedger) -> str:
    """The products by operator and format, in words."""
    groups = [g for g in ledger.operators if g.count > 0]
    rows = [
        f"{g.op_type} {g.compute}: {g.count}, {percent(share)}"
        for g, share in zip(groups, _shares(groups), strict=True)
    ]
    return "; ".join(rows) or "no products seen"


def judge_determinism(case: Case) -> Iterator[ClauseVerdict]:
    """Do outputs repeat over processes and thread counts."""
    for regime in case.claim.regimes:
        scores = case.scores(regime)
        if isinstance(scores, ItemScores):
            finding, measured = _repeats(scores), (scores.outputs_sha256 or "")[:16] or None
            if finding[0] is Reason.DETERMINISTIC:
                finding = _again(case, regime, scores) or finding
        else:
            finding, measured = scores, None
        yield clause(
            ClauseKind.DETERMINISM,
            regime.name,
            gate(ClauseKind.DETERMINISM, finding, case.differences(regime)),
            title=f"Outputs of regime {regime.name} repeat",
            claimed="the same outputs each time",
            measured=f"digest {measured}…" if measured else None,
            tolerance="none: digests are equal or not",
            rule=DETERMINISM_RULE,
        )


def is_deterministic(scores: ItemScores) -> bool:
    """Whether the outputs were shown to repeat."""
    first = scores.outputs_sha256
    return first is not None and first == scores.repeat_sha256 == scores.one_thread_sha256


def _repeats(scores: ItemScores) -> Finding:
    if is_deterministic(scores):
        count = f"the first {scores.probed}" if scores.probed else "all"
        return Reason.DETERMINISTIC, f"Outputs for {count} items are the same in a second process and with one thread."
    if None in (scores.outputs_sha256, scores.repeat_sha256, scores.one_thread_sha256):
        return Reason.NOT_REACHED, "The evaluation was not repeated in a second process and with one thread."
    where = "in a second process" if scores.outputs_sha256 != scores.repeat_sha256 else "with one thread"
    return Reason.NOT_DETERMINISTIC, f"Outputs differ {where}."


def _again(case: Case, regime: Regime, scores: ItemScores) -> Finding | None:
    """What the repetitions add: the same process, and another number of threads; `None` without them."""
    found = [r for r in case.evidence.repeats if r.regime == regime.name and r.sha256 == scores.sha256]
    report = next((r for r in found if r.status == "ok" and r.repetitions), None)
    if report is None:
        return None
    first = report.repetitions[0]
    other = next((r for r in report.repetitions if r.outputs_sha256 != first.outputs_sha256), None)
    if other is not None:
        return Reason.NOT_DETERMINISTIC, f"Outputs for the first {report.items} items differ {_place(first, other)}."
    return Reason.DETERMINISTIC, f"{_repeats(scores)[1]} {_same_again(report)}"


def _place(first: Repetition, other: Repetition) -> str:
    if other.process == first.process:
        return "when the same process is given them again"
    return f"in another process with {_threads(other)}, where the first had {_threads(first)}"


def _same_again(report: RepeatReport) -> str:
    settings = sorted({_threads(r) for r in report.repetitions})
    return (
        f"The first {report.items} give the same in {len(report.repetitions)} passes: twice in one process, "
        f"and with {' and '.join(settings)}."
    )


def _threads(repetition: Repetition) -> str:
    if repetition.threads is None:
        return "the runtime's own threads"
    return f"{repetition.threads} thread{'s' if repetition.threads != 1 else ''}"
