"""Markdown becomes a page that stands by itself."""

import re

from mnist_vae.pages.markdown import html_page

TEXT = "# Bounds & gaps\n\n| n | value |\n|--:|:--|\n| 1,000 | **2** |\n\n<script>alert(1)</script>\n"


def test_tables_become_tables_aligned_as_written():
    page = html_page(TEXT)
    assert re.search(r'<td style="text-align:right">1,000</td>\s*<td style="text-align:left"><strong>2', page)


def test_title_is_the_first_heading():
    assert "<title>Bounds &amp; gaps</title>" in html_page(TEXT)


def test_page_refers_to_nothing_outside_and_runs_no_script():
    page = html_page(TEXT)
    assert "<script" not in page
    assert re.findall(r"""(?:src|href)\s*=\s*["'](?!data:)|https?://""", page) == []
