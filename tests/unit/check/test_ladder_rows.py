"""Solutions as tiers of the parity ladder."""

import numpy as np
import pandas as pd
import pytest

from mnist_vae.check.compare import deviation
from mnist_vae.parity import tables
from support.command_line import run_command

PRIOR = (
    "import numpy as np\ndef log_prior(z):\n"
    "    return {factor} * (-0.5 * (z**2).sum(-1) - np.log(2 * np.pi))\n"
)
LADDER = pd.DataFrame(
    {
        "rung": [1, 4],
        "quantity": ["log_prior", "loss"],
        "tier": "core",
        "backend": "executable",
        "julia_version": "1.5.3",
        "dtype": "float64",
        "max_rel": 1e-15,
        "tolerance": 1e-12,
        "pass": True,
    }
)


@pytest.mark.parametrize(("factor", "passes"), [("1", True), ("1.001", False)], ids=["right", "wrong"])
def test_a_solution_is_a_tier_and_its_mistake_fails_the_ladder(tmp_path, factor, passes):
    (tmp_path / "mine.py").write_text(PRIOR.format(factor=factor))
    assert run_command(f"check_solutions {tmp_path}/table.csv {tmp_path}/mine.py") == 0
    (row,) = pd.read_csv(tmp_path / "table.csv").itertuples()
    assert (row.rung, row.quantity, row.tier, row.backend) == (2, "log_prior", "mine.py", "numpy")
    assert (row.max_rel <= row.tolerance) == passes

    ladder = tables.with_solutions(LADDER, pd.read_csv(tmp_path / "table.csv"))
    assert ladder.rung.is_monotonic_increasing
    ladder.to_csv(tmp_path / "ladder.csv", index=False)
    assert ("log_prior (mine.py) fail" in tables.verdict(ladder)) == (not passes)
    assert run_command(f"check_parity {tmp_path}/ladder.csv") == (0 if passes else 1)
    assert "mine.py" in tables.ladder_markdown(ladder, "a model")


def test_a_solution_that_cannot_be_loaded_fails_the_ladder(tmp_path):
    (tmp_path / "mine.py").write_text("raise ValueError\n")
    assert run_command(f"check_solutions {tmp_path}/table.csv {tmp_path}/mine.py") == 0
    ladder = tables.with_solutions(LADDER, pd.read_csv(tmp_path / "table.csv"))
    assert "the file (mine.py) fail" in tables.verdict(ladder)


def test_an_optional_solution_that_lacks_a_package_is_left_out(tmp_path, capsys):
    (tmp_path / "right.py").write_text(PRIOR.format(factor=1))
    (tmp_path / "lacks.py").write_text("import nowhere")
    words = f"{tmp_path}/table.csv {tmp_path}/right.py --optional {tmp_path}/lacks.py"
    assert run_command(f"check_solutions {words}") == 0
    assert set(pd.read_csv(tmp_path / "table.csv").tier) == {"right.py"}
    assert "lacks.py is left out: The file needs the package nowhere" in capsys.readouterr().err


def test_deviation_is_relative_and_absolute_below_one():
    right = np.array([100.0, 0.0, np.inf])
    assert deviation(right, right) == 0
    assert deviation(right + np.array([1.0, 0, 0]), right) == pytest.approx(1 / 101)
    assert deviation(right + np.array([0, 1.0, 0]), right) == 1
    assert deviation(right[:2], right) == float("inf")
    assert deviation(right * [1, 1, -1], right) == float("inf")
