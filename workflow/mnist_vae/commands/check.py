"""Check any solution of the assignment, or a whole class: what is right, and which mistake is made."""

import sys
import tempfile
import traceback
from argparse import ArgumentParser, Namespace
from dataclasses import replace
from pathlib import Path

from mnist_vae.check import report as pages
from mnist_vae.check.contract import BY_NAME
from mnist_vae.check.intake import Submission, classroom, neighbours, submission
from mnist_vae.check.judge import LAYOUTS, Options, Report, check
from mnist_vae.errors import InputError
from mnist_vae.files.storage import save_text
from mnist_vae.pages.markdown import html_page


def add_arguments(parser: ArgumentParser) -> None:
    """Describe the command's options."""
    parser.add_argument(
        "solution", nargs="?", help="a file in Python (.py) or Julia (.jl), a notebook, a folder or a .zip"
    )
    parser.add_argument(
        "--class", dest="folder", help="check every submission in a folder or .zip, a row each"
    )
    parser.add_argument("--file", default="", help="which file of a student's folder or .zip is judged")
    parser.add_argument(
        "--layout", choices=LAYOUTS, default="", help="how images lie in a batch (default: found out)"
    )
    parser.add_argument("--dtype", choices=("float32", "float64"), default="", help="(default: found out)")
    parser.add_argument(
        "--name",
        action="append",
        default=[],
        metavar="FUNCTION=WORD",
        help="the solution's word for a function, say log_prior=lp or decoder=model.decode; again for more",
    )
    parser.add_argument(
        "--object", default="", help="an object of the solution whose methods are the functions"
    )
    parser.add_argument("--seconds", type=float, default=30.0, help="for each call (default 30)")
    parser.add_argument("--points", action="store_true", help="count points, of the assignment's 48")
    parser.add_argument("--html", help="write a page")
    parser.add_argument("--json", help="write the result for machines; - for the terminal")


def run(options: Namespace) -> None:
    """Judge, show, and end with status 1 if anything is wrong."""
    if bool(options.solution) == bool(options.folder):
        raise InputError("check: name one solution, or a folder of them by --class.")
    if not options.seconds > 0:
        raise InputError(f"check: --seconds is {options.seconds:g}; it must be above 0.")
    settings = Options(options.layout, options.dtype, named(options.name), options.object, options.seconds)
    with tempfile.TemporaryDirectory(prefix="check-") as scratch:
        if options.folder:
            text, reports = check_class(options, settings, Path(scratch))
        else:
            text, reports = check_one(options, settings, Path(scratch))
    print(text)
    if any(report.is_wrong for report in reports):
        sys.stdout.flush()
        raise SystemExit(1)


def check_one(options: Namespace, settings: Options, scratch: Path) -> tuple[str, list[Report]]:
    """Check one submission, and write what is asked for. Raises InputError if nothing can be judged."""
    path = Path(options.solution)
    if not path.exists():
        raise InputError(f"{options.solution}: there is no such file.")
    found = submission(path, scratch, options.file)
    if found.file is None:
        raise InputError(f"{options.solution}: {found.trouble}")
    report = judged(found, settings)
    json = pages.as_json(report, options.points)
    write(options, json, pages.markdown(report, options.points))
    return json if options.json == "-" else pages.text(report, options.points), [report]


def check_class(options: Namespace, settings: Options, scratch: Path) -> tuple[str, list[Report]]:
    """Check each submission of a class; what is asked for is written after each, lest a later one lose it."""
    found, left_out = classroom(Path(options.folder), scratch, options.file)
    print("\n".join(left_out), file=sys.stderr, end="\n" * bool(left_out))
    reports: list[Report] = []
    for number, one in enumerate(found, 1):
        print(f"{number} of {len(found)}: {one.name}", file=sys.stderr, flush=True)
        try:
            reports.append(judged(one, settings))
        except Exception as error:  # a fault of the judge, or no Julia: the others are judged all the same
            if not isinstance(error, InputError):
                traceback.print_exc()
            reports.append(Report(one.name, trouble=f"Not judged: {error or type(error).__name__}"))
        write(
            options,
            pages.class_json(reports, options.points),
            pages.class_markdown(reports, options.points),
        )
    show = pages.class_json if options.json == "-" else pages.class_text
    return show(reports, options.points), reports


def judged(found: Submission, settings: Options) -> Report:
    """The report on a submission: under the student's name, with what was left out of it."""
    if found.file is None:
        return Report(found.name, trouble=found.trouble)
    report = check(found.file, replace(settings, alone=found.alone))
    behind = [] if found.alone else neighbours(found.file)[1]
    return replace(report, name=found.name, notes=(*found.notes, *behind))


def write(options: Namespace, json: str, markdown: str) -> None:
    """Write what is asked for."""
    if options.json and options.json != "-":
        save_text(options.json, json)
    if options.html:
        save_text(options.html, html_page(markdown))


def named(pairs: list[str]) -> dict[str, str]:
    """The solution's words by the functions' names. Raises InputError where a pair names no function."""
    words = {}
    for pair in pairs:
        name, _, word = pair.partition("=")
        if name not in BY_NAME or not word:
            raise InputError(f"--name {pair}: say FUNCTION=WORD, of the functions {', '.join(BY_NAME)}.")
        words[name] = word
    return words
