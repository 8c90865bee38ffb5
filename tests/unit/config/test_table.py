"""config/README.md agrees with the dataclasses."""

import re

from mnist_vae.config.layers import complete_config, read_config
from mnist_vae.config.table import config_fields, config_table, with_table
from support.project import ROOT

PAGE = ROOT / "config/README.md"


def test_the_table_is_current():
    """If this fails: python -m mnist_vae.config.table config/README.md."""
    page = PAGE.read_text()
    assert with_table(page) == page


def test_every_key_of_the_file_is_in_the_table():
    keys = {key for key, _ in config_fields()}
    for name, section in complete_config(read_config(ROOT / "config/config.yaml")).items():
        if name == "recipes":
            assert {f"recipes.*.{key}" for recipe in section.values() for key in recipe} <= keys
        elif isinstance(section, dict) and name != "train_sizes":
            assert {f"{name}.{key}" for key in section} <= keys
        else:
            assert name in keys


def test_every_row_has_four_cells():
    for row in config_table().splitlines():
        assert len(re.split(r"(?<!\\)\|", row)) == 6, row
