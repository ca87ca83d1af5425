"""Whether two sides have the same condition; names are compared by what they mean."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from lynxspec.conditions.condition import Agreement, Condition, Stated, bare_metric, plain
from lynxspec.facts.hardware import candidates, same_memory, words
from lynxspec.facts.tool_chains import release, tool


def agreement(condition: Condition, one: Stated, other: Stated) -> Agreement:
    """Whether both sides have the same condition; unknown as soon as one side leaves it open."""
    if not one.applies and not other.applies:
        return Agreement.SAME
    if (not one.known and one.applies) or (not other.known and other.applies):
        return Agreement.UNKNOWN
    if not one.applies or not other.applies:
        return Agreement.DIFFERS
    return _COMPARERS.get(condition, _same_words)(one, other)


def same_hardware(one: str, other: str) -> Agreement:
    """Whether two product names mean the same product; a name that leaves the variant open means none in particular."""
    mine, theirs = candidates(one), candidates(other)
    if mine and theirs:
        shared = {e.product for e in mine} & {e.product for e in theirs}
        if not shared:
            return Agreement.DIFFERS
        return Agreement.SAME if len(mine) == len(theirs) == 1 else Agreement.UNKNOWN
    left, right = words(one), words(other)
    if left == right and not mine:
        return Agreement.SAME
    return Agreement.UNKNOWN if left <= right or right <= left else Agreement.DIFFERS


def same_engine(one: tuple[str, ...], other: tuple[str, ...]) -> Agreement:
    """Whether two engines are the same: name, then version, then provider."""
    names = [known.name if (known := tool(_slug(side[0]))) else plain(side[0]) for side in (one, other)]
    if names[0] != names[1]:
        return Agreement.DIFFERS
    versions = [side[1] if len(side) > 1 else "" for side in (one, other)]
    if not all(versions):
        return Agreement.UNKNOWN
    releases = [release(version) or version for version in versions]
    if releases[0] != releases[1]:
        return Agreement.DIFFERS
    providers = [side[2] if len(side) > 2 else "" for side in (one, other)]
    return Agreement.DIFFERS if all(providers) and plain(providers[0]) != plain(providers[1]) else Agreement.SAME


def _slug(name: str) -> str:
    return re.sub(r"[\s_]+", "-", name.strip().lower())


_SCHEME = re.compile(
    r"(?<![a-z0-9])(?:u?int-?[2-8]|fp-?(?:4|6|8|16|32)|bf16|nvfp4|mxfp[468]|nf4|w\d{1,2}a\d{1,2}|q\d(?:_[a-z0-9]+)*|e\dm\d(?:fn)?|g\d{2,3}"
    r"|awq|gptq|gguf|smoothquant|autoround|hqq|dynamic|static|quantized(?:[._-]?w\d+a\d+)?|quant)(?![a-z0-9])"
)


def model_words(name: str) -> str:
    """A model's name without its owner and without the scheme that vendors append."""
    bare = name.lower().rpartition("/")[2]
    return plain(_SCHEME.sub(" ", bare)) or plain(bare)


def _same_words(one: Stated, other: Stated) -> Agreement:
    return Agreement.SAME if plain(one.text) == plain(other.text) else Agreement.DIFFERS


def _same_model(one: Stated, other: Stated) -> Agreement:
    left, right = model_words(one.text), model_words(other.text)
    if left == right:
        return Agreement.SAME
    return Agreement.UNKNOWN if left in right or right in left else Agreement.DIFFERS


def _same_memory(one: Stated, other: Stated) -> Agreement:
    sizes = [_gigabytes(side.text) for side in (one, other)]
    if sizes[0] is None or sizes[1] is None:
        return _same_words(one, other)
    return Agreement.SAME if same_memory(sizes[0], (sizes[1],)) else Agreement.DIFFERS


def _gigabytes(text: str) -> float | None:
    match = re.fullmatch(r"(\d+(?:\.\d+)?) (MB|MiB|GB|GiB|TiB)", text)
    factors = {"MB": 1e-3, "MiB": 2**20 / 1e9, "GB": 1.0, "GiB": 2**30 / 1e9, "TiB": 2**40 / 1e9}
    return float(match[1]) * factors[match[2]] if match else None


def _same_set(one: Stated, other: Stated) -> Agreement:
    if one.digest and other.digest:
        return Agreement.SAME if one.digest == other.digest else Agreement.DIFFERS
    left, right = one.names or {plain(one.text)}, other.names or {plain(other.text)}
    if left == right:
        return Agreement.SAME
    near = any(a in b or b in a for a in left for b in right)
    return Agreement.UNKNOWN if near and not left & right else Agreement.DIFFERS


def _same_metric(one: Stated, other: Stated) -> Agreement:
    """One metric that both have is enough to compare."""
    left, right = set(one.names), set(other.names)
    if left & right:
        return Agreement.SAME
    near = {bare_metric(word) for word in left} & {bare_metric(word) for word in right}
    return Agreement.UNKNOWN if near or "accuracy" in left | right else Agreement.DIFFERS


_COMPARERS: Mapping[Condition, Callable[[Stated, Stated], Agreement]] = {
    Condition.MODEL: _same_model,
    Condition.HARDWARE: lambda one, other: same_hardware(one.text, other.text),
    Condition.MEMORY: _same_memory,
    Condition.RUNTIME: lambda one, other: same_engine(one.parts or (one.text,), other.parts or (other.text,)),
    Condition.EVALUATION_SET: _same_set,
    Condition.METRIC: _same_metric,
}
