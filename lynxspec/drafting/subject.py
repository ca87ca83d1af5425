"""The sections of a draft that all regimes share: identity, model, hardware, data, load, evaluation."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePath
from typing import get_args

from lynxspec.claim import Claim
from lynxspec.claim.accuracy import Evaluation, Metric
from lynxspec.claim.hardware import Hardware
from lynxspec.claim.subject import Dataset, Identity, Model
from lynxspec.claim.throughput import Load
from lynxspec.conditions import model_words
from lynxspec.conditions.condition import bare_metric, metric_word
from lynxspec.conditions.paired import LOWER_IS_BETTER
from lynxspec.draft import Quote, Value
from lynxspec.drafting.heard import Heard, complete, handle, single
from lynxspec.drafting.nodes import Json, hole
from lynxspec.facts.hardware import candidates
from lynxspec.sheet import Heading, Sheet
from lynxspec.vocabulary import Component, ModelFamily, Status

KINDS = {
    "top1": "top1",
    "f1": "f1",
    "auc": "auc",
    "exactmatch": "exact_match",
    "em": "exact_match",
    "spearman": "spearman",
    "pearson": "pearson",
}
"""Metrics that a claim has a kind of its own for, as `metric_word` spells them."""

HIGHER_IS_BETTER = frozenset(
    {"accuracy", "top5", "map", "mmlu", "gsm8k", "hellaswag", "arc", "bleu", "rouge", "miou", "psnr", "ssim"}
)

ACCURACIES = (Component.ACCURACY_RESULT, Component.ACCURACY_REFERENCE)


def identity(heard: Heard) -> Json:
    """Who claims what, as far as a sheet tells it: its title and its words."""
    title = _title(heard)
    known: Json = {
        "id": handle(PurePath(heard.draft.source.split(" + ")[0]).name.partition(".")[0], otherwise="claim"),
        "statement": _statement(heard, title),
    }
    if title is not None:
        known["title"] = heard.given(title.text[:500], title, "certain")
    return complete(Identity, known, ("identity",))


def _title(heard: Heard) -> Quote | None:
    """The first heading of the first sheet."""
    for number, sheet in enumerate(heard.draft.sheets):
        headings = [b for b in sheet.blocks if isinstance(b, Heading) and b.text.text.strip()]
        best = next((h for h in headings if h.level == 1), headings[0] if headings else None)
        if best is not None:
            text = best.text
            return Quote(
                text=text.text, span=sheet.span(text.start, text.end), sheet=number, start=text.start, end=text.end
            )
    return None


def _statement(heard: Heard, title: Quote | None) -> Json:
    """The words of the gain, else of the accuracy, a sentence before a table row, and where they stand."""
    values = [v for v in heard.values if v.low not in {None, 1.0}]
    groups = (
        [v.evidence for v in values if v.component is Component.THROUGHPUT_GAIN],
        heard.disclosure(Component.THROUGHPUT_GAIN).evidence,
        [v.evidence for v in values if v.component in ACCURACIES],
        heard.disclosure(Component.ACCURACY_RESULT).evidence,
    )
    quotes = next((sorted(group, key=lambda q: "|" in q.text or "\n" in q.text) for group in groups if group), [])
    if not quotes:
        return hole("What is the claim, word for word, and where was it published?")
    first = quotes[0]
    sheet = heard.draft.sheets[first.sheet] if first.sheet < len(heard.draft.sheets) else None
    source: Json = {"title": title.text[:500] if title is not None else heard.draft.source}
    if sheet is not None and sheet.sha256:
        source["sha256"] = sheet.sha256
    source["page"] = first.span.page or {"not_applicable": "the document has no pages"}
    return {"text": heard.given(first.text.strip() or first.text, first, "certain"), "source": source}


def model(heard: Heard) -> Json:
    """The model that the numbers belong to; several are a question."""
    known: Json = {"name": model_name(heard)}
    family = heard.disclosure(Component.MODEL_FAMILY)
    named = {
        w for word in (family.value or "").lower().split("; ") if (w := word.replace(" ", "_")) in set(ModelFamily)
    }
    if len(named) == 1 and family.evidence and family.status in {Status.DISCLOSED, Status.PARTIAL}:
        known["family"] = heard.given(named.pop(), family.evidence[0])
    else:
        known["family"] = heard.heard_at(("model", "family"), Component.MODEL_FAMILY)
    return complete(Model, known, ("model",))


def model_name(heard: Heard) -> Json:
    """The model's name with its source, or the question which of several it is."""
    named = {model_words(v.model): v for v in reversed(heard.values) if v.model}
    if len(named) == 1:
        value = next(iter(named.values()))
        return heard.given(value.model, heard.words_of(Component.MODEL_NAME, value.model, value.evidence))
    told = heard.told(Component.MODEL_NAME) if not named else None
    if told is not None:
        return heard.given(told[0], told[1])
    if named:
        quotes = [v.evidence for v in reversed(named.values())]
        return hole("A claim is about one model; which of those that the sheet names is it?", heard=heard.said(quotes))
    return heard.heard_at(("model", "name"), Component.MODEL_NAME)


def hardware(heard: Heard) -> Json:
    """The system, where the sheet names one; vendor and kind come from the hardware table."""
    told = _product(heard)
    if told is None:
        return {
            **complete(Hardware, {}, ("hardware",)),
            "product": heard.heard_at(("hardware", "product"), Component.HARDWARE),
        }
    name, quote = told
    known: Json = {"product": heard.given(name, quote)}
    entries = candidates(name)
    for field, values in (("vendor", {e.vendor for e in entries}), ("kind", {e.kind for e in entries})):
        if len(values) == 1:
            known[field] = heard.given(values.pop(), quote, "possible")
    maker = r"(?:(?:NVIDIA|AMD|Intel|Google)\s)?"
    count = re.search(rf"(?<![\w.])(\d{{1,4}})\s?[x×]\s?{maker}{re.escape(name.split()[0])}", quote.text, re.IGNORECASE)
    if count:
        known["count"] = heard.given(int(count[1]), quote)
    memory = re.search(r"(?<![\w.])(\d{1,4})\s?(GB|GiB)\b", name)
    if memory:
        known["memory"] = heard.given(f"{memory[1]} {memory[2]}", quote)
    return complete(Hardware, known, ("hardware",))


def _product(heard: Heard) -> tuple[str, Quote] | None:
    named = {v.hardware.lower(): v for v in heard.values if v.hardware.strip()}
    if len(named) == 1:
        value = next(iter(named.values()))
        return value.hardware, heard.words_of(Component.HARDWARE, value.hardware, value.evidence)
    return heard.told(Component.HARDWARE) if not named else None


def data(heard: Heard) -> list[Json] | Json:
    """Data sets that the sheet names: of the evaluation and of the calibration."""
    named = [pair for pair in (evaluation_set(heard), calibration_set(heard)) if pair is not None]
    entries: dict[str, Json] = {}
    for title, quote in named:
        name = handle(title)
        known: Json = {"name": name, "title": heard.given(title, quote), "format": "npz"}
        entries.setdefault(name, complete(Dataset, known, ("data",)))
    return list(entries.values()) or hole("Which data sets were used, with digest, split and number of items?")


def evaluation_set(heard: Heard) -> tuple[str, Quote] | None:
    """The one data set that accuracy was measured on."""
    named = {v.dataset: v.evidence for v in reversed(heard.values) if v.component in ACCURACIES and v.dataset}
    if len(named) == 1:
        name, quote = next(iter(named.items()))
        return name, heard.words_of(Component.EVALUATION_SET, name, quote)
    return heard.told(Component.EVALUATION_SET) if not named else None


def calibration_set(heard: Heard) -> tuple[str, Quote] | None:
    """The one data set that calibration read: a name, not a count."""
    named = {v.dataset: v.evidence for v in heard.values if v.component is Component.CALIBRATION_DATA and v.dataset}
    if len(named) == 1:
        return next(iter(named.items()))
    held = heard.disclosure(Component.CALIBRATION_DATA)
    words = [w for w in (held.value or "").split("; ") if w and not re.match(r"[\d.,]+\s", w) and "none" not in w]
    if (
        named
        or len(words) != 1
        or not held.evidence
        or (heard.told(Component.CALIBRATION_DATA) is None and len(words) > 1)
    ):
        return None
    quote = next((q for q in held.evidence if words[0].lower() in q.text.lower()), None)
    return (words[0], quote) if quote is not None else None


def load(heard: Heard) -> Json:
    """The load, as far as batch and the item of the rates are told."""
    known: Json = {}
    rates = [v for v in heard.values if v.component is Component.SUSTAINED_THROUGHPUT]
    items = {v.unit.partition("/")[0]: v.evidence for v in reversed(rates)}
    if len(items) == 1:
        item, quote = next(iter(items.items()))
        if item in get_args(Load.model_fields["item"].annotation):
            known["item"] = heard.given(item, quote)
    batches = {v.batch: v.evidence for v in reversed(rates) if v.batch}
    told = single(v for v in heard.values if v.component is Component.BATCH_OR_CONCURRENCY)
    if len(batches) == 1 and next(iter(batches)).isdigit() and int(next(iter(batches))) > 0:
        batch, quote = next(iter(batches.items()))
        known["batch"] = heard.given(int(batch), quote)
    elif not batches and told is not None and told.low and told.low.is_integer():
        field = "concurrency" if "concurr" in told.evidence.text.lower() else "batch"
        known[field] = heard.given(int(told.low), told.evidence)
    for field in ("batch", "concurrency"):
        known.setdefault(field, heard.heard_at(("load", field), Component.BATCH_OR_CONCURRENCY))
    return complete(Load, known, ("load",))


def metrics(heard: Heard) -> dict[tuple[str, str], str]:
    """Handles of what was measured, by metric and data set, in the order of the sheet."""
    found: dict[tuple[str, str], str] = {}
    for value in heard.values:
        key = (value.metric, value.dataset)
        if value.component in ACCURACIES and key not in found and printed(value) is not None:
            found[key] = handle("-".join(w for w in key[::-1] if w) or "accuracy", found.values())
    return found


def printed(value: Value) -> float | None:
    """The value of a metric in its own unit; ``None`` for losses, recoveries, bounds and adjectives."""
    if single((value,)) is None or value.low is None or value.unit not in {"", "%"}:
        return None
    if value.unit == "%" and value.low > 100:
        return None
    if metric_word(value.metric) not in {"top1", "exactmatch", "em"}:
        return value.low
    share = round(value.low / 100, 10) if value.unit == "%" or value.low > 1 else value.low
    return share if 0 <= share <= 1 else None


def evaluation(heard: Heard) -> Json:
    """Data, metrics, criterion and relevance, as far as they are told."""
    known: Json = {
        "metrics": list(_metrics(heard)) or hole("Which metrics were measured, by which code?"),
        "criterion": heard.open(Component.ACCEPTANCE_CRITERION),
        "relevance": heard.open(Component.WORKLOAD_RELEVANCE),
        "samples": heard.heard_at(("evaluation", "samples"), Component.EVALUATION_SET),
    }
    named = evaluation_set(heard)
    known["dataset"] = heard.given(handle(named[0]), named[1]) if named else heard.open(Component.EVALUATION_SET)
    return complete(Evaluation, known, ("evaluation",))


def _metrics(heard: Heard) -> Iterator[Json]:
    for (metric, dataset), name in metrics(heard).items():
        value = next(
            v for v in heard.values if (v.metric, v.dataset) == (metric, dataset) and v.component in ACCURACIES
        )
        word = bare_metric(metric_word(metric or dataset))
        known: Json = {"name": name}
        if metric:
            known["kind"] = heard.given(KINDS.get(metric_word(metric), "other"), value.evidence, "possible")
        if word in LOWER_IS_BETTER or word in HIGHER_IS_BETTER or word in KINDS:
            known["better"] = "lower" if word in LOWER_IS_BETTER else "higher"
        yield complete(Metric, known, ("evaluation", "metrics"))


def sections(heard: Heard) -> Json:
    """Everything above the regimes, in the claim's order."""
    made = {
        "identity": identity(heard),
        "model": model(heard),
        "hardware": hardware(heard),
        "data": data(heard),
        "load": load(heard),
        "evaluation": evaluation(heard),
    }
    return {name: made[name] for name in Claim.model_fields if name in made}


def read_from(sheets: tuple[Sheet, ...]) -> list[Json]:
    """The files, with their digests."""
    return [{"file": s.source, "format": s.format} | ({"sha256": s.sha256} if s.sha256 else {}) for s in sheets]
