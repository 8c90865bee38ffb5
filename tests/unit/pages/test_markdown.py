"""Markdown becomes a self-contained page."""

import re

from mnist_vae.pages.markdown import LINKS, html_page

TEXT = "# Bounds & gaps\n\n| n | value |\n|--:|:--|\n| 1,000 | **2** |\n\n<script>alert(1)</script>\n"


def test_tables_become_tables_aligned_as_written():
    page = html_page(TEXT, "gaps")
    cells = re.findall(r"<td (.*?)>(.*?)</td>", page)
    assert [text for _, text in cells] == ["1,000", "<strong>2</strong>"]
    assert [re.search("text-align:(\\w+)", attributes)[1] for attributes, _ in cells] == ["right", "left"]


def test_cells_name_their_columns_for_when_the_table_is_folded():
    assert re.findall('data-column="(.*?)"', html_page(TEXT, "gaps")) == ["n", "value"]


def test_a_figure_and_its_error_stay_on_one_line():
    page = html_page("# T\n\n| a |\n|---|\n| 1.00 ± 0.50 (2.00) |\n", "gaps")
    assert ">1.00\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}0.50 (2.00)<" in page


def test_title_is_the_first_heading():
    assert "<title>Bounds &amp; gaps</title>" in html_page(TEXT, "gaps")


def test_header_leads_to_every_page_and_marks_this_one():
    page = html_page(TEXT, "gaps")
    assert re.findall('<a href="(.*?)"', page) == [path for path, _ in LINKS.values()]
    assert re.findall('href="(\\S+)" aria-current=page', page) == ["gaps.html"]


def test_page_loads_nothing_and_runs_no_script_of_the_text():
    page = html_page(TEXT, "gaps")
    assert "alert(1)" not in "".join(re.findall("<script.*?</script>", page, re.DOTALL))
    assert re.findall(r"""src\s*=|@import|url\(|https?://""", page) == []
    assert "default-src 'none'" in page


def test_comments_such_as_the_sources_of_numbers_are_not_shown():
    page = html_page("# T\n\nIt is 3.39<!-- epochs.csv[n=10000].elbo_change --> nats.\n", "questions")
    assert "It is 3.39 nats." in page


def test_names_may_break_at_their_joints_and_numbers_may_not():
    page = html_page("# T\n\na_b/c.csv, `tables/d.md`, 1.25, 2.13.0 and e.g. <x>.\n", "gaps")
    assert "a_<wbr>b/<wbr>c<wbr>.csv, <code>tables/<wbr>d<wbr>.md</code>, 1.25, 2.13.0" in page
    assert "&lt;x&gt;" in page


def test_minus_signs_stand_before_the_bounds():
    page = html_page("# -ELBO\n\n- log p(x) or -log p(x), x-log p\n", "gaps")
    assert "<h1>\N{MINUS SIGN}ELBO</h1>" in page
    assert "<li>log p(x) or \N{MINUS SIGN}log p(x), x-log p</li>" in page


def test_numbers_of_tables_have_minus_signs():
    page = html_page("# T\n\n| a |\n|---|\n| -24.87 to -23.1, 1e-5, a-1 |\n", "gaps")
    assert ">\N{MINUS SIGN}24.87 to \N{MINUS SIGN}23.1, 1e-5, a-1<" in page
