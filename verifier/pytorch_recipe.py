"""What the quantizers for PyTorch share: reading a recipe, which linear layers it leaves out, one-change variants.

Runs inside the worker: standard library, syntax of Python 3.8.
"""

from __future__ import annotations

import copy
import fnmatch
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

FLOATS = ("fp64", "fp32", "tf32", "fp16", "bf16")

if TYPE_CHECKING:
    Variant = tuple[str, str, str, dict[str, Any]]
    Check = Callable[[dict[str, Any]], tuple[str, ...]]


def scheme(job: dict[str, Any], tensor_class: str) -> dict[str, Any]:
    """The declared scheme of a tensor class; empty if the claim gives none."""
    found = (job.get("precision") or {}).get(tensor_class)
    return found if isinstance(found, dict) and "format" in found else {}


def option(job: dict[str, Any], name: str, default: Any) -> Any:
    """A declared option."""
    return (job.get("options") or {}).get(name, default)


def granularity(declared: dict[str, Any]) -> tuple[str, int]:
    """Kind and group size (0 without groups) of a declared scheme."""
    found = declared.get("granularity") or {}
    return str(found.get("kind", "")), int(found.get("group_size", 0))


def option_reasons(job: dict[str, Any], known: dict[str, tuple[Any, ...]]) -> Iterator[str]:
    """Options outside the closed vocabulary."""
    for name, value in sorted((job.get("options") or {}).items()):
        if name not in known:
            yield "unknown option {!r}; known are {}".format(name, ", ".join(known))
        elif value not in known[name] or (isinstance(value, bool) and not isinstance(known[name][0], bool)):
            yield "option {} must be one of {}, not {!r}".format(name, ", ".join(map(str, known[name])), value)


def common_reasons(job: dict[str, Any]) -> Iterator[str]:
    """What no quantizer of linear layers can do, whichever tool it is."""
    weights = scheme(job, "weights")
    if not weights or weights["format"] in FLOATS:
        yield "the recipe declares no quantized weights"
        return
    if weights.get("timing") != "static":
        yield "weights are quantized before deployment (static)"
    kind = granularity(weights)[0]
    if kind == "per_group" and (weights.get("granularity") or {}).get("axis", 1) != 1:
        yield "groups run along axis 1, the input channels of a linear layer"
    for name in ("outputs", "bias", "embeddings", "state"):
        declared = scheme(job, name)
        if declared and declared["format"] not in FLOATS:
            yield f"{name} stay in float: the tool quantizes linear layers' weights and inputs"
    yield from _policy_reasons(job, weights["format"])


def _policy_reasons(job: dict[str, Any], quantized: str) -> Iterator[str]:
    """Layers stay as they are or follow the regime."""
    policy = job.get("mixed_precision") or {}
    for end in ("first_layer", "last_layer"):
        fmt = policy.get(end)
        if fmt is not None and fmt != quantized and fmt not in FLOATS:
            yield f"{end} in {fmt}: this verifier has the tool quantize a layer as the regime says, or leaves it"
    head, last = scheme(job, "head").get("format"), policy.get("last_layer")
    if head and last and (head in FLOATS) != (last in FLOATS):
        yield f"the head is declared {head} and the last layer {last}, but they are one and the same layer"
    for exception in policy.get("exceptions", ()):
        if exception["format"] not in FLOATS:
            yield "an exception in {}: a layer is left as it is, or quantized like the rest".format(exception["format"])


def activation_reasons(
    job: dict[str, Any], *, fmt: str, timing: str, kinds: tuple[str, ...], symmetries: tuple[str, ...]
) -> Iterator[str]:
    """Where the declared activations are not what the configuration computes."""
    found = scheme(job, "activations")
    if not found or found.get("format") != fmt or found.get("timing") != timing:
        yield "this configuration computes {} {} activations; the recipe declares {}".format(
            timing, fmt, found.get("format", "none")
        )
        return
    kind = granularity(found)[0]
    if kind not in kinds:
        yield "activations have scales {}, not {}".format(" or ".join(kinds), kind)
    if found.get("symmetry") not in symmetries:
        yield "activations are {}, not {}".format(" or ".join(symmetries), found.get("symmetry"))


def excluded(job: dict[str, Any], linears: list[str], products: list[tuple[str, str]]) -> set[str]:
    """Linear layers that stay in float by the mixed-precision policy.

    ``linears``: their modules' names in the order of use; ``products``: label and operator of every product of the
    program. Raises `ValueError` for an exception that selects nothing.
    """
    policy = job.get("mixed_precision") or {}
    found: set[str] = set()
    for exception in policy.get("exceptions", ()):
        selector = exception["selector"]
        for value in selector["values"]:
            named = {name for name in linears if _selects(selector["kind"], value, name, linears)}
            known = any(
                operator == value if selector["kind"] == "op_type" else fnmatch.fnmatchcase(label, value)
                for label, operator in products
            )
            if not named and not known and value != "embeddings":
                raise ValueError(
                    "the exception for {} {!r} selects no layer of the program; its linear layers are {}".format(
                        selector["kind"], value, ", ".join(linears[:20])
                    )
                )
            found.update(named)
    if linears and policy.get("first_layer") in FLOATS:
        found.add(linears[0])
    if linears and (policy.get("last_layer") in FLOATS or scheme(job, "head").get("format") in FLOATS):
        found.add(linears[-1])
    return found


def _selects(kind: str, value: str, name: str, linears: list[str]) -> bool:
    if kind == "node":
        return value in (name, name + ".weight")
    if kind == "glob":
        return fnmatch.fnmatchcase(name, value) or fnmatch.fnmatchcase(name + ".weight", value)
    if kind == "op_type":
        return value == "linear"
    return value == "head" and name == linears[-1]


def variants(job: dict[str, Any], check: Check) -> tuple[Variant, ...]:
    """One variant per declared setting that a tool might pass over; those that it cannot do are left out."""
    found = list(_variants(job))
    return tuple(variant for variant in found if not check(variant[3]))


def _variants(job: dict[str, Any]) -> Iterator[Variant]:
    exceptions = (job.get("mixed_precision") or {}).get("exceptions") or []
    if exceptions:
        other = copy.deepcopy(job)
        other["mixed_precision"]["exceptions"] = []
        yield "mixed_precision.exceptions", str(len(exceptions)), "none", other
    kind, size = granularity(scheme(job, "weights"))
    if kind == "per_channel":
        other = copy.deepcopy(job)
        other["precision"]["weights"]["granularity"] = {"kind": "per_tensor"}
        if granularity(scheme(other, "activations"))[0] == "per_token":
            other["precision"]["activations"]["granularity"] = {"kind": "per_tensor"}
        yield "precision.weights.granularity", "per_channel", "per_tensor", other
    elif kind == "per_group":
        other = copy.deepcopy(job)
        other["precision"]["weights"]["granularity"]["group_size"] = 2 * size
        yield "precision.weights.granularity", f"groups of {size}", f"groups of {2 * size}", other
