"""A real browser, driven by Playwright. Without one, these tests are skipped with a hint on how to get it."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PATIENCE = 300_000  # milliseconds for what never takes long on a machine with nothing else to do
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="session")
def browser() -> Iterator:
    """One browser for all tests, since its start takes longer than most of them."""
    playwright = pytest.importorskip("playwright.sync_api", reason="no Playwright: pip install playwright")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no Chromium: apt-get install chromium")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def open_pages(browser) -> Iterator[Callable]:
    """A function that opens a file, with settings of the browser's context, and returns the page; pages are
    closed at the end.

    The page lists in `problems` what should never happen: console errors, exceptions, and requests for
    anything but the file itself.
    """
    contexts = []

    def open_file(path: Path, **settings):
        contexts.append(browser.new_context(**settings))
        page = contexts[-1].new_page()
        page.set_default_timeout(PATIENCE)
        page.problems = []

        def note_request(request):
            if request.url.split(":")[0] not in ("blob", "data") and request.url != path.as_uri():
                page.problems.append(f"request to {request.url}")

        def note_message(message):
            if message.type == "error":
                page.problems.append(f"console: {message.text}")

        page.on("request", note_request)
        page.on("console", note_message)
        page.on("pageerror", lambda error: page.problems.append(f"exception: {error}"))
        page.goto(path.as_uri())
        return page

    yield open_file
    for context in contexts:  # a page that moves would slow every test after it
        context.close()


@pytest.fixture
def open_page(browser) -> Iterator[Callable]:
    """Opens pages for one test."""
    with open_pages(browser) as open_file:
        yield open_file


@pytest.fixture(scope="module")
def open_page_for_all(browser) -> Iterator[Callable]:
    """Opens pages for all tests of a file."""
    with open_pages(browser) as open_file:
        yield open_file


@pytest.fixture(scope="session")
def findings() -> Callable:
    """A function that returns what axe-core finds on a page: the rules, and the elements that break them."""
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="no axe-core: pip install axe-playwright-python"
    ).Axe()

    def run(page) -> list[tuple[str, list[str]]]:
        found = axe.run(page).response["violations"]
        return [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found]

    return run
