"""The user's own data set: read unchanged, or refused in one sentence that says what to do."""

import hashlib
import zipfile

import numpy as np
import pytest

from mnist_vae.data.datasets import DATASETS, Dataset
from mnist_vae.data.digits import load_digits
from mnist_vae.data.obtain import default_train_sizes, describe
from mnist_vae.data.own import describe_own, hash_own, read_own
from mnist_vae.errors import InputError
from mnist_vae.files.storage import load_arrays, load_provenance
from support.command_line import run_command
from support.small_mnist import idx, write_idx
from support.strangers import KINDS, NPZ_NAMES, some_digits, write_npz


@pytest.fixture(scope="module")
def digits():
    return some_digits()


def describe_folder(folder, **settings):
    return describe("letters", {"letters": {"folder": str(folder), **settings}})


# --- what is read -----------------------------------------------------------------------------------------


def write_dotted(folder, digits):
    names = {part: f"{name}.idx{3 if 'images' in part else 1}-ubyte" for part, name in STEMS.items()}
    return write_idx(folder, digits, compressed=False, names=names)


STEMS = {
    "train_images": "train-images",
    "train_labels": "train-labels",
    "test_images": "t10k-images",
    "test_labels": "t10k-labels",
}
FORMS = {
    "IDX, compressed": write_idx,
    "IDX": lambda folder, digits: write_idx(folder, digits, compressed=False),
    "IDX with a dot": write_dotted,
    "a folder's npz": lambda folder, digits: write_npz(folder / "my digits.npz", digits).parent,
    "an npz itself": lambda folder, digits: write_npz(folder / "digits.NPZ", digits),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_stranger_s_set_goes_from_its_files_to_binary_pictures(tmp_path, digits, kind, form):
    expected = KINDS[kind](digits)
    place = FORMS[form](tmp_path / "étrange folder", expected)
    grey, binary = tmp_path / "grey.safetensors", tmp_path / "binarized.safetensors"
    assert run_command(["obtain", "letters", str(grey), "--folder", str(place)]) == 0
    assert run_command(["binarize", str(grey), str(binary)]) == 0
    for split, count in (("train", 200), ("test", 100)):
        images, labels = load_digits(binary, split)
        assert np.array_equal(images.reshape(-1, 28, 28), expected[f"{split}_images"] >= 128)
        assert np.array_equal(load_digits(grey, split)[0].reshape(-1, 28, 28), expected[f"{split}_images"])
        if kind == "without labels":
            assert labels is None
        else:
            assert np.array_equal(labels, expected[f"{split}_labels"])
        assert len(images) == count
    number = {"two classes": 2, "47 classes": 47}.get(kind, 10)
    classes = {} if kind == "without labels" else {"classes": [str(label) for label in range(number)]}
    provenance = load_provenance(binary)
    assert provenance.pop("files") == hash_own("letters", str(place))
    assert provenance == {"dataset": "letters", "threshold": 128} | classes
    assert describe_folder(place) == Dataset("letters", 200, 100, classes=())


@pytest.mark.parametrize("shape", [(784,), (28, 28), (28, 28, 1), (1, 28, 28)])
def test_shapes_of_pictures(tmp_path, digits, shape):
    reshaped = {part: a.reshape(len(a), *shape) if "images" in part else a for part, a in digits.items()}
    write_npz(tmp_path / "a.npz", reshaped)
    found = read_own("letters", str(tmp_path))
    assert np.array_equal(found["train_images"], digits["train_images"].reshape(-1, 784))


@pytest.mark.parametrize("dtype", ["int64", "uint8", ">i4", "int8"])
@pytest.mark.parametrize("shape", [(-1,), (-1, 1)])
def test_types_of_labels(tmp_path, digits, dtype, shape):
    changed = {part: a.astype(dtype).reshape(shape) if "labels" in part else a for part, a in digits.items()}
    write_npz(tmp_path / "a.npz", changed)
    found = read_own("letters", str(tmp_path))
    assert found["test_labels"].dtype == np.uint8
    assert np.array_equal(found["test_labels"], digits["test_labels"])


def test_threshold_and_names_of_classes(tmp_path, digits):
    faces = KINDS["two classes"](digits)
    folder = write_idx(tmp_path / "faces", faces)
    settings = {"threshold": 90, "classes": ["smile", "frown"]}
    assert describe_folder(folder, **settings) == Dataset("letters", 200, 100, ("smile", "frown"), 90)
    grey, binary = tmp_path / "grey", tmp_path / "binary"
    words = ["obtain", "faces", str(grey), "--folder", str(folder), "--classes", '["a smile", "-frown"]']
    assert run_command(words) == 0
    assert run_command(["binarize", str(grey), str(binary), "--threshold", "90"]) == 0
    assert load_provenance(binary)["classes"] == ["a smile", "-frown"]
    assert load_provenance(binary)["threshold"] == 90
    expected = faces["train_images"].reshape(-1, 784) >= 90
    assert np.array_equal(load_arrays(binary)["train_images"], expected)
    assert not np.array_equal(expected, faces["train_images"].reshape(-1, 784) >= 128)


def test_hashes_are_those_of_the_bytes(tmp_path, digits):
    folder = write_idx(tmp_path / "set", digits)
    before = hash_own("letters", str(folder))
    path = folder / "train-labels-idx1-ubyte.gz"
    assert before[path.name] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert len(before) == 4
    path.touch()
    assert hash_own("letters", str(folder)) == before
    path.write_bytes(idx(digits["train_labels"][::-1].copy()))
    assert hash_own("letters", str(folder)) != before


@pytest.mark.parametrize(
    ("images", "sizes"),
    [(300, [300]), (1_000, [1_000]), (4_000, [1_000, 4_000]), (60_000, [1_000, 10_000]), (2, [2])],
)
def test_train_sizes_as_far_as_there_are_images(images, sizes):
    assert default_train_sizes(Dataset("letters", images, 100)) == sizes


def test_descriptions_of_the_table_and_of_one_s_own(tmp_path, digits):
    assert describe("kmnist", {}) is DATASETS["kmnist"]
    with pytest.raises(InputError, match=r"no data set 'cifar'; there are mnist, mnist5k, .*, letters"):
        describe("cifar", {"letters": {}})


# --- what is refused --------------------------------------------------------------------------------------


def one_line(error):
    assert "\n" not in str(error.value)
    return str(error.value)


def changed(digits, **changes):
    return {part: changes.get(part, array) for part, array in digits.items()}


def wrong_arrays(digits):
    """Wrong arrays of an archive, and parts of the error message."""
    x, y = digits["train_images"], digits["train_labels"]
    return {
        "pictures last": ({"x_train": x.transpose(1, 2, 0)}, ["(28, 28, 200)", "images.transpose(2, 0, 1)"]),
        "transposed": ({"x_train": x.reshape(-1, 784).T}, ["(784, 200)", "save images.T"]),
        "32 x 32": ({"x_test": np.zeros((9, 32, 32), np.uint8)}, ["(9, 32, 32)", "resize"]),
        "colours": ({"x_test": np.zeros((9, 28, 28, 3), np.uint8)}, ["(9, 28, 28, 3)", "grey values"]),
        "one picture": ({"x_train": x[0]}, ["(28, 28)", "(count, 28, 28)"]),
        "a number": ({"x_train": np.uint8(3)}, ["the shape ()"]),
        "floats": ({"x_train": x / 255}, ["float64", "255 * images"]),
        "booleans": ({"x_train": x > 0}, ["bool", "threshold: 1"]),
        "integers": ({"x_train": x.astype(int)}, ["int64", "uint8"]),
        "text": ({"x_train": x.astype("U3")}, ["<U3", "uint8"]),
        "no pictures": ({"x_train": x[:0]}, ["2 or more images are needed, and it has 0"]),
        "one test picture": ({"x_test": x[:1]}, ["2 or more images are needed, and it has 1"]),
        "too few labels": ({"y_train": y[:-1]}, ["(199,)", "200 images"]),
        "one-hot labels": ({"y_train": np.eye(10)[y].astype(int)}, ["(200, 10)", "200 images"]),
        "labels as floats": ({"y_train": y.astype(float)}, ["float64", "whole numbers"]),
        "labels as text": ({"y_train": y.astype("U1")}, ["<U1", "whole numbers"]),
        "a negative label": ({"y_train": y.astype(int) - 1}, ["label -1", "0 to 255"]),
        "a large label": ({"y_train": y.astype(int) + 300}, ["label 309", "0 to 255"]),
    }


@pytest.mark.parametrize("flaw", wrong_arrays(some_digits(200, 2)))
def test_wrong_arrays_are_refused_in_a_sentence(tmp_path, digits, flaw):
    changes, words = wrong_arrays(digits)[flaw]
    path = write_npz(tmp_path / "set.npz", digits, **changes)
    with pytest.raises(InputError) as error:
        read_own("letters", str(tmp_path))
    for word in (f"{path}: {next(iter(changes))}", *words):
        assert word in one_line(error)
    if "label" not in flaw or "as" in flaw or "one-hot" in flaw or "few" in flaw:
        with pytest.raises(InputError):  # already by the headers, before any job
            describe_folder(tmp_path)


def test_the_same_of_idx_files(tmp_path, digits):
    x = digits["train_images"]
    for array, words in (
        (x.transpose(1, 2, 0).copy(), ["(28, 28, 200)", "transpose(2, 0, 1)"]),
        (x[:, :27].copy(), ["(200, 27, 28)"]),
        (x[:1], ["it has 1"]),
        (x[:150], ["(200,)", "150 images"]),
    ):
        folder = write_idx(tmp_path, changed(digits, train_images=array))
        with pytest.raises(InputError) as error:
            describe_folder(folder)
        for word in words:
            assert word in one_line(error)


CONTENTS = {
    "empty": (b"", "is not an IDX file: it starts with nothing"),
    "text": (b"<!DOCTYPE html>", "is not an IDX file"),
    "a cut header": (b"\0\0\x08\x03\0\0", "ends within its header"),
    "an unknown type": (b"\0\0\x07\x01\0\0\0\x05hello", "is not an IDX file"),
    "a damaged gzip": (b"\x1f\x8b\x08\0\0\0\0\0", "cannot be read"),
}


@pytest.mark.parametrize("flaw", CONTENTS)
def test_what_is_no_idx_file(tmp_path, digits, flaw):
    content, said = CONTENTS[flaw]
    path = write_idx(tmp_path, digits) / "t10k-images-idx3-ubyte.gz"
    path.write_bytes(content)
    with pytest.raises(InputError, match=f"{path} {said}"):
        describe_folder(tmp_path)


@pytest.mark.parametrize(("cut", "said"), [(-1, "there are 78399"), (None, "there are more than 78400")])
def test_an_idx_file_of_another_length_than_it_says(tmp_path, digits, cut, said):
    path = write_idx(tmp_path, digits, compressed=False) / "t10k-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:cut] if cut else path.read_bytes() + b"x")
    with pytest.raises(
        InputError, match=rf"{path}: its header says \(100, 28, 28\), 78400 bytes, but {said}"
    ):
        read_own("letters", str(tmp_path))


def test_a_huge_header_costs_nothing(tmp_path, digits):
    path = write_idx(tmp_path, digits, compressed=False) / "t10k-images-idx3-ubyte"
    path.write_bytes(b"\0\0\x08\x03\xff\xff\xff\xff\0\0\0\x1c\0\0\0\x1c" + bytes(100))
    (tmp_path / "t10k-labels-idx1-ubyte").unlink()
    (tmp_path / "train-labels-idx1-ubyte").unlink()
    with pytest.raises(InputError, match="there are 100"):
        read_own("letters", str(tmp_path))


def test_archives_that_cannot_be_read(tmp_path, digits):
    path = write_npz(tmp_path / "set.npz", digits)
    whole = path.read_bytes()
    for content in (b"", b"PK", whole[:-30], whole[: len(whole) // 2], b"<html>"):
        path.write_bytes(content)
        with pytest.raises(InputError, match=f"{path} cannot be read"):
            describe_folder(tmp_path)
    flipped = bytearray(whole)
    flipped[len(whole) // 3] ^= 0xFF
    path.write_bytes(flipped)
    with pytest.raises(InputError, match=f"{path} cannot be read"):
        read_own("letters", str(tmp_path))


def test_pickles_are_not_opened(tmp_path, digits):
    write_npz(tmp_path / "set.npz", digits, x_train=np.array([{"a": 1}], dtype=object))
    with pytest.raises(InputError):
        read_own("letters", str(tmp_path))


def test_an_archive_of_other_names(tmp_path, digits):
    with zipfile.ZipFile(tmp_path / "set.npz", "w") as archive:
        archive.writestr("images.npy", b"")
        archive.writestr("labels.npy", b"")
    said = r"set\.npz has no x_train, only images, labels; name its arrays x_train, y_train, x_test, y_test"
    for place in (tmp_path, tmp_path / "set.npz"):
        with pytest.raises(InputError, match=said):
            describe_folder(place)


def test_an_empty_folder_and_a_file_of_another_kind(tmp_path):
    (tmp_path / "set.csv").write_text("label,pixel0\n7,255\n")
    for place in (tmp_path, tmp_path / "set.csv"):
        with pytest.raises(InputError, match=r"no train-images-idx3-ubyte .*and no \.npz with x_train; put"):
            describe_folder(place)


@pytest.mark.parametrize("part", ["train_images", "test_images"])
@pytest.mark.parametrize("form", ["IDX", "npz"])
def test_pictures_that_are_missing(tmp_path, digits, part, form):
    rest = {name: array for name, array in digits.items() if name != part}
    write_idx(tmp_path, rest) if form == "IDX" else write_npz(tmp_path / "a.npz", rest)
    with pytest.raises(InputError, match=rf"datasets\.letters\.folder is .* has no .*{NPZ_NAMES[part]}"):
        describe_folder(tmp_path)


@pytest.mark.parametrize("part", ["train_labels", "test_labels"])
def test_labels_of_one_split_only(tmp_path, digits, part):
    write_idx(tmp_path, {name: array for name, array in digits.items() if name != part})
    with pytest.raises(InputError, match="supply both, or neither"):
        describe_folder(tmp_path)


def test_two_sets_in_one_folder(tmp_path, digits):
    write_npz(tmp_path / "a.npz", digits)
    write_npz(tmp_path / "b.npz", digits)
    with pytest.raises(InputError, match=r"more than one data set: a\.npz, b\.npz"):
        describe_folder(tmp_path)
    assert describe_folder(tmp_path / "a.npz").train_images == 200
    (tmp_path / "b.npz").unlink()
    write_idx(tmp_path, digits)
    with pytest.raises(InputError, match="more than one data set"):
        describe_folder(tmp_path)


@pytest.mark.parametrize("folder", [None, "", " "])
def test_no_folder(folder):
    with pytest.raises(InputError, match=r"datasets\.letters needs the folder of its files"):
        describe_own("letters", {"folder": folder})


def test_a_folder_that_is_not_there_is_shown_whole(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=f"folder is 'no/where', but there is no {tmp_path}/no/where"):
        describe_folder("no/where")


@pytest.mark.parametrize(("threshold", "said"), [("200", "0 to 1"), ("2", "0 to 1")])
def test_a_threshold_that_makes_all_pixels_alike(tmp_path, digits, capsys, threshold, said):
    binary = {part: a // 128 if "images" in part else a for part, a in digits.items()}
    write_idx(tmp_path, binary)
    grey = tmp_path / "grey"
    assert run_command(["obtain", "letters", str(grey), "--folder", str(tmp_path)]) == 0
    assert run_command(["binarize", str(grey), str(tmp_path / "out"), "--threshold", threshold]) == 1
    assert f"their grey values are {said}" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert run_command(["binarize", str(grey), str(tmp_path / "out"), "--threshold", "1"]) == 0


def test_fewer_names_than_labels(tmp_path, digits, capsys):
    folder = write_idx(tmp_path, digits)
    words = ["obtain", "letters", str(tmp_path / "grey"), "--folder", str(folder), "--classes", '["a", "b"]']
    assert run_command(words) == 1
    assert "labels up to 9, but only 2 classes: a, b; give 10 names" in capsys.readouterr().err


@pytest.mark.parametrize(("kind", "told"), [("inverted", True), ("permuted", False)])
def test_inverted_pictures_are_told(tmp_path, digits, capsys, kind, told):
    folder = write_idx(tmp_path, KINDS[kind](digits))
    assert run_command(["obtain", "letters", str(tmp_path / "grey"), "--folder", str(folder)]) == 0
    assert run_command(["binarize", str(tmp_path / "grey"), str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out
    assert ("look inverted" in said) == told
    assert said.count("\n") == told
