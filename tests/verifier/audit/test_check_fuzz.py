"""Mutated records through `check`, in process: none crashes it, hangs it or is accepted. Laws of what it rests on."""

from __future__ import annotations

import hashlib
import json
import random
import re
import signal
import zlib
from collections import Counter
from collections.abc import Callable
from contextlib import contextmanager

import pytest
import rfc8785
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from verifier.audit import structure
from verifier.audit.check import check, report_text
from verifier.audit.record import from_jcs, strict_json, to_jcs
from verifier.audit.rejudged import rejudged
from verifier.errors import RecordRejected
from verifier.judge import judge
from verifier.verdict import Reason, overall

from .attacks_bytes import contained
from .conftest import build, evidence, read_claim, run
from .genuine import Genuine, attached, objects, rebuilt

SEED, RUNS, LONGEST_S = 20261129, 5000, 60
WORDS = (
    *(b"/Prev 0", b"/Contents <>", b"/ByteRange [0 0 0 0]", b" 0 R", b"endobj\n", b"stream\n", b"%%EOF\n", b"xref\n"),
    *(
        b"<<",
        b">>",
        b"/JS (x)",
        b"/AA",
        b"/Type /ObjStm",
        b"[[[[",
        b"null",
        b"-1",
        b"9" * 20,
        b"\x00" * 8,
        b"trailer\n",
    ),
)


def flip(data: bytes, draw: random.Random) -> bytes:
    altered = bytearray(data)
    for _ in range(draw.choice((1, 1, 1, 2, 8))):
        altered[draw.randrange(len(altered))] ^= 1 << draw.randrange(8)
    return bytes(altered)


def cut(data: bytes, draw: random.Random) -> bytes:
    at = draw.randrange(len(data))
    return data[:at] + data[at + draw.choice((1, 2, 20, 1000, 100_000)) :]


def insert(data: bytes, draw: random.Random) -> bytes:
    at = draw.randrange(len(data) + 1)
    return data[:at] + draw.choice((draw.choice(WORDS), draw.randbytes(draw.choice((1, 4, 64))))) + data[at:]


def overwrite(data: bytes, draw: random.Random) -> bytes:
    word = draw.choice(WORDS)
    at = draw.randrange(len(data) - len(word))
    return data[:at] + word + data[at + len(word) :]


def splice(data: bytes, draw: random.Random) -> bytes:
    first, second, length = draw.randrange(len(data)), draw.randrange(len(data)), draw.choice((10, 100, 5000))
    return data[:first] + data[second : second + length] + data[first:]


def truncate(data: bytes, draw: random.Random) -> bytes:
    return data[: draw.randrange(len(data))]


BYTES = (flip, flip, flip, cut, insert, overwrite, splice, truncate)


def tail(data: bytes, draw: random.Random, base: bytes) -> bytes:
    """A byte mutation where signature, tables and trailers are."""
    at = structure.shape(base).pages_end
    return data[:at] + draw.choice(BYTES)(data[at:], draw)


NUMBER = re.compile(rb"\d+")


def other_number(data: bytes, draw: random.Random, base: bytes) -> bytes:
    """A number of the update or of the last table becomes another."""
    places = list(NUMBER.finditer(data, structure.shape(base).pages_end - 200))
    place = draw.choice(places)
    value = draw.choice(
        (0, 1, int(place[0][:15]) + 1, max(0, int(place[0][:15]) - 1), draw.randrange(len(data)), 2**40)
    )
    return data[: place.start()] + b"%0*d" % (len(place[0]), value) + data[place.end() :]


def container(data: bytes, draw: random.Random, base: bytes) -> bytes:
    """The CMS container is mutated as DER, and written in the right form."""
    cms = structure.shape(base).cms
    mutated = draw.choice((flip, flip, flip, overwrite, cut))(cms, draw)[: len(cms)]
    return contained(data, mutated or b"\x30\x82\x00\x00")


def any_value(value: object, draw: random.Random) -> object:
    """Some value of a JSON tree becomes another."""
    if isinstance(value, dict) and value and draw.random() < 0.9:
        key = draw.choice(sorted(value))
        if draw.random() < 0.1:
            return {k: v for k, v in value.items() if k != key}
        return {**value, key: any_value(value[key], draw)}
    if isinstance(value, list) and value and draw.random() < 0.9:
        at = draw.randrange(len(value))
        return [*value[:at], any_value(value[at], draw), *value[at + 1 :]]
    if isinstance(value, float | int) and not isinstance(value, bool):
        return draw.choice((0, -1, value * 2, value + 1e-9, 2**53 - 1, 1e308, str(value)))
    return draw.choice((None, "", "x" * 5000, [], {}, True, 0, "reproduced", "\ufffe", {"a": [1]}))


def other_record(g: Genuine, draw: random.Random) -> bytes:
    """The genuine key signs a record with another value somewhere."""
    mutated = any_value(json.loads(g.data), draw)
    return g.sign(attached(g.unsigned, "record.json", rfc8785.dumps(mutated)))


def other_spelling(g: Genuine, draw: random.Random) -> bytes:
    """The genuine key signs a record whose bytes were mutated."""
    return g.sign(attached(g.unsigned, "record.json", draw.choice(BYTES)(g.data, draw)))


def other_claim(g: Genuine, draw: random.Random) -> bytes:
    return g.sign(attached(g.unsigned, "claim.yaml", draw.choice(BYTES)(g.claim, draw)))


def other_objects(g: Genuine, draw: random.Random) -> bytes:
    """The genuine key signs pages with a mutated object."""
    bodies, order, _, _ = objects(g.unsigned)
    number = draw.choice(order)
    head, _, rest = bodies[number].partition(b" obj\n")
    body = draw.choice((flip, overwrite, insert, other_reference))(rest[: -len(b"\nendobj\n")] or b"null", draw)
    return g.sign(rebuilt(g.unsigned, {number: head + b" obj\n" + body + b"\nendobj\n"}))


def other_reference(data: bytes, draw: random.Random) -> bytes:
    references = list(re.finditer(rb"\d+ 0 R", data))
    if not references:
        return flip(data, draw)
    place = draw.choice(references)
    return data[: place.start()] + b"%d 0 R" % draw.randrange(2300) + data[place.end() :]


def other_stream(g: Genuine, draw: random.Random) -> bytes:
    """The genuine key signs pages that draw something else."""
    bodies, order, _, _ = objects(g.unsigned)
    number = draw.choice([n for n in order if b"FlateDecode" in bodies[n][:400]])
    head, _, rest = bodies[number].partition(b"stream\n")
    data = zlib.decompress(rest.rpartition(b"\nendstream")[0])
    packed = zlib.compress(draw.choice(BYTES)(data or b"x", draw))
    head = re.sub(rb"/Length \d+", b"/Length %d" % len(packed), head)
    return g.sign(rebuilt(g.unsigned, {number: head + b"stream\n" + packed + b"\nendstream\nendobj\n"}))


LYING = (other_record, other_record, other_spelling, other_claim, other_objects, other_objects, other_stream)


@contextmanager
def no_longer_than(seconds: int):
    def late(*_: object) -> None:
        raise AssertionError(f"a check took more than {seconds} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def mutant(g: Genuine, draw: random.Random, number: int) -> tuple[str, bytes, bytes] | None:
    """Kind, base and mutated file."""
    base = draw.choice((g.signed, g.signed, g.stamped, g.archived))
    kind = number % 20
    try:
        if kind < 7:
            return "bytes", base, draw.choice(BYTES)(base, draw)
        if kind < 13:
            return "tail", base, tail(base, draw, base)
        if kind < 16:
            return "numbers", base, other_number(base, draw, base)
        if kind < 18:
            return "container", base, container(base, draw, base)
        if number % 40 < 20:
            return "container", base, container(base, draw, base)
        make: Callable[[Genuine, random.Random], bytes] = draw.choice(LYING)
        return make.__name__, g.signed, make(g, draw)
    except Exception:  # noqa: BLE001 - some mutants cannot be signed: there is no file
        return None


@pytest.mark.slow
def test_no_mutant_crashes_or_hangs_the_check_or_is_accepted(genuine: Genuine):
    draw = random.Random(SEED)
    counts: Counter[tuple[str, int]] = Counter()
    why: Counter[str] = Counter()
    number = made = 0
    while made < RUNS:
        number += 1
        found = mutant(genuine, draw, number)
        if found is None or found[1] == found[2]:
            continue
        kind, _, altered = found
        made += 1
        with no_longer_than(LONGEST_S):
            report = check(altered, trust=[genuine.root], crls=[genuine.crl])
        counts[kind, report.exit_code] += 1
        why[next((s.reason for s in report.steps if s.status in ("fail", "weak")), "accepted")] += 1
        assert report.exit_code != 0, f"number {number}, {kind}, is accepted\n{report_text(report)}"
    print(f"\n{made} mutants")  # noqa: T201 - what the run found
    for (kind, code), count in sorted(counts.items()):
        print(f"  {kind:<16} exit {code}: {count}")  # noqa: T201 - as above
    print("  " + ", ".join(f"{reason} {count}" for reason, count in why.most_common()))  # noqa: T201 - as above


def is_read_as_written(number: float) -> bool:
    """A whole number that RFC 8785 writes without an exponent is read as an integer, and those end below 2^53."""
    return not number.is_integer() or abs(number) < 2**53 or abs(number) >= 1e21


TEXT = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False).filter(is_read_as_written)
    | TEXT,
    lambda inner: (
        st.lists(inner, max_size=6)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=6)
    ),
    max_leaves=30,
)


@given(VALUES)
@settings(max_examples=200, deadline=None)
def test_canonical_bytes_are_read_as_what_they_mean_and_have_one_form(value: object):
    data = rfc8785.dumps(value)
    read = strict_json(data)
    assert read == value
    assert rfc8785.dumps(read) == data


@pytest.mark.parametrize("number", [2.0**53, -(2.0**53), 2.0**60, 9.0e20])
def test_a_whole_number_that_two_readers_would_round_apart_is_refused(number: float):
    with pytest.raises(RecordRejected, match=r"beyond 2\^53"):
        strict_json(rfc8785.dumps(number))


@given(
    VALUES, st.sampled_from([{"indent": 1}, {"separators": (", ", ": ")}, {"ensure_ascii": True}, {"sort_keys": False}])
)
@settings(max_examples=200, deadline=None)
def test_any_other_spelling_is_refused(value: object, how: dict[str, object]):
    text = json.dumps(value, **{"separators": (",", ":"), "ensure_ascii": False, **how}).encode()
    if text == rfc8785.dumps(value):
        return
    with pytest.raises(RecordRejected):
        strict_json(text)


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_bytes_are_canonical_json_or_refused(data: bytes):
    try:
        value = strict_json(data)
    except RecordRejected:
        return
    assert rfc8785.dumps(value) == data


@pytest.mark.parametrize(
    ("number", "text"),
    # RFC 8785, appendix B
    [
        (0.0, b"0"),
        (-0.0, b"0"),
        (5e-324, b"5e-324"),
        (1.7976931348623157e308, b"1.7976931348623157e+308"),
        (9007199254740992.0, b"9007199254740992"),
        (295147905179352825856.0, b"295147905179352830000"),
        (9.999999999999997e22, b"9.999999999999997e+22"),
        (1e23, b"1e+23"),
        (999999999999999700000.0, b"999999999999999700000"),
        (1e21, b"1e+21"),
        (333333333.3333333, b"333333333.3333333"),
        (0.000001, b"0.000001"),
        (1e-7, b"1e-7"),
    ],
)
def test_numbers_have_the_form_of_rfc_8785(number: float, text: bytes):
    assert rfc8785.dumps(number) == text


RATES = st.floats(500, 4000)


@given(fast=RATES, slow=RATES, right=st.integers(1500, 2000), seed=st.integers(0, 1000))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_verdicts_judged_again_from_the_embedded_record_are_the_embedded_ones(
    claim_bytes: bytes, fast: float, slow: float, right: int, seed: int
):
    claim = read_claim(claim_bytes)
    measured = evidence(claim, hashlib.sha256(claim_bytes).hexdigest())
    runs = (run("fp32", slow, first=0, seed=seed), run("int8", fast, first=1, seed=seed + 1))
    one, other = measured.scores
    worse = other.model_copy(
        update={
            "metrics": {"top1": right / 2000},
            "outcomes": {"top1": tuple(1.0 if i < right else 0.0 for i in range(2000))},
        }
    )
    measured = measured.model_copy(
        update={"sustain": measured.sustain.model_copy(update={"runs": runs}), "scores": (one, worse)}
    )
    made = build(claim_bytes, evidence=measured, verdicts=judge(claim, measured))
    read = from_jcs(to_jcs(made))
    assert rejudged(claim, read) == ("judging the embedded evidence gives these very verdicts", "")
    first = read.verdicts[0]
    reason = next(r for r in Reason if r.verdict is not first.verdict)
    lying = (first.model_copy(update={"verdict": reason.verdict, "reason": reason.code}), *read.verdicts[1:])
    with pytest.raises(RecordRejected):
        rejudged(claim, read.model_copy(update={"verdicts": lying, "overall": overall(lying)}))
