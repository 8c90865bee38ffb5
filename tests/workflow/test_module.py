"""The workflow as a Snakemake module of another workflow, in another folder."""

import pytest
import yaml

from support.project import TINY, Project, run_snakemake

pytestmark = pytest.mark.xdist_group("module")

SMALL = TINY | {
    "recipes": {"reference": {"epochs": 2, "seeds": [1], "train_sizes": {"mnist5k": [120]}}},
    "interpolation": {"images": [14, 119, 98]},
    "figures": {"recipe": "reference"},
}
# No other recipe: what the default file has is dropped.
SMALL["recipes"] |= {"strong": None, "torch_init": None}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A folder that contains a checkout, `proj`; other folders are added to it."""
    folder = tmp_path_factory.mktemp("projects")
    (folder / "proj").mkdir()
    Project(folder / "proj")
    return folder


def importer(folder, text, config=SMALL):
    """Another workflow, in its own folder beside the checkout."""
    folder.mkdir()
    (folder / "Snakefile").write_text(text)
    (folder / "mine.yaml").write_text(yaml.safe_dump(config))
    return folder


TWO_IMPORTS = """
configfile: "mine.yaml"

module vae:
    snakefile: "../proj/Snakefile"
    config: config

use rule * from vae as vae_*

module again:
    snakefile: "../proj/workflow/Snakefile"
    config: config
    prefix: "below/it"

use rule * from again as again_*

rule mine:
    default_target: True
    input:
        "results/mnist5k/figures/latent_scatter.png",
        "results/mnist5k/tables/elbo.csv",
        "below/it/results/mnist5k/figures/prior_samples.png",
    output:
        "mine.txt",
    shell:
        "echo $PYTHONPATH > {output}"
"""


def test_two_imports_make_figures_and_a_table_in_another_folder(checkout):
    folder = importer(checkout / "other", TWO_IMPORTS)
    result = run_snakemake(folder, "--cores", "2", PYTHONPATH="/of/mine")
    assert result.returncode == 0, result.stdout + result.stderr
    for made in ("results/mnist5k/figures/latent_scatter.png", "results/mnist5k/tables/elbo.csv"):
        assert (folder / made).is_file()
    assert (folder / "below/it/results/mnist5k/figures/prior_samples.png").is_file()
    assert "/of/mine" in (folder / "mine.txt").read_text().split(":")[1]  # another's jobs keep their own
    assert not (checkout / "proj/results/mnist5k").exists()
    assert "Nothing to be done" in (again := run_snakemake(folder, "--cores", "2")).stdout + again.stderr


ROOT_FILE, FILE, PREFIX = "proj/Snakefile", "proj/workflow/Snakefile", '    prefix: "below"\n'
CONFIGS = ("", "    config: config\n", '    config: {"dataset": "mnist5k"}\n')


# Each pair of the three.
@pytest.mark.parametrize(
    ("snakefile", "prefix", "config"),
    [
        *((ROOT_FILE, prefix, config) for prefix, config in zip(("", PREFIX, ""), CONFIGS, strict=True)),
        *((FILE, prefix, config) for prefix, config in zip((PREFIX, "", PREFIX), CONFIGS, strict=True)),
    ],
)
def test_each_way_to_import_it(checkout, tmp_path, snakefile, prefix, config):
    """Also from the folder above, where the checkout's paths look like the importing workflow's."""
    module = f'module vae:\n    snakefile: "{checkout / snakefile}"\n{config}{prefix}\n'
    text = f"{module}\nuse rule * from vae as vae_*\n"
    (tmp_path / "Snakefile").write_text(text)
    target = "results/mnist5k/pages/questions.html"
    target = f"below/{target}" if prefix else target
    result = run_snakemake(tmp_path, "--dry-run", target)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "vae_train" in result.stdout
    (checkout / "Snakefile").write_text(text.replace(str(checkout / snakefile), snakefile))
    result = run_snakemake(checkout, "--dry-run", target)
    assert result.returncode == 0, result.stdout + result.stderr


def test_without_config_the_importers_own_keys_do_not_matter(checkout):
    text = 'module vae:\n    snakefile: "../proj/workflow/Snakefile"\n\nuse rule * from vae as vae_*\n'
    folder = importer(checkout / "foreign", text, {"colour": "red"})
    target = "results/mnist5k/models/strong/n1000/seed1/metrics.csv"
    result = run_snakemake(folder, "--configfile", "mine.yaml", "--dry-run", target)
    assert result.returncode == 0, result.stdout + result.stderr


def test_a_wrong_key_that_is_handed_over_is_named(checkout):
    text = TWO_IMPORTS.replace("mine.yaml", "wrong.yaml")
    folder = importer(checkout / "wrong", text)
    (folder / "wrong.yaml").write_text("colour: red\n")
    result = run_snakemake(folder, "--dry-run")
    assert result.returncode != 0
    assert "colour (here 'red') is not a key at the top level" in result.stdout + result.stderr
