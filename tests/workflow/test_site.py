"""The site of a finished run: every page is there, and every internal link has a target."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

from support.site import build_site

pytestmark = pytest.mark.xdist_group("finished_project")


class Links(HTMLParser):
    """What a page loads, its links, and its anchors."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.led_to: list[str] = []
        self.anchors: set[str] = set()
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        named = dict(attributes)
        self.anchors |= {named[name] for name in ("id", "name") if named.get(name)}
        if tag == "a" and named.get("href"):
            self.led_to.append(named["href"])
        elif named.get("src"):
            self.fetched.append(named["src"])
        elif tag == "link" and named.get("rel") != "canonical" and named.get("href"):
            self.fetched.append(named["href"])


@pytest.fixture(scope="module")
def site(finished_project):
    return build_site(finished_project.folder)


@pytest.fixture(scope="module")
def pages(site):
    """Every page with its links. The run's own pages are self-contained and have tests of their own."""
    return {
        page: Links(page)
        for page in site.rglob("*.html")
        if "run" not in page.parts and page.name != "404.html"
    }


def test_docs_library_and_run_are_there(site):
    names = ["index", "overview", "model", "findings", "parity", "run/explorer"]
    for name in [*names, "reference/study", "reference/check", "reference/config"]:
        assert (site / f"{name}.html").is_file(), name
    assert "log_prior" in (site / "reference/study.html").read_text(encoding="utf-8")


def test_names_of_files_and_functions_break_at_their_joints(site):
    text = (site / "configuration.html").read_text(encoding="utf-8")
    assert "<code>recipes.*<wbr>.latent_<wbr>layer_<wbr>rate</code>" in text


def test_no_page_fetches_from_another_host(pages):
    assert not [
        (page.name, url)
        for page, links in pages.items()
        for url in links.fetched
        if re.match(r"(https?:)?//", url)
    ]


def test_every_internal_link_leads_somewhere(site, pages):
    anchors = {page: links.anchors for page, links in pages.items()}
    for page, links in pages.items():
        for url in {*links.led_to, *links.fetched}:
            if re.match(r"[a-z]+:|//", url):
                continue
            path, _, anchor = unquote(url).partition("#")
            target = (page.parent / path).resolve() if path else page
            assert target.is_file() or (target / "index.html").is_file(), f"{page.name}: {url}"
            if anchor and target in anchors and not anchor.startswith("__"):
                assert anchor in anchors[target], f"{page.name}: {url}"


def test_without_a_run_it_says_what_to_do(project):
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet", "--config-file", "site/mkdocs.yml"],
        cwd=project.folder,
        capture_output=True,
        text=True,
    )
    assert built.returncode != 0
    assert "results/ holds no run to show: make run" in built.stdout + built.stderr
