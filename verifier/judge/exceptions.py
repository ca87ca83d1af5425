"""The declared mixed-precision policy against what a ledger shows: which deviations it explains, which it lacks."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

from lynxspec.claim import Regime, present
from lynxspec.claim.precision import Exemption
from verifier.evidence import OperatorGroup, PrecisionLedger, TensorGroup
from verifier.judge.storage import in_format


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

    def explain(  # noqa: PLR0911 - one return per way to be covered
        self, group: TensorGroup, ledger: PrecisionLedger
    ) -> bool | None:
        """Whether the policy covers a group of tensors in another format than the regime's.

        Claims name nodes, ledgers name tensors: names are compared first, with those of the layers that read a tensor;
        else the tensors must be no more than the layers with weights of that format that the policy names, first and
        last layer included. `None` where the ledger lists too few names to tell: the number of layers alone neither
        clears nor accuses anybody.
        """
        covering = [e for e in self.exemptions if e.format.value == group.format]
        if any(_selects_class(e, group.tensor_class) for e in covering):
            return True
        if len(group.examples) == group.tensors and all(_read_by_named(covering, x, ledger) for x in group.examples):
            return True
        if group.tensor_class == "embeddings":
            # no product reads a table that is looked up, so that no number of products can clear it
            return None if any(not _names_products(e, ledger) for e in covering) else False
        products = [o for o in ledger.operators if o.compute == group.format and o.count > 0]
        certain, possible = _named_weights(covering, group, ledger, products)
        ends = self._unnamed_ends(covering, products, group)
        if group.tensors <= certain + ends:
            return True
        if group.tensors <= possible + ends:
            return None
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
        if group.tensor_class == "head":
            return 0  # what a claim says of its head is said of the head, whatever it says of the last layer
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
            if found is not None and not _is_format(found, end, fmt, ledger):
                problems.append(f"The {end} layer is declared {fmt}, found {found}.")
            elif formats and not any(in_format(ledger, g, fmt) for g in _weights_in(ledger)):
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


def _weights_in(ledger: PrecisionLedger) -> list[TensorGroup]:
    return [g for g in ledger.tensors if g.tensor_class in ("weights", "embeddings", "head")]


def _is_format(found: str, end: str, fmt: str, ledger: PrecisionLedger) -> bool:
    """Whether the first or last layer's format is the declared one, whatever the file calls it.

    A file has no word for a block format, and 4-bit values may be stored one per byte: then it is known by all weights
    that the file calls so, the head's where the last layer is one.
    """
    if found == fmt:
        return True
    head = [g for g in ledger.tensors if g.tensor_class == "head"]
    classes = ("head",) if end == "last" and head else ("weights",)
    groups = [g for g in ledger.tensors if g.tensor_class in classes and g.format == found]
    return bool(groups) and all(in_format(ledger, g, fmt) for g in groups)


def _weights_of(op_type: str) -> int:
    """Weight tensors of one such operator: a recurrent cell has one for its input and one for its state."""
    return 2 if op_type.endswith(("LSTM", "GRU", "RNN")) else 1


def _named_weights(
    covering: list[Exemption], group: TensorGroup, ledger: PrecisionLedger, products: list[OperatorGroup]
) -> tuple[int, int]:
    """Tensors of the group's kind that products named by the policy read: certainly, and possibly.

    A product of two activations reads none, and excepting it says nothing of any weight. Ledgers that list no layers
    (older evidence) do not tell these apart: as many as the file has pairs of activations are only possible.
    """
    counted = sum(_weights_of(o.op_type) * _covered(covering, o) for o in products)
    if group.tensor_class not in ("weights", "head"):
        return counted, counted
    if not ledger.layers:
        pairs = sum(g.tensors for g in ledger.tensors if g.tensor_class == "other" and g.format == group.format) // 2
        return max(counted - pairs, 0), counted
    by_type = {v for e in covering if e.selector.kind == "op_type" for v in e.selector.values}
    found = sum(
        _weights_of(layer.op_type)
        for layer in ledger.layers
        if layer.weight
        and layer.weight_format == group.format
        and (layer.op_type in by_type or _named(covering, layer.node) or _named(covering, layer.weight))
    )
    return found, found


def _read_by_named(covering: list[Exemption], tensor: str, ledger: PrecisionLedger) -> bool:
    """Whether the policy names a tensor, or a layer that reads it."""
    readers = (layer.node for layer in ledger.layers if layer.weight == tensor)
    return _named(covering, tensor) or any(_named(covering, node) for node in readers)


def _names_products(exemption: Exemption, ledger: PrecisionLedger) -> bool:
    """Whether an exemption is about products that the ledger lists, and so about no table that is looked up."""
    return any(_covered([exemption], group) for group in ledger.operators)


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
