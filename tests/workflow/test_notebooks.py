"""The notebooks run from top to bottom, with outputs that agree with the stored ones."""

import copy
import re

import nbformat
import pytest
from nbclient import NotebookClient

from support.project import ROOT


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def printed(cell):
    return "".join(output.text for output in cell.outputs if output.get("name") == "stdout")


def pictures(cell):
    """Kinds of the outputs other than text; text may come in pieces."""
    return [output.output_type for output in cell.outputs if output.output_type != "stream"]


def stored(name):
    return nbformat.read(ROOT / "docs" / name, as_version=4)


def execute(notebook):
    notebook = copy.deepcopy(notebook)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT / "workflow"))
        NotebookClient(notebook, timeout=600, kernel_name="python3").execute()
    return notebook


@pytest.fixture(scope="module")
def walkthrough():
    return execute(stored("walkthrough.ipynb"))


@pytest.fixture(scope="module")
def your_inference():
    return execute(stored("your_inference.ipynb"))


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in ("walkthrough", "your_inference")],
)
def test_every_cell_runs_and_gives_outputs_of_the_stored_kinds(request, name):
    """The words agree; the last digits of numbers depend on the processor."""
    cells = zip(code_cells(stored(f"{name}.ipynb")), code_cells(request.getfixturevalue(name)), strict=True)
    for before, now in cells:
        assert pictures(before) == pictures(now), now.source
        said, says = (re.split(r"-?\d[\d.e-]*", printed(cell)) for cell in (before, now))
        assert [words.split() for words in said] == [words.split() for words in says]


@pytest.mark.xdist_group("walkthrough")
def test_by_hand_is_as_by_library(walkthrough):
    text = "".join(map(printed, code_cells(walkthrough)))
    pairs = re.findall(r"by hand +(-?[\d.]+),? +library +(-?[\d.]+)", text)
    assert len(pairs) == 4
    for by_hand, library in pairs:
        assert float(by_hand) == pytest.approx(float(library), abs=1e-2)


@pytest.mark.xdist_group("your_inference")
def test_the_example_infers_and_gets_its_row(your_inference):
    """A thousand draws of the prior come within some nats of log p(x), and rarely find the posterior."""
    (row,) = re.findall(r"mine .*", code_cells(your_inference)[-1].outputs[0].data["text/plain"])
    below_log_px = float(row.split()[2])
    assert 0.1 < below_log_px < 20


def test_the_walkthrough_copies_nothing_of_the_library():
    assert not any(
        re.search(r"^\s*(class|def (log_|elbo|loss|train))", cell.source, re.M)
        for cell in code_cells(stored("walkthrough.ipynb"))
    )
