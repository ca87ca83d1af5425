"""Attacks by somebody without the key, on bytes: edits, forged and wrapped signatures."""

from __future__ import annotations

import re

from asn1crypto import cms

from verifier.audit import structure
from verifier.audit.sign import sign

from .attacks import attack
from .genuine import Genuine, rebuilt

EDIT, FORGERY, WRAPPING = "byte edits and truncation", "universal signature forgery", "signature wrapping"
GAP = re.compile(rb"/Contents <([0-9A-F]+)>")
RANGE = re.compile(rb"/ByteRange \[[^\]]*\] *")


def put(pdf: bytes, pattern: re.Pattern[bytes], text: bytes) -> bytes:
    """Replace without moving anything; blanks fill up."""
    match = pattern.search(pdf)
    return pdf[: match.start()] + text.ljust(len(match[0])) + pdf[match.end() :]


@attack(EDIT, "signature-altered")
def flip_a_bit_of_a_page(g: Genuine) -> bytes:
    place = g.signed.index(b"stream\n") + 60
    return g.signed[:place] + bytes([g.signed[place] ^ 1]) + g.signed[place + 1 :]


@attack(EDIT, "signature-altered")
def change_a_letter_of_the_title(g: Genuine) -> bytes:
    return g.signed.replace(b"/Author (Municipal", b"/Author (Principal", 1)


@attack(EDIT, "signature-altered")
def change_the_stated_time(g: Genuine) -> bytes:
    return re.sub(rb"/M \(D\\072\d{4}", rb"/M (D\\0722019", g.signed)


@attack(EDIT, "signature-altered")
def change_the_language(g: Genuine) -> bytes:
    return g.signed.replace(b"/Lang (en)", b"/Lang (xx)")


@attack(EDIT, "structure-end")
def truncate_to_half(g: Genuine) -> bytes:
    return g.signed[: len(g.signed) // 2]


@attack(EDIT, "structure-end")
def drop_the_last_byte(g: Genuine) -> bytes:
    return g.signed[:-1]


@attack(EDIT, "structure-end")
def append_a_line_break(g: Genuine) -> bytes:
    return g.signed + b"\n"


@attack(EDIT, "structure-end")
def append_bytes_behind_the_end(g: Genuine) -> bytes:
    return g.signed + b"2 0 obj\n<</Type /Catalog>>\nendobj\n"


@attack(EDIT, "structure-end", "structure-table")
def append_a_second_end(g: Genuine) -> bytes:
    return g.signed + b"startxref\n0\n%%EOF\n"


@attack(EDIT, "structure-header")
def put_a_blank_before_the_header(g: Genuine) -> bytes:
    return b" " + g.signed


@attack(EDIT, "structure-header")
def claim_another_version(g: Genuine) -> bytes:
    return g.signed.replace(b"%PDF-1.7", b"%PDF-1.4", 1)


@attack(EDIT, "structure-header")
def begin_as_another_kind_of_file(g: Genuine) -> bytes:
    return b"GIF89a" + g.signed[6:]


@attack(EDIT, "structure-table", "structure-revisions", "not-signed", "structure-trailer")
def double_the_file(g: Genuine) -> bytes:
    return g.signed + g.signed


@attack(EDIT, "signature-altered", "structure-table")
def shift_the_pages_by_a_comment(g: Genuine) -> bytes:
    return g.signed.replace(b"endobj\n", b"endobj %", 1)


@attack(FORGERY, "not-signed")
def strip_the_signature(g: Genuine) -> bytes:
    return g.signed[: structure.shape(g.signed).pages_end]


@attack(FORGERY, "not-signed", "signature-count", "structure-update")
def leave_out_contents(g: Genuine) -> bytes:
    return g.signed.replace(b"/Contents <3", b"/Xontents <3", 1)


@attack(FORGERY, "signature-count", "signature-range")
def empty_the_contents(g: Genuine) -> bytes:
    return put(g.signed, GAP, b"/Contents <>")


@attack(FORGERY, "signature-count")
def contents_null(g: Genuine) -> bytes:
    return put(g.signed, GAP, b"/Contents null")


@attack(FORGERY, "signature-container")
def contents_of_zeros(g: Genuine) -> bytes:
    return GAP.sub(lambda m: b"/Contents <" + b"0" * len(m[1]) + b">", g.signed)


@attack(FORGERY, "signature-container", "signature-unreadable", "digest-unreadable")
def contents_of_noise(g: Genuine) -> bytes:
    return GAP.sub(lambda m: b"/Contents <" + (b"DEADBEEF" * len(m[1]))[: len(m[1])] + b">", g.signed)


@attack(FORGERY, "signature-count", "not-signed")
def leave_out_the_byte_range(g: Genuine) -> bytes:
    return put(g.signed, RANGE, b"")


@attack(FORGERY, "signature-count", "not-signed")
def a_negative_byte_range(g: Genuine) -> bytes:
    return put(g.signed, RANGE, b"/ByteRange [0 -1 10 -1]")


@attack(FORGERY, "signature-count", "signature-range")
def a_byte_range_over_nothing(g: Genuine) -> bytes:
    return put(g.signed, RANGE, b"/ByteRange [0 0 0 0]")


@attack(FORGERY, "signature-count")
def a_byte_range_of_names(g: Genuine) -> bytes:
    return put(g.signed, RANGE, b"/ByteRange [/A /B /C /D]")


@attack(FORGERY, "signature-count")
def a_byte_range_of_six(g: Genuine) -> bytes:
    first, second, third, fourth = re.search(rb"/ByteRange \[(\d+) (\d+) (\d+) (\d+)\]", g.signed).groups()
    return put(g.signed, RANGE, b"/ByteRange [%s %s %s %s 0 0]" % (first, second, third, fourth))


@attack(FORGERY, "signature-altered")
def leave_out_the_sub_filter(g: Genuine) -> bytes:
    return g.signed.replace(b"/SubFilter /ETSI.CAdES.detached", b"/SubFXlter /ETSI.CAdES.detached")


@attack(FORGERY, "signature-altered")
def another_sub_filter(g: Genuine) -> bytes:
    return g.signed.replace(b"/ETSI.CAdES.detached", b"/adbe.x509.rsa_sha1 ")


@attack(FORGERY, "signature-altered")
def point_the_field_to_nothing(g: Genuine) -> bytes:
    return re.sub(rb"/V (\d+) 0 R", lambda m: b"/V " + b"9" * len(m[1]) + b" 0 R", g.signed)


@attack(FORGERY, "signature-altered")
def allow_changes(g: Genuine) -> bytes:
    return g.signed.replace(b"/P 1\n", b"/P 3\n")


@attack(FORGERY, "signature-altered", "signature-container", "digest-unreadable", "signature-unreadable")
def the_container_of_another_record(g: Genuine) -> bytes:
    """A genuine container by the same key, over other bytes."""
    other = sign(rebuilt(g.unsigned, {}, [b"<</Other true>>"]), g.identity)
    return GAP.sub(lambda m: b"/Contents <" + GAP.search(other)[1][: len(m[1])].ljust(len(m[1]), b"0") + b">", g.signed)


@attack(FORGERY, "signature-invalid", "signature-unreadable")
def flip_a_bit_of_the_signature_value(g: Genuine) -> bytes:
    shape = structure.shape(g.signed)
    value = cms.ContentInfo.load(shape.cms)["content"]["signer_infos"][0]["signature"].native
    place = shape.cms.index(value) + len(value) - 3
    altered = shape.cms[:place] + bytes([shape.cms[place] ^ 1]) + shape.cms[place + 1 :]
    return contained(g.signed, altered)


def contained(pdf: bytes, container: bytes) -> bytes:
    """``pdf`` with another signature container."""
    text = container.hex().upper().encode()
    match = GAP.search(pdf)
    assert len(text) <= len(match[1])
    return pdf[: match.start(1)] + text.ljust(len(match[1]), b"0") + pdf[match.end(1) :]


@attack(WRAPPING, "signature-range", "structure-table")
def move_the_second_range_and_insert(g: Genuine) -> bytes:
    """The classic wrapping: the signed rest is moved to the end, the attacker's objects stand before it."""
    first, second, third, fourth = map(int, re.search(rb"/ByteRange \[(\d+) (\d+) (\d+) (\d+)\]", g.signed).groups())
    evil = b"\n2 0 obj\n<</Type /Catalog /Pages 1 0 R>>\nendobj\n"
    moved = g.signed[:third] + evil + g.signed[third:]
    return put(moved, RANGE, b"/ByteRange [%d %d %d %d]" % (first, second, third + len(evil), fourth))


@attack(WRAPPING, "signature-range")
def enlarge_the_gap(g: Genuine) -> bytes:
    first, second, third, fourth = map(int, re.search(rb"/ByteRange \[(\d+) (\d+) (\d+) (\d+)\]", g.signed).groups())
    return put(g.signed, RANGE, b"/ByteRange [%d %d %d %d]" % (first, second - 40, third + 40, fourth - 40))


@attack(WRAPPING, "signature-range")
def overlapping_ranges(g: Genuine) -> bytes:
    first, second, third, fourth = map(int, re.search(rb"/ByteRange \[(\d+) (\d+) (\d+) (\d+)\]", g.signed).groups())
    return put(g.signed, RANGE, b"/ByteRange [%d %d %d %d]" % (first, second + 50, third - 50, fourth + 50))


@attack(WRAPPING, "signature-range")
def leave_the_end_out_of_the_range(g: Genuine) -> bytes:
    first, second, third, fourth = map(int, re.search(rb"/ByteRange \[(\d+) (\d+) (\d+) (\d+)\]", g.signed).groups())
    return put(g.signed, RANGE, b"/ByteRange [%d %d %d %d]" % (first, second, third, fourth - 6))


@attack(WRAPPING, "signature-container", "signature-altered", "signature-count", "structure-update")
def hide_an_object_in_the_padding(g: Genuine) -> bytes:
    match = GAP.search(g.signed)
    text = match[1].rstrip(b"0")
    evil = b">\nendobj\n7 0 obj\n<</Type /Page>>\nendobj\n<"
    body = (text + b"0" * 8 + evil).ljust(len(match[1]), b"0")
    return g.signed[: match.start(1)] + body + g.signed[match.end(1) :]


@attack(WRAPPING, "signature-container")
def put_a_second_container_into_the_padding(g: Genuine) -> bytes:
    match = GAP.search(g.signed)
    text = match[1].rstrip(b"0") + b"00"
    return (
        g.signed[: match.start(1)] + (text + b"3006" + b"AB" * 6).ljust(len(match[1]), b"0") + g.signed[match.end(1) :]
    )


@attack(WRAPPING, "signature-count")
def small_letters_in_the_container(g: Genuine) -> bytes:
    return GAP.sub(lambda m: b"/Contents <" + m[1].lower() + b">", g.signed)


@attack(WRAPPING, "signature-altered", "signature-count")
def a_second_byte_range_in_a_comment(g: Genuine) -> bytes:
    return g.signed.replace(b"/Reason (Certification", b"/ByteRange(rtification", 1)
