"""Render Markdown as an HTML page that stands alone, as the report shows it."""

import hashlib
import re
from base64 import b64encode
from html import escape
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

TEMPLATE = Path(__file__).parent / "templates/page.html"
# The pages of a data set's results: the address relative to pages/, and the name in the header.
LINKS = {
    "explorer": ("../explorer.html", "Explorer"),
    "elbo": ("elbo.html", "\N{MINUS SIGN}ELBO"),
    "gaps": ("gaps.html", "Bounds and gaps"),
    "differences": ("differences.html", "Differences"),
    "questions": ("questions.html", "Five questions"),
    "manifest": ("manifest.html", "Files and versions"),
}
WIDE = 4  # columns, above which a table folds on a narrow screen
JOINT = re.compile(r"(?<=[/_])(?=\w)|(?=\.[A-Za-z])")  # where the name of a file or a function may break
MINUS_OF_NUMBER = re.compile(r"(?<![\w-])-(?=\d)")
HYPHEN_AS_MINUS = re.compile(r"(?<![\w-])-(?=ELBO|log p)")


def html_page(markdown: str, name: str = "") -> str:
    """Render Markdown, tables included, into one HTML page that loads nothing. Its comments are left out.

    The page's title is the text's first heading. `name` is its key in LINKS, which the header marks; a page
    without a name has no links.
    """
    markdown = minus_signs(re.sub("<!--.*?-->", "", markdown, flags=re.DOTALL))
    title = _first(r"^# (.+)$", markdown)
    renderer = MarkdownIt("commonmark", {"html": False}).enable("table")
    renderer.add_render_rule("text", lambda _, tokens, i, *__: breakable(escape(tokens[i].content)))
    renderer.add_render_rule(
        "code_inline", lambda _, tokens, i, *__: f"<code>{breakable(escape(tokens[i].content))}</code>"
    )
    tokens = renderer.parse(markdown)
    _describe_tables(tokens)
    body = renderer.renderer.render(tokens, renderer.options, {})
    body = re.sub(r"<table[^>]*>.*?</table>", _in_region, body, flags=re.DOTALL)
    page = TEMPLATE.read_text(encoding="utf-8")
    script = _first(r"<script>((?s:.*?))</script>", page)
    for place, text in {
        "{script_hash}": b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        "{title}": escape(title),
        "{links}": _links(name) if name else "",
        "{body}": body,
    }.items():
        page = page.replace(place, text)
    return page


def minus_signs(markdown: str) -> str:
    """Write -ELBO and -log p with a minus sign: after a hyphen a line may end."""
    return HYPHEN_AS_MINUS.sub("\N{MINUS SIGN}", markdown)


def breakable(html: str) -> str:
    """Let names in a text without tags break at their slashes, dots and underscores."""
    return JOINT.sub("<wbr>", html)


def _first(pattern: str, text: str) -> str:
    """The group of the pattern's first match."""
    return str(re.findall(pattern, text, re.MULTILINE)[0])


def _links(current: str) -> str:
    return "\n".join(
        f'<a href="{path}"{" aria-current=page" if name == current else ""}>{escape(text)}</a>'
        for name, (path, text) in LINKS.items()
    )


def _describe_tables(tokens: list[Token]) -> None:
    """Give each table a name, and each cell its column's title, shown when the table folds.

    The roles are a table's own: a browser drops them with the table layout.
    """
    titles: list[str] = []
    column, heading = 0, ""
    for i, token in enumerate(tokens):
        if token.type == "heading_open":
            heading = tokens[i + 1].content
        elif token.type == "table_open":
            titles, table = [], token
            token.attrSet("role", "table")
            token.attrSet("aria-label", heading)
        elif token.type == "th_open":
            titles.append(tokens[i + 1].content)
            token.attrSet("role", "columnheader")
            token.attrSet("scope", "col")
            if len(titles) > WIDE:
                table.attrSet("class", "wide")
        elif token.type == "tr_open":
            column = 0
            token.attrSet("role", "row")
        elif token.type == "td_open":
            token.attrSet("role", "cell")
            token.attrSet("data-column", titles[column])
            for word in tokens[i + 1].children or ():
                word.content = word.content.replace(" ± ", "\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}")
                word.content = MINUS_OF_NUMBER.sub("\N{MINUS SIGN}", word.content)
            column += 1
        elif token.type in ("thead_open", "tbody_open"):
            token.attrSet("role", "rowgroup")


def _in_region(table: re.Match[str]) -> str:
    """Put a table into a region that scrolls if the table is too wide, also by the keyboard."""
    label = _first('aria-label="(.*?)"', table[0])
    return f'<div class="region" role="region" tabindex="0" aria-label="{label}, table">\n{table[0]}\n</div>'
