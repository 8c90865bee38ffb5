"""Check any solution of the assignment, or a whole class: what is right, and which mistake is made."""

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from mnist_vae.check import report as pages
from mnist_vae.check.contract import BY_NAME
from mnist_vae.check.judge import LAYOUTS, Options, Report, check
from mnist_vae.check.process import SUFFIXES, solution_file
from mnist_vae.errors import InputError
from mnist_vae.files.storage import save_text
from mnist_vae.pages.markdown import html_page


def add_arguments(parser: ArgumentParser) -> None:
    """Describe the command's options."""
    parser.add_argument("solution", nargs="?", help="a file in Python (.py) or Julia (.jl)")
    parser.add_argument("--class", dest="folder", help="check every solution in a folder instead, a row each")
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
        raise InputError("check: name one solution (a .py or .jl file), or a folder by --class.")
    if not options.seconds > 0:
        raise InputError(f"check: --seconds is {options.seconds:g}; it must be above 0.")
    settings = Options(options.layout, options.dtype, named(options.name), options.object, options.seconds)
    if options.folder:
        reports = check_class(options.folder, settings)
        text, markdown, json = (
            show(reports, options.points)
            for show in (pages.class_text, pages.class_markdown, pages.class_json)
        )
    else:
        reports = [check(solution_file(options.solution), settings)]
        text, markdown, json = (
            show(reports[0], options.points) for show in (pages.text, pages.markdown, pages.as_json)
        )
    if options.json == "-":
        print(json)
    else:
        print(text)
        if options.json:
            save_text(options.json, json)
    if options.html:
        save_text(options.html, html_page(markdown))
    if any(report.is_wrong for report in reports):
        sys.stdout.flush()
        raise SystemExit(1)


def check_class(folder: str, settings: Options) -> list[Report]:
    """Check each solution of a folder, in the order of their names; none sees another."""
    if not Path(folder).is_dir():
        raise InputError(f"{folder}: there is no such folder.")
    files = sorted(path for path in Path(folder).iterdir() if path.suffix in SUFFIXES and path.is_file())
    if not files:
        raise InputError(f"{folder} holds no solution: no file that ends in {' or '.join(SUFFIXES)}.")
    reports = []
    for number, path in enumerate(files, 1):
        print(f"{number} of {len(files)}: {path.name}", file=sys.stderr, flush=True)
        reports.append(check(path, Options(**(vars(settings) | {"alone": True}))))
    return reports


def named(pairs: list[str]) -> dict[str, str]:
    """The solution's words by the functions' names. Raises InputError where a pair names no function."""
    words = {}
    for pair in pairs:
        name, _, word = pair.partition("=")
        if name not in BY_NAME or not word:
            raise InputError(f"--name {pair}: say FUNCTION=WORD, of the functions {', '.join(BY_NAME)}.")
        words[name] = word
    return words
