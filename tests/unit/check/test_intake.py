"""Any form of submission is judged; what it does to its process costs only its own row."""

import json
import os
import zipfile
from pathlib import Path

import nbformat
import pytest

from mnist_vae.check import intake, process
from mnist_vae.check.judge import check
from mnist_vae.check.julia import program, require_julia
from mnist_vae.check.notebooks import from_export, from_notebook
from mnist_vae.check.session import Options
from mnist_vae.errors import InputError
from support.command_line import run_command

from .conftest import SECONDS

PRIOR = "import numpy as np\ndef log_prior(z):\n    return -0.5 * (z**2).sum(-1) - np.log(2 * np.pi)\n"
ALONE = Options(seconds=SECONDS, layout="batch-first", dtype="float64")  # found at once


def write(folder: Path, code: str = PRIOR, name: str | bytes = "mine.py") -> Path:
    path = Path(os.fsdecode(os.path.join(os.fsencode(folder), os.fsencode(name))))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(code, encoding="utf-8")
    return path


def notebook(*cells: str, language: str = "python") -> str:
    book = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_markdown_cell("# Mine"), *map(nbformat.v4.new_code_cell, cells)],
        metadata={"kernelspec": {"name": language, "language": language, "display_name": language}},
    )
    return nbformat.writes(book)


def archive(path: Path, files: dict[str, str]) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        for name, text in files.items():
            file.writestr(name, text)
    return path


def check_class(folder: Path, capsys, words: str = "") -> list[dict]:
    """The rows of a class, from its JSON report."""
    with pytest.raises(SystemExit) if any(Path(folder).iterdir()) else pytest.raises(InputError):
        run_command(f"check --class {folder} --layout batch-first --dtype float64 --json - {words}")
        raise SystemExit  # nothing is wrong
    return json.loads(capsys.readouterr().out)["solutions"]


def right(row: dict) -> int:
    return sum(verdict["status"] == "right" for verdict in row["verdicts"])


# --- what a solution does to its process --------------------------------------------------------------------

TO_ITS_PROCESS = {
    "closes stdout": "import sys\nsys.stdout.close()\n",
    "replaces stdout": "import sys\nsys.stdout = open('log', 'w')\nsys.stdout.close()\n",
    "replaces stdout by nothing": "import sys\nsys.stdout = None\n",
    "closes the descriptor of stdout": "import os\nos.close(1)\n",
    "closes stdout in a call": "import sys\ndef log_q(m, s, z):\n    sys.stdout.close()\n    return z\n",
    "forks and goes on": "import os\nos.fork()\n",
    "parses arguments": "import argparse\nargparse.ArgumentParser().parse_args()\n",
    "reads its name": "import sys\nassert sys.argv[0].endswith('/mine.py') and sys.argv[0] == __file__\n",
    "reads its arguments": "import sys\nopen((sys.argv[1:] or ['.'])[0] + '/mine.py')\n",
}
ENDS_BY_ITSELF = {
    "closes all descriptors": ("import os\nos.closerange(3, 256)\n", "Bad file descriptor"),
    "writes into every descriptor": (
        "import os, contextlib\nfor n in range(3, 40):\n"
        "    with contextlib.suppress(OSError): os.write(n, b'hello\\n0\\n')\n",
        "writes into the pipe to the judge",
    ),
    "raises what has no text": (
        "class E(Exception):\n    def __str__(self): raise ValueError\nraise E\n",
        "its message cannot be shown",
    ),
    "steers the terminal": ("raise ValueError('\\x1b[2J\\x1b[31m\\x00 gone')\n", "ValueError: \ufffd[2J"),
    "exits": ("import sys\nsys.exit('no data')\n", "SystemExit: no data"),
}


@pytest.mark.parametrize("kind", TO_ITS_PROCESS)
def test_what_a_solution_does_to_its_process_leaves_it_judged(tmp_path, kind):
    report = check(write(tmp_path, TO_ITS_PROCESS[kind] + PRIOR), ALONE)
    assert report.trouble == ""
    assert {v.function: v.status for v in report.verdicts}["log_prior"] == "right"


@pytest.mark.parametrize("kind", ENDS_BY_ITSELF)
def test_what_a_solution_does_to_its_process_ends_in_a_sentence(tmp_path, kind):
    code, said = ENDS_BY_ITSELF[kind]
    report = check(write(tmp_path, code + PRIOR), ALONE)
    assert said in report.trouble
    assert "\x1b" not in report.trouble


def test_an_exit_without_error_is_the_end_of_the_file(tmp_path):
    report = check(write(tmp_path, f"import sys\n{PRIOR}sys.exit(0)\n"), ALONE)
    assert report.trouble == ""


@pytest.mark.julia
@pytest.mark.parametrize(
    "code", ["close(stdout)", 'redirect_stdout(open("log", "w"))', "@assert isempty(ARGS)"]
)
def test_what_a_solution_in_julia_does_to_its_process(tmp_path, code):
    needs_julia()
    solution = f"{code}\nlog_prior(z) = -0.5 .* sum(z .^ 2; dims=1) .- log(2pi)\n"
    report = check(write(tmp_path, solution, "mine.jl"), Options(seconds=SECONDS, layout="features-first"))
    assert report.trouble == ""
    assert {v.function: v.status for v in report.verdicts}["log_prior"] == "right"


def needs_julia() -> None:
    try:
        require_julia()
    except InputError as error:
        pytest.skip(str(error))


@pytest.mark.julia
def test_julia_keeps_the_depots_that_it_ships(tmp_path, monkeypatch):
    needs_julia()
    monkeypatch.delenv("JULIA_DEPOT_PATH", raising=False)
    own = "any(path -> startswith(path, dirname(Sys.BINDIR)), DEPOT_PATH)"
    code = f'answers = ["yes"]\n{own} || error(join(DEPOT_PATH, " "))\n'
    report = check(write(tmp_path, code, "mine.jl"), Options(seconds=SECONDS))
    assert report.trouble == ""


def test_a_call_that_waits_ends_too(tmp_path, monkeypatch):
    monkeypatch.setattr(process, "processor_seconds", lambda processes: 0.0)
    report = check(write(tmp_path, "while True: pass"), Options(seconds=0.5))
    assert "did not end within 2 s, most of which it waited; `--seconds` allows more" in report.trouble


def test_a_launcher_is_asked_for_the_julia_behind_it(tmp_path):
    launcher = write(tmp_path, f"#!/bin/sh\nprintf {tmp_path}/real/bin\n", "julialauncher")
    launcher.chmod(0o755)
    (tmp_path / "julia").symlink_to(launcher)
    assert program(str(tmp_path / "julia")) == tmp_path / "real/bin/julia"


# --- files beside it ----------------------------------------------------------------------------------------


def test_folders_and_large_files_beside_a_solution_are_there_for_it(tmp_path):
    write(tmp_path, "HALF = 0.5\n", "tools/numbers.py")
    write(tmp_path, "", "tools/__init__.py")
    write(tmp_path, "a\n", "data/raw/a.csv")
    (tmp_path / "data/large.bin").write_bytes(bytes(30 * intake.MIB))
    code = (
        "from tools.numbers import HALF\nimport os\nassert open('data/raw/a.csv').read() == 'a\\n'\n"
        f"assert os.path.getsize('data/large.bin') == {30 * intake.MIB}\n"
        "open('written', 'wb').write(bytes(2**24))\n"
    )
    assert check(write(tmp_path, code + PRIOR), ALONE).trouble == ""


def test_what_is_left_behind_is_said(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(intake, "COPIED", 3 * intake.MIB)
    (tmp_path / "data").mkdir()
    (tmp_path / "data/train.bin").write_bytes(bytes(4 * intake.MIB))
    write(tmp_path, "secret", ".env")
    run_command(f"check {write(tmp_path)} --layout batch-first --dtype float64")
    assert "Left behind, beyond 3 MB in all: data/train.bin (4 MB)." in capsys.readouterr().out


def test_a_file_of_a_class_that_misses_its_data_says_where_they_belong(tmp_path, capsys):
    write(tmp_path, "open('x.csv')\n" + PRIOR, "ada.py")
    write(tmp_path, "", "x.csv")
    (row,) = check_class(tmp_path, capsys)
    assert "Its own files go into a folder with it." in row["notes"][0]


# --- a file that has no function under its name -------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("x = 1\ndef lp(z): return z\n", "only lp, x; use `--name log_prior=lp`"),
        ("class Model:\n    def log_prior(self, z): return z\nmodel = Model()\n", "use `--object model`"),
        ("", "defines none of the assignment's functions under their names."),
    ],
)
def test_a_file_without_the_functions_says_what_it_has(tmp_path, code, said):
    report = check(write(tmp_path, code), ALONE)
    assert said in report.trouble
    assert report.is_wrong


@pytest.mark.julia
def test_a_file_that_is_one_module(tmp_path):
    needs_julia()
    code = "module X\nz_size(z) = 1\nlog_prior(z) = -0.5 .* sum(z .^ 2; dims=1) .- log(2pi)\nend\n"
    path = write(tmp_path, code, "mine.jl")
    assert "X does: use `--object X`" in check(path, Options(seconds=SECONDS)).trouble
    report = check(path, Options(seconds=SECONDS, holder="X"))
    assert {v.function: v.status for v in report.verdicts}["log_prior"] == "right"


@pytest.mark.julia
def test_an_error_in_julia_is_named_once(tmp_path):
    needs_julia()
    path = write(tmp_path, "log_prior(z) = nowhere(z)\n", "mine.jl")
    (verdict,) = [v for v in check(path, Options(seconds=SECONDS)).verdicts if v.function == "log_prior"]
    assert verdict.sentence.count("UndefVarError") == 1


# --- notebooks ----------------------------------------------------------------------------------------------


def test_a_notebook_is_judged_and_says_what_was_left_out(tmp_path, capsys):
    cells = [
        "%matplotlib inline\n!pip install numpy\nimport numpy as np",
        "%%bash\nexit 1",
        "%%time\nif True:\n    %timeit 1\nfiles = !ls\n" + PRIOR.partition("\n")[2],
        "np.array?",
    ]
    write(tmp_path, notebook(*cells), "mine.ipynb")
    assert run_command(f"check {tmp_path}/mine.ipynb --layout batch-first --dtype float64") == 0
    shown = capsys.readouterr().out
    assert "1 right" in shown
    assert (
        "Left out of the notebook: `%matplotlib inline`, `!pip install numpy`, `%%bash` and 4 more" in shown
    )


def test_an_error_in_a_notebook_names_its_cell(tmp_path, capsys):
    write(tmp_path, notebook("x = 1", "y = 2\nz = undefined"), "mine.ipynb")
    with pytest.raises(SystemExit, match=r"^1$"):
        run_command(f"check {tmp_path}/mine.ipynb")
    assert "name 'undefined' is not defined (cell 2, line 2)" in capsys.readouterr().out


def test_an_exported_notebook_keeps_its_lines(tmp_path):
    text = (
        "get_ipython().run_line_magic('matplotlib', 'inline')\n"
        "get_ipython().system('pip install numpy')\n"
        "files = get_ipython().getoutput('ls')\n"
        f"get_ipython().run_cell_magic('time', '', {PRIOR!r})\n"
        "get_ipython().run_cell_magic('bash', '', 'exit 1\\n')\n"
    )
    plain, (said,) = from_export(text)
    assert plain.count("\n") == text.count("\n")
    assert "and 1 more" in said
    path = write(tmp_path, text)
    assert intake.submission(path, tmp_path).notes == (said,)
    assert check(write(tmp_path, plain, "plain.py"), ALONE).trouble == ""
    assert from_export("def (:\nget_ipython()") == ("def (:\nget_ipython()", ())


def test_a_notebook_in_julia_is_a_script_in_julia_and_r_is_a_sentence():
    text, suffix, left_out = from_notebook(notebook("x = 1", "y% 2", language="julia"))
    assert (suffix, left_out) == (".jl", ())
    assert "y% 2" in text
    with pytest.raises(InputError, match="is in r;"):
        from_notebook(notebook("x <- 1", language="R"))
    with pytest.raises(InputError, match="cannot be read"):
        from_notebook("{}")


# --- a class ------------------------------------------------------------------------------------------------


def test_each_kind_of_trouble_in_a_class_is_a_row(tmp_path, capsys):
    kinds = {
        "right": {"solution.py": PRIOR},
        "closes": {"solution.py": "import sys\nsys.stdout.close()\n" + PRIOR},
        "notebook": {"deep/er/mine.ipynb": notebook("%pip install x\n" + PRIOR)},
        "several": {"a.py": PRIOR, "b.py": PRIOR},
        "empty": {},
        "broken": {"mine.ipynb": "{"},
        "words": {"solution.py": "import argparse\nargparse.ArgumentParser().parse_args()\n" + PRIOR},
        "hidden": {"._mine.py": "\0", ".mine.py": "raise", "__MACOSX/x.py": "raise", "mine.py": PRIOR},
        "pipe": {"solution.py": ENDS_BY_ITSELF["writes into every descriptor"][0] + PRIOR},
        "data": {"solution.py": "open('data/x').close()\n" + PRIOR, "data/x": "1"},
    }
    for kind, files in kinds.items():
        (tmp_path / kind).mkdir()
        for name, text in files.items():
            write(tmp_path / kind, text, name)
    rows = check_class(tmp_path, capsys)
    assert [row["name"] for row in rows] == sorted(kinds)
    found = {row["name"]: (right(row), row["trouble"]) for row in rows}
    judged = ("right", "closes", "notebook", "words", "hidden", "data")
    assert {kind for kind, (count, _) in found.items() if count} == set(judged)
    assert "several files (a.py, b.py); `--file` says which" in found["several"][1]
    assert "it is empty" in found["empty"][1]
    assert "mine.ipynb cannot be read" in found["broken"][1]
    assert "pipe to the judge" in found["pipe"][1]


def test_names_that_are_not_utf8_or_not_plain(tmp_path, capsys):
    for name in (b"caf\xe9.py", b"tab\there.py", b"line\nbreak.py", "Ünïcode ok.py".encode(), b"a'b\"c$.py"):
        write(tmp_path, PRIOR, name)
    write(tmp_path, PRIOR, b"folder \xff/x.py")
    rows = check_class(tmp_path, capsys, f"--html {tmp_path}/../class.html")
    assert [right(row) for row in rows] == [1] * 6
    assert "caf\ufffd.py" in {row["name"] for row in rows}


def test_archives_of_a_course_system(tmp_path, capsys):
    archive(tmp_path / "one.zip", {"one/solution.py": PRIOR, "__MACOSX/one/._solution.py": "\0"})
    archive(tmp_path / "two.zip", {"helper.py": "", "main.py": "import helper\n" + PRIOR})
    (tmp_path / "three.zip").write_bytes(b"PK, no archive")
    (tmp_path / "four.rar").write_bytes(b"Rar!")
    archive(tmp_path / "five.zip", {"../../outside.py": PRIOR})
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "six_assignsubmission_file").mkdir()
    archive(tmp_path / "six_assignsubmission_file/mine.zip", {"mine/main.py": PRIOR})
    with pytest.raises(SystemExit):
        run_command(f"check --class {tmp_path} --file main.py --json - --layout batch-first")
    out, err = capsys.readouterr()
    rows = {row["name"]: row for row in json.loads(out)["solutions"]}
    assert right(rows["two.zip"]) == right(rows["six_assignsubmission_file"]) == 1
    assert "no main.py, which `--file` asks for: only solution.py" in rows["one.zip"]["trouble"]
    assert "cannot be unpacked" in rows["three.zip"]["trouble"]
    assert "unpack it, or make it a .zip" in rows["four.rar"]["trouble"]
    assert "notes.txt is left out: it is not a .py, .jl or .ipynb file." in err
    assert not (tmp_path.parent / "outside.py").exists()


def test_what_cannot_be_read_is_a_row_and_what_is_no_file_is_left_out(tmp_path, monkeypatch, capsys):
    write(tmp_path, PRIOR, "ada.py")
    (tmp_path / "bob").mkdir()
    os.mkfifo(tmp_path / "pipe.py")
    contents = intake.contents

    def refuses(folder):
        if folder.name == "bob":
            raise PermissionError(13, "Permission denied")
        return contents(folder)

    monkeypatch.setattr(intake, "contents", refuses)
    rows = check_class(tmp_path, capsys)
    assert [(row["name"], row["trouble"]) for row in rows] == [
        ("ada.py", ""),
        ("bob", "It cannot be read: Permission denied."),
    ]


def test_a_class_in_one_archive(tmp_path, capsys):
    path = archive(tmp_path / "all.zip", {f"export/Student {n}_assign/mine.py": PRIOR for n in (1, 2)})
    assert run_command(f"check --class {path} --json - --layout batch-first --dtype float64") == 0
    assert [row["name"] for row in json.loads(capsys.readouterr().out)["solutions"]] == [
        "Student 1_assign",
        "Student 2_assign",
    ]


def test_an_archive_that_is_too_large_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(intake, "UNPACKED", 1_000)
    path = archive(tmp_path / "bomb.zip", {"mine.py": PRIOR + "#" * 1_000})
    assert "holds more than" in intake.submission(path, tmp_path).trouble


def test_what_was_judged_is_kept_when_the_class_is_interrupted(tmp_path, monkeypatch, capsys):
    from mnist_vae.commands import check as command

    (tmp_path / "class").mkdir()
    for name in ("a.py", "b.py", "c.py"):
        write(tmp_path / "class", PRIOR, name)
    judged = command.judged

    def fails(found, settings):
        if found.name == "b.py":
            raise RuntimeError("a fault of the judge")
        if found.name == "c.py":
            raise KeyboardInterrupt
        return judged(found, settings)

    monkeypatch.setattr(command, "judged", fails)
    words = f"--class {tmp_path}/class --json {tmp_path}/out.json --html {tmp_path}/out.html"
    assert run_command(f"check {words}") == 130
    rows = json.loads((tmp_path / "out.json").read_text())["solutions"]
    assert [row["name"] for row in rows] == ["a.py", "b.py"]
    assert "a fault of the judge" in rows[1]["trouble"]
    assert "b.py" in (tmp_path / "out.html").read_text().replace("<wbr>", "")
