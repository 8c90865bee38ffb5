"""User settings replace the defaults: sections key by key, values whole; null restores a default."""

import pytest
import yaml

from mnist_vae.config.check import check_config
from mnist_vae.config.layers import complete_config, defaults, read_config, with_numbers
from mnist_vae.config.models import complete_recipes
from mnist_vae.errors import InputError
from support.project import ROOT

FILE = read_config(ROOT / "config/config.yaml")


def completed(*layers):
    """YAML texts laid over the project's own file; the result passes the check."""
    config = complete_config(FILE, *(yaml.safe_load(layer) for layer in layers))
    check_config(config)
    return config


def test_the_file_says_the_defaults():
    config = complete_config(FILE)
    assert config.keys() == FILE.keys()
    assert config | {"recipes": {}} == defaults()


def test_sections_are_merged_by_key():
    config = completed("evaluation: {draws: 7}", "train_sizes: {mnist: [2000]}")
    assert config["evaluation"] == {"draws": 7, "first_100_draws": 100}
    assert config["train_sizes"] == {"mnist": [2000], "mnist5k": [1000, 4000]}


def test_a_setting_by_train_size_is_replaced_whole():
    config = completed("recipes: {strong: {epochs: {1: 300, 10000: 50}}}")
    assert config["recipes"]["strong"]["epochs"] == {"1": 300, "10000": 50}
    assert config["recipes"]["strong"]["decay"] == 0.8


def test_of_several_files_the_later_one_replaces_it():
    first, second = "recipes: {strong: {epochs: {1: 9, 500: 3}}}", "recipes: {strong: {epochs: {1: 7}}}"
    assert completed(first, second)["recipes"]["strong"]["epochs"] == {"1": 7}
    assert completed(second, first)["recipes"]["strong"]["epochs"] == {"1": 9, "500": 3}


def test_seeds_of_ones_own_are_every_recipes_for_which_one_sets_no_others():
    own = "recipes: {strong: {seeds: [9]}}"

    def seeds(*layers):
        return {name: recipe["seeds"] for name, recipe in complete_recipes(completed(*layers)).items()}

    assert seeds() == {"reference": [1, 2, 3, 4, 5], "strong": [1, 2, 3], "torch_init": [1, 2, 3]}
    assert seeds("seeds: [7]") == dict.fromkeys(seeds(), [7])
    mixed = dict.fromkeys(seeds(), [7]) | {"strong": [9]}
    assert seeds("seeds: [7]", own) == seeds(own + "\nseeds: [7]") == seeds(own, "seeds: [7]") == mixed
    assert seeds("seeds:") == seeds()


def test_a_number_replaces_a_setting_by_train_size_and_the_reverse():
    config = completed("recipes: {strong: {epochs: 5, learning_rate: {1: 0.1}}}")
    assert config["recipes"]["strong"]["epochs"] == 5
    assert config["recipes"]["strong"]["learning_rate"] == {"1": 0.1}


@pytest.mark.parametrize(
    ("layer", "path", "value"),
    [
        ("mnist_dir:", ["mnist_dir"], ""),
        ("mirrors:", ["mirrors"], []),
        ("seeds:", ["seeds"], [1, 2, 3]),
        ("evaluation:", ["evaluation"], {"draws": 3, "first_100_draws": 100}),
        ("evaluation: {draws: }", ["evaluation", "draws"], 3),
        ("train_sizes: {mnist: }", ["train_sizes", "mnist"], [1000, 10_000]),
        ("figures: {seed: }", ["figures", "seed"], None),
    ],
)
def test_an_empty_key_has_its_default(layer, path, value):
    changed = "{seeds: [9], evaluation: {draws: 9}, train_sizes: {mnist: [9]}, mnist_dir: x}"
    found = completed(changed, layer) if path[0] != "seeds" else completed(layer)
    for key in path:
        found = found[key]
    assert found == value


def test_an_empty_recipe_is_dropped_and_an_empty_setting_is_the_references():
    config = completed("recipes: {torch_init: , strong: {decay: }}")
    assert list(config["recipes"]) == ["reference", "strong"]
    assert "decay" not in config["recipes"]["strong"]


def test_the_reference_cannot_be_dropped():
    with pytest.raises(InputError, match="reference is missing in recipes"):
        completed("recipes: {reference: }")


def test_nothing_is_changed_in_place():
    before = yaml.safe_dump(FILE)
    completed("recipes: {strong: {epochs: 3}, torch_init: }", "seeds: [9]")
    assert yaml.safe_dump(FILE) == before


@pytest.mark.parametrize("text", ["- a\n", "[", "text", "5"])
def test_a_file_that_is_no_configuration_is_named(tmp_path, text):
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(InputError, match=r"mine\.yaml") as caught:
        read_config(tmp_path / "mine.yaml")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("seeds: [7]\ngaps: {images: 9}\nseeds: [9]\n", "seeds twice, in line 1 and in line 3"),
        ("recipes:\n  strong: {epochs: 1}\n  strong: {decay: 0}\n", "strong twice, in line 2 and in line 3"),
        ('{"gaps": {"images": 9, "images": 8}}', "images twice, in line 1 and in line 1"),
        ("recipes: {strong: {epochs: {1: 2, '1': 3}}}", "1 twice"),
        ("a: &a\n  b: *a\n  c: [{d: 1, d: 2}]\n", "d twice, in line 3"),
        ("seeds:\n- 1\n- 010\n", "010 in line 3, which YAML reads as 8"),
        ("train_sizes: {mnist: [1:40]}", "1:40 in line 1, which YAML reads as 100"),
        ("recipes: {strong: {epochs: {010: 4}}}", "010 in line 1"),
    ],
)
def test_what_yaml_reads_otherwise_than_it_looks_is_refused(tmp_path, text, said):
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(InputError, match=f"mine.yaml has (the key )?{said}"):
        read_config(tmp_path / "mine.yaml")


def test_a_recipe_may_say_again_what_it_merges(tmp_path):
    (tmp_path / "mine.yaml").write_text("a: &a {x: 0x10, y: '010'}\nb: {<<: *a, x: -0.5}\nc: {<<: *a}\n")
    assert read_config(tmp_path / "mine.yaml")["b"] == {"x": -0.5, "y": "010"}


@pytest.mark.parametrize(("encoding", "line"), [("cp1252", 2), ("latin-1", 2), ("utf-16", 1)])
def test_a_file_in_another_encoding_is_named_with_its_line(tmp_path, encoding, line):
    (tmp_path / "mine.yaml").write_text("seeds: [1]\nmnist_dir: Zürich\n", encoding=encoding)
    with pytest.raises(InputError, match=rf"mine\.yaml is not UTF-8 \(line {line}\)"):
        read_config(tmp_path / "mine.yaml")


def test_a_mark_of_utf_8_is_no_key(tmp_path):
    (tmp_path / "mine.yaml").write_text("seeds: [1]\n", encoding="utf-8-sig")
    assert read_config(tmp_path / "mine.yaml") == {"seeds": [1]}


@pytest.mark.parametrize("name", ["nothing.yaml", "."])
def test_a_file_that_cannot_be_read_is_named(tmp_path, name):
    with pytest.raises(InputError, match=r"cannot be read: (No such file|Is a directory)"):
        read_config(tmp_path / name)


def test_an_empty_file_sets_nothing(tmp_path):
    (tmp_path / "mine.yaml").write_text("# nothing\n")
    assert read_config(tmp_path / "mine.yaml") == {}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 1e-3),
        ("2E5", 2e5),
        ("7", 7),
        ("-0.5", -0.5),
        ("nan", "nan"),
        ("inf", "inf"),
        ("1e999", "1e999"),
        ("auto", "auto"),
        ("", ""),
        (True, True),
        (None, None),
        (["1", "x"], [1, "x"]),
        ({"seeds": ["1"], "deep": {"rate": "1e-3"}}, {"seeds": [1], "deep": {"rate": 1e-3}}),
    ],
)
def test_numbers_that_arrive_as_text(text, value):
    """As YAML 1.1 reads 1e-3, and Snakemake what follows --config."""
    found = with_numbers(text)
    assert found == value
    assert type(found) is type(value)
