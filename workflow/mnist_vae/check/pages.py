"""The HTML pages of a solution and of a class. Each is a single file that loads nothing."""

import hashlib
import re
from base64 import b64encode
from collections.abc import Sequence
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from mnist_vae.check import report as words
from mnist_vae.check.judge import Report

CODE = re.compile(r"(`[^`]+`|\b[a-z]+(?:_[a-z]+)+\b)")


def solution_page(report: Report, shares: words.Shares | None = None, back: str = "") -> str:
    """The page of one solution; `back` is the address of its class's page."""
    return (
        _environment()
        .get_template("solution.html")
        .render(
            title=f"Check of {report.name}",
            report=report,
            said=words.remarks(report),
            shares=shares,
            back=back,
            words=words,
        )
    )


def class_page(reports: Sequence[Report], links: Sequence[str], shares: words.Shares | None = None) -> str:
    """A teacher's page: one row per student with a link to the student's page, and the commonest mistakes."""
    template = _environment().get_template("class.html")
    script = _environment().get_template("class.js").render()
    return template.render(
        title=f"Check of {len(reports)} solutions",
        rows=list(zip(reports, links, strict=True)),
        reports=reports,
        shares=shares,
        words=words,
        script=Markup(script),  # the package's own
        script_hash=b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def page_name(number: int, name: str) -> str:
    """The file name of a student's page."""
    return f"{number:03}-{re.sub('[^A-Za-z0-9]+', '-', name).strip('-')[:60]}.html"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("mnist_vae.check"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"code": code, "breakable": breakable}
    return environment


def code(text: str) -> Markup:
    """Mark as code what is between backticks, and names with underscores."""
    pieces = CODE.split(text)
    return Markup("").join(
        Markup("<code>{}</code>").format(breakable(piece.strip("`"))) if number % 2 else escape(piece)
        for number, piece in enumerate(pieces)
    )


def breakable(name: str) -> Markup:
    """Allow line breaks after a name's underscores."""
    return Markup("_<wbr>").join(name.split("_"))
