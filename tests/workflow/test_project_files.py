"""What the project's own files say of each other."""

import re
import tomllib

import pytest
import yaml

from support.project import ROOT

LOCK = dict(
    line.strip().lower().split("==")
    for line in (ROOT / "requirements.lock").read_text().splitlines()
    if line.strip() and not line.startswith("#")
)


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("path", sorted((ROOT / "envs").glob("*.yaml")), ids=lambda path: path.name)
def test_environments_pin_what_the_lock_pins(path):
    packages = next(
        entry["pip"] for entry in yaml.safe_load(path.read_text())["dependencies"] if isinstance(entry, dict)
    )
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    locked = {canonical(name): version for name, version in LOCK.items()}
    for extra in ("julia", "benchmarks"):  # not in everyone's environment
        locked |= dict(requirement.split("==") for requirement in extras[extra])
    for package in packages:
        name, version = package.split("==")
        assert locked[canonical(name)] == version


def test_lock_pins_every_dependency():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = project["dependencies"] + project["optional-dependencies"]["test"]
    names = {canonical(re.match(r"[\w.-]+", requirement)[0]) for requirement in wanted}
    assert names <= {canonical(name) for name in LOCK}


def test_citation_names_this_version():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"] == project["version"]


def test_every_library_module_and_figure_is_reachable_from_a_rule():
    rules = "".join(path.read_text() for path in (ROOT / "workflow/rules").glob("*.smk"))
    for command in (ROOT / "workflow/mnist_vae/commands").glob("[a-z]*.py"):
        if command.stem in ("verify", "quote"):  # of `make verify`, and of the pages
            continue
        assert re.search(rf'(code|sources)\((.*, )?"{command.stem}"', rules), command.stem
