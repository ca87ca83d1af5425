"""Images of the pages of a local PDF: drawn by a process of its own, with caps on time and memory."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path as File

from lynxspec.sheet import Sheet

LARGEST = 64 * 1024 * 1024
"""Bytes of a PDF that is drawn."""

TIMEOUT_S = 120.0

CHILD = File(__file__).with_name("page_drawer.py")

_JPEG = b"\xff\xd8\xff"


def page_images(sheet: Sheet, numbers: Sequence[int]) -> Mapping[int, bytes]:
    """The pages as JPEG, by number; fewer or none where the file changed, is gone, or cannot be drawn."""
    data = _file_of(sheet)
    if data is None or not numbers or find_spec("pypdfium2") is None or find_spec("PIL") is None:
        return {}
    command = [sys.executable, "-I", str(CHILD), *(str(number) for number in numbers)]
    try:
        done = subprocess.run(command, input=data, capture_output=True, check=False, timeout=TIMEOUT_S)
    except (OSError, subprocess.TimeoutExpired):
        return {}
    drawn = _unpacked(done.stdout)
    return {number: image for number, image in drawn.items() if number in numbers}


def _file_of(sheet: Sheet) -> bytes | None:
    """The bytes that the sheet was read from, if they still lie there."""
    path = File(sheet.source)
    if sheet.format != "pdf" or not sheet.sha256 or path.suffix.lower() != ".pdf":
        return None
    try:
        if not path.is_file() or path.stat().st_size > LARGEST:
            return None
        data = path.read_bytes()
    except OSError:
        return None
    return data if sha256(data).hexdigest() == sheet.sha256.lower() else None


def _unpacked(stream: bytes) -> dict[int, bytes]:
    """Split what the process wrote: page number and length in four bytes each, then the image; a torn end is lost."""
    images: dict[int, bytes] = {}
    at = 0
    while at + 8 <= len(stream):
        number, length = (int.from_bytes(stream[i : i + 4], "big") for i in (at, at + 4))
        image = stream[at + 8 : at + 8 + length]
        if len(image) < length:
            break
        if image.startswith(_JPEG):
            images[number] = image
        at += 8 + length
    return images
