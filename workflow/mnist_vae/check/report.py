"""Reports in words: the terminal's table, and the sentences of pages and machine-readable files."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from mnist_vae.check.contract import ANSWER_POINTS, BY_NAME
from mnist_vae.check.judge import NOT_YET, Report, Verdict
from mnist_vae.check.mistakes import MISTAKES
from mnist_vae.check.questions import QUESTIONS
from mnist_vae.errors import InputError

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
# Explanations of errors whose messages do not explain themselves, by a pattern.
HINTS = {
    r"update!|Params\b|implicit gradients|\bADAM\b": (
        "written for an older Flux; today `state = Flux.setup(Adam(1e-3), model)`, then "
        "`Flux.update!(state, model, gradient(loss, model)[1])`"
    )
}
PLACE = re.compile(r" \((cell \d+, )?line \d+\)$")
ANSWERS = "answers"  # the name of the five questions in a file of points
Shares = Mapping[str, float]  # points by function and answer
ASSIGNMENT: Shares = {name: float(function.points) for name, function in BY_NAME.items()} | {
    f"answer {number}": ANSWER_POINTS / len(QUESTIONS) for number, _ in enumerate(QUESTIONS, 1)
}


# --- points -----------------------------------------------------------------------------------------------


def read_shares(path: Path) -> Shares:
    """Read a teacher's points: a function and its points per line; others have none.

    `answers` shares its points among the five questions. Raises InputError, which quotes the wrong line.
    """
    shares = dict.fromkeys(ASSIGNMENT, 0.0)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not a text: {error}") from error
    for number, line in enumerate(lines, 1):
        words = re.split(r"[\s,;:=]+", line.partition("#")[0].strip())
        if words == [""]:
            continue
        name, points = words if len(words) == 2 else ("", "")
        if (name not in BY_NAME and name != ANSWERS) or not re.fullmatch(r"\d+(\.\d+)?", points):
            known = ", ".join([*BY_NAME, ANSWERS])
            raise InputError(
                f"{path}, line {number}: {line!r} is not a function and its points, as in "
                f"`elbo 5`. The functions are {known}."
            )
        named = [answer for answer in shares if answer.startswith("answer ")] if name == ANSWERS else [name]
        shares |= dict.fromkeys(named, float(points) / len(named))
    return shares


def points_of(verdict: Verdict, shares: Shares = ASSIGNMENT) -> tuple[float, float]:
    """The points that a verdict earns, and the most that it could: only "right" earns any."""
    most = shares[verdict.function]
    return (most if verdict.status == "right" else 0.0), most


def sums(report: Report, shares: Shares) -> tuple[float, float]:
    """The points that a report earns, and the most that it could."""
    return sum(points_of(verdict, shares)[0] for verdict in report.verdicts), sum(shares.values())


def total(report: Report, shares: Shares) -> str:
    """The points of a report, such as "27 of 48 points", unless a package that it needs is missing."""
    earned, most = sums(report, shares)
    return "not judged" if report.missing else f"{earned:g} of {most:g} points"


def points(report: Report, shares: Shares) -> str:
    """The points of a report, in a sentence."""
    whose = ", as this project shares them among what a program can judge" if shares is ASSIGNMENT else ""
    return f"{total(report, shares)}{whose}."


# --- one solution -----------------------------------------------------------------------------------------


def part_of(verdict: Verdict) -> str:
    """The assignment's part of a verdict."""
    return BY_NAME[verdict.function].part if verdict.function in BY_NAME else "4: the five questions"


def parts(report: Report) -> dict[str, list[Verdict]]:
    """The verdicts by the assignment's parts, in its order."""
    found: dict[str, list[Verdict]] = {}
    for verdict in report.verdicts:
        found.setdefault(part_of(verdict), []).append(verdict)
    return found


def counts(report: Report) -> Counter[str]:
    """The number of verdicts of each status."""
    return Counter(verdict.status for verdict in report.verdicts)


def headline(report: Report) -> str:
    """The summary of a report, in a sentence."""
    if report.trouble:
        return with_hint(report.trouble)
    count = counts(report)
    wrong = count["wrong"] + count["failed"]
    words = [f"{count['right']} right", f"{wrong} wrong" if wrong else "nothing wrong"]
    if count["follows"]:
        words.append(f"{count['follows']} wrong only because of these")
    if count["unjudged"]:
        words.append(f"{count['unjudged']} not judged")
    if count["absent"]:
        words.append(f"{count['absent']} not there yet")
    return ", ".join(words) + "."


def first_lines(report: Report) -> list[str]:
    """How the solution was run and read, and what was left out of it."""
    lines = [SANDBOX if report.sandboxed else NO_SANDBOX] if report.language else []
    if not report.trouble:
        lines.append(f"Read as {report.framework}, {report.layout}.")
    return [*lines, *report.notes]


def remarks(report: Report) -> dict[str, str]:
    """The remark on each function; an error that several raise is stated once, with a hint."""
    told: dict[str, str] = {}
    found = {}
    for verdict in report.verdicts:
        sentence = remark(verdict)
        if verdict.status == "failed" and sentence in told:
            found[verdict.function] = f"the error of `{told[sentence]}`"
        else:
            told[sentence] = verdict.function
            found[verdict.function] = with_hint(sentence) if verdict.status == "failed" else sentence
    return found


def remark(verdict: Verdict) -> str:
    """A verdict in words; empty for a right function."""
    if verdict.function in BY_NAME:
        return "" if verdict.status == "right" or verdict.sentence == NOT_YET else verdict.sentence
    return verdict.sentence if verdict.status == "wrong" else ""


def with_hint(error: str) -> str:
    """An error, with an explanation if there is one."""
    hint = next((hint for pattern, hint in HINTS.items() if re.search(pattern, error)), None)
    return f"{error}: {hint}" if hint else error


def text(report: Report, shares: Shares | None = None) -> str:
    """The terminal's table: one line per function, in the assignment's order."""
    lines = [f"{report.name}: {' '.join(first_lines(report)[:1])}", *first_lines(report)[1:]]
    said = remarks(report)
    for part, verdicts in parts(report).items():
        lines += ["", part]
        for verdict in verdicts:
            earned, most = points_of(verdict, shares or {verdict.function: 0.0})
            scored = f"{f'{earned:g}/{most:g}' if most else '':6}" if shares else ""
            mark = f"{MARKS[verdict.status]:9}"
            lines.append(f"  {scored}{verdict.function:32} {mark}{said[verdict.function]}".rstrip())
    lines += ["", headline(report)]
    if shares and not report.trouble:
        lines.append(points(report, shares))
    return "\n".join(lines)


def as_json(report: Report, shares: Shares | None = None) -> str:
    """The report as JSON."""
    data = asdict(report) | {"is_wrong": report.is_wrong}
    if shares:
        data["points"] = {
            verdict.function: dict(zip(("earned", "of"), points_of(verdict, shares), strict=True))
            for verdict in report.verdicts
        }
    return json.dumps(data, indent=1, ensure_ascii=False)


# --- a class ----------------------------------------------------------------------------------------------


def what_is_wrong(report: Report) -> dict[str, list[str]]:
    """What is wrong, and in which functions: known mistakes, and sentences about other differences."""
    found: dict[str, list[str]] = {}
    for verdict in report.verdicts:
        if verdict.is_wrong:
            says = [MISTAKES[name].says for name in verdict.mistakes] or [PLACE.sub("", verdict.sentence)]
            for one in says:
                found.setdefault(one, []).append(verdict.function)
    return found


def summary(report: Report) -> list[str]:
    """What is wrong in a solution, one line per mistake with its functions."""
    if report.trouble:
        return [headline(report)]
    return [
        f"{', '.join(f'`{name}`' for name in functions)}: {with_hint(says)}"
        for says, functions in what_is_wrong(report).items()
    ]


def commonest(reports: Iterable[Report]) -> list[tuple[str, int]]:
    """What is wrong in a class and in how many solutions, the commonest first.

    An unknown mistake is listed if several solutions have it.
    """
    known = {mistake.says for mistake in MISTAKES.values()}
    counted = Counter(says for report in reports for says in what_is_wrong(report))
    return [(with_hint(says), count) for says, count in counted.most_common() if says in known or count > 1]


def class_text(reports: Sequence[Report], shares: Shares | None = None) -> str:
    """The terminal's table for a class."""
    lines = [SANDBOX if any(report.sandboxed for report in reports) else NO_SANDBOX]
    for report in reports:
        scored = f"{total(report, shares):>15}  " if shares else ""
        lines += [f"  {report.name:32} {scored}{headline(report)}"]
        if not report.trouble:
            lines += [f"  {'':32} {line}" for line in summary(report)]
        lines += [f"  {'':32} {note}" for note in report.notes]
    lines += ["", *(f"  {count:3} of {len(reports)}: {says}" for says, count in commonest(reports))]
    return "\n".join(lines)


def class_json(reports: Sequence[Report], shares: Shares | None = None) -> str:
    """The reports of a class as JSON."""
    data = {
        "solutions": [json.loads(as_json(report, shares)) for report in reports],
        "commonest": [{"mistake": says, "solutions": count} for says, count in commonest(reports)],
    }
    return json.dumps(data, indent=1, ensure_ascii=False)
