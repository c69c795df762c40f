"""Strict readers for what a report writes: they fail on anything that nobody asked for."""

import re
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

from markdown_it import MarkdownIt

PLAIN = {
    "html",
    "head",
    "title",
    "style",
    "body",
    "a",
    "header",
    "main",
    "footer",
    "section",
    "article",
    "h1",
    "h2",
    "h3",
    "p",
    "ul",
    "li",
    "dl",
    "dt",
    "dd",
    "div",
    "span",
    "strong",
    "code",
    "pre",
    "figure",
    "figcaption",
    "table",
    "caption",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
}
DRAWN = {"svg", "title", "desc", "style", "g", "path", "line", "rect", "circle", "text"}
VOID = {"meta", "br"}
ATTRIBUTES = {
    "lang",
    "charset",
    "http-equiv",
    "content",
    "name",
    "href",
    "class",
    "id",
    "role",
    "tabindex",
    "scope",
    "aria-label",
    "aria-labelledby",
    "aria-hidden",
    "xmlns",
    "viewbox",
    "preserveaspectratio",
    "x",
    "y",
    "x1",
    "x2",
    "y1",
    "y2",
    "cx",
    "cy",
    "r",
    "d",
    "width",
    "height",
}
LINK = re.compile(r"#main|best\.yaml|trials\.csv|[a-z0-9-]+/[a-z0-9-]+/index\.html")
OWN_WORDS = re.compile(r"[A-Za-z0-9 .,:;()·–%\-]*")
MARKDOWN_LINK = re.compile(r"best\.yaml|trials\.csv|[a-z0-9-]+/[a-z0-9-]+/README\.md")


class Page(HTMLParser):
    """Reads a page, fails on an unknown element, attribute, link or nesting; keeps its texts."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.stack, self.texts, self.tags, self.ids = [], [], [], []
        self.feed(html)
        self.close()
        assert self.stack == []

    def handle_starttag(self, tag, attrs):
        assert tag in PLAIN | VOID | DRAWN, tag
        names = [name for name, _ in attrs]
        assert len(set(names)) == len(names), (tag, attrs)
        assert set(names) <= ATTRIBUTES, (tag, attrs)
        for name, value in attrs:
            if name == "href":
                assert LINK.fullmatch(value), value
            if name == "id":
                self.ids.append(value)
            if name == "class":
                assert re.fullmatch(r"[a-z-]+( [a-z-]+)?", value), value
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag, attrs):
        assert "svg" in self.stack, tag
        self.handle_starttag(tag, attrs)
        self.stack.pop()

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag

    def handle_data(self, data):
        if "style" not in self.stack:
            self.texts.append(data)

    def handle_comment(self, data):
        raise AssertionError(data)

    def handle_pi(self, data):
        raise AssertionError(data)

    def unknown_decl(self, data):
        raise AssertionError(data)


def drawing(svg):
    """The root of an SVG file that holds nothing but harmless elements and attributes."""
    root = ET.fromstring(svg)
    for one in root.iter():
        assert one.tag.removeprefix("{http://www.w3.org/2000/svg}") in DRAWN, one.tag
        assert {name.lower() for name in one.attrib} <= ATTRIBUTES - {"href"}, one.attrib
    return root


def markdown(text):
    """The tokens of a Markdown file in which only our own words, links and the chart are alive."""
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(text)
    for token in tokens:
        assert token.type not in {"html_block", "code_block", "hr", "blockquote_open", "ordered_list_open"}, (
            token.content
        )
        for child in token.children or ():
            assert child.type in {
                "text",
                "code_inline",
                "strong_open",
                "strong_close",
                "link_open",
                "link_close",
                "image",
            }, child
            if child.type == "text":
                assert OWN_WORDS.fullmatch(child.content), child.content
            if child.type == "link_open":
                assert MARKDOWN_LINK.fullmatch(child.attrs["href"]), child.attrs
            if child.type == "image":
                assert child.attrs["src"] in {"history.svg", "front.svg"}
    return tokens


def tables(tokens):
    """Cell counts of every row, table by table."""
    found = []
    for token in tokens:
        if token.type == "table_open":
            found.append([])
        elif token.type == "tr_open":
            found[-1].append(0)
        elif token.type in {"td_open", "th_open"}:
            found[-1][-1] += 1
    return found
