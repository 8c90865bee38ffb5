"""The site in a real browser: everyone can read it."""

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
