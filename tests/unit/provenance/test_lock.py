"""One run at a time: the lock belongs to another process until that ends, however it ends."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import mnist_vae
from mnist_vae.errors import InputError
from mnist_vae.provenance import lock

HOLDER = """
import sys
from mnist_vae.provenance import lock
lock.hold(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def place(tmp_path):
    return tmp_path / "results/.lock"


def holder(place):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(place)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    return process


def test_a_held_lock_is_said_and_a_killed_holders_is_free(place):
    other = holder(place)
    try:
        with pytest.raises(InputError, match=r"another run is at work in .*results"):
            lock.hold(place)
    finally:
        other.kill()
        other.wait()
    lock.hold(place)
    lock.hold(place)  # this process's own does not stand in its way


def test_where_there_are_no_locks_a_warning_says_so(place, monkeypatch, capsys):
    def refuse(file, how):
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(lock.fcntl, "flock", refuse)
    lock.hold(place)
    assert "cannot be locked (Function not implemented)" in capsys.readouterr().err


@pytest.fixture
def as_another_user():
    """Runs Python as a user who owns nothing."""
    if os.geteuid() != 0 or not shutil.which("setpriv"):
        pytest.skip("only root can become another user, by util-linux's setpriv")

    def run(code, folder):
        become = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", sys.executable, "-c"]
        library = {"PYTHONPATH": str(Path(mnist_vae.__file__).parents[1])}
        return subprocess.run([*become, code], cwd=folder, env=library, capture_output=True, text=True)

    if run("import mnist_vae.errors", "/").returncode:
        pytest.skip("another user cannot read this checkout, or run its Python")
    return run


HOLD = "from mnist_vae.provenance import lock; lock.hold('results/.lock')"
RECORD = (
    "from mnist_vae.provenance import record; record.keep('results/record.jsonl'); record.check_writable()"
)


@pytest.mark.parametrize(
    ("folder", "file", "told"),
    [
        (0o755, 0o644, ""),
        (0o1777, 0o644, ""),  # where Linux refuses to open another's file as one that may be made
        (0o755, 0o600, "cannot be opened (Permission denied)"),
        (0o755, None, "cannot be opened (Permission denied)"),
        (0o700, 0o644, "cannot be opened (Permission denied)"),
    ],
)
def test_another_users_lock_is_taken_if_it_can_be_read(open_folder, as_another_user, folder, file, told):
    place = open_folder / "results/.lock"
    place.parent.mkdir()
    if file is not None:
        place.touch()
        place.chmod(file)
    place.parent.chmod(folder)
    result = as_another_user(HOLD, open_folder)
    assert (result.returncode == 0) == (not told)
    assert told in result.stderr


def test_another_users_record_is_told_before_any_job(open_folder, as_another_user):
    results = open_folder / "results"
    results.mkdir()
    (results / "record.jsonl").write_text("")
    result = as_another_user(RECORD, open_folder)
    assert (
        "results/record.jsonl cannot be added to (Permission denied), which every job does" in result.stderr
    )
    (results / "record.jsonl").chmod(0o666)
    assert as_another_user(RECORD, open_folder).returncode == 0


@pytest.fixture
def open_folder(tmp_path):
    """A folder that every user may enter."""
    for path in (tmp_path, *tmp_path.parents[:3]):  # as many as pytest-xdist has
        path.chmod(path.stat().st_mode | 0o755)
    return tmp_path
