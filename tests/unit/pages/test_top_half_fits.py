"""The table of KLs between each q fitted to a top half and the exact posterior."""

import numpy as np
import pandas as pd

from mnist_vae.files.storage import load_arrays
from mnist_vae.pages.top_half_fits import top_half_fits
from support.command_line import run_command

ARRAYS = {
    "indices": np.array([0, 3, 14]),
    "training": np.array([False, False, True]),
    "kl": np.array([0.25, 0.5, 0.125]),
    "single_start_kl": np.array([3.0, 0.5, 2.0]),
    "assignment_kl": np.array([16.0, 97.0, 20.0]),
    "kl_error": np.array([1e-3, 2e-3, 3e-3]),
    "single_start_kl_error": np.array([1e-3, 2e-3, 3e-3]),
    "assignment_kl_error": np.array([1e-3, 0.25, 3e-3]),
}


def test_each_fit_of_each_image_and_the_extremes():
    table = pd.DataFrame(top_half_fits(ARRAYS)).pivot(index="image", columns="fit", values="kl")
    assert table.loc["test 3"].to_dict() == {"best": 0.5, "single_start": 0.5, "assignment": 97.0}
    assert table.loc["training 14", "best"] == 0.125
    assert table.loc["smallest"].to_dict() == {"best": 0.125, "single_start": 0.5, "assignment": 16.0}
    assert table.loc["largest"].to_dict() == {"best": 0.5, "single_start": 3.0, "assignment": 97.0}
    assert len(table) == 5
    errors = pd.DataFrame(top_half_fits(ARRAYS)).set_index(["fit", "image"]).estimated_error
    assert errors["assignment", "largest"] == errors["assignment", "test 3"] == 0.25


def test_command_tabulates_what_was_stored(study, tmp_path):
    assert run_command(f"tabulate_top_half {study.top_half} {tmp_path}/table.csv") == 0
    table = pd.read_csv(tmp_path / "table.csv").set_index(["fit", "image"])
    stored = load_arrays(study.top_half)
    assert table.recipe.unique() == ["reference"]
    assert np.isclose(table.kl["best", "test 3"], stored["kl"][1])
    assert np.isclose(table.kl["assignment", "training 14"], stored["assignment_kl"][2])
