"""From the blocks of spec sheets to a draft: what is said, of which model, precision and hardware, and how firmly."""

from __future__ import annotations

from lynxspec.draft import Draft
from lynxspec.extraction.assemble import read_sheets

__all__ = ["Draft", "read_sheets"]
