"""Thousands of wrong inputs, drawn by a fixed seed: each gives one clear error or the right result."""

import argparse
import copy
import gzip
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnist_vae.commands import train
from mnist_vae.config.check import check_config
from mnist_vae.config.layers import complete_config, read_config
from mnist_vae.config.models import complete_recipes, settings_at
from mnist_vae.data.idx import read_published
from mnist_vae.errors import InputError
from mnist_vae.parameters import option_words
from support.project import ROOT
from support.small_mnist import replace_published_files

DEFAULT = read_config(ROOT / "config/config.yaml")


# --- IDX files --------------------------------------------------------------------------------------------


def flipped(content, chance, start, end):
    """One to eight flipped bits between two places."""
    changed = bytearray(content)
    for _ in range(chance.randint(1, 8)):
        changed[chance.randrange(start, end)] ^= 1 << chance.randrange(8)
    return bytes(changed)


def lengths_changed(content, chance):
    """Another number of images, rows or columns in the header."""
    place = chance.choice([4, 8, 12])
    number = chance.choice([0, 1, 2**31 - 1, 2**31, 2**32 - 1, chance.randrange(2**32)])
    return content[:place] + number.to_bytes(4, "big") + content[place + 4 :]


MUTATIONS = {
    "header": lambda raw, chance: gzip.compress(flipped(raw, chance, 0, 16)),
    "plain header": lambda raw, chance: flipped(raw, chance, 0, 16),
    "lengths": lambda raw, chance: gzip.compress(lengths_changed(raw, chance)),
    "truncated": lambda raw, chance: gzip.compress(raw[: chance.randrange(len(raw))]),
    "plain truncated": lambda raw, chance: raw[: chance.randrange(len(raw))],
    "gzip truncated": lambda raw, chance: (packed := gzip.compress(raw))[: chance.randrange(len(packed))],
    "gzip damaged": lambda raw, chance: flipped(packed := gzip.compress(raw), chance, 0, len(packed)),
    "gzip header": lambda raw, chance: flipped(gzip.compress(raw), chance, 0, 12),
    "trailing": lambda raw, chance: gzip.compress(raw + chance.randbytes(chance.randint(1, 5000))),
    "trailing gzip": lambda raw, chance: gzip.compress(raw) + chance.randbytes(chance.randint(1, 50)),
    "another gzip": lambda raw, chance: gzip.compress(raw) + gzip.compress(chance.randbytes(9)),
    "a bomb": lambda raw, chance: gzip.compress(raw + bytes(chance.randint(1, 5_000_000)), compresslevel=1),
    "noise": lambda raw, chance: chance.randbytes(chance.randint(0, 3000)),
}


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_mutated_idx_files_are_refused_or_right(tmp_path, monkeypatch, mutation):
    """2,000 in all. Some damage, as to a gzip header's comment, leaves the contents intact."""
    small = replace_published_files(monkeypatch)
    file, raw = small.files["train_images"], small.contents["train_images"]
    right = small.arrays["train_images"]
    chance, path = random.Random(mutation), tmp_path / file.name
    for _ in range(20 if mutation == "a bomb" else -(-2_000 // (len(MUTATIONS) - 1))):
        path.write_bytes(MUTATIONS[mutation](raw, chance))
        try:
            found = read_published(path, file)
        except InputError as error:
            said = str(error)
            assert str(path) in said
            assert "\n" not in said
        else:
            assert np.array_equal(found, right)


# --- the configuration ------------------------------------------------------------------------------------


def places(section, prefix=()):
    """Paths of names and indices to every key of the default configuration."""
    for key, value in section.items() if isinstance(section, dict) else enumerate(section):
        yield (*prefix, key)
        if isinstance(value, dict | list):
            yield from places(value, (*prefix, key))


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 5_000),
    st.integers(),
    st.floats(),
    st.sampled_from(
        [0, 1, 0.5, "1e-3", "nan", "mnist", "reference", "https://mirror.invalid", "", "\n", "'; ls"]
    ),
    st.text(max_size=8),
)
VALUES = st.one_of(
    SCALARS,
    st.lists(SCALARS, max_size=4),
    st.lists(st.integers(0, 60_000), min_size=1, max_size=4),
    st.dictionaries(st.one_of(st.text(max_size=5), st.integers(0, 5_000)), SCALARS, max_size=3),
    st.dictionaries(st.sampled_from(["1", "100"]), st.integers(1, 9), max_size=2),
)
CHANGES = st.lists(
    st.tuples(
        st.sampled_from(sorted(places(DEFAULT), key=str)), st.sampled_from(["set", "new", "del"]), VALUES
    ),
    min_size=1,
    max_size=3,
)


def changed(changes):
    """The default configuration with values replaced, keys added, and keys deleted."""
    config = copy.deepcopy(DEFAULT)
    for (*sections, key), how, value in changes:
        try:
            section = config
            for name in sections:
                section = section[name]
            if how == "del":
                del section[key]
            else:
                section[key if how == "set" else "new"] = copy.deepcopy(value)
        except (KeyError, IndexError, TypeError, AttributeError):
            continue  # an earlier change took its place away
    return complete_config(config)


def test_generated_configurations_are_refused_in_one_line_or_can_be_run():
    accepted = []

    @settings(max_examples=500)
    @given(CHANGES)
    def check(changes):
        config = changed(changes)
        try:
            check_config(config)
        except InputError as error:
            said = str(error)
            assert said.startswith("config: ")
            assert len(said.splitlines()) == 1
            return
        accepted.append(config)
        parser = argparse.ArgumentParser()
        train.add_arguments(parser)
        datasets = config["train_sizes"] if config["dataset"] == "auto" else [config["dataset"]]
        for recipe in complete_recipes(config).values():
            for n in (n for dataset in datasets for n in recipe["train_sizes"][dataset]):
                options = option_words(settings_at(recipe, n))
                for seed in recipe["seeds"]:
                    parser.parse_args([*"dgwhs", "--recipe=r", f"--n={n}", f"--seed={seed}", *options])

    check()
    assert len(accepted) > 20  # else this would have shown less than it says
