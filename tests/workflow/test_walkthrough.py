"""The walkthrough runs from top to bottom, and says what its stored outputs say."""

import copy
import re

import nbformat
import pytest
from nbclient import NotebookClient

from support.project import ROOT

pytestmark = pytest.mark.xdist_group("walkthrough")

PATH = ROOT / "docs/walkthrough.ipynb"


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def printed(cell):
    return "".join(output.text for output in cell.outputs if output.get("name") == "stdout")


def pictures(cell):
    """Kinds of the outputs that are no text, which may come in pieces."""
    return [output.output_type for output in cell.outputs if output.output_type != "stream"]


@pytest.fixture(scope="module")
def stored():
    return nbformat.read(PATH, as_version=4)


@pytest.fixture(scope="module")
def executed(stored):
    notebook = copy.deepcopy(stored)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT / "workflow"))
        NotebookClient(notebook, timeout=600, kernel_name="python3").execute()
    return notebook


def test_every_cell_runs_and_gives_outputs_of_the_stored_kinds(stored, executed):
    """The words are the same; of the numbers, other processors round the last digits otherwise."""
    for before, now in zip(code_cells(stored), code_cells(executed), strict=True):
        assert pictures(before) == pictures(now), now.source
        said, says = (re.split(r"-?\d[\d.e-]*", printed(cell)) for cell in (before, now))
        assert [words.split() for words in said] == [words.split() for words in says]


def test_by_hand_is_as_by_library(executed):
    text = "".join(map(printed, code_cells(executed)))
    pairs = re.findall(r"by hand +(-?[\d.]+),? +library +(-?[\d.]+)", text)
    assert len(pairs) == 4
    for by_hand, library in pairs:
        assert float(by_hand) == pytest.approx(float(library), abs=1e-2)


def test_it_copies_nothing_of_the_library(stored):
    assert not any(
        re.search(r"^\s*(class|def (log_|elbo|loss|train))", cell.source, re.M) for cell in code_cells(stored)
    )
