"""From Markdown to a page that can be read by itself, as the report shows it."""

import re
from html import escape
from pathlib import Path

from markdown_it import MarkdownIt

TEMPLATE = Path(__file__).parent / "templates/page.html"


def html_page(markdown: str) -> str:
    """Render Markdown, tables included, into one HTML page without outside references.

    The page's title is the text's first heading.
    """
    title = re.search(r"^# (.+)$", markdown, re.MULTILINE)[1]
    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(markdown)
    page = TEMPLATE.read_text(encoding="utf-8")
    return page.replace("{title}", escape(title)).replace("{body}", body)
