"""Right solutions in many styles pass, and hostile ones end in a sentence."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import pytest

from mnist_vae.check import process
from mnist_vae.check.judge import check
from mnist_vae.check.process import bubblewrap
from mnist_vae.check.session import Options
from support.command_line import run_command
from support.many_checks import failures

from .conftest import RIGHT, SECONDS

STYLES = Path(__file__).parent / "styles"
SETTINGS = {
    "a_class": {"holder": "model"},
    "other_names": {
        "names": {
            "decoder": "gen",
            "encoder": "rec",
            "log_prior": "lp",
            "log_likelihood": "ll",
            "elbo": "bound",
        }
    },
}

sandboxed = pytest.mark.skipif(
    bubblewrap() is None, reason="there is no bubblewrap; `apt-get install bubblewrap`"
)


def write(folder: Path, code: str, name: str = "mine.py") -> Path:
    path = folder / name
    path.write_text("import math\nimport numpy as np\n" + code)
    return path


@pytest.mark.parametrize("style", sorted(path.stem for path in STYLES.glob("*.py")))
def test_right_in_its_own_style(style):
    if style.startswith("with_jax") and find_spec("jax") is None:
        pytest.skip("there is no JAX; `pip install jax`")
    report = check(STYLES / f"{style}.py", Options(seconds=SECONDS, **SETTINGS.get(style, {})))
    assert report.trouble == ""
    assert not [verdict for verdict in report.verdicts if verdict.status not in ("right", "absent")]
    assert sum(verdict.status == "right" for verdict in report.verdicts) >= 5


def test_the_assignments_own_form_in_pytorch():
    report = check(RIGHT[".py"], Options(seconds=SECONDS))
    assert {verdict.status for verdict in report.verdicts} == {"right"}
    assert report.layout == "batch-first"


def test_a_right_solution_of_its_own_noise_is_never_failed():
    assert failures(4) == 0


def test_a_training_that_ends_in_nan_is_wrong_and_no_mistake_is_named(tmp_path):
    text = RIGHT[".py"].read_text(encoding="utf-8").replace("lr=1e-3", "lr=1e9")
    (tmp_path / "mine.py").write_text(text, encoding="utf-8")
    report = check(tmp_path / "mine.py", Options(seconds=SECONDS))
    (training,) = (verdict for verdict in report.verdicts if verdict.function == "train_model_params")
    assert training.status == "wrong"
    assert training.mistakes == ()
    assert "are its steps too large?" in training.sentence


@sandboxed
def test_a_python_that_was_called_by_a_path_with_dots_runs_in_the_sandbox(monkeypatch, tmp_path):
    python = Path(sys.executable)
    monkeypatch.setattr(sys, "executable", f"{tmp_path}/{'../' * len(tmp_path.parts)}{python}")
    assert check(RIGHT[".py"], Options(seconds=SECONDS)).trouble == ""


@pytest.mark.julia
@pytest.mark.xdist_group("check julia")
def test_the_assignments_own_form_in_julia(julia_host):
    report = check(julia_host.source / "right.jl", Options(seconds=SECONDS), julia_host)
    assert {verdict.status for verdict in report.verdicts} == {"right"}
    assert report.layout == "features-first"


# --- hostile ones -------------------------------------------------------------------------------------------

PRIOR = "def log_prior(z):\n    return -0.5 * (z**2).sum(-1) - np.log(2 * np.pi)\n"
AT_IMPORT = {
    "an endless loop": ("while True: pass", "did not end within"),
    "a crash": ("import ctypes; ctypes.string_at(0)", "crashed (SIGSEGV)"),
    "a syntax error": ("def (", "SyntaxError"),
    "an exit": ("import os; os._exit(3)", "ended its process (exit status 3)"),
    "an exception": ("raise ValueError('no data')", "ValueError: no data (line 3)"),
    "processes without end": ("import os\nwhile True: os.fork()", "processes without end"),
    "a question": ("input('which seed? ')", "EOFError"),
    "all of memory": ("x = [np.zeros(2**28) for _ in range(200)]", "MemoryError"),
    "a signal to all": ("import os; os.kill(0, 9)", "crashed"),
}


@pytest.mark.parametrize("kind", AT_IMPORT)
def test_trouble_at_import_ends_in_a_sentence(tmp_path, kind):
    code, sentence = AT_IMPORT[kind]
    if kind == "a signal to all" and bubblewrap() is None:
        pytest.skip("without bubblewrap it would have the user's rights")
    report = check(write(tmp_path, code), Options(seconds=3))
    assert sentence in report.trouble
    assert "\n" not in report.trouble
    assert report.is_wrong
    if kind == "an endless loop":
        assert '`if __name__ == "__main__":`' in report.trouble


def test_a_plot_and_what_is_printed_stay_apart(tmp_path, capfd):
    code = f"import matplotlib.pyplot as plt\nplt.plot([1, 2]); plt.show()\nprint('x' * 10000)\n{PRIOR}"
    report = check(write(tmp_path, code), Options(seconds=SECONDS))
    assert not report.is_wrong
    assert capfd.readouterr() == ("", "")


@sandboxed
@pytest.mark.parametrize(
    ("kind", "code"),
    {
        "reads ~/.ssh": "open(os.path.expanduser('~SOMEBODY/.ssh/id_ed25519')).read()",
        "lists the home": "os.listdir('HOME')",
        "reads the project": f"open({str(Path(__file__))!r}).read()",
        "opens a socket": "import socket; socket.create_connection(('127.0.0.1', PORT), timeout=5)",
        "writes outside": f"open({str(Path(__file__).with_name('written'))!r}, 'w').write('x')",
        "fills the disk": "[open(f'/tmp/{n}', 'wb').write(bytes(2**24)) for n in range(100)]",
        "one long file": "f = open('/tmp/long', 'wb')\n    while True: f.write(bytes(2**24)); f.flush()",
    }.items(),
)
def test_a_sandboxed_solution_cannot(tmp_path, monkeypatch, kind, code):
    import socket

    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True)
    (home / ".ssh/id_ed25519").write_text("secret")
    with socket.create_server(("127.0.0.1", 0)) as server:
        code = (
            code.replace("~SOMEBODY", str(home))
            .replace("HOME", str(home))
            .replace("PORT", str(server.getsockname()[1]))
        )
        path = write(tmp_path, f"import os\n{PRIOR}def binarize(x):\n    {code}\n    return x\n")
        report = check(path, Options(seconds=60, alone=True))
    verdicts = {verdict.function: verdict for verdict in report.verdicts}
    assert verdicts["binarize"].status == "failed"
    assert "Error" in verdicts["binarize"].sentence
    assert verdicts["log_prior"].status == "right"
    assert not Path(__file__).with_name("written").exists()


def test_a_function_without_end_leaves_the_others_judged(tmp_path):
    endless = "def log_q(mean, log_std, z):\n    while True: pass\n"
    code = f"{PRIOR}{endless}def top_half(x):\n    return x[:, :392]\n"
    report = check(write(tmp_path, code), Options(seconds=2, layout="batch-first"))
    statuses = {verdict.function: verdict.status for verdict in report.verdicts}
    assert (statuses["log_prior"], statuses["log_q"], statuses["top_half"]) == ("right", "failed", "right")


def test_no_process_and_no_file_stays(tmp_path, monkeypatch):
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    sleeper = "[sys.executable, '-c', 'import time; time.sleep(987)'], start_new_session=True"
    code = f"import subprocess, sys\nsubprocess.Popen({sleeper})\n"
    check(write(tmp_path, code + PRIOR), Options(seconds=SECONDS))
    assert list((tmp_path / "temporary").iterdir()) == []
    listing = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout
    assert "time.sleep(987)" not in listing or bubblewrap() is None


def test_the_answers_are_not_to_be_had(tmp_path):
    report = check(write(tmp_path, "import mnist_vae.check.reference"), Options(seconds=SECONDS))
    assert "ModuleNotFoundError" in report.trouble


def test_without_bubblewrap_the_first_line_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(process, "bubblewrap", lambda: None)
    path = write(tmp_path, PRIOR)
    assert run_command(f"check {path}") == 0
    assert "with your rights" in capsys.readouterr().out.splitlines()[0]


# --- the command --------------------------------------------------------------------------------------------

WRONG_PRIOR = PRIOR.replace(" - np.log(2 * np.pi)", "")


def test_command_shows_and_judges(tmp_path, capsys):
    right = write(tmp_path, PRIOR + "answers = ['yes', 'no', 'yes', False, True]\n")
    with pytest.raises(SystemExit) as status:
        run_command(f"check {right} --points --html {tmp_path}/page.html --json {tmp_path}/out.json")
    assert status.value.code == 1
    shown = capsys.readouterr().out
    assert "KL may rise with it" in shown
    assert "6 of 48 points" in shown
    assert "log_prior" in (tmp_path / "page.html").read_text().replace("<wbr>", "")
    data = json.loads((tmp_path / "out.json").read_text())
    assert data["is_wrong"]
    assert data["points"]["log_prior"] == {"earned": 2, "of": 2}


def test_a_name_that_the_file_lacks_is_said(tmp_path, capsys):
    run_command(f"check {write(tmp_path, PRIOR)} --name elbo=bownd")
    assert "the file has no bownd, which --name gives" in capsys.readouterr().out


def test_what_a_function_raised_is_said_though_others_come_first(tmp_path, capsys):
    failing = "def elbo(x): raise ValueError('oops')\n"
    with pytest.raises(SystemExit):
        run_command(f"check {write(tmp_path, WRONG_PRIOR + failing)}")
    shown = capsys.readouterr().out
    assert "ValueError: oops" in shown


def test_class_counts_the_commonest_mistake(tmp_path, capsys):
    for name, code in (
        ("a.py", PRIOR),
        ("b.py", WRONG_PRIOR),
        ("c.py", WRONG_PRIOR),
        ("d.py", "raise SystemExit"),
    ):
        write(tmp_path, code, name)
    with pytest.raises(SystemExit):
        run_command(f"check --class {tmp_path} --html {tmp_path}/class.html --json {tmp_path}/class.json")
    shown = capsys.readouterr().out
    assert "2 of 4: the constant" in shown
    data = json.loads((tmp_path / "class.json").read_text())
    assert data["commonest"][0]["solutions"] == 2
    assert [solution["is_wrong"] for solution in data["solutions"]] == [False, True, True, True]
    page = (tmp_path / "class.html").read_text()
    assert page.count("<tr") == 1 + 4 + 1 + 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("check", "name one solution"),
        ("check mine.txt", "is not a .py, .jl or .ipynb file"),
        ("check nowhere.py", "there is no such file"),
        ("check --class nowhere", "there is no such folder"),
        ("check nowhere.py --name log_prior", "say FUNCTION=WORD"),
        ("check nowhere.py --name prior=lp", "say FUNCTION=WORD"),
    ],
)
def test_command_says_what_is_wrong_with_its_words(words, said, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("mine.txt").touch()
    assert run_command(words) == 1
    assert said in capsys.readouterr().err


# An environment in which only the check's own packages are installed.
ONLY_THE_BASE = """
import sys
BASE = {"mnist_vae", "numpy", "psutil", "jinja2", "markupsafe", *sys.stdlib_module_names}

class Refused:
    def find_spec(self, name, path=None, target=None):
        if name[0] != "_" and name.partition(".")[0] not in BASE:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Refused())
from mnist_vae.__main__ import main
sys.exit(main())
"""


def test_a_check_needs_only_the_base_packages_and_other_commands_say_what_they_need(tmp_path):
    def run(*words):
        command = [sys.executable, "-c", ONLY_THE_BASE, *map(str, words)]
        return subprocess.run(command, capture_output=True, text=True)

    checked = run(
        "check", write(tmp_path, PRIOR), "--html", tmp_path / "page.html", "--layout", "batch-first"
    )
    assert (checked.returncode, checked.stderr) == (0, "")
    for command in ("train", "tabulate"):
        done = run(command)
        assert done.returncode == 1
        assert done.stderr.startswith(f"error: {command} needs the package ")
        assert "pip install 'mnist-vae[pipeline]'" in done.stderr
        assert done.stderr.count("\n") == 1


def test_interruption_ends_the_solution(tmp_path):
    path = write(tmp_path, "import time\nprint('started', flush=True)\ntime.sleep(986)\n")
    command = [sys.executable, "-m", "mnist_vae", "check", str(path), "--seconds", "60"]
    process_ = subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env=os.environ | {"PYTHONUNBUFFERED": "1"}
    )
    try:
        process_.wait(4)
    except subprocess.TimeoutExpired:
        process_.send_signal(signal.SIGINT)
    _, errors = process_.communicate(timeout=60)
    assert process_.returncode == 130
    assert errors.splitlines() == ["check: interrupted"]
