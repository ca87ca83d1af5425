"""What the caption and the headings above a table say of its numbers."""

from __future__ import annotations

import re

from lynxspec.extraction.heads import NOTHING, Head, read_head
from lynxspec.extraction.reading import Reading, Unit
from lynxspec.sheet import Table

_PERFORMANCE = re.compile(
    r"throughput|tok(?:en)?s?\s?(?:/|per)\s?s|speed(?!up)|\bfps\b|images? per|samples per|吞吐|처리량|performance"
)


def table_context(reading: Reading, unit: Unit, table: Table) -> Head:
    """What the caption and the headings above a table say, the nearest first."""
    caption = read_head(table.caption.text) if table.caption else NOTHING
    head = caption
    for index in reversed(unit.headings):
        words = reading.units[index].text.text
        above = read_head(words)
        if not above.quantity and _PERFORMANCE.search(words.lower()):
            above = above._replace(quantity="rate")
        head = head.over(above)
    return head
