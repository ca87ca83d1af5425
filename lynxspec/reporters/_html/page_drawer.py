"""Draws pages of the PDF on standard input as JPEG to standard output; a script for a process of its own.

The file is somebody else's, and may be made to break its reader: the process caps itself before it looks at it.
"""

from __future__ import annotations

import io
import sys
from importlib import import_module

DPI = 110
MOST_PIXELS = 4_000_000
"""An odd page size must not fill the memory."""

MEMORY_BYTES = 2 * 1024**3
CPU_SECONDS = 90


def main() -> None:
    """Draw each page whose number is an argument."""
    cap()
    document = import_module("pypdfium2").PdfDocument(sys.stdin.buffer.read())
    for number in map(int, sys.argv[1:]):
        page = document[number - 1]
        width, height = page.get_size()
        scale = min(DPI / 72, (MOST_PIXELS / max(1.0, width * height)) ** 0.5)
        buffer = io.BytesIO()
        page.render(scale=scale).to_pil().convert("RGB").save(buffer, "JPEG", quality=78, optimize=True)
        image = buffer.getvalue()
        sys.stdout.buffer.write(number.to_bytes(4, "big") + len(image).to_bytes(4, "big") + image)
        sys.stdout.buffer.flush()


def cap() -> None:
    """Limit what this process may use, where the system can."""
    if sys.platform != "win32":
        import resource  # noqa: PLC0415 - only there

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))


if __name__ == "__main__":
    main()
