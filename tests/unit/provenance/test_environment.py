"""What jobs inherit: this checkout's library, and the Python that runs Snakemake."""

import os
import re
import sys
from pathlib import Path

import pytest

from mnist_vae.provenance import record, software
from mnist_vae.provenance.environment import use_library


@pytest.fixture(autouse=True)
def inherited(monkeypatch):
    monkeypatch.setenv("PATH", os.pathsep.join(["/mine", "/usr/bin"]))
    monkeypatch.setenv("PYTHONPATH", "/of/mine")


@pytest.mark.parametrize(("alone", "path"), [(True, "/library"), (False, f"/library{os.pathsep}/of/mine")])
def test_twice_is_as_once(alone, path):
    for _ in range(2):
        use_library(Path("/library"), alone=alone)
        assert os.environ["PYTHONPATH"] == path
        assert os.environ["PATH"].split(os.pathsep) == [str(Path(sys.executable).parent), "/mine", "/usr/bin"]


@pytest.mark.parametrize(("platform", "most"), [("darwin", 300 * 2**20), ("linux", 300 * 2**10)])
def test_memory_is_in_the_platforms_unit(monkeypatch, platform, most):
    class Usage:
        ru_maxrss = most

    monkeypatch.setattr(record.sys, "platform", platform)
    monkeypatch.setattr(record.resource, "getrusage", lambda who: Usage)
    assert record._cost()["memory_mb"] == 300


def test_the_caches_record_is_kept_beside_ones_own(monkeypatch, tmp_path):
    monkeypatch.setenv(record.RECORD, "")
    monkeypatch.delenv(record.CACHE, raising=False)
    record.keep("own.jsonl")
    assert os.environ[record.RECORD] == "own.jsonl"
    monkeypatch.setenv(record.CACHE, str(tmp_path))
    for _ in range(2):
        record.keep("own.jsonl")
        assert os.environ[record.RECORD].split(os.pathsep) == ["own.jsonl", str(tmp_path / "record.jsonl")]
        assert os.environ[record.CACHE] == str(tmp_path)


def test_the_kind_of_machine_names_the_kernels_that_jobs_use(monkeypatch):
    """Whatever kernels the user's variables would choose."""
    monkeypatch.delenv("OPENBLAS_CORETYPE", raising=False)
    as_jobs_run = software.kind_of_machine.__wrapped__()
    assert re.search(r"numpy [\d.]+, processor .*, blas \w+", as_jobs_run)
    for kernels in ("Nehalem", "Haswell"):
        monkeypatch.setenv("OPENBLAS_CORETYPE", kernels)
        assert software.kind_of_machine.__wrapped__() == as_jobs_run


def test_the_record_names_the_kernels():
    assert record.software()["blas"] == software.blas()
    assert software.blas() != "unknown"
