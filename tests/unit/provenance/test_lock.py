"""One run at a time: the lock is another process's until that ends, however it ends."""

import subprocess
import sys

import pytest

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
        [sys.executable, "-c", HOLDER, str(place)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
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
