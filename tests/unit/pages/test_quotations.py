"""Numbers in prose equal those of the tables that they name."""

import pytest

from mnist_vae.errors import InputError
from mnist_vae.pages.quotations import bare_figures, quotations, up_to_date
from support.command_line import run_command
from support.project import ROOT

TABLE = "recipe,n,seed,test_neg_elbo\nreference,1000,1,179\nreference,1000,2,181\nstrong,1000,1,1154.256\n"

FIRST, SECOND = (f"elbo.csv[recipe=reference,seed={seed}].test_neg_elbo" for seed in (1, 2))


@pytest.fixture
def tables(tmp_path):
    folder = tmp_path / "tables"
    folder.mkdir()
    (folder / "elbo.csv").write_text(TABLE)
    (folder / "elbo.md").write_text("# Title\n\n| a |\n|---|\n| 2 |\n\nWords.\n")
    return folder


@pytest.mark.parametrize(
    ("source", "before", "after"),
    [
        ("elbo.csv[recipe=strong,seed=1].test_neg_elbo", "7.00", "1,154.26"),
        ("elbo.csv[recipe=strong].test_neg_elbo", "1,000", "1,154"),
        ("elbo.csv[recipe=reference].test_neg_elbo", "0.0", "180.0"),  # the mean over rows
        (f"{SECOND} - {FIRST}", "9", "2"),
        (f"{FIRST} - {SECOND}", "−1.5", "−2.0"),
        (f"{FIRST} ± {SECOND}", "0", "255"),
    ],
)
def test_a_number_becomes_its_cell(tables, source, before, after):
    text = f"about {before}<!-- {source} --> nats, and 5"
    assert up_to_date(text, tables) == f"about {after}<!-- {source} --> nats, and 5"


def test_a_table_becomes_the_files_table(tables):
    text = "<!-- table elbo.md -->\n\n| a |\n|---|\n| 1 |\n\n<!-- end of table -->\n"
    assert up_to_date(text, tables) == text.replace("| 1 |", "| 2 |")


@pytest.mark.parametrize(
    ("source", "lacking"),
    [
        ("none.csv[].x", r"none\.csv is missing.*snakemake"),
        ("elbo.csv[recipe=weak].test_neg_elbo", "no such row"),
        ("elbo.csv[colour=red].test_neg_elbo", "no column colour.*recipe"),
        ("elbo.csv[].kl", "no column kl"),
    ],
)
def test_a_source_that_is_not_there_is_named(tables, source, lacking):
    with pytest.raises(InputError, match=lacking):
        up_to_date(f"1<!-- {source} -->", tables)


def test_the_command_says_what_differs_and_mends_it(tables, tmp_path, capsys):
    text = tmp_path / "text.md"
    text.write_text("It is 3<!-- elbo.csv[recipe=strong].test_neg_elbo --> nats.\n")
    assert run_command(f"quote {tables} {text}") == 1
    assert "1,154" in capsys.readouterr().err
    assert run_command(f"quote {tables} {text} --write") == 0
    assert text.read_text() == "It is 1,154<!-- elbo.csv[recipe=strong].test_neg_elbo --> nats.\n"
    assert run_command(f"quote {tables} {text}") == 0


@pytest.mark.parametrize(
    "paragraph",
    [
        "It costs 71.0 nats more.",
        "It costs 71 nats more.",
        "It helps 45 % of the images.",
        "| model | -ELBO |\n|---|---|\n| strong | 133.9 |",
        "It is ±0.5 off.",
    ],
)
def test_a_figure_without_a_source_is_found(paragraph):
    mark = "<!-- measured: make run; 2026-11-30 -->"
    assert bare_figures(f"# Title\n\n{paragraph}\n\nWords.\n") == [paragraph]
    assert bare_figures(f"# Title\n\n{mark}\n\n{paragraph}\n") == []
    assert bare_figures(f"# Title\n\n{paragraph}\n{mark}\n") == []
    assert bare_figures(f"# Title\n\n{mark}\n\n# Next\n\n{paragraph}\n\n") == [paragraph]
    of_a_table = bare_figures(f"# Title\n\nWords.\n{mark}\n\n{paragraph}\n\n")
    assert of_a_table == ([] if paragraph.startswith("|") else [paragraph])


def test_what_is_no_result_or_has_its_cell_needs_no_mark():
    text = f"With 1,000 images and 12 starts (95 % interval): 9.5<!-- {FIRST} --> nats, `0.1` of `2.5`.\n"
    assert bare_figures(f"# Title\n\n{text}") == []


@pytest.mark.parametrize("page", ["findings", "questions", "recipe", "cluster", "index"])
def test_every_result_of_a_page_has_its_source(page):
    assert bare_figures((ROOT / f"docs/{page}.md").read_text()) == []


def test_the_page_of_definitions_holds_no_results():
    assert quotations((ROOT / "docs/model.md").read_text()) == 0
