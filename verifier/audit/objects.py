"""PDF objects as plain Python values, so that two revisions of one document can be compared."""

from __future__ import annotations

from typing import Any

from verifier.errors import RecordRejected


def refuse(message: str, reason: str) -> RecordRejected:
    """A rejection with its code."""
    return RecordRejected(message, reason, hint="Ask the issuer for an unaltered copy.")


def entry(dictionary: Any, key: str) -> Any:  # noqa: ANN401 - pyHanko's objects
    """The entry with its reference resolved (``get`` would hand out the reference), or ``None``."""
    return dictionary[key] if key in dictionary else None  # noqa: SIM401 - see above


def plain(value: Any, depth: int = 0) -> Any:  # noqa: ANN401 - pyHanko's objects
    """A PDF object as plain Python, references by number."""
    from pyhanko.pdf_utils import generic  # noqa: PLC0415 - slow to import

    if depth > 32:
        raise refuse("an object nests without end", "update-nesting")
    if isinstance(value, generic.IndirectObject):
        return ("reference", value.idnum, value.generation)
    if isinstance(value, generic.StreamObject):
        raise refuse("the signature's update replaces a stream", "update-stream")
    if isinstance(value, generic.DictionaryObject):
        return {str(key): plain(value.raw_get(key), depth + 1) for key in value}
    if isinstance(value, generic.ArrayObject):
        return [plain(value.raw_get(index), depth + 1) for index in range(len(value))]
    return (type(value).__name__, value)
