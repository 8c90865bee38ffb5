"""Small files in place of the published ones, and no others at hand."""

import pytest

from support.small_mnist import replace_published_files


@pytest.fixture
def small(monkeypatch):
    return replace_published_files(monkeypatch)


@pytest.fixture
def empty_workplace(tmp_path_factory, monkeypatch):
    """No data available: MNIST_DIR is unset, working folder and home are empty."""
    monkeypatch.delenv("MNIST_DIR", raising=False)
    monkeypatch.chdir(tmp_path_factory.mktemp("workplace"))
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
