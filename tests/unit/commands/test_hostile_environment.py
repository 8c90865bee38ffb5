"""Results are the same bits in a hostile environment."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import mnist_vae
from support.command_line import run_command

MATPLOTLIBRC = """
image.origin: lower
font.size: 30
font.family: monospace
savefig.facecolor: black
savefig.dpi: 40
figure.facecolor: red
axes.grid: True
lines.linewidth: 9
text.usetex: True
axes.formatter.use_locale: True
not.a.setting: 1
"""
# Each changes bits by itself, or ends the process, where a library gets to read it.
LIBRARIES = {
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "OMP_NUM_THREADS": "2",
    "OMP_DYNAMIC": "true",
    "KMP_BLOCKTIME": "0",
    "MKL_NUM_THREADS": "2",
    "MKL_CBWR": "COMPATIBLE",
    "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
    "DNNL_MAX_CPU_ISA": "SSE41",
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "ONEDNN_DEFAULT_FPMATH_MODE": "BF16",
    "OPENBLAS_NUM_THREADS": "2",
    "OPENBLAS_CORETYPE": "Nehalem",
    "ATEN_CPU_CAPABILITY": "default",
    "NPY_DISABLE_CPU_FEATURES": "AVX2 FMA3",
    "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE": "1",
}
SYSTEM = {
    "LC_ALL": "C",
    "LANG": "tr_TR.ISO-8859-9",
    "PYTHONIOENCODING": "ascii",
    "PYTHONHASHSEED": "7",
    "PYTHONOPTIMIZE": "1",
    "PYTHONWARNINGS": "always",
    "TZ": "Pacific/Chatham",
    "COLUMNS": "20",
    "http_proxy": "http://127.0.0.1:9",
    "https_proxy": "http://127.0.0.1:9",
}
RUN_ALL = """
import os, sys
from mnist_vae.__main__ import main
os.umask(0o077)
for words in sys.argv[1:]:
    if main(words.split()) != 0:  # no assertion, which PYTHONOPTIMIZE drops
        sys.exit(f"failed: {words}")
"""


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """A working folder and variables that mislead matplotlib wherever it looks."""
    folder = tmp_path_factory.mktemp("hostile")
    places = {"MPLCONFIGDIR": folder / "mpl", "XDG_CONFIG_HOME": folder / "xdg", "HOME": folder / "home"}
    for place in (folder, places["MPLCONFIGDIR"], places["XDG_CONFIG_HOME"] / "matplotlib"):
        (place / "stylelib").mkdir(parents=True)
        (place / "matplotlibrc").write_text(MATPLOTLIBRC)
        (place / "stylelib/default.mplstyle").write_text(MATPLOTLIBRC)
    places["HOME"].mkdir()
    (folder / ".env").write_text("OMP_NUM_THREADS=2\nMPLBACKEND=garbage\n")
    (folder / "startup.py").write_text("raise SystemExit('read at start')")
    places |= {"MATPLOTLIBRC": folder / "matplotlibrc", "PYTHONSTARTUP": folder / "startup.py"}
    places |= {"XDG_CACHE_HOME": folder / "cache", "XDG_DATA_HOME": folder / "data"}
    return folder, {name: str(place) for name, place in places.items()} | LIBRARIES | SYSTEM


def run_in(folder, environment, commands):
    """Run commands one after the other in one fresh Python."""
    done = subprocess.run(
        [sys.executable, "-c", RUN_ALL, *commands],
        cwd=folder,
        env={"PYTHONPATH": str(Path(mnist_vae.__file__).parents[1]), "PATH": os.environ["PATH"]}
        | environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done


def figures_of(study, folder, output):
    """The commands that draw the small study's figures, the tables first."""
    metrics, epochs = study.metrics.name, study.epochs.name
    tables = folder.parents[3] / "tables"
    words = f"tabulate {folder}/{metrics} --epochs {folder}/{epochs} --dataset mnist5k"
    for option in ("metrics", "elbo", "gaps", "all-epochs", "third-question", "differences"):
        words += f" --{option} {tables}/{option}.csv"
    for option in ("elbo-markdown", "gaps-markdown", "differences-markdown"):
        words += f" --{option} {tables}/{option}.md"
    sources = {
        "prior_samples": study.prior_samples.name,
        "reconstructions": study.reconstructions.name,
        "latent_scatter": study.latents.name,
        "interpolation": study.interpolation.name,
        "latent_manifold": study.manifold.name,
        "top_half_posterior": study.top_half.name,
        "completion": study.top_half.name,
        "training_curves": study.history.name,
        "importance_weighted_bound": study.weighed.name,
    }
    drawn = [f"draw {figure} {output}/{figure}.png {folder}/{file}" for figure, file in sources.items()]
    return [words, *drawn, f"draw inference_gap {output}/gap.png {tables}/all-epochs.csv {tables}/gaps.csv"]


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_same_bits_of_arrays_tables_and_figures(study, hostile, tmp_path):
    """Runs every command of the small study again in the hostile environment."""
    for words in figures_of(study, study.folder, tmp_path / "ordinary"):
        assert run_command(words) == 0
    again = tmp_path / "again" / study.folder.relative_to(study.folder.parents[4])
    commands = [words.replace(str(study.folder), str(again)) for words in study.commands]
    run_in(*hostile, [*commands, *figures_of(study, again, tmp_path / "pictures")])
    ordinary, found = contents(study.folder), contents(again)
    assert found.keys() == ordinary.keys()
    assert [str(path) for path in found if found[path] != ordinary[path]] == []
    ordinary, found = contents(tmp_path / "ordinary"), contents(tmp_path / "pictures")
    assert len(found) == 10
    assert [str(path) for path in ordinary if found[path] != ordinary[path]] == []


@pytest.mark.parametrize("backend", ["garbage", "module://not.there", "TkAgg"])
def test_another_backend_is_not_even_looked_for(backend, study, tmp_path):
    environment = {"MPLBACKEND": backend, "HOME": str(tmp_path)}
    run_in(tmp_path, environment, [f"draw prior_samples {tmp_path}/a.png {study.prior_samples}"])
    assert run_command(f"draw prior_samples {tmp_path}/b.png {study.prior_samples}") == 0
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_umask_is_kept(study, hostile, tmp_path):
    run_in(*hostile, [f"draw prior_samples {tmp_path}/a.png {study.prior_samples}"])
    assert (tmp_path / "a.png").stat().st_mode & 0o777 == 0o600
