"""One regime of a draft: precision, recipe, tools, accuracy and speed, as far as a sheet tells them.

A name such as ``W4A16`` or ``FP8`` fixes some fields and leaves others open; what it leaves open is a question, never
the most likely answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from lynxspec.claim import Regime
from lynxspec.claim.calibration import Calibration, CalibrationData, MinMax, MovingAverage, Mse, Percentile
from lynxspec.claim.calibration import Entropy as EntropyMethod
from lynxspec.claim.precision import PerGroup, Precision, Quantization, Quantized
from lynxspec.claim.throughput import Comparison, Latency, Performance, Sustained
from lynxspec.claim.toolchain import Quantizer, Runtime, ToolChain
from lynxspec.claim.units import ITEMS
from lynxspec.draft import DraftRegime, Quote, Strength, Value
from lynxspec.drafting.heard import Heard, complete, handle, single
from lynxspec.drafting.nodes import Json, hole
from lynxspec.drafting.paths import ask
from lynxspec.drafting.subject import ACCURACIES, calibration_set, metrics, printed
from lynxspec.facts.presets import mentioned, number_format
from lynxspec.location import Path
from lynxspec.vocabulary import UNQUANTIZED, Algorithm, Component, NumberFormat

_GROUP = re.compile(r"(?:group[ _-]?size\D{0,5}|groups? of |(?<![a-z0-9])g)(\d{1,5})(?!\d)", re.IGNORECASE)
_PER = re.compile(r"per[ _-](tensor|channel|token|head)(?![a-z])", re.IGNORECASE)
_METHODS: Mapping[str, tuple[str, type[BaseModel]]] = {
    "minmax": ("minmax", MinMax),
    "percentile": ("percentile", Percentile),
    "entropy": ("entropy", EntropyMethod),
    "mse": ("mse", Mse),
    "movingaverage": ("moving_average", MovingAverage),
}
_NAME = re.compile(r"^([A-Za-z][\w .+/-]*?)[ =]+v?(\d[\w.+-]*)$")


def regime(heard: Heard, one: DraftRegime, name: str) -> Json:
    """All fields of a regime."""
    known: Json = {
        "name": name,
        "role": one.role,
        "precision": precision(heard, one),
        "mixed_precision": heard.open(Component.MIXED_PRECISION_POLICY, one),
        "quantization": quantization(heard, one),
        "calibration": calibration(heard, one),
        "toolchain": toolchain(heard, one),
        "accuracy": accuracy(heard, one),
        "performance": performance(heard, one),
    }
    if one.role == "reference":
        for field in ("mixed_precision", "quantization", "calibration"):
            known[field] = hole(
                f"{ask(('regimes', field), Regime)} For full precision: {{not_applicable: full precision}}"
            )
    for field in ("artifact", "peak_memory"):
        known[field] = hole(ask(("regimes", field), Regime))
    order = (
        "name",
        "role",
        *(f for f in known if f not in {"name", "role", "accuracy", "performance"}),
        "accuracy",
        "performance",
    )
    return {field: known[field] for field in dict.fromkeys(order)}


# --- precision


def _format_words(heard: Heard, one: DraftRegime) -> tuple[str, Quote] | None:
    """The regime's own name for its precision, with words that hold it."""
    named = [v for v in one.values if v.precision]
    if named:
        return named[0].precision, named[0].evidence
    told = heard.told(Component.PRECISION_FORMAT, one)
    return told if one.role == "quantized" else None


def formats(text: str) -> tuple[frozenset[NumberFormat], frozenset[NumberFormat]]:
    """Formats of weights and activations that a name allows; an empty set is a name that does not tell."""
    weights: frozenset[NumberFormat] = frozenset()
    activations: frozenset[NumberFormat] = frozenset()
    for _, preset in mentioned(text):
        weights = weights & preset.weights if weights and preset.weights else weights or preset.weights
        activations = (
            activations & preset.activations
            if activations and preset.activations
            else activations or preset.activations
        )
    for word in re.findall(r"[a-z][a-z0-9_]+", text.lower()):
        exact = number_format(word)
        if exact is not None and (not weights or exact in weights):
            weights = frozenset({exact})
    scheme = re.search(r"(?<![a-z0-9])w(\d{1,2})a(\d{1,2})(?![0-9])", text.lower())
    if scheme and weights and scheme[1] == scheme[2]:
        activations = activations & weights or activations  # W8A8 of INT8 weights has INT8 activations
    return weights, activations


def precision(heard: Heard, one: DraftRegime) -> Json:
    """Weights and activations as the name of the regime tells them, the rest open."""
    words = _format_words(heard, one)
    if words is None:
        known: Json = {
            field: heard.heard_at(("regimes", "precision", field), Component.PRECISION_FORMAT, one)
            for field in ("weights", "activations")
        }
        return complete(Precision, known, ("regimes", "precision"))
    text, quote = words
    weights, activations = formats(text)
    if one.role == "reference" and len(weights) == 1 and weights <= UNQUANTIZED:
        activations = weights
    elif one.role == "quantized":
        weights, activations, quote = _narrowed(heard, one, weights, activations, quote)
    grains = _granularities(heard, one)
    return complete(
        Precision,
        {
            "weights": _scheme(heard, "weights", weights, quote, grains),
            "activations": _scheme(heard, "activations", activations, quote, grains),
        },
        ("regimes", "precision"),
    )


_BOTH = re.compile(r"weights?\s*(?:and|&|/|,)\s*activations?|activations?\s*(?:and|&|/)\s*weights?", re.IGNORECASE)


def _narrowed(
    heard: Heard, one: DraftRegime, weights: frozenset[NumberFormat], activations: frozenset[NumberFormat], quote: Quote
) -> tuple[frozenset[NumberFormat], frozenset[NumberFormat], Quote]:
    """What the words beside the name add: ``FP8 (E4M3)``, and that weights and activations share the format."""
    parts = (Component.PRECISION_FORMAT, Component.TENSORS_QUANTIZED)
    for other in (q for c in parts for q in heard.disclosure(c, one).evidence):
        spelled = {number_format(word) for word in re.findall(r"[a-z0-9_]+", other.text.lower())}
        if len(weights) > 1 and len(weights & spelled) == 1:
            weights, quote = frozenset(weights & spelled), other
        if not activations and weights and _BOTH.search(other.text) and formats(other.text)[0] & weights:
            activations, quote = weights, other
    return weights, activations, quote


def _scheme(
    heard: Heard, field: str, allowed: frozenset[NumberFormat], quote: Quote, grains: Mapping[str, Json]
) -> Json:
    """A scheme whose format is known; several formats that the name allows are a question."""
    path: Path = ("regimes", "precision", field)
    if len(allowed) != 1:
        names = ", ".join(sorted(allowed))
        which = f" The name leaves it open: {names}." if names else ""
        return hole(ask(path) + which, heard=heard.said([quote]))
    chosen = next(iter(allowed))
    if chosen in UNQUANTIZED:
        return heard.given({"format": str(chosen)}, quote)
    known: Json = {"format": str(chosen)}
    if field in grains:
        known["granularity"] = grains[field]
    return heard.given(complete(Quantized, known, path), quote)


def _granularities(heard: Heard, one: DraftRegime) -> dict[str, Json]:
    """The granularity of weights or activations, where one place says both the tensors and the grain."""
    found: dict[str, Json] = {}
    for quote in heard.disclosure(Component.GRANULARITY, one).evidence:
        for clause in re.split(r"[,;.]\s|\band\b|\bwhile\b", quote.text):
            kinds = {m[1].lower() for m in _PER.finditer(clause)}
            groups = {int(m[1]) for m in _GROUP.finditer(clause)}
            tensors = [name for name in ("weights", "activations") if name[:-1] in clause.lower()]
            if len(kinds) + len(groups) != 1 or len(tensors) != 1:
                continue
            node = _grain(kinds, groups)
            if node is not None:
                found.setdefault(tensors[0], heard.given(node, quote))
    return found


def _grain(kinds: set[str], groups: set[int]) -> Json | None:
    if groups:
        size = groups.pop()
        return complete(PerGroup, {"kind": "per_group", "group_size": size}, ("granularity",)) if size else None
    kind = kinds.pop()
    if kind == "channel":
        return {"kind": "per_channel", "axis": hole("Along which axis does each slice have a scale of its own?")}
    return {"kind": f"per_{kind}"}


# --- recipe


def quantization(heard: Heard, one: DraftRegime) -> Json:
    """Algorithm and approach, where they are named."""
    known: Json = {}
    named = list(_algorithms(heard, one))
    if len({name for name, _ in named}) == 1:
        known["algorithm"] = heard.given(*named[0])
    elif named:
        known["algorithm"] = hole("Which of these algorithms made the weights?", heard=heard.said(q for _, q in named))
    words = _format_words(heard, one)
    presets = [p for _, p in mentioned(words[0]) if p.approach] if words else []
    if presets and words:
        known["approach"] = heard.given(str(presets[0].approach), words[1])
    return complete(Quantization, known, ("regimes", "quantization"))


def _algorithms(heard: Heard, one: DraftRegime) -> Iterator[tuple[str, Quote]]:
    """Algorithms that the regime's name or the words about its recipe hold."""
    names = {a.replace("_", ""): str(a) for a in Algorithm if a is not Algorithm.OTHER}
    quotes = [v.evidence for v in one.values if v.precision][:1]
    texts = [(v.precision, v.evidence) for v in one.values if v.precision][:1]
    told = heard.disclosure(Component.CALIBRATION_METHOD, one)
    texts += [(word, told.evidence[0]) for word in (told.value or "").split("; ") if told.evidence]
    for text, quote in texts:
        for word in re.findall(r"[a-z]+", re.sub(r"[_ -]", "", text.lower()) if quote not in quotes else text.lower()):
            if word in names:
                yield names[word], quote


def calibration(heard: Heard, one: DraftRegime) -> Json:
    """Data and method, or the word that none is needed."""
    said = heard.disclosure(Component.CALIBRATION_DATA, one)
    if (said.value or "").startswith("none needed") and said.evidence and heard.told(Component.CALIBRATION_DATA, one):
        return {"none_needed": heard.given(said.evidence[0].text.strip() or "none needed", said.evidence[0])}
    known: Json = {
        "data": heard.open(Component.CALIBRATION_DATA, one),
        "method": heard.open(Component.CALIBRATION_METHOD, one),
    }
    named = calibration_set(heard)
    count = single(v for v in heard.values if v.component is Component.CALIBRATION_DATA and v.unit == "samples")
    if named is not None or count is not None:
        items: Json = {}
        if named is not None:
            items["dataset"] = heard.given(handle(named[0]), named[1])
        if count is not None and count.low and count.low >= 1 and count.low.is_integer():
            items["samples"] = heard.given(int(count.low), count.evidence)
        known["data"] = complete(CalibrationData, items, ("regimes", "calibration", "data"))
    method = heard.told(Component.CALIBRATION_METHOD, one)
    known_method = _METHODS.get(re.sub(r"[^a-z]", "", method[0].lower())) if method else None
    if method is not None and known_method is not None:
        kind, model = known_method
        known["method"] = heard.given(complete(model, {"kind": kind}, ("regimes", "calibration", "method")), method[1])
    return complete(Calibration, known, ("regimes", "calibration"))


def toolchain(heard: Heard, one: DraftRegime) -> Json:
    """Quantizer and runtime, where they are named."""
    known: Json = {}
    for field, component, model in (
        ("quantizer", Component.TOOL_CHAIN, Quantizer),
        ("runtime", Component.RUNTIME, Runtime),
    ):
        told = heard.told(component, one)
        if told is None:
            known[field] = heard.open(component, one)
            continue
        match = _NAME.match(told[0])
        tool: Json = {"name": heard.given(handle(match[1] if match else told[0]), told[1])}
        if match and re.fullmatch(r"[0-9A-Za-z][0-9A-Za-z.+_!-]{0,63}", match[2]):
            tool["version"] = heard.given(match[2], told[1])
        known[field] = complete(model, tool, ("regimes", "toolchain", field))
    if one.role == "reference":
        known["quantizer"] = hole(
            "Which tool made the reference model? For full precision: {not_applicable: full precision}"
        )
    return complete(ToolChain, known, ("regimes", "toolchain"))


# --- results


def accuracy(heard: Heard, one: DraftRegime) -> Json | list[Json]:
    """Every metric value that is printed outright and once; two values of one metric are a question."""
    handles = metrics(heard)
    found: dict[str, list[Value]] = {}
    open_: list[Quote] = []
    for value in (v for v in one.values if v.component in ACCURACIES and v.role == one.role):
        name = handles.get((value.metric, value.dataset))
        if printed(value) is None or name is None:
            open_.append(value.evidence)
        else:
            found.setdefault(name, []).append(value)
    entries: list[Json] = []
    for name, values in found.items():
        numbers = {printed(v) for v in values}
        quotes = heard.said(v.evidence for v in values)
        ask_which = hole("Which of these values belongs to this regime?", heard=quotes)
        number = numbers.pop()
        entries.append({"metric": name, "value": ask_which if numbers else heard.given(number, values[0].evidence)})
    if entries:
        return entries
    quotes_of_all = open_ or list(heard.disclosure(Component.ACCURACY_RESULT, one).evidence)
    return hole(ask(("regimes", "accuracy")), heard=heard.said(quotes_of_all))


def performance(heard: Heard, one: DraftRegime) -> Json:
    """Rate, peak and latency percentiles."""
    values = [v for v in one.values if v.role == one.role]
    rates = [v for v in values if v.component is Component.SUSTAINED_THROUGHPUT]
    peaks = [v for v in rates if v.strength is Strength.THEORETICAL and _rate(v)]
    known: Json = {
        "sustained": heard.heard_at(("regimes", "performance", "sustained"), Component.SUSTAINED_THROUGHPUT, one)
    }
    rate = single(v for v in rates if v.strength is not Strength.THEORETICAL)
    if rate is not None and _rate(rate):
        at: Path = ("regimes", "performance", "sustained")
        known["sustained"] = complete(Sustained, {"rate": heard.given(_rate(rate), rate.evidence)}, at)
    elif rates:
        known["sustained"] = hole(
            ask(("regimes", "performance", "sustained")), heard=heard.said(v.evidence for v in rates)
        )
    if len({_rate(v) for v in peaks}) == 1:
        known["peak"] = heard.given(_rate(peaks[0]), peaks[0].evidence)
    known["latency"] = _latency(heard, one, values)
    return complete(Performance, known, ("regimes", "performance"))


def _rate(value: Value) -> str:
    """The rate as a claim spells it; empty for a unit that a claim has no word for, as tokens per second and GPU."""
    item, _, rest = value.unit.partition("/")
    if rest != "s" or item not in ITEMS or value.low is None or value.low <= 0 or value.low != value.high:
        return ""
    return f"{value.low:.12g} {value.unit}" if value.low < 1e12 else ""


def _latency(heard: Heard, one: DraftRegime, values: list[Value]) -> Json:
    times = [v for v in values if v.component is Component.LATENCY]
    known: Json = {}
    for field, words in (("p50", ("p50", "median")), ("p90", ("p90",)), ("p99", ("p99",))):
        told = [v for v in times if v.unit == "ms" and any(w in v.metric.lower().split() for w in words)]
        value = single(told)
        if value is not None and value.low and value.low > 0:
            known[field] = heard.given(f"{value.low:.12g} ms", value.evidence)
    if known:
        return complete(Latency, known, ("regimes", "performance", "latency"))
    if times:
        return hole(ask(("regimes", "performance", "latency")), heard=heard.said(v.evidence for v in times))
    return heard.open(Component.LATENCY, one)


# --- comparisons


def comparison(heard: Heard, one: DraftRegime, name: str, reference: str | None) -> Json:
    """The gain of a regime as published, with what kind of number it is where its words tell it."""
    gains = [v for v in one.values if v.component is Component.THROUGHPUT_GAIN]
    known: Json = {
        "quantized": name,
        "throughput_gain": heard.heard_at(("comparisons", "throughput_gain"), Component.THROUGHPUT_GAIN, one),
        "system": heard.heard_at(("comparisons", "system"), Component.BASELINE, one),
    }
    if reference is not None:
        known["reference"] = reference
    distinct: dict[tuple[Any, ...], Value] = {(v.low, v.high, v.unit): v for v in gains if v.low is not None}
    value = next(iter(distinct.values())) if len(distinct) == 1 else None
    if value is not None and value.unit == "x" and value.low == value.high and value.low and value.low > 0:
        known["throughput_gain"] = heard.given(f"{value.low:.12g} x", value.evidence)
        word = _qualifier(value)
        if word:
            known["qualifier"] = heard.given(word, value.evidence)
    elif gains:
        known["throughput_gain"] = hole(
            ask(("comparisons", "throughput_gain")), heard=heard.said(v.evidence for v in gains)
        )
    return complete(Comparison, known, ("comparisons",))


def _qualifier(value: Value) -> str:
    """What the words around a gain make of it; empty where they do not say that it was measured."""
    text = value.evidence.text.lower()
    if value.strength is Strength.THEORETICAL:
        return "theoretical"
    if value.strength is Strength.BOUND:
        return "up_to" if "up to" in text or "up-to" in text else "at_least" if "at least" in text else ""
    return "average" if "on average" in text else ""
