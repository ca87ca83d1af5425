"""Explicit markup of reStructuredText: directives, footnotes, targets, comments."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from lynxspec.importers._rst_document import Document, ProseKind
from lynxspec.importers._rst_lines import Stretch
from lynxspec.importers._rst_tables import csv_rows, list_rows
from lynxspec.sheet import Text

_FOOTNOTE = re.compile(r"\[(\d{1,9}|#[\w-]{0,40}|\*|[A-Za-z][\w.-]{0,40})\](?:\s+|$)")
_TARGET = re.compile(r"_(?:[^_\s]|_:)|__(?:\s|$)|\|[^|\n]{1,100}\|\s")
_DIRECTIVE = re.compile(r"([A-Za-z][\w.+-]{0,40}(?::[\w.+-]{1,40})?)\s?::(?:\s+|$)")
_OPTION = re.compile(r":([\w-]{1,40}):(?:\s+|$)")

_CODE = {
    "code-block",
    "code",
    "sourcecode",
    "parsed-literal",
    "prompt",
    "doctest",
    "ipython",
    "testcode",
    "math",
    "console",
}
_TITLED = {
    "admonition",
    "topic",
    "sidebar",
    "rubric",
    "centered",
    "tab",
    "tab-item",
    "dropdown",
    "card",
    "grid-item-card",
    "details",
    "collapse",
    "option",
}
_ADMONITIONS = {
    "attention",
    "caution",
    "danger",
    "deprecated",
    "error",
    "hint",
    "important",
    "note",
    "seealso",
    "tip",
    "todo",
    "versionadded",
    "versionchanged",
    "warning",
}
_QUOTES = {"admonition", "topic", "sidebar", "epigraph", "highlights", "pull-quote", "compound"}
_SILENT = {
    "contents",
    "default-role",
    "digraph",
    "graph",
    "graphviz",
    "highlight",
    "include",
    "index",
    "literalinclude",
    "meta",
    "mermaid",
    "plot",
    "role",
    "sectnum",
    "tabularcolumns",
    "toctree",
    "uml",
}
_TABLES = {"list-table", "flat-table", "csv-table", "table"}

_LONG_ALTERNATIVE = 20
"""Characters from which the text that stands for an image says more than "logo"."""


@dataclass(slots=True)
class _Directive:
    """A directive before its body."""

    name: str
    indent: int
    argument: list[Stretch] = field(default_factory=list)
    options: dict[str, Stretch] = field(default_factory=dict)
    body: int = 0
    """The line behind its options."""


def take_explicit(document: Document, index: int) -> int:
    """What begins with two dots; the line behind it, or ``index`` if it is something else."""
    line = document.lines[index]
    text = document.text
    if not text.startswith("..", line.first):
        return _anonymous(document, index)
    behind = text[line.first + 2 : line.end]
    if not behind:
        return document.body_end(index + 1, line.indent) if document.told(index + 1) else index + 1
    if not behind[0].isspace():
        return index
    first = line.end - len(behind.lstrip())
    footnote = _FOOTNOTE.match(text, first, line.end)
    if footnote:
        return _footnote(document, index, footnote.end(), footnote[1])
    directive = None if _TARGET.match(text, first, line.end) else _DIRECTIVE.match(text, first, line.end)
    if directive is None:
        return document.body_end(index + 1, line.indent)
    return _take(document, _head(document, index, directive))


def _anonymous(document: Document, index: int) -> int:
    """``__ target``."""
    words = document.words(index)
    return index + 1 if words.startswith("__ ") and " " not in words[3:] else index


def _footnote(document: Document, index: int, first: int, mark: str) -> int:
    line = document.lines[index]
    stop = document.paragraph_end(index + 1, line.indent + 1)
    document.prose([(first, document.lines[stop - 1].end)], "footnote", mark=mark)
    document.enter(line.indent + 1, None, "footnote")
    return stop


def _head(document: Document, index: int, match: re.Match[str]) -> _Directive:
    """Name, argument and options of a directive."""
    line = document.lines[index]
    found = _Directive(name=match[1].lower(), indent=line.indent)
    if match.end() < line.end:
        found.argument.append((match.end(), line.end))
    name = ""
    position = index + 1
    while document.told(position) and document.lines[position].indent > line.indent:
        each = document.lines[position]
        option = _OPTION.match(document.text, each.first, each.end)
        if option:
            name = option[1].lower()
            found.options[name] = (min(option.end(), each.end), each.end)
        elif name:
            found.options[name] = (found.options[name][0], each.end)
        elif found.name in _TABLES and found.argument:
            found.argument.append((each.first, each.end))
        else:
            break
        position += 1
    found.body = position
    return found


def _take(document: Document, found: _Directive) -> int:
    """Read a directive; the line behind what was read of it, from which its body goes on."""
    name = found.name
    stop = document.body_end(found.body, found.indent)
    if name in _CODE:
        language = document.text[slice(*found.argument[0])] if found.argument and name != "parsed-literal" else ""
        document.code(found.body, stop, "math" if name == "math" else language.strip())
        return stop
    if name in {"list-table", "flat-table", "csv-table"}:
        _table(document, found, stop)
        return stop
    if name in _SILENT:
        return stop
    if name == "raw":
        _raw(document, found, stop)
        return stop
    if name in {"image", "figure"}:
        return _figure(document, found)
    if name == "table":
        document.caption = _title(document, found)
    return _body(document, found)


def _body(document: Document, found: _Directive) -> int:
    """Begin a body that is read like the rest; what stands beside the name is a title or the first paragraph."""
    kind: ProseKind = "quote" if found.name in _ADMONITIONS | _QUOTES else "paragraph"
    if kind == "paragraph" and len(document.scopes) > 1:
        kind = document.scopes[-1].kind
    stop = found.body
    if found.argument and found.name in _ADMONITIONS:
        stop = document.paragraph_end(found.body, found.indent + 1) if not found.options else found.body
        last = document.lines[stop - 1].end if stop > found.body else found.argument[-1][1]
        document.prose([(found.argument[0][0], last)], kind)
    elif found.argument and found.name in _TITLED:
        document.prose(found.argument, kind)
    document.enter(found.indent + 1, None, kind)
    return stop


def _title(document: Document, found: _Directive) -> Text:
    return document.read(found.argument)


def _table(document: Document, found: _Directive, stop: int) -> None:
    """A table whose body is a list or comma-separated values."""
    text, lines = document.text, document.lines[found.body : stop]
    headers, stubs = _number(document, found, "header-rows"), _number(document, found, "stub-columns")
    caption = _title(document, found)
    if found.name != "csv-table":
        document.table(list_rows(text, lines), headers=headers, stubs=stubs, caption=caption)
        return
    if "file" in found.options or "url" in found.options:
        document.notes["a table stands in another file, which was not read"] = None
    delimiter, quote = _sign(document, found, "delim", ","), _sign(document, found, "quote", '"')
    start, end = found.options.get("header", (0, 0))
    head = csv_rows(text, start, end, delimiter=delimiter, quote=quote)
    body = csv_rows(text, lines[0].start, lines[-1].end, delimiter=delimiter, quote=quote) if lines else []
    document.table([*head, *body], headers=headers + len(head), stubs=stubs, caption=caption)


def _number(document: Document, found: _Directive, option: str) -> int:
    words = document.text[slice(*found.options.get(option, (0, 0)))].strip()
    return int(words) if words.isdecimal() and len(words) < 4 else 0


def _sign(document: Document, found: _Directive, option: str, default: str) -> str:
    words = document.text[slice(*found.options.get(option, (0, 0)))].strip()
    return {"tab": "\t", "space": " "}.get(words, words[:1]) or default


def _raw(document: Document, found: _Directive, stop: int) -> None:
    """HTML within the file; other formats are for the printer."""
    from lynxspec.importers.html import blocks  # noqa: PLC0415 - seldom needed

    formats = document.text[slice(*found.argument[0])].lower() if found.argument else ""
    if "html" in formats.split() and stop > found.body:
        document.blocks.extend(blocks(document.text, document.lines[found.body].start, document.lines[stop - 1].end))


def _figure(document: Document, found: _Directive) -> int:
    """The text that stands for an image, and a figure's caption; its legend is read like the rest."""
    start, end = found.options.get("alt", (0, 0))
    if end - start > _LONG_ALTERNATIVE:
        document.prose([(start, end)], "caption")
    stop = found.body
    while stop < len(document.lines) and document.lines[stop].blank:
        stop += 1
    if found.name == "figure" and document.told(stop) and document.lines[stop].indent > found.indent:
        last = document.paragraph_end(stop, found.indent + 1)
        if not document.words(stop).startswith(".."):
            document.prose([(document.lines[stop].first, document.lines[last - 1].end)], "caption")
            stop = last
    document.enter(found.indent + 1, None, "paragraph")
    return stop
