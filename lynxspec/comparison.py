"""Whether two claims or sheets can be compared at all, which conditions differ, and only then their numbers.

1. Five conditions decide: model, hardware, number of accelerators, scenario, metric. If one of them differs, the two
   are not comparable; if one is unknown on a side, it cannot be decided.
2. Every other condition that differs, or is unknown, is named.
3. Numbers are given only where the two are comparable.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from lynxspec.claim import Claim
from lynxspec.conditions import Agreement, Condition, Stated, agreement, conditions_of, same_hardware
from lynxspec.conditions.paired import Pair, pairs
from lynxspec.draft import Draft, DraftRegime, Strength, Value
from lynxspec.errors import UsageError
from lynxspec.lint.losses import gains, losses
from lynxspec.lint.regimes import sustained
from lynxspec.vocabulary import Component

DECIDING = (Condition.MODEL, Condition.HARDWARE, Condition.COUNT, Condition.SCENARIO, Condition.METRIC)
"""Step 1."""

MOST_SHOWN = 6
"""Values of one kind that are listed for one regime."""


class Comparability(StrEnum):
    """Whether the numbers may stand side by side."""

    COMPARABLE = "comparable"
    WITH_DIFFERENCES = "comparable with named differences"
    NOT_COMPARABLE = "not comparable"
    UNDECIDED = "cannot be decided"


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One condition of both sides."""

    condition: Condition
    one: Stated
    other: Stated
    agreement: Agreement

    @property
    def decides(self) -> bool:
        """Whether it is one of the five."""
        return self.condition in DECIDING


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Numbers of one quantized regime, in words."""

    regime: str
    gain: str = ""
    rate: str = ""
    reference_rate: str = ""
    loss: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the two."""

    draft: Draft
    regimes: tuple[str, ...]
    """Quantized regimes that were looked at."""
    figures: tuple[Figures, ...]
    """Empty where numbers are withheld."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The answer."""

    verdict: Comparability
    reasons: tuple[str, ...]
    """Why it is so: what decides, or the differences that are named."""
    conditions: tuple[Compared, ...]
    one: Side
    other: Side


def compare(one: Draft, other: Draft, *, only: tuple[str | None, str | None] = (None, None)) -> Comparison:
    """Compare two drafts, or one regime or claim of each."""
    chosen = (select(one, only[0]), select(other, only[1]))
    left, right = conditions_of(one, chosen[0]), conditions_of(other, chosen[1])
    rows = tuple(
        Compared(condition=c, one=left[c], other=right[c], agreement=agreement(c, left[c], right[c])) for c in Condition
    )
    verdict, reasons = _verdict(rows)
    withheld = verdict in {Comparability.NOT_COMPARABLE, Comparability.UNDECIDED}
    sides = [
        Side(
            draft=draft,
            regimes=tuple(r.name for r in regimes if r.role == "quantized"),
            figures=() if withheld else tuple(_figures(draft, regimes)),
        )
        for draft, regimes in zip((one, other), chosen, strict=True)
    ]
    return Comparison(verdict=verdict, reasons=reasons, conditions=rows, one=sides[0], other=sides[1])


def select(draft: Draft, name: str | None) -> tuple[DraftRegime, ...]:
    """The regimes of that name or claim (default: all), with at least one quantized among them."""
    found = tuple(r for r in draft.regimes if name is None or name in {r.name, r.claim})
    if not any(r.role == "quantized" for r in found):
        known = dict.fromkeys(w for r in draft.regimes if r.role == "quantized" for w in (r.claim, r.name) if w)
        if name is None or not known:
            raise UsageError(f"{draft.source}: no quantized regime", hint="name a claim or a sheet that makes one")
        raise UsageError(f"{draft.source}: no quantized regime is called `{name}`", hint=f"it has {', '.join(known)}")
    return found


def _verdict(rows: tuple[Compared, ...]) -> tuple[Comparability, tuple[str, ...]]:
    """Decide by steps 1 and 2."""
    deciding = [row for row in rows if row.decides]
    apart = [row for row in deciding if row.agreement is Agreement.DIFFERS]
    if apart:
        return Comparability.NOT_COMPARABLE, tuple(_difference(row) for row in apart)
    open_ = [row for row in deciding if row.agreement is Agreement.UNKNOWN]
    if open_:
        return Comparability.UNDECIDED, tuple(_unknown(row) for row in open_)
    named = [row for row in rows if row.agreement is Agreement.DIFFERS]
    silent = [row for row in rows if row.agreement is Agreement.UNKNOWN]
    if named:
        return Comparability.WITH_DIFFERENCES, tuple([_difference(r) for r in named] + [_unknown(r) for r in silent])
    return Comparability.COMPARABLE, tuple(_unknown(row) for row in silent)


def _difference(row: Compared) -> str:
    return f"different {row.condition}: {row.one.shown} against {row.other.shown}"


def _unknown(row: Compared) -> str:
    sides = [name for name, s in (("A", row.one), ("B", row.other)) if s.applies and not s.known]
    if not sides:
        return f"{row.condition}: `{row.one.shown}` and `{row.other.shown}` may or may not be the same{_variants(row)}"
    notes = "".join(f" ({s.note})" for s in (row.one, row.other) if s.applies and not s.known and s.note)
    return f"{row.condition}: not told by {' and '.join(sides)}{notes}"


def _variants(row: Compared) -> str:
    """Why two known names leave it open."""
    if row.condition is Condition.HARDWARE and same_hardware(row.one.text, row.one.text) is Agreement.UNKNOWN:
        return "; the product has variants and the names leave open which"
    return ""


# --- numbers


def _figures(draft: Draft, regimes: tuple[DraftRegime, ...]) -> Iterator[Figures]:
    for regime in regimes:
        if regime.role == "quantized":
            found = _of_claim(draft.claim, regime.name) if draft.claim else _of_sheet(draft, regime)
            yield found


def _of_claim(claim: Claim, name: str) -> Figures:
    regime, reference = claim.regime(name), claim.reference
    gain = next((g for g in gains(claim) if g.regime == name), None)
    qualifier = gain.comparison.qualifier.replace("_", " ") if gain and gain.comparison else "ratio of the rates"
    mine = sustained(regime) if regime else None
    theirs = sustained(reference) if reference else None
    return Figures(
        regime=name,
        gain=f"{gain.factor:.4g} x ({qualifier})" if gain else "",
        rate=f"{mine.rate} over {mine.window}" if mine else "",
        reference_rate=f"{theirs.rate} over {theirs.window}" if theirs else "",
        loss="; ".join(
            f"{loss.metric.name} {loss.spelled()} ({loss.value:g} against {loss.reference:g})"
            for loss in losses(claim)
            if loss.regime == name
        ),
    )


def _of_sheet(draft: Draft, regime: DraftRegime) -> Figures:
    rate = Component.SUSTAINED_THROUGHPUT
    every = [v for r in draft.regimes if r.claim == regime.claim for v in r.values]
    return Figures(
        regime=regime.name,
        gain=_listed([spelled(v) for v in regime.values if v.component is Component.THROUGHPUT_GAIN]),
        rate=_listed([spelled(v) for v in regime.values if v.component is rate and v.role == "quantized"]),
        reference_rate=_listed([spelled(v) for v in every if v.component is rate and v.role == "reference"]),
        loss=_listed([_loss(pair) for pair in pairs(draft, regime)]),
    )


def _loss(pair: Pair) -> str:
    """What was lost, or the value alone where the sheet gives none of the reference."""
    if pair.lost is None or pair.reference is None:
        return f"{pair.name} {spelled(pair.value)}"
    points = " points" if pair.value.unit == "%" else ""
    return f"{pair.name} {pair.lost:g}{points} ({pair.value.low:g} against {pair.reference.low:g})"


def spelled(value: Value) -> str:
    """A value of a sheet for people, with what weakens it."""
    if value.low is None:
        return f'"{value.evidence.text}" ({value.strength})'
    number = f"{value.low:.10g}" if value.low == value.high else f"{value.low:.10g} to {value.high:.10g}"
    doubt = "" if value.strength is Strength.EXACT else f" ({value.strength})"
    batch = f" at batch {value.batch}" if value.batch else ""
    return f"{number} {value.unit}".strip() + batch + doubt


def _listed(texts: list[str]) -> str:
    distinct = list(dict.fromkeys(texts))
    more = f"; and {len(distinct) - MOST_SHOWN} more" if len(distinct) > MOST_SHOWN else ""
    return "; ".join(distinct[:MOST_SHOWN]) + more
