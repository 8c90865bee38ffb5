"""Reports in the formats of course systems."""

import json
from collections import Counter
from collections.abc import Sequence
from xml.etree import ElementTree

from mnist_vae.check import report as words
from mnist_vae.check.judge import Report, Verdict
from mnist_vae.errors import InputError

FORMATS = ("gradescope", "junit")


def gradescope(report: Report, shares: words.Shares) -> str:
    """Gradescope's results.json: a test for each function and answer, with its points.

    The format: https://gradescope-autograders.readthedocs.io/en/latest/specs/. Raises InputError if a package
    that the solution needs is not installed: 0 points would be wrong, and "not judged" cannot be said.
    """
    if report.missing:
        raise InputError(f"{report.name}: {report.trouble} Install it where the autograder runs.")
    output = [words.headline(report), *words.first_lines(report)]
    if report.trouble:
        return json.dumps({"score": 0, "output": "\n".join(output), "tests": []}, indent=1)
    said = words.remarks(report)
    tests = []
    for verdict in report.verdicts:
        earned, most = words.points_of(verdict, shares)
        if not most and verdict.status == "absent":
            continue
        tests.append(
            {
                "name": verdict.function,
                "score": earned,
                "max_score": most,
                "status": "passed" if verdict.status == "right" else "failed",
                "output": ": ".join(filter(None, (words.MARKS[verdict.status], said[verdict.function]))),
            }
        )
    return json.dumps({"output": "\n".join(output), "tests": tests}, indent=1)


def junit(reports: Sequence[Report], shares: words.Shares) -> str:
    """JUnit XML: a suite for each solution, a case for each function.

    It has the elements and attributes that GitLab names (https://docs.gitlab.com/ci/testing/unit_test_reports)
    and Jenkins' schema allows (jenkinsci/xunit-plugin, junit-10.xsd). Missing functions count as skipped.
    """
    suites = [suite(report) for report in reports]
    root = ElementTree.Element("testsuites", {"name": "mnist-vae check"} | sums(suites))
    root.extend(suites)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def suite(report: Report) -> ElementTree.Element:
    """The test suite of a solution."""
    element = ElementTree.Element("testsuite", name=report.name)
    said = words.remarks(report)
    verdicts = report.verdicts or (Verdict("the file", "unjudged" if report.missing else "failed"),)
    for verdict in verdicts:
        case = ElementTree.SubElement(element, "testcase", classname=report.name, name=verdict.function)
        kind = {"wrong": "failure", "failed": "error", "right": ""}.get(verdict.status, "skipped")
        if kind:
            sentence = said.get(verdict.function, "") or words.MARKS[verdict.status]
            if report.trouble:
                kind, sentence = "skipped" if report.missing else kind, words.headline(report)
            ElementTree.SubElement(case, kind, message=sentence).text = sentence
    if lines := words.first_lines(report):
        ElementTree.SubElement(element, "system-out").text = "\n".join(lines)
    count = Counter(case[0].tag for case in element.iter("testcase") if len(case))
    totals = {"tests": len(verdicts), "failures": count["failure"], "errors": count["error"]}
    element.attrib |= {name: str(number) for name, number in (totals | {"skipped": count["skipped"]}).items()}
    return element


def sums(suites: Sequence[ElementTree.Element]) -> dict[str, str]:
    """The suites' counts together."""
    names = ("tests", "failures", "errors")
    return {name: str(sum(int(one.attrib[name]) for one in suites)) for name in names}
