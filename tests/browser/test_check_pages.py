"""A class's page in a browser: buttons in its header sort it, and it can be saved as CSV."""

import csv
from pathlib import Path

import pytest

from mnist_vae.check.judge import Report, Verdict
from mnist_vae.check.pages import class_page
from mnist_vae.check.report import ASSIGNMENT

REPORTS = [
    Report(
        "zoë",
        "python",
        "numpy",
        verdicts=(Verdict("elbo", "right"), Verdict("decoder", "failed", 'a "b", c')),
    ),
    Report(
        "=ada()",
        "python",
        "numpy",
        verdicts=(Verdict("elbo", "right"), Verdict("train_model_params", "right")),
    ),
    Report("bob", trouble="The folder is empty."),
]


@pytest.fixture
def page(open_page, tmp_path):
    path = tmp_path / "class.html"
    path.write_text(class_page(REPORTS, ["1.html", "2.html", "3.html"], ASSIGNMENT), encoding="utf-8")
    return open_page(path)


def names(page) -> list[str]:
    return page.locator("#solutions tbody th").all_inner_texts()


def test_a_click_sorts_and_another_turns_the_order(page):
    assert names(page) == ["zoë", "=ada()", "bob"]
    page.get_by_role("button", name="points").click()
    assert names(page) == ["bob", "zoë", "=ada()"]
    page.get_by_role("button", name="points").click()
    assert names(page) == ["=ada()", "zoë", "bob"]
    page.get_by_role("button", name="solution").click()
    assert names(page)[1:] == ["bob", "zoë"]
    assert page.locator("th[aria-sort]").all_inner_texts() == ["solution"]
    assert page.problems == []


def test_it_is_saved_as_csv_as_it_is_sorted(page):
    page.get_by_role("button", name="points").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as CSV").click()
    with Path(download.value.path()).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["solution"] for row in rows] == ["bob", "zoë", "'=ada()"]
    assert [(row["points"], row["of"]) for row in rows] == [("0", "48"), ("5", "48"), ("10", "48")]
    assert rows[1]["what is wrong"] == 'decoder: a "b", c'
    assert page.problems == []


@pytest.mark.parametrize("width", [380, 1200])
def test_it_never_scrolls_sideways_but_for_its_table(page, width):
    page.set_viewport_size({"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
