"""A user's data set, from one line of configuration to figures, which depend on its bytes alone."""

import json
import os

import pytest
import yaml

from mnist_vae.files.storage import load_arrays, load_provenance
from support.project import TINY, Project, counted_jobs
from support.small_mnist import write_idx
from support.strangers import KINDS, some_digits, write_npz

pytestmark = pytest.mark.xdist_group("own data")

LETTERS, FACES = "my données", "faces"
FIGURES = [
    "results/letters/figures/latent_scatter.png",
    "results/letters/figures/reconstructions.png",
    "results/faces/figures/latent_scatter.png",
]


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """Figures of two sets: inverted pictures without labels in IDX files, 47 named classes in an .npz."""
    project = Project(tmp_path_factory.mktemp("a folder"))
    digits = some_digits(120, 60)
    write_idx(project.folder / LETTERS, KINDS["without labels"](KINDS["inverted"](digits)), compressed=False)
    write_npz(project.folder / FACES / "faces.npz", KINDS["47 classes"](digits))
    names = [f"face {number}" for number in range(47)]
    configuration = TINY | {
        "dataset": "letters",
        "datasets": {
            "letters": {"folder": LETTERS},
            "faces": {"folder": FACES, "threshold": 90, "classes": names},
        },
        "interpolation": {},
        "recipes": {"reference": {"epochs": 1, "seeds": [1]}},
    }
    (project.folder / "tiny.yaml").write_text(yaml.safe_dump(configuration, allow_unicode=True))
    project.result = project.snakemake(*FIGURES)
    assert project.result.returncode == 0, project.result.stdout + project.result.stderr
    return project


def planned(project, *arguments):
    """The number of jobs per rule that a run for the figures would start."""
    result = project.snakemake("--dry-run", *FIGURES, *arguments)
    assert result.returncode == 0, result.stdout + result.stderr
    return counted_jobs(result.stdout + result.stderr)


def test_figures_of_two_sets(own):
    for figure in FIGURES:
        assert (own.folder / figure).stat().st_size > 5_000
    letters, faces = (
        own.folder / f"results/{name}/data/binarized.safetensors" for name in ("letters", "faces")
    )
    assert "train_labels" not in load_arrays(letters)
    assert load_provenance(faces)["classes"][46] == "face 46"
    assert load_provenance(faces)["threshold"] == 90
    assert list(own.folder.glob("results/letters/models/reference/n*")) == [
        own.folder / "results/letters/models/reference/n120"
    ]


def test_inverted_pictures_are_told_on_the_terminal(own):
    assert (own.result.stdout + own.result.stderr).count("look inverted") == 1


def test_a_touched_file_or_a_moved_folder_reruns_nothing_and_other_bytes_do(own):
    archive = own.folder / FACES / "faces.npz"
    os.utime(archive, (2_000_000_000, 2_000_000_000))
    assert planned(own) == {}
    moved = archive.rename(own.folder / "faces.npz")
    assert planned(own, "--config", "datasets={faces: {folder: faces.npz}}") == {}
    before = moved.read_bytes()
    write_npz(moved, KINDS["47 classes"](some_digits(120, 61)))
    jobs = planned(own, "--config", "datasets={faces: {folder: faces.npz}}")
    moved.write_bytes(before)
    moved.rename(archive)
    assert jobs == {"obtain": 1, "binarize": 1, "train": 1, "encode": 1, "latent_scatter": 1}


def test_another_threshold_is_another_set_of_pictures(own):
    jobs = planned(own, "--config", "datasets={faces: {threshold: 91}}")
    assert jobs == {"binarize": 1, "train": 1, "encode": 1, "latent_scatter": 1}


def test_the_manifest_holds_the_files_sums(own):
    """As a param of its rule, so the sums are part of the configuration that results depend on."""
    result = own.snakemake("--dry-run", "--printshellcmds", "results/faces/manifest.json")
    assert result.returncode == 0, result.stdout + result.stderr
    grey = load_provenance(own.folder / "results/faces/data/grey.safetensors")
    assert f'"faces.npz": {json.dumps(grey["files"]["faces.npz"])}' in result.stdout + result.stderr
