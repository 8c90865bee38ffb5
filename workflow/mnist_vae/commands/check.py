"""Check any solution of the assignment, or a whole class: what is right, and which mistakes are made."""

import sys
import tempfile
import traceback
from argparse import ArgumentParser, Namespace
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from mnist_vae.check.contract import BY_NAME
from mnist_vae.check.formats import FORMATS, gradescope, junit
from mnist_vae.check.intake import Submission, classroom, neighbours, submission
from mnist_vae.check.judge import Report, check
from mnist_vae.check.pages import class_page, page_name, solution_page
from mnist_vae.check.report import ASSIGNMENT, Shares, as_json, class_json, class_text, read_shares, text
from mnist_vae.check.session import LAYOUTS, Options
from mnist_vae.errors import InputError
from mnist_vae.files.storage import save_text
from mnist_vae.parameters import Parameter, add_option


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "solution", nargs="?", help="a file in Python (.py) or Julia (.jl), a notebook, a folder or a .zip"
    )
    parser.add_argument(
        "--class", dest="folder", help="check every submission in a folder or .zip, one row each"
    )
    parser.add_argument("--file", default="", help="the file to judge in a student's folder or .zip")
    parser.add_argument(
        "--layout", choices=LAYOUTS, default="", help="how images lie in a batch (default: detected)"
    )
    parser.add_argument(
        "--dtype",
        choices=("float32", "float64"),
        default="",
        help="type of the arrays that functions get (default: detected)",
    )
    parser.add_argument(
        "--name",
        action="append",
        default=[],
        metavar="FUNCTION=WORD",
        help="the solution's name for a function, such as log_prior=lp; may be repeated",
    )
    parser.add_argument(
        "--object", default="", help="an object in the solution whose methods are the functions"
    )
    seconds = Annotated[float, Parameter("most processor time per call, in seconds", above=0)]
    add_option(parser, "seconds", seconds, 30.0)
    parser.add_argument("--points", action="store_true", help="count points, out of the assignment's 48")
    parser.add_argument(
        "--points-from", metavar="FILE", help="count your own points: a function and its points in each line"
    )
    parser.add_argument(
        "--html", help="write a page; for a class, also a folder with a page for each student"
    )
    parser.add_argument("--json", help="write the result as JSON; - writes it to the terminal")
    parser.add_argument(
        "--format",
        nargs=2,
        action="append",
        default=[],
        metavar=("NAME", "FILE"),
        help="write the result for a course system: gradescope (results.json) or junit (XML)",
    )


def run(options: Namespace) -> None:
    """Judge, print the result, and exit with status 1 if anything is wrong."""
    if bool(options.solution) == bool(options.folder):
        raise InputError("check: name one solution, or a folder of them by --class.")
    settings = Options(options.layout, options.dtype, named(options.name), options.object, options.seconds)
    shares = read_shares(Path(options.points_from)) if options.points_from else None
    shares = shares or (ASSIGNMENT if options.points else None)
    for name, _ in options.format:
        if name not in FORMATS:
            raise InputError(f"--format {name}: the formats are {' and '.join(FORMATS)}.")
        if name == "gradescope" and options.folder:
            raise InputError("--format gradescope takes one solution: Gradescope runs the check for each.")
    with tempfile.TemporaryDirectory(prefix="check-") as scratch:
        run_all = check_class if options.folder else check_one
        text, reports = run_all(options, settings, shares, Path(scratch))
    print(text)
    if any(report.is_wrong for report in reports):
        sys.stdout.flush()
        raise SystemExit(1)


def check_one(
    options: Namespace, settings: Options, shares: Shares | None, scratch: Path
) -> tuple[str, list[Report]]:
    """Check one submission, and write the files asked for. Raises InputError if nothing can be judged."""
    path = Path(options.solution)
    if not path.exists():
        raise InputError(f"{options.solution}: there is no such file.")
    found = submission(path, scratch, options.file)
    if found.file is None:
        raise InputError(f"{options.solution}: {found.trouble}")
    report = judged(found, settings)
    json = as_json(report, shares)
    write(options, [report], json, shares)
    if options.html:
        save_text(options.html, solution_page(report, shares))
    return json if options.json == "-" else text(report, shares), [report]


def check_class(
    options: Namespace, settings: Options, shares: Shares | None, scratch: Path
) -> tuple[str, list[Report]]:
    """Check each submission of a class. Files are written after each, so that a failure loses nothing."""
    found, left_out = classroom(Path(options.folder), scratch, options.file)
    print("\n".join(left_out), file=sys.stderr, end="\n" * bool(left_out))
    reports: list[Report] = []
    links: list[str] = []
    for number, one in enumerate(found, 1):
        print(f"{number} of {len(found)}: {one.name}", file=sys.stderr, flush=True)
        try:
            reports.append(judged(one, settings))
        except Exception as error:  # an error of the judge, or no Julia: the others are still judged
            if not isinstance(error, InputError):
                traceback.print_exc()
            reports.append(Report(one.name, trouble=f"Not judged: {error or type(error).__name__}"))
        write(options, reports, class_json(reports, shares), shares)
        if options.html:
            page = Path(options.html)
            links.append(f"{page.stem}-pages/{page_name(number, one.name)}")
            save_text(page.parent / links[-1], solution_page(reports[-1], shares, f"../{page.name}"))
            save_text(page, class_page(reports, links, shares))
    show = class_json if options.json == "-" else class_text
    return show(reports, shares), reports


def judged(found: Submission, settings: Options) -> Report:
    """The report on a submission, under its name, with notes on what was left out."""
    if found.file is None:
        return Report(found.name, trouble=found.trouble)
    report = check(found.file, replace(settings, alone=found.alone))
    behind = [] if found.alone else neighbours(found.file)[1]
    if found.alone and "no such file" in report.trouble.lower():
        behind = [
            "What lies beside it is others' work and stayed behind. Its own files go into a folder with it."
        ]
    return replace(report, name=found.name, notes=(*found.notes, *behind))


def write(options: Namespace, reports: list[Report], json: str, shares: Shares | None) -> None:
    """Write the machine-readable files asked for."""
    if options.json and options.json != "-":
        save_text(options.json, json)
    for name, path in options.format:
        points = shares or ASSIGNMENT
        save_text(path, gradescope(reports[0], points) if name == "gradescope" else junit(reports, points))


def named(pairs: list[str]) -> dict[str, str]:
    """The solution's names by the functions' names. Raises InputError unless each pair names a function."""
    words = {}
    for pair in pairs:
        name, _, word = pair.partition("=")
        if name not in BY_NAME or not word:
            raise InputError(f"--name {pair}: say FUNCTION=WORD, of the functions {', '.join(BY_NAME)}.")
        words[name] = word
    return words
