"""The manifest of a finished study: complete, ordered, correct, and its use by `verify`."""

import csv
import io
import json
import re

import pytest

from mnist_vae.__main__ import main
from support.project import kept

pytestmark = pytest.mark.xdist_group("finished_project")

RESULTS = "results/mnist5k"


@pytest.fixture
def results(finished_project):
    return finished_project.folder / RESULTS


@pytest.fixture
def manifest(results):
    return json.loads((results / "manifest.json").read_text())


def test_every_result_is_listed_once(results, manifest):
    made = {
        path.relative_to(results).as_posix()
        for path in results.rglob("*")
        if path.is_file() and not {"logs", "benchmarks"} & set(path.parts)
    }
    paths = [file["path"] for file in manifest["files"]]
    assert len(paths) == len(set(paths))
    assert set(paths) == made - {"manifest.json", "manifest.md", "pages/manifest.html", "report.html"}


def test_every_result_is_listed_after_those_it_is_made_of(finished_project, manifest):
    place = {f"{RESULTS}/{file['path']}": number for number, file in enumerate(manifest["files"])}
    summary = finished_project.snakemake("--detailed-summary").stdout
    rows = list(csv.DictReader(io.StringIO(summary), delimiter="\t"))
    checked = 0
    for row in rows:
        for read in row["input-file(s)"].split(","):
            if read in place and row["output_file"] in place:
                assert place[read] < place[row["output_file"]]
                checked += 1
    assert checked > 60


def test_every_result_has_the_versions_that_made_it(manifest):
    (software,) = manifest["software"]
    assert software == manifest["written_by"]
    assert {file["software"] for file in manifest["files"]} == {0}
    for name in ("python", "torch", "numpy", "safetensors", "matplotlib", "snakemake", "processor"):
        assert software[name]
    assert software["commit"] is None  # a copy, outside of git


def test_an_untouched_study_is_verified(results, capsys):
    assert main(["verify", str(results / "manifest.json")]) == 0
    assert re.search(r"\d+ files are as .*manifest.json says", capsys.readouterr().out)


def test_the_first_changed_file_is_named(results, capsys):
    """The picture is made from the weights, so of two damaged files these are named."""
    figure = results / "figures/latent_scatter.png"
    weights = results / "models/reference/n200/seed1/weights.safetensors"
    with kept(figure, weights):
        for path in (figure, weights):
            content = path.read_bytes()
            path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        assert main(["verify", str(results / "manifest.json")]) == 1
    said = capsys.readouterr().err
    assert "models/reference/n200/seed1/weights.safetensors has SHA-256" in said
    assert "1 more differ" in said


def test_a_missing_file_is_named(results, capsys):
    figure = results / "figures/latent_scatter.png"
    with kept(figure):
        figure.unlink()
        assert main(["verify", str(results / "manifest.json")]) == 1
    said = capsys.readouterr().err
    assert "figures/latent_scatter.png is missing" in said
    assert f"`snakemake --cores 1 {RESULTS}/figures/latent_scatter.png` makes it" in said


def test_against_an_earlier_manifest(results, manifest, tmp_path, capsys):
    earlier = tmp_path / "earlier.json"
    command = ["verify", str(results / "manifest.json"), "--against", str(earlier)]
    manifest["written_by"]["torch"] = "1.0"
    earlier.write_text(json.dumps(manifest))
    assert main(command) == 0
    assert "torch: 1.0 before" in capsys.readouterr().out
    for number in (-1, 20):
        manifest["files"][number]["sha256"] = "0" * 64
    earlier.write_text(json.dumps(manifest))
    assert main(command) == 1
    assert f"{manifest['files'][20]['path']} has SHA-256" in capsys.readouterr().err


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"files": [1]}', "\0"])
def test_what_is_no_manifest_is_said(tmp_path, capsys, content):
    (tmp_path / "manifest.json").write_text(content)
    assert main(["verify", str(tmp_path / "manifest.json")]) == 1
    assert "manifest.json is not a manifest" in capsys.readouterr().err
