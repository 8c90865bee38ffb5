"""Accessibility of the site in a real browser."""

import pytest

from support.site import build_site

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("finished_project")]

HAND = {1400: {}, 390: {"is_mobile": True, "has_touch": True}}


@pytest.fixture(scope="module")
def site(finished_project):
    return build_site(finished_project.folder)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 390])
@pytest.mark.parametrize("name", ["index", "overview", "configuration", "recipe", "check", "reference/study"])
def test_axe_finds_nothing_and_the_page_fits(site, open_page, findings, name, width, scheme):
    settings = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme} | HAND[width]
    page = open_page(site / f"{name}.html", **settings)
    page.wait_for_load_state()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert findings(page) == []
    page.context.close()


def test_frames_hold_the_explorer_whole_and_follow_the_site_s_switch(site, open_page):
    page = open_page(site / "index.html", viewport={"width": 1400, "height": 900}, color_scheme="light")
    frame = page.locator("iframe").first.element_handle().content_frame()
    frame.wait_for_function("() => plane.clientWidth > 0")
    answer, height = (
        frame.evaluate(what) for what in ("byId('walk').getBoundingClientRect().bottom", "innerHeight")
    )
    assert answer <= height
    ground = "() => getComputedStyle(document.body).backgroundColor"
    light = frame.evaluate(ground)
    page.locator("[name=__palette]").nth(1).evaluate("radio => radio.click()")
    frame.wait_for_function(f"light => ({ground})() !== light", arg=light)
    assert frame.evaluate("theme.dots") == frame.evaluate("data.colours.dark")


def test_search_is_offered_only_where_it_can_work(site, open_page):
    """A page opened from a file may not read the index."""
    page = open_page(site / "index.html", viewport={"width": 1400, "height": 900})
    assert not page.locator("[data-md-component=search-query]").is_visible()


def test_numbers_lead_to_their_tables(site, open_page):
    page = open_page(site / "findings.html")
    numbers = page.locator("a.number")
    assert numbers.count() > 20
    for link in numbers.evaluate_all("links => links.map((link) => link.getAttribute('href'))"):
        assert (site / link).is_file()
