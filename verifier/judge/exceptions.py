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

    def explain(self, group: TensorGroup, ledger: PrecisionLedger) -> bool | None:
        """Whether the policy covers a group of tensors in another format than the regime's.

        Claims name nodes, ledgers name tensors: names are compared first; else the tensors must be no more than the
        products of that format that the policy names, first and last layer included. `None` where the ledger lists too
        few names to tell: the number of layers alone neither clears nor accuses anybody.
        """
        covering = [e for e in self.exemptions if e.format.value == group.format]
        if any(_selects_class(e, group.tensor_class) for e in covering):
            return True
        if len(group.examples) == group.tensors and all(_named(covering, name) for name in group.examples):
            return True
        products = [o for o in ledger.operators if o.compute == group.format and o.count > 0]
        named = sum(_weights_of(o) * _covered(covering, o) for o in products) + self._unnamed_ends(
            covering, products, group
        )
        if group.tensors <= named:
            return True
        truncated = not products or any(o.count > len(o.examples) for o in products)
        nodes = sum(len(e.selector.values) for e in covering if e.selector.kind == "node")
        globs = any(e.selector.kind in ("glob", "op_type") for e in covering)
        if truncated and covering and (globs or group.tensors <= nodes + 2):
            return None
        return False

    def _unnamed_ends(self, covering: list[Exemption], products: list[OperatorGroup], group: TensorGroup) -> int:
        """First and last layer, as far as they are declared in that format and no exception names them already.

        Examples stand in the order of the graph, so that a first (last) layer is the first (last) of its operators.
        """
        if not products:
            return self.ends.count(group.format)
        first = self.ends[:1] == (group.format,) and not all(
            _named(covering, x) for o in products for x in o.examples[:1]
        )
        last = self.ends[1:] == (group.format,) and not all(
            o.count == len(o.examples) and _named(covering, x) for o in products for x in o.examples[-1:]
        )
        return int(first) + int(last)

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
        for end, fmt, found in zip(("first", "last"), self.ends, (ledger.first_layer, ledger.last_layer), strict=False):
            if found is not None and found != fmt:
                problems.append(f"The {end} layer is declared {fmt}, found {found}.")
            elif formats and fmt not in formats:
                problems.append(f"The {end} layer is declared {fmt}, but no weights are in that format.")
        for exemption in self.exemptions:
            names = ", ".join(exemption.selector.values[:3])
            seen = {o.compute for o in ledger.operators if _covered([exemption], o)}
            if seen and exemption.format.value not in seen | formats:
                found_words = ", ".join(sorted(seen))
                problems.append(f"{names}: declared an exception in {exemption.format.value}, found {found_words}.")
            elif not seen:
                notes.append(f"exception {names}: not to be told apart in the ledger")
        return problems


def _weights_of(group: OperatorGroup) -> int:
    """Weight tensors of one such operator: a recurrent cell has one for its input and one for its state."""
    return 2 if group.op_type.endswith(("LSTM", "GRU", "RNN")) else 1


def _covered(exemptions: list[Exemption], group: OperatorGroup) -> int:
    """Operators of a group that exemptions name; all of them if they select the operator's type."""
    if any(e.selector.kind == "op_type" and group.op_type in e.selector.values for e in exemptions):
        return group.count
    return sum(_named(exemptions, name) for name in group.examples)


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
    """A name without the marks that exporters and quantizers add."""
    return name.strip("/").replace("/", ".").casefold().removesuffix("_quantized").removesuffix("_quant")
