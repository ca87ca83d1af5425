"""The declared mixed-precision policy against what a ledger shows: which deviations it explains, which it lacks."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

from lynxspec.claim import Regime, present
from lynxspec.claim.precision import Exemption
from verifier.evidence import OperatorGroup, PrecisionLedger, TensorGroup


@dataclass(frozen=True, slots=True, kw_only=True)
class Exceptions:
    """Layers that a regime declares to deviate."""

    exemptions: tuple[Exemption, ...]
    ends: tuple[str, ...]
    """Formats of the first and the last layer."""

    @classmethod
    def of(cls, regime: Regime) -> Exceptions:
        """The policy of a regime; empty if it declares none."""
        policy = present(regime.mixed_precision)
        if policy is None:
            return cls(exemptions=(), ends=())
        return cls(exemptions=policy.exceptions, ends=(policy.first_layer.value, policy.last_layer.value))

    def explain(self, group: TensorGroup, ledger: PrecisionLedger, notes: list[str]) -> bool:
        """Whether the policy covers a group of tensors in another format than the regime's.

        Claims name nodes, ledgers name tensors, so that a name is looked for in both directions, then among the
        operators of the same ledger that compute in that format; last, as many tensors are let pass as the policy
        names nodes and ends, with a note.
        """
        covering = [e for e in self.exemptions if e.format.value == group.format]
        if any(_selects_class(e, group.tensor_class) for e in covering):
            return True
        allowed = self.ends.count(group.format) + sum(
            len(e.selector.values) for e in covering if e.selector.kind == "node"
        )
        if group.tensors <= allowed:
            notes.append(f"{group.tensors} {group.tensor_class} tensors in {group.format}: as many as the policy names")
            return True
        if not covering:
            return False
        if group.examples and all(_named(covering, name) for name in group.examples):
            return True
        operators = [o for o in ledger.operators if o.compute == group.format and o.count > 0]
        return bool(operators) and all(self.covers(operator) for operator in operators)

    def covers(self, group: OperatorGroup) -> bool:
        """Whether the policy names the operators of a group, for the format they compute in."""
        covering = [e for e in self.exemptions if e.format.value == group.compute]
        if any(e.selector.kind == "op_type" and group.op_type in e.selector.values for e in covering):
            return True
        return bool(group.examples) and all(_named(covering, name) for name in group.examples)

    def missing(self, ledger: PrecisionLedger, notes: list[str]) -> list[str]:
        """Declared deviations that the file does not have, as far as it names the layers."""
        problems = []
        formats = {g.format for g in ledger.tensors if g.tensor_class in ("weights", "embeddings", "head")}
        for end, fmt in zip(("first", "last"), self.ends, strict=False):
            if formats and fmt not in formats:
                problems.append(f"The {end} layer is declared {fmt}, but no weights are in that format.")
        for exemption in self.exemptions:
            seen = {
                o.compute for o in ledger.operators if o.examples and all(_named([exemption], x) for x in o.examples)
            } | {
                o.compute
                for o in ledger.operators
                if exemption.selector.kind == "op_type" and o.op_type in exemption.selector.values
            }
            names = ", ".join(exemption.selector.values[:3])
            if seen and exemption.format.value not in seen and exemption.format.value not in formats:
                problems.append(
                    f"{names}: declared an exception in {exemption.format.value}, found {', '.join(sorted(seen))}."
                )
            elif not seen:
                notes.append(f"exception {names}: not to be told apart in the ledger")
        return problems


def _selects_class(exemption: Exemption, tensor_class: str) -> bool:
    return exemption.selector.kind == "tensor_class" and tensor_class in exemption.selector.values


def _named(exemptions: list[Exemption], name: str) -> bool:
    """Whether a node or tensor name is one that the exemptions select; names of tensors extend those of nodes."""
    for exemption in exemptions:
        for value in exemption.selector.values:
            if exemption.selector.kind == "glob" and (
                fnmatchcase(name, value) or fnmatchcase(_plain(name), _plain(value))
            ):
                return True
            if exemption.selector.kind == "node" and _related(_plain(name), _plain(value)):
                return True
    return False


def _related(name: str, node: str) -> bool:
    """Equal, or one the beginning of the other up to a separator (``blocks.0.conv`` and ``blocks.0.conv.weight``)."""
    short, long = sorted((name, node), key=len)
    return bool(short) and (long == short or long.startswith(short + "."))


def _plain(name: str) -> str:
    return name.strip("/").replace("/", ".").casefold()
