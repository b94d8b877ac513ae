"""HTML of a mail to plain text, in one pass.

``html.parser`` is quadratic on unclosed markup, which mails of strangers have; text is all we keep, so a scanner that
knows tags, hidden content and quotes suffices. The result is text: whoever shows it escapes it.
"""

from __future__ import annotations

import html
import re
from typing import Final

_NAME = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9:]{0,30})")
_TAG = re.compile(r"""<(?>[^"'>]++|"[^"]*+"|'[^']*+')*+>""")
_START = re.compile(r"</?[a-zA-Z]|<[!?]")
_HIDDEN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all|font-size\s*:\s*0(?:px|pt|em|%)?\s*(?:[;\"']|!)"
    r"|opacity\s*:\s*0(?:\.0+)?\s*(?:[;\"']|!)",
    re.IGNORECASE,
)
_VALUES = re.compile(r"\"[^\"]*+\"|'[^']*+'")
_HIDDEN_ATTRIBUTE = re.compile(r"(?:^|\s)hidden(?:[\s=/]|$)", re.IGNORECASE)
_LONG_REFERENCE = re.compile(r"&#[0-9xX][0-9a-fA-F]{8,}+;?")
_ODD_QUOTES: Final = 5
"""Tags whose quotes do not close are searched to the end of the mail; after so many, quotes no longer count."""

_DROPPED: Final = frozenset({"script", "style", "head", "title", "template", "noscript", "object", "svg", "select"})
_VOID: Final = frozenset({"img", "br", "hr", "input", "meta", "link", "area", "base", "col", "embed", "wbr", "source"})
_BLOCKS: Final = frozenset({
    "p", "div", "tr", "table", "ul", "ol", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "section", "article", "header",
    "footer", "center", "form", "address", "dl", "dt", "dd", "body", "hr",
})  # fmt: skip


_ENDED_BY_NEXT: Final = frozenset({"p", "li", "td", "th", "tr", "dt", "dd"})
"""Elements that the next one of their kind ends: a hidden paragraph without an end tag must not hide the rest."""


def to_text(source: str) -> str:
    """The visible text of ``source``: blocks on lines of their own, quotations marked with ``> ``.

    Dropped: scripts, styles, comments, and elements hidden by style or attribute. Never raises.
    """
    return _Scanner().run(source)


def _is_hidden(attributes: str) -> bool:
    if not attributes or attributes.isspace():
        return False
    return bool(_HIDDEN.search(attributes) or _HIDDEN_ATTRIBUTE.search(_VALUES.sub("", attributes)))


class _Scanner:
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.line: list[str] = []
        self.quotes = 0
        self.hidden = ""
        self.hidden_depth = 0
        self.odd_quotes = 0

    def run(self, source: str) -> str:
        pos, size = 0, len(source)
        while pos < size:
            start = _START.search(source, pos)
            if start is None:
                self.text(source[pos:])
                break
            self.text(source[pos : start.start()])
            pos = self.markup(source, start.start())
        self.end_line()
        return re.sub(r"\n{3,}", "\n\n", "\n".join(self.lines)).strip("\n")

    def markup(self, source: str, at: int) -> int:
        """Handles what begins at ``at``; returns where the text goes on. Unclosed markup hides the rest."""
        if source.startswith("<!--", at):
            end = source.find("-->", at + 4)
            return len(source) if end < 0 else end + 3
        end = self.tag_end(source, at)
        found = _NAME.match(source, at)
        if end < 0 or found is None:
            return len(source) if end < 0 else end
        closing, name, attributes = bool(found[1]), found[2].lower(), source[found.end() : end - 1]
        if name in _DROPPED and not closing and not attributes.endswith("/"):
            return self.after_element(source, name, end)
        self.tag(name, attributes, closing)
        return end

    def tag_end(self, source: str, at: int) -> int:
        """Where the tag at ``at`` ends; a bracket inside a quoted value does not end it. -1 if nothing does."""
        if self.odd_quotes < _ODD_QUOTES:
            found = _TAG.match(source, at)
            if found is not None:
                return found.end()
            self.odd_quotes += 1
        return source.find(">", at) + 1 or -1

    @staticmethod
    def after_element(source: str, name: str, pos: int) -> int:
        closing = re.compile(rf"</{name}[\s/>]", re.IGNORECASE).search(source, pos)
        end = -1 if closing is None else source.find(">", closing.start())
        return len(source) if end < 0 else end + 1

    def tag(self, name: str, attributes: str, closing: bool) -> None:
        if self.hidden:
            if name == self.hidden:
                self.hidden_depth += -1 if closing or name in _ENDED_BY_NEXT else 1
                self.hidden = self.hidden if self.hidden_depth else ""
            return
        if not closing and name not in _VOID and _is_hidden(attributes):
            self.hidden, self.hidden_depth = name, 1
        elif name == "br":
            self.end_line(keep_empty=True)
        elif name == "blockquote":
            self.end_line()
            self.quotes = max(0, self.quotes + (-1 if closing else 1))
        elif name in ("li", "td", "th"):
            self.cell(name, closing)
        elif name in _BLOCKS:
            self.end_line()
            if name == "p" and closing:
                self.lines.append(self.prefix().rstrip())

    def cell(self, name: str, closing: bool) -> None:
        if name == "li":
            self.end_line()
            if not closing:
                self.line.append("- ")
        elif closing:
            self.line.append(" ")

    def text(self, piece: str) -> None:
        if not piece or self.hidden:
            return
        # html.unescape raises on numbers of more than 4,300 digits.
        plain = html.unescape(_LONG_REFERENCE.sub("\ufffd", piece))
        self.line.append(re.sub(r"\s+", " ", plain))

    def end_line(self, keep_empty: bool = False) -> None:
        line = re.sub(r" {2,}", " ", "".join(self.line)).strip()
        if line or keep_empty:
            self.lines.append(self.prefix() + line)
        self.line = []

    def prefix(self) -> str:
        return "> " * min(self.quotes, 5)
