"""Judges of execution: the precision that the runtime really computes in, and whether outputs repeat."""

from __future__ import annotations

from collections.abc import Iterator

from lynxspec.claim import Regime, present
from lynxspec.vocabulary import UNQUANTIZED, Approach
from verifier.evidence import ItemScores, OperatorGroup, PrecisionLedger
from verifier.judge.case import Case
from verifier.judge.clause import Finding, absent, clause, deviations, failed, gate, percent
from verifier.judge.exceptions import Exceptions
from verifier.judge.precision import STRICT, scheme_of
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
    "and with one thread; otherwise inconclusive, and no exact statement rests on them."
)


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
            finding = _executed(case, regime, ledger, expected, notes)
        differences = case.differences(regime, ledger.sha256 if ledger else None)
        yield clause(
            ClauseKind.PRECISION_EXECUTED,
            regime.name,
            gate(ClauseKind.PRECISION_EXECUTED, finding, differences),
            title=f"Precision that the runtime executes in regime {regime.name}",
            claimed=f"{expected} products",
            measured=_found(ledger) if ledger is not None and ledger.status == "ok" else None,
            tolerance="5 % of the products' time",
            rule=RULE,
            notes=(*notes, *deviations(ClauseKind.PRECISION_EXECUTED, differences)),
        )


def expected_compute(regime: Regime) -> str | None:
    """Format family that products are declared to compute in: their activations bound the arithmetic."""
    activations, weights = scheme_of(regime, "activations"), scheme_of(regime, "weights")
    declared = activations or weights
    return None if declared is None else family(str(declared.format))


def family(fmt: str) -> str:
    """``uint8`` and ``int8`` meet in one product."""
    return fmt.removeprefix("u") if fmt.startswith("uint") else fmt


def _executed(case: Case, regime: Regime, ledger: PrecisionLedger, expected: str, notes: list[str]) -> Finding:
    groups = [g for g in ledger.operators if g.count > 0]
    if not groups:
        return Reason.NOT_REACHED, "No matrix product or convolution was seen in the executed graph."
    shares = _shares(groups)
    exceptions = Exceptions.of(regime)
    file = case.ledger(regime, "supplied_artifact")
    if file is None or file.sha256 != ledger.sha256:
        file = case.ledger(regime, "recipe_artifact")
    known = file is not None and file.status == "ok" and file.sha256 == ledger.sha256
    stray, unseen, words = 0.0, 0.0, []
    for compute in sorted({family(g.compute) for g in groups} - {expected}):
        here = [(g, s) for g, s in zip(groups, shares, strict=True) if family(g.compute) == compute]
        left = [(g, s) for g, s in here if not exceptions.covers(g)]
        number = sum(g.count for g, _ in left)
        budget = exceptions.ends.count(compute) + (_in_file(file, compute) if known and file else 0)
        part = sum(s for _, s in left) * max(0, number - budget) / number if number else 0.0
        in_file = sum(g.count for g in file.operators if family(g.compute) == compute) if known and file else 0
        if max(0, number - exceptions.ends.count(compute) - in_file) == 0:
            unseen += part  # the runtime does what the file says, but the file's clause could not see these weights
        notes.append(
            f"{sum(g.count for g, _ in here)} products in {compute}, {percent(sum(s for _, s in here))} of their share"
        )
        if part > 0:
            stray += part
            words += [f"{number - budget} of {number} {compute} products ({_examples([g for g, _ in left])})"]
    if not stray or stray <= STRAY_SHARE:
        return (
            Reason.AS_DECLARED,
            f"{percent(1.0 - stray)} of the products' share computes in {expected} or as file and policy say.",
        )
    found = f"{percent(stray)} of the products' share runs in another format than {expected}: {'; '.join(words)}."
    if _lower_than_declared(regime):
        return (
            Reason.AS_DECLARED,
            f"{found} Weight-only regimes leave the arithmetic to the runtime; noted, not judged.",
        )
    if not known:
        return Reason.NOT_REACHED, f"{found} The file itself was not read, so that this cannot be laid to the runtime."
    if stray - unseen <= STRAY_SHARE:
        words_unseen = "They are so in the file, under weights that its ledger cannot see."
        return Reason.EVIDENCE_TOO_WEAK, f"{found} {words_unseen}"
    return Reason.OTHER_PRECISION_EXECUTED, found


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
    weights = sum(g.tensors for g in file.tensors if g.tensor_class in STRICT and family(g.format) == compute)
    pairs = sum(g.tensors for g in file.tensors if g.tensor_class == "other" and family(g.format) == compute) // 2
    return min(sum(g.count for g in file.operators if family(g.compute) == compute), weights + pairs)


def _examples(groups: list[OperatorGroup]) -> str:
    names = [name for group in groups for name in group.examples]
    return "e.g. " + ", ".join(names[:3]) if names else ", ".join(sorted({g.op_type for g in groups}))


def _found(ledger: PrecisionLedger) -> str:
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
        else:
            finding, measured = scores, None
        yield clause(
            ClauseKind.DETERMINISM,
            regime.name,
            finding,
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
