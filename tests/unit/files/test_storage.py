"""Files are whole or absent, equal content gives equal bytes, and provenance is kept."""

import json
import os

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import save_file

from mnist_vae.errors import InputError
from mnist_vae.files.storage import load_arrays, load_provenance, save_arrays, save_model_table, whole_file
from support.command_line import listing

ARRAYS = {"b": np.arange(6.0).reshape(2, 3), "a": np.array([1, 2], np.uint8), "c": np.float32([[0.5]])}
PROVENANCE = {"dataset": "mnist", "recipe": "reference", "n": 1000, "seed": 3}


class Interruption(BaseException):
    """Not caught by `except Exception`, as KeyboardInterrupt."""


def test_arrays_are_as_open_to_others_as_any_new_file(tmp_path):
    """Colleagues can read them on a shared file system."""
    save_arrays(tmp_path / "arrays", ARRAYS, PROVENANCE)
    (tmp_path / "file").touch()
    assert (tmp_path / "arrays").stat().st_mode == (tmp_path / "file").stat().st_mode


def test_nobody_is_told_to_delete_a_file_that_is_not_there(tmp_path):
    with pytest.raises(
        InputError, match=r"none is not a readable array file \(No such file.*\)\. Name a file"
    ):
        load_arrays(tmp_path / "none")


def write_half(path, error):
    with whole_file(path) as temporary:
        temporary.write_text("half a li")
        raise error("half way")


@pytest.mark.parametrize("error", [ValueError, Interruption])
def test_failure_leaves_neither_target_nor_temporary(tmp_path, error):
    with pytest.raises(error):
        write_half(tmp_path / "new/file.csv", error)
    assert listing(tmp_path) == ["new"]


def test_failure_keeps_what_was_there(tmp_path):
    path = tmp_path / "file.csv"
    path.write_text("whole")
    with pytest.raises(ValueError, match="half way"):
        write_half(path, ValueError)
    assert path.read_text() == "whole"
    assert listing(tmp_path) == ["file.csv"]


def test_target_appears_at_the_end_only(tmp_path):
    path = tmp_path / "deep/er/file.csv"
    with whole_file(str(path)) as temporary:
        temporary.write_text("whole")
        assert not path.exists()
        assert temporary.parent == path.parent  # so that the last step is a rename
        assert temporary.suffix == ".csv"
    assert path.read_text() == "whole"
    assert listing(path.parent) == ["file.csv"]


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o027, 0o640), (0o077, 0o600), (0o002, 0o664)])
def test_umask_is_respected(tmp_path, umask, mode):
    before = os.umask(umask)
    try:
        with whole_file(tmp_path / "file") as temporary:
            temporary.write_text("whole")
        assert os.umask(umask) == umask  # and was put back
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == mode


def test_arrays_and_provenance_come_back(tmp_path):
    save_arrays(tmp_path / "file.safetensors", ARRAYS, PROVENANCE)
    found = load_arrays(tmp_path / "file.safetensors")
    assert found.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert found[name].dtype == array.dtype
        assert np.array_equal(found[name], array)
    assert load_provenance(tmp_path / "file.safetensors") == PROVENANCE


def test_arrays_of_any_memory_layout(tmp_path):
    transposed = np.arange(6).reshape(2, 3).T
    save_arrays(tmp_path / "file.safetensors", {"a": transposed, "b": transposed[::-1]}, {})
    found = load_arrays(tmp_path / "file.safetensors")
    assert np.array_equal(found["a"], transposed)
    assert np.array_equal(found["b"], transposed[::-1])


def test_same_content_same_bytes(tmp_path):
    save_arrays(tmp_path / "first", ARRAYS, PROVENANCE)
    save_arrays(tmp_path / "again", dict(reversed(ARRAYS.items())), dict(reversed(PROVENANCE.items())))
    assert (tmp_path / "first").read_bytes() == (tmp_path / "again").read_bytes()


def spoil(path, how):
    whole = path.read_bytes()
    if how == "truncated":
        path.write_bytes(whole[:-1])
    elif how == "cut in the header":
        path.write_bytes(whole[:20])
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "trailing bytes":
        path.write_bytes(whole + b"\0")
    elif how == "no array file":
        path.write_bytes(b"<!DOCTYPE html><html></html>")
    elif how == "missing":
        path.unlink()
    elif how == "a folder":
        path.unlink()
        path.mkdir()


@pytest.mark.parametrize("read", [load_arrays, load_provenance])
@pytest.mark.parametrize(
    "how",
    ["truncated", "cut in the header", "empty", "trailing bytes", "no array file", "missing", "a folder"],
)
def test_a_spoilt_file_is_named(tmp_path, how, read):
    path = tmp_path / "file.safetensors"
    save_arrays(path, ARRAYS, PROVENANCE)
    spoil(path, how)
    with pytest.raises(InputError, match=r"file\.safetensors is not a readable array file \(.+\)"):
        read(path)


def test_a_missing_array_is_named(tmp_path):
    save_arrays(tmp_path / "file.safetensors", ARRAYS, {})
    with pytest.raises(InputError, match=r"file\.safetensors holds no train_images, but a, b, c"):
        load_arrays(tmp_path / "file.safetensors")["train_images"]


def test_a_file_without_checksum_is_refused(tmp_path):
    """As older versions and other programs write them."""
    save_file(ARRAYS, tmp_path / "old.safetensors", metadata={"provenance": json.dumps(PROVENANCE)})
    with pytest.raises(InputError, match=r"old\.safetensors has no checksum: an older format"):
        load_arrays(tmp_path / "old.safetensors")


def test_values_that_are_no_numbers_are_refused(tmp_path):
    save_arrays(tmp_path / "file.safetensors", {"means": np.float32([0, np.nan])}, {})
    with pytest.raises(InputError, match=r"file\.safetensors: means holds values that are not finite"):
        load_arrays(tmp_path / "file.safetensors")


def test_any_flipped_bit_is_noticed(tmp_path):
    """In the header or in a number; 1,000 flips drawn by a fixed seed."""
    path = tmp_path / "file.safetensors"
    save_arrays(path, ARRAYS, PROVENANCE)
    whole = path.read_bytes()
    for position in np.random.default_rng(0).integers(8 * len(whole), size=1000):
        flipped = bytearray(whole)
        flipped[position // 8] ^= 1 << position % 8
        path.write_bytes(flipped)
        try:
            found = load_arrays(path)
        except InputError as error:
            assert str(path) in str(error)  # noqa: PT017 (any of several errors)
        else:
            # A bit that means nothing, as in a space of the header.
            assert all(np.array_equal(found[name], ARRAYS[name]) for name in ARRAYS | found)


def test_a_failing_write_keeps_the_old_file(tmp_path):
    save_arrays(tmp_path / "file.safetensors", ARRAYS, PROVENANCE)
    before = (tmp_path / "file.safetensors").read_bytes()
    with pytest.raises(Exception):  # noqa: B017, PT011 (the format's own, whichever that is)
        save_arrays(tmp_path / "file.safetensors", {"a": np.array(["no number"])}, PROVENANCE)
    assert (tmp_path / "file.safetensors").read_bytes() == before
    assert listing(tmp_path) == ["file.safetensors"]


def test_a_models_table_is_read_as_it_was_written(tmp_path):
    """Floats to the last digit, missing values as missing, after the model's recipe, n and seed."""
    rows = [{"metric": "a", "value": 0.1 + 0.2}, {"metric": "b", "value": -1e-300, "standard_error": 1 / 3}]
    save_model_table(tmp_path / "table.csv", rows, {"dataset": "d", "seed": 3, "n": 10, "recipe": "r"})
    table = pd.read_csv(tmp_path / "table.csv")
    assert table.columns.tolist() == ["recipe", "n", "seed", "metric", "value", "standard_error"]
    assert table[["recipe", "n", "seed"]].to_numpy().tolist() == [["r", 10, 3]] * 2
    assert table.value.tolist() == [0.1 + 0.2, -1e-300]
    assert table.standard_error.isna().tolist() == [True, False]
    assert table.standard_error[1] == 1 / 3
