"""Checks that a page of the console has no element but its own, whatever the data contain."""

from html.parser import HTMLParser

# Every element of the templates, and every attribute. None of them can run a script.
_TAGS = {
    *("html", "head", "meta", "title", "link", "body", "header", "nav", "main", "footer"),
    *("section", "article", "figure", "figcaption", "div", "p", "span", "br", "b", "bdi", "code"),
    *("h1", "h2", "h3", "ul", "ol", "li", "dl", "dt", "dd", "a", "time", "details", "summary"),
    *("table", "caption", "thead", "tbody", "tr", "th", "td"),
    *("form", "label", "input", "select", "option", "button"),
    *("svg", "g", "rect", "line"),
}
_ATTRIBUTES = {
    *("lang", "charset", "name", "content", "rel", "href", "class", "id", "tabindex", "role"),
    *("method", "action", "type", "value", "selected", "placeholder", "autocomplete", "for"),
    *("datetime", "title", "scope", "data-label", "open", "required", "maxlength", "http-equiv"),
    *("aria-label", "aria-labelledby", "aria-current", "aria-hidden", "aria-live"),
    *("aria-invalid", "aria-describedby", "autocapitalize", "spellcheck", "autofocus"),
    *("viewbox", "preserveaspectratio", "x", "x1", "x2", "y", "y1", "y2", "width", "height"),
}
_URLS = {"href", "action"}


class _Checker(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in _TAGS, tag
        for name, value in attrs:
            assert name in _ATTRIBUTES, (tag, name)
            if name in _URLS:
                assert (value or "").startswith(("/console/", "#")), (tag, value)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def text_of(page: str) -> str:
    """Return the page's text, after a check of its elements, attributes and links."""
    checker = _Checker()
    checker.feed(page)
    checker.close()

    return " ".join(" ".join(checker.texts).split())
