"""What one sees of a check: a table in the terminal, Markdown for a page, JSON for machines."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict

from mnist_vae.check.contract import ANSWER_POINTS, BY_NAME, POINTS
from mnist_vae.check.judge import NOT_YET, Report, Verdict
from mnist_vae.check.mistakes import MISTAKES
from mnist_vae.check.questions import QUESTIONS

MARKS = {
    "right": "right",
    "wrong": "WRONG",
    "failed": "FAILS",
    "follows": "follows",
    "absent": "not yet",
    "unjudged": "unjudged",
}
SANDBOX = "It runs apart: without network, and with nothing to write to but a folder in memory."
NO_SANDBOX = (
    "It runs with your rights: bubblewrap (`apt-get install bubblewrap`) would keep it from your files "
    "and the network."
)


def part_of(verdict: Verdict) -> str:
    """The assignment's part of a verdict."""
    return BY_NAME[verdict.function].part if verdict.function in BY_NAME else "4: the five questions"


def points_of(verdict: Verdict) -> tuple[int, int]:
    """Points a verdict earns, of those it could: all where only something below it is wrong."""
    most = (
        BY_NAME[verdict.function].points if verdict.function in BY_NAME else ANSWER_POINTS // len(QUESTIONS)
    )
    return (most if verdict.status in ("right", "follows") else 0), most


def points(report: Report) -> str:
    """All points in a sentence."""
    earned = sum(points_of(verdict)[0] for verdict in report.verdicts)
    return f"{earned} of {POINTS} points, as this project shares them among what a program can judge."


def headline(report: Report) -> str:
    """What a report comes to, in a sentence."""
    if report.trouble:
        return report.trouble
    count = Counter(verdict.status for verdict in report.verdicts)
    wrong = count["wrong"] + count["failed"]
    words = [f"{count['right']} right", f"{wrong} wrong" if wrong else "nothing wrong"]
    if count["follows"]:
        words.append(f"{count['follows']} wrong only because of these")
    if count["absent"]:
        words.append(f"{count['absent']} not there yet")
    return ", ".join(words) + "."


def first_lines(report: Report) -> list[str]:
    """How the solution was run and read, and what of it was left out."""
    lines = [SANDBOX if report.sandboxed else NO_SANDBOX, *report.notes]
    if not report.trouble:
        lines.append(f"Read as {report.framework}, {report.layout}.")
    return lines


def sentence(verdict: Verdict) -> str:
    """A verdict in words: of a right function nothing more needs to be said."""
    if verdict.function in BY_NAME:
        return "" if verdict.status == "right" or verdict.sentence == NOT_YET else verdict.sentence
    return verdict.sentence if verdict.status == "wrong" else ""


def text(report: Report, with_points: bool = False) -> str:
    """The table of the terminal: a line a function, in the assignment's order."""
    lines = [f"{report.name}: {first_lines(report)[0]}", *first_lines(report)[1:]]
    part = ""
    for verdict in report.verdicts:
        if part_of(verdict) != part:
            part = part_of(verdict)
            lines += ["", part]
        earned, most = points_of(verdict)
        scored = (f"{earned}/{most} " if most else "    ") if with_points else ""
        lines.append(f"  {scored}{verdict.function:32} {MARKS[verdict.status]:9}{sentence(verdict)}".rstrip())
    lines += ["", headline(report)]
    if with_points and not report.trouble:
        lines.append(points(report))
    return "\n".join(lines)


def cell(words: str) -> str:
    """Words that are safe in a cell of a Markdown table."""
    escaped = words.replace("\\", "\\\\")
    for sign in "|<>*_`[]":
        escaped = escaped.replace(sign, f"\\{sign}")
    return escaped.replace("\n", " ")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A Markdown table."""
    return [
        f"| {' | '.join(head)} |",
        f"|{'---|' * len(head)}",
        *(f"| {' | '.join(map(cell, row))} |" for row in rows),
    ]


def markdown(report: Report, with_points: bool = False) -> str:
    """The page of one solution."""
    lines = [
        f"# Check of {cell(report.name)}",
        "",
        cell(headline(report)),
        "",
        *map(cell, first_lines(report)),
    ]
    head = ["function", *(["points"] if with_points else []), "result"]
    rows: list[list[str]] = []
    part = ""
    for verdict in report.verdicts:
        if part_of(verdict) != part:
            part = part_of(verdict)
            rows.append([f"({part})", *[""] * (len(head) - 1)])
        earned, most = points_of(verdict)
        scored = [f"{earned}/{most}" if most else ""] if with_points else []
        result = ": ".join(filter(None, (MARKS[verdict.status], sentence(verdict))))
        rows.append([verdict.function, *scored, result])
    if rows:
        lines += ["", *table(head, rows)]
    if with_points and not report.trouble:
        lines += ["", points(report)]
    return "\n".join([*lines, ""])


def as_json(report: Report, with_points: bool = False) -> str:
    """The report for machines."""
    data = asdict(report) | {"is_wrong": report.is_wrong}
    if with_points:
        data["points"] = {
            verdict.function: dict(zip(("earned", "of"), points_of(verdict), strict=True))
            for verdict in report.verdicts
        }
    return json.dumps(data, indent=1, ensure_ascii=False)


# --- a class ----------------------------------------------------------------------------------------------


def row(report: Report) -> dict[str, str]:
    """A student's row: how much is right, what is wrong, and why."""
    wrong = [verdict.function for verdict in report.verdicts if verdict.is_wrong]
    named = dict.fromkeys(mistake for verdict in report.verdicts for mistake in verdict.mistakes)
    count = Counter(verdict.status for verdict in report.verdicts)
    return {
        "solution": report.name,
        "right": "" if report.trouble else str(count["right"]),
        "wrong": ", ".join(wrong),
        "mistakes": report.trouble or "; ".join(MISTAKES[name].says for name in named),
        "not yet": "" if report.trouble else str(count["absent"]),
        "points": str(sum(points_of(verdict)[0] for verdict in report.verdicts)),
    }


def commonest(reports: Iterable[Report]) -> list[tuple[str, int]]:
    """Each mistake of a class, and how many have made it, the commonest first."""
    counted = Counter(
        name
        for report in reports
        for name in {mistake for verdict in report.verdicts for mistake in verdict.mistakes}
    )
    return [(MISTAKES[name].says, count) for name, count in counted.most_common()]


def class_head(with_points: bool) -> list[str]:
    """The columns of a class's table."""
    return ["solution", "right", "wrong", "mistakes", "not yet"] + (["points"] if with_points else [])


def class_text(reports: Sequence[Report], with_points: bool = False) -> str:
    """The terminal's table of a class."""
    lines = [first_lines(reports[0])[0]] if reports else []
    for report in reports:
        scored = f"{row(report)['points']:>3} points  " if with_points else ""
        lines += [f"  {report.name:32} {scored}{headline(report)}"]
        if report.is_wrong and not report.trouble:
            lines.append(f"  {'':32} {row(report)['wrong']}: {row(report)['mistakes'] or 'unexplained'}")
    lines += ["", *(f"  {count:3} of {len(reports)}: {says}" for says, count in commonest(reports))]
    return "\n".join(lines)


def class_markdown(reports: Sequence[Report], with_points: bool = False) -> str:
    """A teacher's page: a row a student, and the commonest mistakes counted."""
    head = class_head(with_points)
    lines = [
        f"# Check of {len(reports)} solutions",
        "",
        *table(head, ([row(report)[column] for column in head] for report in reports)),
    ]
    if found := commonest(reports):
        lines += [
            "",
            "## The commonest mistakes",
            "",
            *table(["mistake", "solutions"], ((s, str(n)) for s, n in found)),
        ]
    return "\n".join([*lines, ""])


def class_json(reports: Sequence[Report], with_points: bool = False) -> str:
    """A class for machines."""
    data = {
        "solutions": [json.loads(as_json(report, with_points)) for report in reports],
        "commonest": [{"mistake": says, "solutions": count} for says, count in commonest(reports)],
    }
    return json.dumps(data, indent=1, ensure_ascii=False)
