"""Which elements of a page or of an e-book are no prose: notes, page numbers, menus, title pages, what is hidden.

The words are those of HTML, of EPUB's structural semantics (``epub:type``), of DPUB-ARIA's roles, and of the classes
that the well-known writers of HTML use.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from .tokens import names


SILENT = ""  # skipped and not even counted: no person ever reads it
NOTES, PAGE_NUMBERS, CONTENTS, TITLE_PAGES = "footnotes", "page numbers", "tables of contents", "title pages"
_SILENT = names(
    "script style template noscript iframe object embed svg math canvas audio video map select button "
    "textarea datalist head rp xmp noembed applet"
)
_ELEMENTS = {
    "del": "deleted text",
    "rt": "pronunciation guides",
    "rtc": "pronunciation guides",
    "figcaption": "captions",
    "caption": "captions",
    "nav": "navigation",
}
_TYPES = {
    **dict.fromkeys(
        names(
            "footnote footnotes endnote endnotes rearnote rearnotes note notes noteref doc-footnote doc-endnote "
            "doc-endnotes doc-noteref backlink doc-backlink"
        ),
        NOTES,
    ),
    **dict.fromkeys(["pagebreak", "doc-pagebreak", "page-list", "doc-pagelist"], PAGE_NUMBERS),
    **dict.fromkeys(names("toc landmarks loi lot loa lov doc-toc toc-brief"), CONTENTS),
    **dict.fromkeys(
        names(
            "cover titlepage halftitlepage fulltitle halftitle copyright-page imprint imprimatur colophon "
            "doc-cover doc-colophon"
        ),
        TITLE_PAGES,
    ),
    **dict.fromkeys(["index", "doc-index"], "indexes"),
    **dict.fromkeys(["bibliography", "doc-bibliography"], "bibliographies"),
    "annotation": "comments",
    **dict.fromkeys(["navigation", "search", "complementary", "menu", "menubar"], "navigation"),
    **dict.fromkeys(["banner", "contentinfo"], "headers and footers"),
}
_CLASSES = {
    **dict.fromkeys(
        names(
            "noteref footnote-ref footnoteref fnref fnanchor fn-ref footnote-call footnote footnotes "
            "footnote-text endnote endnotes endnote-ref sdfootnoteanc sdendnoteanc sdfootnote sdendnote sdfootnotesym "
            "sdendnotesym msofootnotetext msoendnotetext footnote-backref reversefootnote"
        ),
        NOTES,
    ),
    **dict.fromkeys(names("pagenum pagenumber page-number pageno page-num pagebreak pb-number"), PAGE_NUMBERS),
    **dict.fromkeys(names("toc table-of-contents tableofcontents msotoc1 msotoc2 msotoc3"), CONTENTS),
    **dict.fromkeys(["pg-boilerplate", "pgheader", "pg-header", "pg-footer"], "licences"),
    **dict.fromkeys(["msocommenttext", "msocomanchor", "msocomoff"], "comments"),
    **dict.fromkeys(["msoheader", "msofooter"], "headers and footers"),
    **dict.fromkeys(["msocaption", "caption", "wp-caption-text"], "captions"),
    **dict.fromkeys(names("sidebar breadcrumb breadcrumbs sharedaddy nav-links post-navigation"), "navigation"),
    **dict.fromkeys(["comments-area", "comment-list", "comment-respond"], "comments"),
}
_IDS = (
    (re.compile(r"(?:sd(?:foot|end)note|ftn|edn)\d+"), NOTES),
    (re.compile(r"comments|respond"), "comments"),
    (re.compile(r"table of contents.*|toc|table-of-contents", re.IGNORECASE), CONTENTS),
)
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all", re.IGNORECASE)
_MSO = re.compile(r"mso-element\s*:\s*(comment-list|header|footer|footnote-list|endnote-list|toc)", re.IGNORECASE)
_MSO_KINDS = {"comment-list": "comments", "header": "headers and footers", "footer": "headers and footers"}
_HIDDEN_CLASS = re.compile(r"\.([A-Za-z_][\w-]*)\s*\{[^{}]*display\s*:\s*none", re.IGNORECASE)
_BREAK_CLASS = re.compile(
    r"(?:scene|section|space|text|thought|story)[-_]?(?:break|divider|separator|sep)|ornament|separator|divider|"
    r"asterism|fleuron|dinkus|tb|scenebreak|transition|horizontal-?line"
)
_DROP_CAP = re.compile(r"drop[-_]?cap|dropcaps?|initial(?:cap)?|first-?letter")


def aside(name: str, attributes: Mapping[str, str], hidden_classes: frozenset[str] = frozenset()) -> str | None:
    """Return what the text of an element is, if it is no prose (:data:`SILENT` is not even counted); else None."""
    if name in _SILENT:
        return SILENT
    if not attributes:
        return _ELEMENTS.get(name)
    if "hidden" in attributes or _HIDDEN.search(style := attributes.get("style", "")):
        return "hidden text"
    if found := _MSO.search(style):
        return _MSO_KINDS.get(found[1].lower(), CONTENTS if found[1].lower() == "toc" else NOTES)
    for word in f"{attributes.get('epub:type', '')} {attributes.get('role', '')}".lower().split():
        if word in _TYPES:
            return _TYPES[word]
    for word in attributes.get("class", "").split():
        if word in hidden_classes:
            return "hidden text"
        if (what := _CLASSES.get(word.lower())) is not None:
            return what
    identity = attributes.get("id", "")
    if name == "div" and identity and (what := next((w for p, w in _IDS if p.fullmatch(identity)), None)):
        return what
    if name == "div" and attributes.get("title") in ("header", "footer"):  # as LibreOffice writes them
        return "headers and footers"
    return _ELEMENTS.get(name)


def hidden_classes(css: str) -> frozenset[str]:
    """Return the classes that a style sheet hides."""
    return frozenset(_HIDDEN_CLASS.findall(css)) if "none" in css else frozenset()


def is_break(attributes: Mapping[str, str]) -> bool:
    """Return whether an element is called a scene break."""
    called = f"{attributes.get('class', '')} {attributes.get('role', '')}".lower().split()
    return any(_BREAK_CLASS.fullmatch(name) for name in called)


def is_drop_cap(attributes: Mapping[str, str]) -> bool:
    """Return whether an element is called a drop capital."""
    return any(_DROP_CAP.fullmatch(name) for name in attributes.get("class", "").lower().split())
