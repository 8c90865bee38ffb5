"""What a check writes: pages, points, and the formats of course systems."""

import json
import re
from xml.etree import ElementTree

import pytest

from mnist_vae.check.formats import gradescope, junit
from mnist_vae.check.judge import Report, Verdict
from mnist_vae.check.mistakes import MISTAKES
from mnist_vae.check.pages import class_page, page_name, solution_page
from mnist_vae.check.report import ASSIGNMENT, class_text, points_of, read_shares, sums, text
from mnist_vae.errors import InputError
from support.command_line import run_command

ERROR = "MethodError: no method matching update!(::Adam, ::Params) (line 71)"
MISTAKE = next(name for name, mistake in MISTAKES.items() if "log_prior" in mistake.places)
ADA = Report(
    "ada <b>",
    "julia",
    "flux",
    "features-first",
    "float32",
    sandboxed=True,
    verdicts=(
        Verdict("log_prior", "wrong", "gives what it gives when `x` < 1", (MISTAKE,)),
        Verdict("decoder", "right"),
        Verdict("elbo", "failed", ERROR),
        Verdict("loss", "failed", ERROR),
        Verdict("top_half", "absent", "not there yet"),
        Verdict("answer 1", "right", "because"),
    ),
    notes=("Left out of the notebook: `%pip`.",),
)
BOB = Report("=bob", trouble="The file fails: SyntaxError: invalid syntax (line 1).")


def test_an_error_of_several_functions_is_told_once_with_a_hint():
    shown = text(ADA, ASSIGNMENT)
    assert shown.count("MethodError") == 1
    assert "written for an older Flux" in shown
    assert re.search(r"loss +FAILS +the error of `elbo`", shown)
    assert "4 of 48 points, as this project" in shown


def test_a_class_says_which_mistake_in_which_function_and_an_error_once():
    shown = class_text([ADA, ADA, BOB], ASSIGNMENT)
    assert f"`log_prior`: {MISTAKES[MISTAKE].says}" in shown
    assert "`elbo`, `loss`: MethodError: no method matching update!(::Adam, ::Params): written for" in shown
    assert "2 of 3: MethodError" in shown
    assert "4 of 48 points" in shown
    assert "unexplained" not in shown


def test_pages_escape_what_students_wrote_and_link_to_each_other():
    page = solution_page(ADA, ASSIGNMENT, "../class.html")
    assert "<b>" not in page
    assert "<h2>1: the model</h2>" in page
    assert '<tr class="wrong"><th scope="row"><code>log_<wbr>prior</code></th>' in page
    assert '<td class="points">0 of 2</td>' in page
    assert "<code>x</code> &lt; 1" in page
    assert '<a href="../class.html">' in page
    everyone = class_page([ADA, BOB], ["a/1.html", "a/2.html"], ASSIGNMENT)
    assert '<a href="a/1.html">ada &lt;b&gt;</a>' in everyone
    assert everyone.count("<tr") == (1 + 2) + (1 + 1)
    assert page_name(7, "../Zoë/<x>") == "007-Zo-x.html"


# --- points -------------------------------------------------------------------------------------------------


def test_points_are_a_teachers_own(tmp_path):
    path = tmp_path / "points.txt"
    path.write_text("# ours\nelbo 10\nlog_prior, 2.5  # a comment\n\nanswers: 5\n")
    shares = read_shares(path)
    assert sums(ADA, shares) == (1.0, 17.5)
    assert points_of(ADA.verdicts[0], shares) == (0.0, 2.5)
    assert "1 of 17.5 points." in text(ADA, shares)
    assert sums(ADA, ASSIGNMENT)[1] == 48


@pytest.mark.parametrize("line", ["elbo", "elbo five", "elbow 5", "elbo -1", "elbo 1 2"])
def test_a_line_that_gives_no_points_is_named(tmp_path, line):
    path = tmp_path / "points.txt"
    path.write_text(f"log_prior 2\n{line}\n")
    with pytest.raises(InputError, match=f"points.txt, line 2: '{line}' is not a function and its points"):
        read_shares(path)


# --- formats ------------------------------------------------------------------------------------------------


def test_gradescopes_results():
    """Fields and values as Gradescope specifies them, each test with a score."""
    found = json.loads(gradescope(ADA, ASSIGNMENT))
    assert set(found) == {"output", "tests"}
    assert [test["name"] for test in found["tests"]] == [v.function for v in ADA.verdicts]
    for test in found["tests"]:
        assert set(test) == {"name", "score", "max_score", "status", "output"}
        assert test["status"] in ("passed", "failed")
        assert 0 <= test["score"] <= test["max_score"]
    assert sum(test["score"] for test in found["tests"]) == sums(ADA, ASSIGNMENT)[0]
    broken = json.loads(gradescope(BOB, ASSIGNMENT))
    assert (broken["score"], "SyntaxError" in broken["output"]) == (0, True)


def test_junit_xml():
    """Order, elements and attributes as Jenkins' schema and GitLab's page require."""
    root = ElementTree.fromstring(junit([ADA, BOB], ASSIGNMENT))
    assert (root.tag, root.attrib["tests"], root.attrib["failures"], root.attrib["errors"]) == (
        "testsuites",
        "7",
        "1",
        "3",
    )
    first, second = root
    assert first.attrib | {"name": ""} == {
        "name": "",
        "tests": "6",
        "failures": "1",
        "errors": "2",
        "skipped": "1",
    }
    assert [[child.tag for child in case] for case in first.iter("testcase")] == [
        ["failure"], [], ["error"], ["error"], ["skipped"], [],
    ]  # fmt: skip
    assert {case.attrib["classname"] for case in first.iter("testcase")} == {"ada <b>"}
    assert "SyntaxError" in second.find("testcase/error").text


def test_a_missing_package_is_no_points_either_way():
    """A missing package costs no points and is not a failure: the report says that nothing was judged."""
    lacks = Report("eve", trouble="The file needs the package jax, and is not judged.", missing="jax")
    assert "not judged  The file needs" in class_text([lacks], ASSIGNMENT)
    assert '<td class="count"></td><td class="count">48</td>' in class_page([lacks], ["x"], ASSIGNMENT)
    assert ElementTree.fromstring(junit([lacks], ASSIGNMENT)).find("testsuite/testcase/skipped") is not None
    with pytest.raises(InputError, match="Install it where the autograder runs"):
        gradescope(lacks, ASSIGNMENT)


def test_command_writes_the_formats(tmp_path, capsys):
    path = tmp_path / "mine.py"
    path.write_text("import numpy as np\ndef top_half(x): return x[:, :392]\n")
    words = f"check {path} --layout batch-first --dtype float64 --format gradescope {tmp_path}/results.json"
    assert run_command(f"{words} --format junit {tmp_path}/x.xml") == 0
    (test,) = [t for t in json.loads((tmp_path / "results.json").read_text())["tests"] if t["score"]]
    assert (test["name"], test["score"]) == ("top_half", 2)
    assert ElementTree.parse(tmp_path / "x.xml").getroot().attrib["failures"] == "0"
    assert run_command(f"check {path} --format tap x") == 1
    assert run_command(f"check --class {tmp_path} --format gradescope x") == 1
    errors = capsys.readouterr().err
    assert "the formats are gradescope and junit" in errors
    assert "takes one solution" in errors
