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
def report(finished_project, open_page_for_all):
    path = finished_project.folder / "results/mnist5k/report.html"
    made = finished_project.snakemake(*REPORT, str(path))
    assert made.returncode == 0, made.stdout + made.stderr
    page = open_page_for_all(path, viewport={"width": 1400, "height": 600})
    page.results = json.loads(
        re.search(r"var results = (\{.*?\});\n", path.read_text(encoding="utf-8"), re.S)[1]
    )
    return page


def show(report, category: str, shown: str) -> None:
    """Choose a category and click a result's eye icon in it."""
    report.reload()
    report.locator("nav").get_by_text(category, exact=True).click()
    row = report.get_by_role("row").filter(has_text=shown).first
    row.get_by_role("link").first.click()


def test_first_page_shows_the_results_then_the_configuration_then_the_software(report):
    headings = report.locator(".prose h1, .prose h2").all_inner_texts()
    assert headings == [
        "A two-dimensional variational autoencoder on binarized images",
        "Results",
        "Configuration",
    ]
    text = report.locator("#app ul").last.inner_text()
    assert re.search(r"recipes\.reference\.learning_rate\s+0\.001", text)
    assert "{" not in text
    assert re.search(r"Python 3\..*torch 2\..*snakemake 9\.", text)
    top = report.get_by_role("heading", name="A two-dimensional variational autoencoder").bounding_box()["y"]
    assert top >= 0
    assert "The data set is mnist5k." in report.locator(".prose").first.inner_text()


def test_software_stands_under_its_name_and_without_what_docutils_adds(report):
    assert report.get_by_text("encoding", exact=True).is_hidden()
    assert report.get_by_text("version", exact=True).is_hidden()
    heading = report.get_by_text("whole", exact=True)
    shown = heading.evaluate("element => getComputedStyle(element, '::after').content")
    assert (shown, heading.evaluate("element => getComputedStyle(element).fontSize")) == ('"Software"', "0px")


def test_first_page_leads_to_every_result(report):
    names = report.locator(".prose table").first.locator("a").all_inner_texts()
    assert sorted(names) == sorted(result["labels"]["shown"] for result in report.results.values())
    report.get_by_role("link", name="latent scatter").first.click()
    report.get_by_text("Description").wait_for()
    report.get_by_text("The encoder's mean for each training image").wait_for()
    report.reload()


def test_categories_stand_in_the_assignments_order(report):
    text = report.locator("body").inner_text()
    places = [text.index(category) for category in CATEGORIES]
    assert places == sorted(places)


def test_every_result_has_caption_and_labels(report, finished_project):
    results = finished_project.folder / "results/mnist5k"
    made = [*results.glob("figures/*.png"), *results.glob("pages/*.html")]
    assert set(report.results) == {str(path.relative_to(finished_project.folder)) for path in made}
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
        ("Part 2: training", "-ELBO, table", "\N{MINUS SIGN}ELBO on mnist5k"),
        ("Part 4: the bottom, given the top", "the five questions", "The five questions"),
        ("Part 5: beyond the reference", "bounds and exact", "Bounds and exact log-densities"),
        ("Part 5: beyond the reference", "differences", "Differences between recipes"),
        ("Reproducibility", "files, and the versions", "What was computed on mnist5k"),
    ],
)
def test_page_is_shown_with_its_table(report, category, shown, heading):
    show(report, category, shown)
    frame = report.frame_locator("iframe")
    frame.get_by_role("heading", level=1).filter(has_text=heading).wait_for()
    if "table" in shown:
        assert frame.locator("table tbody tr").count() > 1
    assert frame.locator("header").is_hidden()  # its links would lead nowhere
    assert report.problems == []


def test_explorer_beside_the_report_is_opened_from_it(report):
    report.reload()
    report.get_by_role("link", name="explorer.html").click()
    report.locator("#plane").wait_for()
    report.go_back()
