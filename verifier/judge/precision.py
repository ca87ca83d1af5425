"""Judge of the precision that a model file holds, tensor class by tensor class, against the declaration."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from lynxspec.claim import Regime
from lynxspec.claim.precision import PerChannel, PerGroup, Quantized, Scheme, Unquantized
from lynxspec.vocabulary import UNQUANTIZED
from verifier.evidence import PrecisionLedger, TensorGroup
from verifier.judge.case import Case
from verifier.judge.clause import Finding, absent, clause, deviations, failed, gate
from verifier.judge.exceptions import Exceptions
from verifier.judge.storage import bits_found, in_format, storage_notes
from verifier.verdict import ClauseKind, ClauseVerdict, Reason

CLASSES = ("weights", "activations", "outputs", "bias", "embeddings", "head", "state")
"""Tensor classes that claims and ledgers share, in printed order."""
STRICT = frozenset({"weights", "embeddings", "head"})
"""Classes whose every tensor must be as declared or excepted: they are read from constants of the file."""
SMALL_SHARE = 0.01
"""Share of a class's tensors or elements whose granularity may deviate unremarked: tools fall back to one scale for
tensors with a single channel."""

RULE = (
    "Refuted if any weight, embedding or head tensor of the file is in another format than declared and no "
    "exception names it, if activations are in another format, granularity or timing, if a whole tensor class is, "
    "or if a declared exception is not there. A wider integer tensor that holds no value beyond the declared format's "
    "range is in that format, and its bits in the file are told beside it. Asymmetric activations are the same with a "
    "sign and without; symmetric ones are not known to be, which is inconclusive. Tensor classes that cannot be seen "
    "in the file are noted and not judged. The supplied file decides; without one, what the recipe gives with the "
    "declared version of its tool."
)


def judge_precision_artifact(case: Case) -> Iterator[ClauseVerdict]:
    """Does the file hold what is declared."""
    for regime in case.claim.regimes:
        ledger = case.ledger(regime, "supplied_artifact") or case.ledger(regime, "recipe_artifact")
        notes: list[str] = []
        if ledger is None:
            finding = absent(case.evidence.failures, regime.name, "inspect")
        elif ledger.status != "ok":
            finding = failed(ledger.message)
        else:
            finding = _compare(regime, ledger, notes)
            notes += storage_notes(ledger)
            notes += _recipe_notes(case, regime, ledger)
        differences = case.differences(regime, ledger.sha256 if ledger else None)
        yield clause(
            ClauseKind.PRECISION_ARTIFACT,
            regime.name,
            gate(ClauseKind.PRECISION_ARTIFACT, finding, differences),
            title=f"Precision of the model file of regime {regime.name}",
            claimed=_declared(regime),
            measured=_found(ledger) if ledger is not None and ledger.status == "ok" else None,
            tolerance="none for formats",
            rule=RULE,
            notes=(*notes, *deviations(ClauseKind.PRECISION_ARTIFACT, differences)),
        )


def scheme_of(regime: Regime, tensor_class: str) -> Scheme | None:
    """The declared scheme of a tensor class; `None` if the claim gives none."""
    precision = regime.precision
    declared = {
        "weights": precision.weights,
        "activations": precision.activations,
        "outputs": precision.outputs,
        "bias": precision.bias,
        "embeddings": precision.embeddings,
        "head": precision.head,
        "state": precision.state,
    }
    scheme = declared[tensor_class]
    return scheme if isinstance(scheme, Quantized | Unquantized) else None


def _compare(regime: Regime, ledger: PrecisionLedger, notes: list[str]) -> Finding:
    """The finding of one ledger; what is not judged goes into ``notes``."""
    if not ledger.tensors:
        return Reason.NOT_REACHED, "The ledger of the file lists no tensors."
    exceptions = Exceptions.of(regime)
    problems = [*exceptions.missing(ledger, notes)]
    doubts: list[str] = []
    signs: list[str] = []
    computed: list[str] = []
    for name in CLASSES:
        scheme = scheme_of(regime, name)
        groups = [g for g in ledger.tensors if g.tensor_class == name and g.tensors > 0]
        if scheme is None or not groups:
            if scheme is None and groups:
                notes.append(f"{name}: found {_formats(groups)}, the claim says nothing of them")
            elif scheme is not None:
                notes.append(f"{name}: declared {scheme.format}, not to be seen in the file, not judged")
            continue
        problems += _class_problems(name, scheme, groups, Judged(exceptions, ledger, notes, doubts, signs, computed))
    if problems:
        return Reason.OTHER_PRECISION, " ".join(problems[:3])
    if doubts:
        words = "The ledger does not name every layer, so that the policy cannot be held against it."
        return Reason.EVIDENCE_TOO_WEAK, f"{words} {' '.join(doubts[:3])}"
    if computed:
        words = "Weights that the file computes cannot be read from it."
        return Reason.EVIDENCE_TOO_WEAK, f"{words} {' '.join(computed[:3])}"
    if signs:
        words = (
            "With a sign or without, a symmetric grid may be the declared one or a finer one, by where its zero lies:"
        )
        return Reason.EVIDENCE_TOO_WEAK, f"{words} {' '.join(signs[:3])}"
    return Reason.AS_DECLARED, "Every tensor class that can be seen in the file is as declared."


class Judged(NamedTuple):
    """A ledger with the policy it is held against, and where remarks go."""

    exceptions: Exceptions
    ledger: PrecisionLedger
    notes: list[str]
    doubts: list[str]
    """Deviations that the policy may or may not cover."""
    signs: list[str]
    """Groups with a sign where none is declared, or the reverse, whose grid may or may not be the declared one."""
    computed: list[str]
    """Weights that the file computes, so that what they are made of may or may not be on the declared grid."""

    def unexplained(self, name: str, scheme: Scheme, groups: list[TensorGroup]) -> list[TensorGroup]:
        """Groups that the policy does not cover; those that cannot be told become doubts."""
        left = []
        for group in groups:
            explained = self.exceptions.explain(group, self.ledger)
            if explained is None:
                self.doubts.append(_said(name, scheme.format, group.format, group))
            elif not explained:
                left.append(group)
        return left


def _class_problems(name: str, scheme: Scheme, groups: list[TensorGroup], judged: Judged) -> list[str]:
    same = [g for g in groups if in_format(judged.ledger, g, str(scheme.format)) or _same_grid(name, scheme, g)]
    turned = [g for g in groups if g not in same and _other_sign(name, scheme, g)]
    made = [g for g in groups if g not in same and g.granularity == "computed"]
    judged.computed.extend(
        _said(name, scheme.format, g.format, g) for g in made if not judged.exceptions.explain(g, judged.ledger)
    )
    other = [g for g in groups if g not in same and g not in turned and g not in made]
    judged.signs.extend(_said(name, scheme.format, g.format, g) for g in turned)
    judged.notes.extend(
        f"{name}: {g.tensors} tensors hold {scheme.format} values in {g.format}"
        for g in same
        if g.format != scheme.format
    )
    if name in STRICT:
        problems = [_said(name, scheme.format, g.format, g) for g in judged.unexplained(name, scheme, other)]
    else:
        # An activation or output without a scale may belong to an operator that the recipe does not touch; what really
        # computes in another format is judged where it runs.
        quantized = [g for g in other if g.format not in UNQUANTIZED] if name == "activations" else []
        unexplained = judged.unexplained(name, scheme, quantized if same else other)
        problems = [_said(name, scheme.format, g.format, g) for g in unexplained]
        floats = sum(g.tensors for g in other if same and g not in quantized and name == "activations")
        if floats > _float_products(judged.ledger):
            judged.doubts.append(f"{name}: {floats} tensors without a scale, more than there are products in float.")
        judged.notes.extend(_said(name, scheme.format, g.format, g) for g in other if same and g not in unexplained)
    if isinstance(scheme, Quantized):
        problems += _scheme_problems(name, scheme, same, judged.notes)
    return problems


def _other_sign(name: str, scheme: Scheme, group: TensorGroup) -> bool:
    """Whether activations have as many bits as declared, with a sign or without it, whichever was not said.

    Some tools choose for each tensor: without a sign where its values never are negative.
    """
    if name in STRICT or not isinstance(scheme, Quantized):
        return False
    return group.format != scheme.format and group.format.removeprefix("u") == str(scheme.format).removeprefix("u")


def _same_grid(name: str, scheme: Scheme, group: TensorGroup) -> bool:
    """Whether it is the declared grid under other codes: with a zero point anywhere, a sign only moves it by half."""
    asymmetric = isinstance(scheme, Quantized) and scheme.symmetry == "asymmetric"
    return asymmetric and _other_sign(name, scheme, group)


def _float_products(ledger: PrecisionLedger) -> int:
    """Products that read float activations by right: what they compute in is judged where they run."""
    weights = sum(g.tensors for g in ledger.tensors if g.tensor_class in STRICT and g.format in UNQUANTIZED)
    return max(weights, sum(o.count for o in ledger.operators if o.compute in UNQUANTIZED))


def _scheme_problems(name: str, scheme: Quantized, groups: list[TensorGroup], notes: list[str]) -> list[str]:
    """Granularity, symmetry and timing of tensors that have the declared format."""
    problems: list[str] = []
    declared = _granularity(scheme)
    rough = [g for g in groups if _family(g.granularity) != _family(declared)]
    timing = [g for g in groups if name == "activations" and g.timing not in ("none", scheme.timing)]
    # An asymmetric scheme may well end with its zero points in the middle; the reverse cannot be.
    skewed = [g for g in groups if scheme.symmetry == "symmetric" and g.symmetry == "asymmetric"]
    if rough and _share(rough, groups) > SMALL_SHARE:
        text = _said(name, declared, rough[0].granularity, rough[0])
        (problems if name in STRICT or name == "activations" else notes).append(text)
    if timing:
        problems.append(_said(name, f"{scheme.timing} scales", f"{timing[0].timing} scales", timing[0]))
    if skewed and _share(skewed, groups) > SMALL_SHARE:
        text = _said(name, "symmetric", "asymmetric", skewed[0])
        whole = name == "weights" or _share(skewed, groups) > 0.5
        (problems if whole and name in ("weights", "activations") else notes).append(text)
    axes = {g.granularity for g in groups if _family(g.granularity) == _family(declared) and g.granularity != declared}
    if axes and not isinstance(scheme.granularity, PerGroup):
        notes.append(
            f"{name}: declared {declared}, found also {', '.join(sorted(axes))}: the axis depends on the operator"
        )
    return problems


def _granularity(scheme: Quantized) -> str:
    """The ledger's words for a declared granularity."""
    granularity = scheme.granularity
    if isinstance(granularity, PerChannel):
        return f"per_channel(axis={granularity.axis})"
    if isinstance(granularity, PerGroup):
        return f"per_group({granularity.group_size})"
    return granularity.kind


def _family(granularity: str) -> str:
    """Granularity without its axis; the size of a group belongs to it."""
    return granularity.split("(", 1)[0] if granularity.startswith("per_channel") else granularity


def _share(part: list[TensorGroup], whole: list[TensorGroup]) -> float:
    """Share by tensors or by elements, whichever is larger."""
    elements = sum(g.elements for g in whole)
    by_elements = sum(g.elements for g in part) / elements if elements > 0 else 0.0
    return max(by_elements, sum(g.tensors for g in part) / max(1, sum(g.tensors for g in whole)))


def _said(name: str, declared: object, found: str, group: TensorGroup) -> str:
    examples = f", e.g. {', '.join(group.examples[:3])}" if group.examples else ""
    return f"{name}: declared {declared}, found {found} in {group.tensors} tensors{examples}."


def _formats(groups: list[TensorGroup]) -> str:
    return ", ".join(sorted({g.format for g in groups}))


def _declared(regime: Regime) -> str:
    parts = []
    for name in CLASSES:
        scheme = scheme_of(regime, name)
        if isinstance(scheme, Quantized):
            parts.append(f"{name} {scheme.format} {_granularity(scheme)}")
        elif scheme is not None:
            parts.append(f"{name} {scheme.format}")
    return "; ".join(parts) or "nothing declared"


def _found(ledger: PrecisionLedger) -> str:
    rows = [
        f"{g.tensor_class} {g.format}" + (f" {g.granularity}" if g.granularity != "none" else "") + f" ({g.tensors})"
        for g in ledger.tensors
    ]
    return "; ".join((*rows, *filter(None, [bits_found(ledger)]))) or "no tensors seen"


def _recipe_notes(case: Case, regime: Regime, ledger: PrecisionLedger) -> list[str]:
    """Where the recipe's own artifact holds another precision than the supplied one, say so."""
    recipe = case.ledger(regime, "recipe_artifact")
    if ledger.ledger != "supplied_artifact" or recipe is None or recipe.status != "ok":
        return []
    finding = _compare(regime, recipe, [])
    return [f"the recipe's own artifact: {finding[1]}"] if finding[0] is Reason.OTHER_PRECISION else []
