"""The audit record as PDF/A pages: the same bytes for the same record, and nothing loaded from outside."""

from __future__ import annotations

import hashlib
import platform
import re
import unicodedata
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import metadata, resources
from typing import Any

from lynxspec.errors import LynxSpecError
from verifier.audit import pictures, texts
from verifier.audit.attestation import Attestations
from verifier.audit.elsewhere import elsewhere
from verifier.audit.finisher import finish
from verifier.audit.moved import moved
from verifier.audit.particulars import conditions, particulars, reference
from verifier.audit.provenance import judging_digest, scoring_digest
from verifier.audit.record import Record, digest, from_jcs, to_jcs
from verifier.evidence import PrecisionLedger
from verifier.verdict import ClauseKind, ClauseVerdict, Interval, Reason, Verdict

SYSTEM_PACKAGES = (
    "sudo apt-get install --no-install-recommends "
    "libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz0b libharfbuzz-subset0 libfontconfig1"
)
"""What WeasyPrint loads, as Debian and Ubuntu name it."""
FONTS = ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf")
"""Fonts that come with the package; the pages use no other."""
ORDER = (Verdict.REFUTED, Verdict.REPRODUCED, Verdict.INCONCLUSIVE, Verdict.NOT_TESTABLE)
"""Bad news first."""
LONGEST = 1500
"""Characters of one text that are printed; a row must fit on a page."""
_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})
_LEFT_AGAIN = "\N{LEFT-TO-RIGHT MARK}"
"""Around text that runs from right to left, so that it does not move what stands beside it."""
_DIGEST = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{52}\b")
HEADLINES = (ClauseKind.SPEEDUP, ClauseKind.THROUGHPUT, ClauseKind.ACCURACY, ClauseKind.CRITERION)
"""Kinds of clauses that page one shows."""
MOST_HEADLINES = {True: 6, False: 3}
"""Clauses that page one shows: of two regimes, and of more, which need a taller picture."""


class RendererUnavailable(LynxSpecError):
    """Libraries of the system that lay out text are missing; nothing can be rendered."""

    exit_code = 2


@cache
def _weasyprint() -> Any:  # noqa: ANN401 - WeasyPrint carries no types
    """WeasyPrint, or one clear error with the command that installs what it lacks."""
    try:
        import weasyprint  # noqa: PLC0415 - loads system libraries
    except (OSError, ImportError) as error:
        raise RendererUnavailable(
            f"WeasyPrint cannot load its system libraries: {str(error).splitlines()[0]}",
            hint=f"Run: {SYSTEM_PACKAGES}",
        ) from error
    return weasyprint


def _file(name: str) -> bytes:
    return resources.files("verifier.audit").joinpath(name).read_bytes()


SHAPING = (
    "render.py",
    "finisher.py",
    "drawing.py",
    "elsewhere.py",
    "pictures.py",
    "frontier.py",
    "moved.py",
    "texts.py",
    "particulars.py",
    "attestation.py",
    "envelope.py",
    "summary.py",
    "system.py",
    "templates/record.html",
    "templates/record.css",
)
"""Files of ours that decide what a record's pages look like."""


@cache
def layout() -> str:
    """Digest of everything of ours that shapes the pages; needs no WeasyPrint."""
    parts = [hashlib.sha256(_file(name)).digest() for name in (*SHAPING, *(f"fonts/{font}" for font in FONTS))]
    return hashlib.sha256(b"".join(parts)).hexdigest()[:16]


@cache
def _versions() -> tuple[tuple[str, str], ...]:
    _weasyprint()
    from cffi import FFI  # type: ignore[import-untyped] # noqa: PLC0415 - comes with WeasyPrint
    from weasyprint.text import ffi as libraries  # noqa: PLC0415 - loads system libraries

    declared = FFI()
    declared.cdef("const char* hb_version_string(void);")
    harfbuzz = declared.dlopen("libharfbuzz.so.0")
    pango = libraries.pango.pango_version()
    return (
        ("lynxspec", metadata.version("lynxspec")),
        ("layout", layout()),
        ("scoring", scoring_digest()),
        ("judging", judging_digest()),
        *((name, metadata.version(name)) for name in ("weasyprint", "pydyf", "tinycss2", "jinja2", "numpy", "scipy")),
        ("pango", f"{pango // 10000}.{pango // 100 % 100}.{pango % 100}"),
        ("harfbuzz", declared.string(harfbuzz.hb_version_string()).decode()),
        ("harfbuzz-subset", "no" if libraries.harfbuzz_subset is None else "yes"),
        ("zlib", zlib.ZLIB_RUNTIME_VERSION),
        ("machine", platform.machine()),
    )


def versions() -> dict[str, str]:
    """Versions of everything that shapes verdicts, score and pages; goes into `Record.renderer`."""
    return dict(_versions())


@cache
def _drawable() -> frozenset[int]:
    """Characters that both fonts can draw, less those that change how others are read."""
    from fontTools.ttLib import TTFont  # type: ignore[import-untyped] # noqa: PLC0415 - comes with WeasyPrint

    sets = []
    for name in FONTS:
        with resources.as_file(resources.files("verifier.audit").joinpath(f"fonts/{name}")) as path:
            sets.append(set(TTFont(path, lazy=True).getBestCmap()))
    invisible = {0xAD, 0x61C, 0x180E, 0xFEFF, *range(0x200B, 0x2010), *range(0x2028, 0x202F), *range(0x2060, 0x2070)}
    private = {code for code in sets[0] if 0xE000 <= code <= 0xF8FF}
    return frozenset((sets[0] & sets[1]) - invisible - private - set(range(0x20)) - set(range(0x7F, 0xA0)))


def clean(text: object, longest: int = LONGEST) -> str:
    """Text as printed: what the fonts cannot draw, and what could hide or reorder words, stands as its code point."""
    known, shown, marks, full = _drawable(), [], 0, str(text)
    if len(full) > longest:
        full = f"{full[:longest]}… [{len(full) - longest} more characters in the attachments]"
    for char in full:
        marks = marks + 1 if 0x300 <= ord(char) <= 0x36F else 0
        if char in "\n\t":
            shown.append(" ")
        elif ord(char) in known and marks < 3:
            shown.append(char)
        else:
            shown.append(f"[U+{ord(char):04X}]")
    if any(unicodedata.bidirectional(char) in _RIGHT_TO_LEFT for char in "".join(shown)):
        return f"{_LEFT_AGAIN}{''.join(shown)}{_LEFT_AGAIN}"
    return "".join(shown)


def _short(text: str) -> str:
    """Digests by their first digits: clauses are read by people, and the files are listed in full elsewhere."""
    return _DIGEST.sub(r"\1…", text)


def _notes(notes: Iterable[str]) -> str:
    """Notes as sentences."""
    return "".join(f" {n[0].upper()}{n[1:]}{'' if n.endswith('.') else '.'}" for n in notes if n)


def _number(value: float) -> str:
    return f"{value:.6g}"


def _span(interval: Interval) -> str:
    return (
        f"{interval.low:.5g} to {interval.high:.5g} {interval.unit} ({interval.coverage * 100:g} %, {interval.method})"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PrecisionRow:
    """One tensor class: declared, in the file, executed."""

    name: str
    declared: str
    artifact: str
    executed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PrecisionTable:
    """Precision of one regime."""

    artifact_title: str
    rows: tuple[PrecisionRow, ...]


def _seen(ledger: PrecisionLedger | None, name: str) -> str:
    """What a ledger says of one tensor class."""
    if ledger is None:
        return "not looked at"
    if ledger.status != "ok":
        return f"no result: {ledger.message}"
    groups = [g for g in ledger.tensors if g.tensor_class == name]
    return (
        "; ".join(
            g.format
            + ("" if g.granularity == "none" else f", {g.granularity.replace('_', ' ')}")
            + ("" if g.symmetry == "none" else f", {g.symmetry}, {g.timing}")
            + f" ({g.tensors} tensors)"
            for g in groups
        )
        or "–"
    )


def _operators(ledger: PrecisionLedger | None) -> str:
    if ledger is None or ledger.status != "ok":
        return "–"
    shares = [
        f"{g.count} {g.op_type} in {g.compute}"
        + (f" ({g.time_share * 100:.0f} % of the time)" if g.time_share is not None else "")
        for g in ledger.operators
    ]
    return "; ".join(shares) or "–"


def _precision(record: Record, regime: str, declared: Iterable[tuple[str, str]]) -> PrecisionTable:
    found = {ledger.ledger: ledger for ledger in record.evidence.ledgers if ledger.regime == regime}
    supplied, executed = found.get("supplied_artifact"), found.get("executed")
    artifact = supplied or found.get("recipe_artifact")
    rows = [
        PrecisionRow(name=name, declared=text, artifact=_seen(artifact, name), executed=_seen(executed, name))
        for name, text in declared
        if not text.startswith("not applicable") or _seen(artifact, name) not in ("–", "not looked at")
    ]
    rows.append(
        PrecisionRow(name="operators", declared="–", artifact=_operators(artifact), executed=_operators(executed))
    )
    title = texts.LEDGER_WORD["supplied_artifact" if supplied or not artifact else "recipe_artifact"]
    return PrecisionTable(artifact_title=title, rows=tuple(rows))


def _sorted(verdicts: Iterable[ClauseVerdict]) -> list[ClauseVerdict]:
    return sorted(verdicts, key=lambda v: (ORDER.index(v.verdict), texts.KIND_ORDER[v.kind], v.id))


def _reason(verdict: ClauseVerdict) -> str:
    words = Reason.of(verdict.reason).sentence
    return words[0].upper() + words[1:]


def _rules(verdicts: Iterable[ClauseVerdict]) -> list[tuple[str, str]]:
    """Each decision rule once, with the kinds of clauses that it decides."""
    kinds: dict[str, list[str]] = {}
    for verdict in verdicts:
        name = verdict.kind.value.replace("_", " ").capitalize()
        if verdict.decision_rule and name not in kinds.setdefault(verdict.decision_rule, []):
            kinds[verdict.decision_rule].append(name)
    return [(", ".join(names), rule) for rule, names in kinds.items()]


def _runs(record: Record) -> list[tuple[str, str, object]]:
    rows: list[tuple[str, str, object]] = []
    for run in record.evidence.sustain.runs if record.evidence.sustain else ():
        if run.status != "ok":
            rows.append((run.regime, f"No result: {run.message}", None))
            continue
        processes = len({b.process for b in run.blocks})
        note = (
            f"{run.window_s:.0f} s counted in {len(run.blocks)} blocks of {processes} processes after "
            f"{run.warm_up_s:.0f} s warm-up, batch {run.batch}, concurrency {run.concurrency}, {run.calls} calls."
        )
        rows.append((run.regime, note, pictures.over_time(record, run)))
    return rows


def _context(record: Record, record_digest: str) -> dict[str, Any]:
    """All that the template prints."""
    verdicts = _sorted(record.verdicts)
    counts = {verdict: sum(v.verdict is verdict for v in verdicts) for verdict in ORDER}
    against = {
        Verdict.REPRODUCED: (),
        Verdict.REFUTED: (Verdict.REFUTED,),
        Verdict.INCONCLUSIVE: (Verdict.INCONCLUSIVE,),
        Verdict.NOT_TESTABLE: (Verdict.NOT_TESTABLE,),
    }[record.overall]
    missed = tuple(v.title for v in verdicts if v.verdict in against)
    decided = [v for v in verdicts if v.verdict in (Verdict.REFUTED, Verdict.REPRODUCED)]
    open_ = [v for v in verdicts if v.verdict not in (Verdict.REFUTED, Verdict.REPRODUCED)]
    most = MOST_HEADLINES[len(record.claim.regimes) <= 2]
    short = sorted((v for v in verdicts if v.kind in HEADLINES), key=lambda v: (HEADLINES.index(v.kind), v.id))
    return {
        "r": record,
        "t": texts,
        "digest": record_digest,
        "sentence": texts.sentence(record.overall, counts, missed),
        "counts": counts,
        "headline": short[:most],
        "more": max(0, len(short) - most),
        "published": not record.claim.statement.startswith(("not applicable: ", "not known to the claimant: ")),
        "particulars": particulars(record, record_digest),
        "conditions": conditions(record),
        "references": {v.id: reference(v) for v in verdicts},
        "clause_tables": (
            ("Decided", "Measured", decided),
            ("Not decided: what was observed proves nothing about the claim", "Observed here", open_),
        ),
        "decided": decided,
        "reasons": {v.id: _reason(v) for v in verdicts},
        "rules": _rules(verdicts),
        "ledgers": {
            r.name: _precision(record, r.name, ((f.label, f.value) for f in r.precision)) for r in record.claim.regimes
        },
        "moved": moved(record),
        "elsewhere": elsewhere(record),
        "inert": [(q.regime, i) for q in record.evidence.quantizations for i in q.inert],
        "deviations": [row for row in record.system if row.same is False],
        "pictures": {"trade": pictures.trade(record), "runs": _runs(record), "probe": pictures.probe(record)},
    }


def page_source(record: Record, record_digest: str) -> str:
    """The pages as HTML, every text escaped."""
    from jinja2 import Environment, StrictUndefined  # noqa: PLC0415 - only rendering needs it

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(clean=clean, short=_short, notes=_notes, number=_number, interval=_span)
    template = environment.from_string(_file("templates/record.html").decode())
    return template.render(_context(record, record_digest))


def render(
    record: Record,
    claim_text: bytes | str,
    claim_name: str | None = None,
    *,
    attestations: Attestations | None = None,
) -> bytes:
    """PDF/A-3a pages of ``record`` with claim, record and attestations embedded; unsigned, with an empty field for it.

    A record that is to be signed has attestations, an unsigned one cannot.
    """
    claim = claim_text.encode() if isinstance(claim_text, str) else claim_text
    if hashlib.sha256(claim).hexdigest() != record.document.sha256:
        raise LynxSpecError(
            f"the claim {claim_name or record.document.name} is not the one that the record is about",
            hint="Give the file that was verified, byte for byte.",
        )
    data = to_jcs(record)
    read = from_jcs(data)  # what a reader of the file will render: canonical order, canonical numbers
    files = [(read.document.attachment, claim), ("record.json", data)]
    files += attestations.files() if attestations is not None else ()
    source = page_source(read, digest(data))
    return write_pages(source, files, created=read.created, record_digest=digest(data), page=read.page)


def write_pages(
    source: str, files: Iterable[tuple[str, bytes]], *, created: str, record_digest: str, page: str = "A4"
) -> bytes:
    """The HTML ``source`` as PDF, with files attached, by name: readers look them up in a sorted tree."""
    weasyprint = _weasyprint()
    from weasyprint.text.fonts import FontConfiguration  # noqa: PLC0415 - needs system libraries

    from verifier.audit.fetcher import PackageFonts  # noqa: PLC0415 - needs WeasyPrint

    moment = datetime.strptime(created, "%Y-%m-%dT%H:%M:%SZ")  # noqa: DTZ007 - WeasyPrint writes it as UTC
    attachments = [
        weasyprint.Attachment(
            string=content,
            name=name,
            description=texts.ATTACHED[name][0],
            relationship=texts.ATTACHED[name][1],
            created=moment,
            modified=moment,
        )
        for name, content in sorted(files)
    ]
    fonts, fetcher = FontConfiguration(), PackageFonts({f"lynxspec:{name}": _file(f"fonts/{name}") for name in FONTS})
    style = weasyprint.CSS(
        string=_file("templates/record.css").decode().replace("size: A4", f"size: {page}"),
        font_config=fonts,
        url_fetcher=fetcher,
        base_url=None,
    )
    pdf: bytes = weasyprint.HTML(string=source, url_fetcher=fetcher, base_url=None).write_pdf(
        stylesheets=[style],
        font_config=fonts,
        attachments=attachments,
        pdf_variant="pdf/a-3a",
        pdf_identifier=record_digest[:32].encode(),
        # finish() compresses the streams: what WeasyPrint calls compression would also hide objects in streams
        uncompressed_pdf=True,
        finisher=lambda made, file: finish(file, pages=len(made.pages), record_digest=record_digest),
    )
    return pdf
