"""Finding a Julia, and error messages: stand-ins for `julia` and juliacall fail in each known way."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest

import mnist_vae
from mnist_vae.errors import InputError
from mnist_vae.parity import bridge
from mnist_vae.parity.bridge import JuliaFailedError, NoFluxError, NoJuliaError, ask_reference
from mnist_vae.parity.juliacall_host import explain

INPUTS = {"z": np.arange(6.0).reshape(3, 2)}

# What juliacall does at import, in a stand-in for it, where it does not start; and what the user is to read.
JULIACALL_FAILURES = {
    "no network": (
        "from urllib.error import URLError; raise URLError('Name or service not known')",
        "could not be downloaded",
    ),
    "offline": ("raise Exception('could not find Julia 1.10.3 - 1.11')", "was not allowed to install it"),
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
JULIACALL = """
import os, sys
from pathlib import Path
import numpy as np

class Main:
    @staticmethod
    def seval(code):
        return {flux}

    @staticmethod
    def include(path):
        {at_include}
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


def working_juliacall(flux: bool = True, at_include: str = "pass") -> str:
    return JULIACALL.replace("{flux}", str(flux)).replace("{at_include}", at_include)


WORKING_JULIA = 'mkdir -p "$3/core/float64"; printf 1.9.9 > "$3/julia_version"'

# A juliacall that starts, and then fails: what it does at include, and what the user is to read of it.
JULIACALL_LATER_FAILURES = {
    "no Flux": (working_juliacall(flux=False), "Flux is not in its project"),
    "an include": (
        working_juliacall(
            at_include="raise Exception('LoadError: UndefVarError: withgradient not defined\\n"
            "Stacktrace:\\n' + '\\n'.join(f' [{n}] frame {n}' for n in range(40)))"
        ),
        "withgradient not defined",
    ),
    "a crash": (working_juliacall(at_include="os.kill(os.getpid(), 11)"), "killed by signal 11"),
}


@pytest.fixture
def reference(tmp_path: Path) -> Path:
    """A folder that replaces the reference, without a Julia beside it."""
    folder = tmp_path / "a project" / "reference_julia"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch):
    """Replace `julia` by a shell script, if one is given, and juliacall by Python code."""
    binaries, modules = tmp_path / "bin", tmp_path / "modules"
    binaries.mkdir()
    modules.mkdir()
    for tool in ("sh", "mkdir", "printf", "sleep"):
        (binaries / tool).symlink_to(shutil.which(tool))
    monkeypatch.setenv("PATH", str(binaries))
    library = Path(mnist_vae.__file__).parents[1]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(modules), str(library)]))
    monkeypatch.delenv("PYTHON_JULIAPKG_OFFLINE", raising=False)

    def put(
        julia: str | None = None, juliacall: str = JULIACALL_FAILURES["absent"][0], installed: bool = True
    ) -> None:
        monkeypatch.setattr(bridge, "find_spec", lambda name: installed or None)
        if julia is not None:
            (binaries / "julia").write_text(f"#!/bin/sh\n{julia}\n")
            (binaries / "julia").chmod(0o755)
        (modules / "juliacall.py").write_text(juliacall)

    return put


def test_no_julia_anywhere_says_the_two_ways_to_one(reference, stand_in):
    stand_in(installed=False)
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


def test_the_reason_is_not_glued_to_what_julia_printed(reference, stand_in):
    code = JULIACALL_FAILURES["PythonCall"][0]
    stand_in(juliacall=f"import sys; sys.stderr.write('ERROR: x\\n @ none:6'); sys.stderr.flush()\n{code}")
    with pytest.raises(NoJuliaError) as error:
        ask_reference(INPUTS, reference, "juliacall")
    assert str(error.value).splitlines()[1].startswith("juliacall: Julia started, but its package PythonCall")


def test_a_julia_without_flux_says_the_way_to_flux(reference, stand_in):
    stand_in(juliacall=working_juliacall(flux=False))
    with pytest.raises(NoFluxError) as error:
        ask_reference(INPUTS, reference, "juliacall")
    assert "no Julia" not in str(error.value)
    for words in ("has no Flux", 'Pkg.add("Flux")', "backend: executable"):
        assert words in str(error.value)


def test_explanations_keep_what_is_not_known():
    assert explain(URLError("timed out")) == "Julia is not installed, and could not be downloaded (timed out)"
    assert "surprise" in explain(RuntimeError("surprise"))


@pytest.mark.parametrize("failure", JULIACALL_FAILURES | JULIACALL_LATER_FAILURES)
def test_auto_turns_to_the_executable(reference, stand_in, failure):
    code, sentence = (JULIACALL_FAILURES | JULIACALL_LATER_FAILURES)[failure]
    stand_in(WORKING_JULIA, code)
    answer = ask_reference(INPUTS, reference)
    assert (answer.backend, answer.julia_version) == ("executable", "1.9.9")
    assert answer.outputs == {("core", "float64"): {}}
    (tried,) = answer.tried
    assert tried.startswith("juliacall: ")
    assert sentence in tried
    assert "frame" not in tried


@pytest.mark.parametrize(("backend", "offline"), [("auto", "yes"), ("juliacall", "no")])
def test_juliacall_may_install_only_when_asked_for_by_name(reference, stand_in, backend, offline):
    stand_in(juliacall=working_juliacall())
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


def test_error_in_julia_is_shown_by_its_head(reference, stand_in):
    frames = "\\n".join(f" [{n}] frame {n}" for n in range(40))
    stand_in(
        f'printf "ERROR: LoadError: DimensionMismatch\\nin line 3\\nStacktrace:\\n{frames}\\n" >&2; exit 1'
    )
    with pytest.raises(JuliaFailedError, match=r"failed:\n[^$]*DimensionMismatch\nin line 3$"):
        ask_reference(INPUTS, reference, "executable")


def test_failure_without_an_error_is_shown_by_its_last_lines(reference, stand_in):
    stand_in("for n in 1 2 3 4 5 6 7 8 9 10 11 12 13; do echo line $n; done; exit 1")
    with pytest.raises(JuliaFailedError, match=r"failed:\nline 2\n[^$]*line 13$"):
        ask_reference(INPUTS, reference, "executable")


def test_both_failures_are_told(reference, stand_in):
    stand_in('echo "ERROR: no memory"; exit 1', JULIACALL_LATER_FAILURES["an include"][0])
    with pytest.raises(JuliaFailedError) as error:
        ask_reference(INPUTS, reference)
    assert "withgradient not defined" in str(error.value)
    assert "no memory" in str(error.value)


@pytest.mark.parametrize(
    ("julia", "juliacall", "backend", "said", "unsaid"),
    [
        (None, "absent", "auto", ["make julia", "pip install juliacall"], []),
        (None, "offline", "auto", ["make julia", "backend: juliacall"], ["pip install"]),
        (None, "no network", "juliacall", ["make julia", "Julia is not installed"], ["backend: juliacall"]),
        (
            "exit 0",
            "no network",
            "juliacall",
            ["backend: executable", "a Julia of the versions that juliapkg.json asks for is not installed"],
            ["make julia", "pip install", "backend: juliacall"],
        ),
        ("exit 0", "absent", "juliacall", ["backend: executable", "pip install juliacall"], ["make julia"]),
    ],
)
def test_advice_fits_what_is_there(reference, stand_in, julia, juliacall, backend, said, unsaid):
    stand_in(julia, JULIACALL_FAILURES[juliacall][0], installed=juliacall != "absent")
    with pytest.raises(NoJuliaError) as error:
        ask_reference(INPUTS, reference, backend)
    for words in said:
        assert words in str(error.value)
    for words in unsaid:
        assert words not in str(error.value)


@pytest.mark.parametrize("kind", ["polite", "deaf"])
def test_interruption_ends_all_that_julia_started(reference, stand_in, tmp_path, kind):
    """One line, exit status 130, and no process left, even one that ignores SIGTERM."""
    deaf = "trap '' TERM\n" if kind == "deaf" else ""
    stand_in(f'{deaf}sleep 600 &\necho $! $$ > "{tmp_path}/started"\nwait\nwait')
    code = (
        "import sys\nfrom mnist_vae.__main__ import main\nfrom mnist_vae.commands import parity\n"
        "from mnist_vae.parity.bridge import ask_reference\n"
        "parity.run = lambda options: ask_reference({}, sys.argv[1], 'executable')\n"
        "sys.exit(main('parity a b c d --solutions f --reference e --backend auto'.split()))"
    )
    process = subprocess.Popen([sys.executable, "-c", code, reference], stderr=subprocess.PIPE, text=True)
    while not (tmp_path / "started").exists() or not (tmp_path / "started").read_text().endswith("\n"):
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.splitlines() == ["parity: interrupted"]
    for started in (tmp_path / "started").read_text().split():
        status = Path(f"/proc/{started}/stat")
        assert not status.exists() or status.read_text().rpartition(")")[2].split()[0] == "Z"


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
