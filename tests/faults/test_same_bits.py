"""Clean runs on one, two and four cores give the same bits of everything."""

from support.small_project import RESULTS, SmallProject, finish


def test_clean_runs_on_one_two_and_four_cores_make_the_same_bits(tmp_path):
    """Weights, arrays, tables, pictures and pages: all that `rule all` makes."""
    first, *others = (SmallProject(tmp_path / f"{cores} cores") for cores in (1, 2, 4))
    for project, cores in zip((first, *others), ("1", "2", "4"), strict=True):
        finish(project, "--cores", cores)
    kinds = {path.rpartition(".")[2] for path in first.made()}
    assert kinds == {"safetensors", "csv", "md", "png", "html", "json"}
    for other in others:
        assert other.made() == first.made()
    verified = others[0].run(
        "-m",
        "mnist_vae",
        "verify",
        f"{RESULTS}/manifest.json",
        "--against",
        first.folder / RESULTS / "manifest.json",
    )
    assert verified.returncode == 0, verified.stderr
