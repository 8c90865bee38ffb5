"""Finding MNIST: the folder that a setting names, and the files' possible names."""

import errno
import gzip
from pathlib import Path

import numpy as np
import pytest

from mnist_vae.data.datasets import DATASETS, MNIST
from mnist_vae.data.folders import find_idx_files, tidy
from mnist_vae.data.obtain import find_published, obtain, resolve_dataset
from mnist_vae.errors import InputError
from support.small_mnist import NAMES

pytestmark = pytest.mark.usefixtures("empty_workplace")


def place(found):
    """The only folder in which all four files were found."""
    (folder,) = {path.parent for path in found.values()}
    assert found.keys() == NAMES.keys()
    return folder


# --- the folder that is meant -----------------------------------------------------------------------------


@pytest.mark.parametrize("text", [None, "", "  ", "\n", '""', "''", "' '"])
def test_nothing_is_named(small, monkeypatch, text):
    assert tidy(text) is None
    assert find_published(MNIST, text) is None
    monkeypatch.setenv("MNIST_DIR", text or "")
    assert find_published(MNIST, None) is None


SPELLINGS = {
    "absolute": "{home}/my digits",
    "home": "~/my digits",
    "quoted": '"~/my digits"',
    "single quotes": "'{home}/my digits'",
    "trailing newline": "~/my digits\n",
    "blanks": "  ~/my digits ",
    "trailing slash": "~/my digits/",
    "a variable in it": "$HOME/my digits",
    "roundabout": "~/elsewhere/../my digits",
    "one of the files": "~/my digits/train-images-idx3-ubyte.gz",
}


@pytest.mark.parametrize("source", ["mnist_dir", "MNIST_DIR"])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_spellings_of_a_folder(small, monkeypatch, source, spelling):
    folder = small.write(Path.home() / "my digits")
    text = SPELLINGS[spelling].format(home=Path.home())
    if source == "MNIST_DIR":
        monkeypatch.setenv("MNIST_DIR", text)
    assert place(find_published(MNIST, text if source == "mnist_dir" else None)) == folder


@pytest.mark.parametrize("name", ["a $HOME", "~", '"quoted"', " blanks ", "$NO_SUCH_VARIABLE"])
def test_a_folder_that_exists_as_it_is_written_is_taken_so(small, name):
    small.write(Path(name))
    assert place(find_published(MNIST, name)) == Path.cwd() / name
    assert place(find_published(MNIST, str(Path.cwd() / name))) == Path.cwd() / name


def test_a_relative_folder_is_one_of_the_working_folder(small):
    small.write(Path("data/mnist"))
    assert place(find_published(MNIST, "data/mnist")) == Path.cwd() / "data/mnist"
    assert place(find_published(MNIST, "./data/../data/mnist")) == Path.cwd() / "data/mnist"


def test_a_folder_that_lacks_files_is_shown_as_it_was_looked_in(small):
    Path("data").mkdir()
    for text, seen in (
        ("data", f"{Path.cwd()}/data has no train-images-idx3-ubyte (nor train-images-idx3-ubyte.gz)"),
        ("nowhere", f"there is no folder {Path.cwd()}/nowhere"),
        ("~/nowhere", f"there is no folder {Path.home()}/nowhere"),
        ("~no-such-user/mnist", f"there is no folder {Path.cwd()}/~no-such-user/mnist"),
    ):
        with pytest.raises(InputError) as caught:
            find_published(MNIST, text)
        assert f"mnist_dir is {text!r}" in str(caught.value)
        assert seen in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_folder_that_may_not_be_read_says_so(small, monkeypatch):
    def locked(folder):
        raise PermissionError(errno.EACCES, "Permission denied", str(folder))

    small.write(Path("locked"))
    monkeypatch.setattr(Path, "iterdir", locked)  # root may read every folder
    with pytest.raises(InputError, match=r"locked cannot be read: Permission denied"):
        find_published(MNIST, "locked")


# --- the files' names -------------------------------------------------------------------------------------


def renamed(change):
    return {part: change(name) for part, name in NAMES.items()}


SPELLED = {
    "as published": NAMES,
    "with a dot": renamed(lambda name: name.replace("-idx", ".idx")),
    "upper case": renamed(str.upper),
    "with a dot, upper case": renamed(lambda name: name.replace("-idx", ".idx").upper()),
    "EMNIST's": renamed(lambda name: "emnist-letters-" + name.replace("t10k", "test")),
}


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("spelling", SPELLED)
def test_names_of_the_files(small, tmp_path, spelling, packed):
    for part, name in SPELLED[spelling].items():
        content = small.contents[part]
        (tmp_path / f"{name}{'.gz' * packed}").write_bytes(gzip.compress(content) if packed else content)
    found = obtain(DATASETS["mnist"], str(tmp_path), [])
    for part, array in small.arrays.items():
        assert np.array_equal(found[part], array.reshape(found[part].shape))


@pytest.mark.parametrize("below", ["MNIST/raw", "raw", "."])
def test_torchvision_s_root_its_subfolder_and_the_folder_itself(small, tmp_path, below):
    small.write(tmp_path / below, compressed=False)
    assert place(find_published(MNIST, str(tmp_path))) == tmp_path / below


def test_each_set_has_its_own_folder_in_torchvision_s_root(small, tmp_path):
    small.write(tmp_path / "MNIST/raw")
    for name, folder in (("fashion_mnist", "FashionMNIST"), ("kmnist", "KMNIST")):
        published = DATASETS[name].published
        with pytest.raises(InputError, match=rf"datasets\.{name}\.folder is .* no train-images"):
            find_published(published, str(tmp_path))
        small.write(tmp_path / folder / "raw")
        assert place(find_published(published, str(tmp_path))) == tmp_path / folder / "raw"


def test_of_twins_the_compressed_one_is_taken(small, tmp_path):
    small.write(tmp_path, compressed=False)
    small.write(tmp_path, compressed=True)
    assert {path.suffix for path in find_idx_files(tmp_path).values()} == {".gz"}


def test_two_files_for_one_part_are_not_chosen_between(small, tmp_path):
    small.write(tmp_path)
    (tmp_path / "emnist-letters-train-labels-idx1-ubyte.gz").write_bytes(b"")
    with pytest.raises(InputError, match=r"two files of train labels, emnist-letters.* and train-labels"):
        find_idx_files(tmp_path)


def test_what_is_no_file_of_the_set_is_passed_over(small, tmp_path):
    small.write(tmp_path)
    (tmp_path / "train-images-idx3-ubyte.gz.part").write_bytes(b"half")
    (tmp_path / "README").write_text("read me")
    (tmp_path / "t10k-images-idx3-ubyte").mkdir()
    assert {path.name for path in find_idx_files(tmp_path).values()} == {f"{n}.gz" for n in NAMES.values()}


# --- the places in their order ----------------------------------------------------------------------------


def test_folders_in_their_order(small, tmp_path, monkeypatch):
    assert find_published(MNIST, "") is None
    small.write(Path("resources/mnist"))
    assert place(find_published(MNIST, "")) == Path("resources/mnist")
    monkeypatch.setenv("MNIST_DIR", str(small.write(tmp_path / "variable")))
    assert place(find_published(MNIST, "")) == tmp_path / "variable"
    named = small.write(tmp_path / "named", compressed=False)
    assert place(find_published(MNIST, str(named))) == named
    monkeypatch.setenv("MNIST_DIR", "")
    assert place(find_published(MNIST, "")) == Path("resources/mnist")


def test_a_half_filled_resources_folder_does_not_count(small):
    small.write(Path("resources/mnist"))
    Path("resources/mnist", f"{NAMES['test_labels']}.gz").unlink()
    assert find_published(MNIST, "") is None


@pytest.mark.parametrize("source", ["mnist_dir", "MNIST_DIR"])
@pytest.mark.parametrize("missing", ["everything", "one file"])
def test_a_named_folder_must_hold_the_files(small, tmp_path, monkeypatch, source, missing):
    small.write(Path("resources/mnist"))  # not to be fallen back on
    folder = tmp_path / "named"
    if missing == "one file":
        (small.write(folder) / f"{NAMES['test_images']}.gz").unlink()
    if source == "MNIST_DIR":
        monkeypatch.setenv("MNIST_DIR", str(folder))
    with pytest.raises(InputError, match=f"{source} is '{folder}'.*idx"):
        find_published(MNIST, str(folder) if source == "mnist_dir" else "")


# --- auto -------------------------------------------------------------------------------------------------


def test_resolve_dataset(small, tmp_path, capsys):
    assert resolve_dataset("mnist", "", []) == "mnist"
    assert resolve_dataset("mnist5k", str(tmp_path / "nowhere"), []) == "mnist5k"
    assert resolve_dataset("auto", str(small.write(tmp_path)), []) == "mnist"
    assert capsys.readouterr().err == ""
    assert resolve_dataset("auto", None, []) == "mnist5k"
    said = capsys.readouterr().err
    for word in ("mnist5k", "mnist_dir", "MNIST_DIR", "resources/mnist"):
        assert word in said


def test_resolve_dataset_does_not_hide_a_wrong_folder(tmp_path):
    with pytest.raises(InputError, match="mnist_dir"):
        resolve_dataset("auto", str(tmp_path), [])
