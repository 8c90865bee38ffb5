"""The start of a run: which data it takes, and errors about the configuration before any job."""

import socket

import pytest
import yaml

from support.project import TINY


@pytest.fixture
def dead_mirror():
    """An address of this machine without a server."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{unused.getsockname()[1]}"


def configure(project, **changes):
    (project.folder / "tiny.yaml").write_text(yaml.safe_dump(TINY | changes))


def test_auto_without_files_or_network_takes_mnist5k_and_says_so_once(project, dead_mirror):
    configure(project, dataset="auto", mirrors=[dead_mirror])
    result = project.snakemake("all", "--until", "binarize")
    assert result.returncode == 0, result.stderr
    assert result.stderr.count("using mnist5k") == 1
    assert (project.folder / "results/mnist5k/data/binarized.safetensors").is_file()


def test_a_path_under_results_needs_no_resolution(project, dead_mirror):
    configure(project, dataset="auto", mirrors=[dead_mirror])
    result = project.snakemake("results/mnist5k/data/binarized.safetensors")
    assert result.returncode == 0, result.stderr
    assert "using mnist5k" not in result.stderr


def test_mnist_without_files_or_network_says_the_ways_out(project, dead_mirror):
    configure(project, dataset="mnist", mirrors=[dead_mirror])
    result = project.snakemake("tables")
    assert result.returncode != 0
    told = result.stdout + result.stderr
    for way in (dead_mirror, "mnist_dir", "MNIST_DIR", "resources/mnist", "dataset: mnist5k"):
        assert way in told
    assert "Traceback" not in told
    assert not list(project.folder.glob("resources/mnist/*"))
    assert not (project.folder / "results/mnist/data/grey.safetensors").exists()


def test_a_wrong_configuration_is_told_before_any_job(project):
    configure(project, interpolation={"images": [0, 1, 200]})
    result = project.snakemake()
    assert result.returncode != 0
    assert result.stderr.splitlines()[-1].startswith("error: config: interpolation.images has 200; ")
    assert "Traceback" not in result.stdout + result.stderr
    assert {path.name for path in (project.folder / "results").iterdir()} == {"README.md"}


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("mnist5k/models/foo/n120/seed1/metrics.csv", "there is no recipe 'foo'; configured are reference"),
        (
            "mnist5k/models/strong/n0120/seed1/metrics.csv",
            "n0120/seed1 is not how this model's folder is named",
        ),
        ("cifar/tables/metrics.csv", "there is no data set 'cifar'; there are mnist, "),
    ],
)
def test_a_path_in_vain_is_told_what_there_is(project, target, told):
    result = project.snakemake("--dry-run", f"results/{target}")
    assert result.returncode == 1
    last = result.stderr.splitlines()[-1]
    assert last.startswith(f"error: {told}")
    assert "Traceback" not in result.stderr


def test_a_setting_by_train_size_and_a_dropped_recipe_on_every_way(project):
    """From a file, from a later file, and from --config: the last value counts, whole."""
    for number, sizes in enumerate(("{1: 300, 10000: 50}", "{1: 30, 150: 5}")):
        text = f"recipes: {{strong: {{epochs: {sizes}}}, torch_init: }}\n"
        (project.folder / f"{number}.yaml").write_text(text)
    weights = "results/mnist5k/models/strong/n200/seed1/weights.safetensors"
    files = ["--configfile", "tiny.yaml", "0.yaml", "1.yaml"]
    for words, epochs in ((files, 5), ([*files, "--config", "recipes={strong: {epochs: {1: 9}}}"], 9)):
        result = project.snakemake(*words, "--dry-run", "--printshellcmds", "--", weights)
        assert f"--epochs {epochs} " in result.stdout + result.stderr, words
    result = project.snakemake(*words, "--dry-run", "--", "results/mnist5k/tables/metrics.csv")
    assert "torch_init" not in result.stdout + result.stderr


def test_diverging_training_names_epoch_and_rate_and_leaves_no_model(project):
    configure(
        project, recipes={"reference": {"epochs": 2, "learning_rate": 1e30}}, train_sizes={"mnist5k": [200]}
    )
    result = project.snakemake("results/mnist5k/models/reference/n200/seed1/weights.safetensors")
    assert result.returncode != 0
    told = result.stdout + result.stderr
    assert "training diverged: epoch" in told
    assert "Traceback" not in told
    assert not list(project.folder.glob("results/mnist5k/models/reference/n200/seed1/*.*"))
