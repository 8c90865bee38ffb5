"""The pages of tables in a real browser: every column is readable at any width and on paper."""

import re

import pytest

from mnist_vae.pages.markdown import LINKS, html_page

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("finished_project")]

PAGES = ["elbo", "gaps", "differences", "questions", "manifest"]
WIDTHS = [1400, 800, 390]
MINUS = "\N{MINUS SIGN}"
A4 = 794 - 2 * 53  # CSS pixels between the margins
HIDDEN_COLUMNS = """() => Array.from(document.querySelectorAll("td, th")).filter((cell) => {
    const { left, right, width } = cell.getBoundingClientRect();
    return width > 1 && (left < 0 || right > innerWidth);
  }).map((cell) => cell.textContent)"""

BROKEN_WORDS = """() => {
    const broken = [];
    const nodes = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
    while (nodes.nextNode())
      for (const { index, 0: word } of nodes.currentNode.data.matchAll(/[\\p{L}\\d]+/gu)) {
        const range = document.createRange();
        range.setStart(nodes.currentNode, index);
        range.setEnd(nodes.currentNode, index + word.length);
        const lines = Array.from(range.getClientRects(), ({ top }) => Math.round(top));
        if (new Set(lines).size > 1) broken.push(word);
      }
    return broken;
  }"""
CHECKSUM = re.compile("[0-9a-f]{40,64}")  # of a file, or a commit's


@pytest.fixture(scope="module")
def pages(finished_project, open_page_for_all):
    """Each page, opened once."""
    folder = finished_project.folder / "results/mnist5k/pages"
    return {name: open_page_for_all(folder / f"{name}.html") for name in PAGES}


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", PAGES)
def test_no_column_is_hidden_at_any_width(pages, name, width):
    page = pages[name]
    page.set_viewport_size({"width": width, "height": 900})
    assert page.evaluate(HIDDEN_COLUMNS) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.problems == []


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", PAGES)
def test_only_checksums_break_inside_a_word(pages, name, width):
    page = pages[name]
    page.set_viewport_size({"width": width, "height": 900})
    assert [word for word in page.evaluate(BROKEN_WORDS) if not CHECKSUM.fullmatch(word)] == []


def test_long_names_fit_a_phone(tmp_path, open_page):
    name = "a_recipe_with_quite_a_long_name"
    path = f"results/a_set_of_letters/models/{name}/n10000/seed4294967295/weights.safetensors"
    table = f"| recipe | n | p |\n|---|---|---|\n| {name} - {name} | {path} | 0.5 |\n"
    text = f"# -ELBO on {name}\n\n`{path}`\n\n{table}"
    (tmp_path / "long.html").write_text(html_page(text, "elbo"), encoding="utf-8")
    page = open_page(tmp_path / "long.html", viewport={"width": 390, "height": 900})
    assert page.evaluate(HIDDEN_COLUMNS) == []
    assert page.evaluate(BROKEN_WORDS) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("name", PAGES)
def test_paper_loses_no_column(pages, name):
    page = pages[name]
    page.emulate_media(media="print")
    page.set_viewport_size({"width": A4, "height": 1000})
    lost = page.evaluate(HIDDEN_COLUMNS)
    folded = page.evaluate(
        "Array.from(document.querySelectorAll('thead')).some((head) => head.clientHeight < 2)"
    )
    page.emulate_media(media="screen")
    assert lost == []
    assert not folded


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 390])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing(pages, findings, name, width, scheme):
    page = pages[name]
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    assert findings(page) == []


def test_a_folded_table_names_each_cell(pages):
    page = pages["elbo"]
    page.set_viewport_size({"width": 390, "height": 900})
    cell = page.locator(f"td[data-column='test {MINUS}ELBO']").first
    assert cell.evaluate("cell => getComputedStyle(cell, '::before').content") == f'"test {MINUS}ELBO"'


def test_pages_lead_to_each_other_and_to_the_explorer(finished_project, pages):
    folder = finished_project.folder / "results/mnist5k/pages"
    assert all((folder / path).resolve().is_file() for path, _ in LINKS.values())
    for name, page in pages.items():
        assert page.locator("nav a[aria-current=page]").inner_text() == LINKS[name][1]
        assert page.locator("main").count() == 1


def test_a_table_that_cannot_fit_scrolls_by_keyboard(tmp_path, open_page):
    long = "x" * 400
    (tmp_path / "wide.html").write_text(
        html_page(f"# Wide\n\n| a | b |\n|---|---|\n| {long} | {long} |\n", "elbo")
    )
    # Waiting for an expression evaluates it in the page, which its policy forbids.
    page = open_page(tmp_path / "wide.html", viewport={"width": 1400, "height": 900}, bypass_csp=True)
    page.get_by_role("region", name="Wide").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("document.querySelector('.region').scrollLeft > 0")
