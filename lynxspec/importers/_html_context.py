"""What an HTML element means for the text in it: hidden, of the site, in a table, the kind of paragraph it makes."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

from lynxspec.importers._html_tables import Attributes, ProseKind
from lynxspec.importers._html_tokens import Token

Part = Literal["", "table", "section", "row", "cell", "caption"]

BLOCKS = frozenset(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "body",
        "caption",
        "center",
        "col",
        "colgroup",
        "dd",
        "details",
        "dialog",
        "dir",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "head",
        "header",
        "hgroup",
        "hr",
        "html",
        "legend",
        "li",
        "main",
        "menu",
        "nav",
        "ol",
        "optgroup",
        "option",
        "p",
        "pre",
        "search",
        "section",
        "summary",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "tr",
        "ul",
    ]
)

VOID_ELEMENTS = frozenset(
    [
        "area",
        "base",
        "basefont",
        "bgsound",
        "br",
        "col",
        "embed",
        "frame",
        "hr",
        "img",
        "input",
        "keygen",
        "link",
        "meta",
        "param",
        "source",
        "track",
        "wbr",
    ]
)

_UNSEEN = frozenset(
    [
        "annotation",
        "annotation-xml",
        "audio",
        "canvas",
        "datalist",
        "iframe",
        "noembed",
        "noframes",
        "noscript",
        "object",
        "rp",
        "rt",
        "script",
        "select",
        "style",
        "svg",
        "template",
        "textarea",
        "title",
        "video",
        "xmp",
    ]
)
"""Elements whose text is not shown, or not as text of the page."""

_PARTS: dict[str, Part] = {
    "table": "table",
    "thead": "section",
    "tbody": "section",
    "tfoot": "section",
    "tr": "row",
    "td": "cell",
    "th": "cell",
    "caption": "caption",
}

_ROLES: dict[str, Part] = {
    "table": "table",
    "grid": "table",
    "treegrid": "table",
    "rowgroup": "section",
    "row": "row",
    "cell": "cell",
    "gridcell": "cell",
    "columnheader": "cell",
    "rowheader": "cell",
}

_KINDS: dict[str, ProseKind] = {
    "li": "item",
    "dt": "item",
    "dd": "item",
    "blockquote": "quote",
    "figcaption": "caption",
    "summary": "paragraph",
}

HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_MEANINGFUL = HEADINGS | _KINDS.keys() | {"article", "figure", "footer", "main", "nav", "pre"}

_SITE_ROLES = {"navigation", "contentinfo", "search", "dialog", "alertdialog"}
_SITE_CLASS = re.compile(r"(?:^|[\s_-])(?:cookies?|consent|gdpr|onetrust)(?:$|[\s_-])")
_UNSEEN_CLASS = re.compile(
    r"(?:^|\s)(?:sr-only|visually-?hidden|screen-reader-text|headerlink|footnote-back(?:ref)?|mw-editsection)(?:$|\s)"
)
_UNSEEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden")
_NOTE_CLASS = re.compile(r"(?:^|\s)(?:foot-?notes?|end-?notes?)(?:$|\s)")
_REFERENCE_CLASS = re.compile(r"(?:^|\s)(?:footnote-?ref(?:erence)?|fn-?ref|noteref)(?:$|\s)")
_LANGUAGE = re.compile(r"(?:language|lang|highlight-source|highlight|brush:?)[- ]+([a-z][a-z0-9+#]*)")


@dataclass(slots=True)
class HeadingState:
    """A heading element that is open."""

    level: int
    spent: bool = False
    """Whether it had its text: one that was never closed does not make the rest of the page a heading."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What holds for the text in an element; most elements share that of their parent."""

    kind: ProseKind = "paragraph"
    place: Literal["", "dt", "dd", "caption"] = ""
    hidden: bool = False
    chrome: bool = False
    """Whether it is part of the site and not of the page."""
    inner: bool = False
    """Whether it stands in an article or the like, where a footer is no footer of the site."""
    note: bool = False
    """Whether it is a footnote."""
    heading: HeadingState | None = None
    ordinal: str = ""
    """Number of the list item."""
    figure: int = -1
    pre: bool = False
    language: str = ""


def part_of(name: str, attributes: Attributes, *, in_table: bool) -> Part:
    """Which part of a table an element is, by its name or role; parts count only within a table."""
    part = _ROLES.get(attributes.get("role", "").strip().lower(), _PARTS.get(name, ""))
    return part if in_table or part == "table" else ""


def context_of(token: Token, part: Part, attributes: Attributes, parent: Context) -> Context:
    """What holds within the element that an opening tag begins."""
    name = token.name
    if parent.hidden:
        return parent
    if name in _UNSEEN or (attributes and _is_unseen(attributes)) or (name == "dialog" and "open" not in attributes):
        return replace(parent, hidden=True)
    context = parent
    if part in {"table", "cell"}:
        context = Context(
            chrome=parent.chrome, inner=True, note=parent.note, figure=parent.figure, language=parent.language
        )
    elif part == "caption":
        context = replace(parent, place="caption")
    elif name in _MEANINGFUL:
        context = _by_name(token, parent)
    return _by_class(context, token, attributes) if attributes else context


def _is_unseen(attributes: Attributes) -> bool:
    return (
        attributes.get("hidden", "until-found").strip().lower() != "until-found"
        or attributes.get("aria-hidden", "").strip().lower() == "true"
        or _UNSEEN_STYLE.search(attributes.get("style", "").lower()) is not None
        or _UNSEEN_CLASS.search(attributes.get("class", "").lower()) is not None
    )


def refers_to_note(attributes: Attributes) -> bool:
    """Whether a link is a footnote's mark, which a style may raise."""
    return attributes.get("role", "") == "doc-noteref" or bool(_REFERENCE_CLASS.search(attributes.get("class", "")))


def _by_name(token: Token, parent: Context) -> Context:
    """What follows from the name alone."""
    name = token.name
    if name in {"dt", "dd"}:
        return replace(parent, kind="item", place="dt" if name == "dt" else "dd", ordinal="")
    if name in _KINDS:
        inner = parent.inner or name == "blockquote"
        return replace(parent, kind=_KINDS[name], ordinal="", inner=inner)
    if name in HEADINGS:
        return replace(parent, heading=HeadingState(int(name[1])), place="")
    if name == "pre":
        return replace(parent, pre=True)
    if name in {"nav", "footer"}:
        return parent if name == "footer" and parent.inner else replace(parent, chrome=True)
    return replace(parent, inner=True, figure=token.start if name == "figure" else parent.figure)


def _by_class(context: Context, token: Token, attributes: Attributes) -> Context:
    """What follows from role and class."""
    role, classes = attributes.get("role", "").lower(), attributes.get("class", "").lower()
    block = token.name in BLOCKS
    if block and (role in {"doc-footnote", "doc-endnotes"} or (classes and _NOTE_CLASS.search(classes))):
        context = replace(context, note=True)
    if role in _SITE_ROLES or (block and _SITE_CLASS.search(f"{classes} {attributes.get('id', '').lower()}")):
        context = replace(context, chrome=True)
    found = _LANGUAGE.search(classes) if classes else None
    if found and found[1] not in {"default", "none", "text", "notranslate"}:
        context = replace(context, language=found[1])
    return context
