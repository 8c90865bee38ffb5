"""Check whole solutions of the assignment, for the parity ladder."""

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from mnist_vae.check.intake import LANGUAGES
from mnist_vae.check.judge import check
from mnist_vae.check.julia import require_julia
from mnist_vae.check.report import text
from mnist_vae.check.session import Options
from mnist_vae.errors import InputError
from mnist_vae.files.storage import save_table
from mnist_vae.parity.solutions import COLUMNS, ladder_rows

SECONDS = 120.0  # allowed for each call


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("table", help="where the table goes (.csv)")
    parser.add_argument("solutions", nargs="+", help="files in Python (.py) or Julia (.jl)")
    parser.add_argument(
        "--optional",
        nargs="*",
        default=[],
        metavar="SOLUTION",
        help="further solutions, left out if Julia or a Julia package that they use is not installed",
    )


def run(options: Namespace) -> None:
    """Write one row per function judged, whether right or not: `check_parity` gives the verdict."""
    rows = []
    for name in (*options.solutions, *options.optional):
        is_optional = name in options.optional
        if is_optional and (reason := missing_julia(name)):
            leave_out(name, reason)
            continue
        report = check(solution_file(name), Options(seconds=SECONDS))
        if is_optional and report.missing:
            leave_out(name, report.trouble)
            continue
        print(text(report), end="\n\n", file=sys.stderr, flush=True)
        rows += ladder_rows(report)
    save_table(options.table, rows, COLUMNS)


def solution_file(name: str) -> Path:
    """The path of a solution. Raises InputError if it does not exist or is in another language."""
    path = Path(name)
    if path.suffix not in LANGUAGES:
        raise InputError(f"{name}: a solution is a file that ends in {' or '.join(LANGUAGES)}.")
    if not path.is_file():
        raise InputError(f"{name}: there is no such file.")
    return path


def leave_out(name: str, reason: str) -> None:
    """Say why a solution is left out."""
    print(f"{name} is left out: {reason}", file=sys.stderr, flush=True)


def missing_julia(name: str) -> str:
    """Why there is no Julia to run a solution; empty if there is one, or none is needed."""
    if Path(name).suffix != ".jl":
        return ""
    try:
        require_julia()
    except InputError as error:
        return str(error)
    return ""
