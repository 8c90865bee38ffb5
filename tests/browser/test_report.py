"""The report, made by Snakemake from a tiny run, in a real browser."""

import json
import re

import pytest

# The report is made of the workflow tests' finished run, and in the same worker process.

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("finished_project")]

# As in the Makefile.
REPORT = [
    "--report-metadata=workflow/report/software.yaml",
    "--report-stylesheet=workflow/report/report.css",
    "--report",
]
CATEGORIES = [
    "Part 2: training",
    "Part 3: pictures of the model",
    "Part 4: the bottom, given the top",
    "Part 5: beyond the reference",
    "Reproducibility",
]


@pytest.fixture(scope="module")
def report(finished_project, open_page):
    path = finished_project.folder / "results/mnist5k/report.html"
    made = finished_project.snakemake(*REPORT, str(path))
    assert made.returncode == 0, made.stdout + made.stderr
    page = open_page(path, viewport={"width": 1400, "height": 600})
    page.results = json.loads(
        re.search(r"var results = (\{.*?\});\n", path.read_text(encoding="utf-8"), re.S)[1]
    )
    return page


def show(report, category: str, shown: str) -> None:
    """Choose a category, and in it press a result's eye."""
    report.reload()
    report.get_by_text(category, exact=True).click()
    row = report.get_by_role("row").filter(has_text=shown).first
    row.get_by_role("link").first.click()


def test_first_page_has_the_configuration_and_the_software(report):
    text = report.locator("body").inner_text()
    assert '"learning_rate": 0.001' in text
    assert "torch 2." in text
    top = report.get_by_role("heading", name="A two-dimensional variational autoencoder").bounding_box()["y"]
    assert top >= 0


def test_categories_stand_in_the_assignments_order(report):
    text = report.locator("body").inner_text()
    places = [text.index(category) for category in CATEGORIES]
    assert places == sorted(places)


def test_every_result_has_caption_and_labels(report):
    assert len(report.results) == 14
    for result in report.results.values():
        assert len(re.sub("<.*?>", "", result["caption"])) > 80
        assert set(result["labels"]) == {"shown", "recipe", "n", "seed"}
        assert result["data_uri"].startswith("data:")


def test_figure_is_shown(report):
    show(report, "Part 3: pictures of the model", "latent scatter")
    image = report.locator("img[src^='data:image/png']")
    image.wait_for()
    assert image.evaluate("image => image.naturalWidth") > 600
    assert report.problems == []


@pytest.mark.parametrize(
    ("category", "shown", "heading"),
    [
        ("Part 2: training", "-ELBO, table", "-ELBO on mnist5k"),
        ("Part 4: the bottom, given the top", "the five questions", "The five questions"),
        ("Part 5: beyond the reference", "table", "Bounds and exact log-densities"),
        ("Reproducibility", "files, and the versions", "What was computed on mnist5k"),
    ],
)
def test_page_is_shown_with_its_table(report, category, shown, heading):
    show(report, category, shown)
    frame = report.frame_locator("iframe")
    frame.get_by_role("heading", level=1).filter(has_text=heading).wait_for()
    if "table" in shown:
        assert frame.locator("table tbody tr").count() > 1
    assert report.problems == []


def test_explorer_works_inside_the_report(report):
    show(report, "Part 3: pictures of the model", "explorer, to play with")
    frame = report.frame_locator("iframe")
    frame.locator("#plane").hover(position={"x": 100, "y": 100})
    frame.locator("input[value=half]").check()
    frame.locator("#half-numbers dd").wait_for()
    assert report.problems == []
