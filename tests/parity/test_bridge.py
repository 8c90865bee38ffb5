"""Finding a Julia, and saying what went wrong: stand-ins for `julia` and juliacall fail in each known way."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest

import mnist_vae
from mnist_vae.errors import InputError
from mnist_vae.parity.bridge import ask_reference
from mnist_vae.parity.juliacall_host import explain

INPUTS = {"z": np.arange(6.0).reshape(3, 2)}

# What juliacall does at import, in a stand-in for it, where it does not start; and what the user is to read.
JULIACALL_FAILURES = {
    "no network": (
        "from urllib.error import URLError; raise URLError('Name or service not known')",
        "could not be downloaded",
    ),
    "offline": ("raise Exception('could not find Julia 1.10.3 - 1.11')", "was not allowed to install one"),
    "packages": (
        "from subprocess import CalledProcessError; raise CalledProcessError(1, ['julia', '-e', ''])",
        "could not set up its packages",
    ),
    "PythonCall": ("raise Exception('PythonCall.jl did not start properly')", "PythonCall"),
    "absent": (
        "raise ModuleNotFoundError(\"No module named 'juliacall'\", name='juliacall')",
        "not installed",
    ),
}

# What stands in for a juliacall that works: it writes what Julia would, and how it was started.
WORKING_JULIACALL = """
import os, sys
from pathlib import Path
import numpy as np

class Main:
    @staticmethod
    def include(path):
        assert Path(path).name == "parity_flux.jl"

    @staticmethod
    def answer_both_tiers(folder):
        assert "torch" not in sys.modules
        assert os.environ["PYTHON_JULIACALL_HANDLE_SIGNALS"] == "no"
        output = Path(folder, "flux", "float64")
        output.mkdir(parents=True)
        np.save(output / "twice_z.npy", 2 * np.load(Path(folder, "inputs", "z.npy")))
        Path(folder, "julia_version").write_text("offline " + os.environ.get("PYTHON_JULIAPKG_OFFLINE", "no"))
"""


@pytest.fixture
def reference(tmp_path: Path) -> Path:
    """A folder in the place of the reference, with no Julia beside it."""
    folder = tmp_path / "a project" / "reference_julia"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch):
    """Put a shell script in the place of `julia`, if one is given, and Python code in that of juliacall."""
    binaries, modules = tmp_path / "bin", tmp_path / "modules"
    binaries.mkdir()
    modules.mkdir()
    for tool in ("sh", "mkdir", "printf"):
        (binaries / tool).symlink_to(shutil.which(tool))
    monkeypatch.setenv("PATH", str(binaries))
    library = Path(mnist_vae.__file__).parents[1]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(modules), str(library)]))
    monkeypatch.delenv("PYTHON_JULIAPKG_OFFLINE", raising=False)

    def put(julia: str | None = None, juliacall: str = JULIACALL_FAILURES["absent"][0]) -> None:
        if julia is not None:
            (binaries / "julia").write_text(f"#!/bin/sh\n{julia}\n")
            (binaries / "julia").chmod(0o755)
        (modules / "juliacall.py").write_text(juliacall)

    return put


def test_no_julia_anywhere_says_the_two_ways_to_one(reference, stand_in):
    stand_in()
    with pytest.raises(InputError) as error:
        ask_reference(INPUTS, reference)
    for words in (
        "make julia",
        "pip install juliacall",
        "juliacall is not installed",
        "no `julia` on the PATH",
    ):
        assert words in str(error.value)


@pytest.mark.parametrize("failure", JULIACALL_FAILURES)
def test_each_failure_of_juliacall_becomes_one_sentence(reference, stand_in, failure):
    code, sentence = JULIACALL_FAILURES[failure]
    stand_in(juliacall=code)
    with pytest.raises(InputError) as error:
        ask_reference(INPUTS, reference, "juliacall")
    assert sentence in str(error.value)
    assert "Traceback" not in str(error.value)
    assert "make julia" in str(error.value)


def test_explanations_keep_what_is_not_known():
    assert explain(URLError("timed out")) == "Julia is not installed, and could not be downloaded (timed out)"
    assert "surprise" in explain(RuntimeError("surprise"))


@pytest.mark.parametrize("failure", JULIACALL_FAILURES)
def test_auto_turns_to_the_executable(reference, stand_in, failure):
    stand_in('mkdir -p "$3/core/float64"; printf 1.9.9 > "$3/julia_version"', JULIACALL_FAILURES[failure][0])
    answer = ask_reference(INPUTS, reference)
    assert (answer.backend, answer.julia_version) == ("executable", "1.9.9")
    assert answer.outputs == {("core", "float64"): {}}


@pytest.mark.parametrize(("backend", "offline"), [("auto", "yes"), ("juliacall", "no")])
def test_juliacall_may_install_only_when_asked_for_by_name(reference, stand_in, backend, offline):
    stand_in(juliacall=WORKING_JULIACALL)
    answer = ask_reference(INPUTS, reference, backend)
    assert (answer.backend, answer.julia_version) == ("juliacall", f"offline {offline}")
    assert np.array_equal(answer.outputs["flux", "float64"]["twice_z"], 2 * INPUTS["z"])


def test_julia_beside_the_reference_is_found(reference, stand_in):
    stand_in()
    binary = reference.parent / ".julia/bin/julia"
    binary.parent.mkdir(parents=True)
    binary.write_text('#!/bin/sh\nprintf 1.5.3 > "$3/julia_version"\n')
    binary.chmod(0o755)
    assert ask_reference(INPUTS, reference, "executable").julia_version == "1.5.3"


def test_error_in_julia_is_shown_with_its_last_lines(reference, stand_in):
    stand_in('printf "ERROR: LoadError: DimensionMismatch\\nStacktrace\\n" >&2; exit 1')
    with pytest.raises(InputError, match=r"failed[^$]*DimensionMismatch"):
        ask_reference(INPUTS, reference, "executable")


def test_crash_of_julia_names_its_signal(reference, stand_in):
    stand_in("kill -SEGV $$")
    with pytest.raises(InputError, match=r"killed by signal 11[^$]*printed nothing"):
        ask_reference(INPUTS, reference, "executable")


def test_installation_only_checks_a_julia_that_is_there(stand_in, tmp_path):
    script = Path(__file__).parents[2] / "reference_julia/debian/install.sh"
    copy = tmp_path / "copy/reference_julia/debian"
    shutil.copytree(script.parent, copy)
    for tool in ("dirname", "readlink"):
        (tmp_path / "bin" / tool).symlink_to(f"/usr/bin/{tool}")
    for status in (0, 1):
        stand_in(f"exit {status}")
        result = subprocess.run(["/bin/sh", copy / "install.sh"], capture_output=True, text=True)
        assert result.returncode == status
        assert ("fails the check" in result.stderr) == bool(status)
    assert not (tmp_path / "copy/.julia").exists()


def test_host_process_imports_no_torch():
    code = "import sys, mnist_vae.parity.juliacall_host; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
