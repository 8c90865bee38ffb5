"""Time whole processes: Python alone, with this package, and drawing each figure. Imports no torch."""

import os
import subprocess
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence

import pandas as pd

from mnist_vae.benchmarks.alternation import take_turns
from mnist_vae.benchmarks.machine import machine
from mnist_vae.benchmarks.pages import page
from mnist_vae.commands.shared.table_page import save_with_page
from mnist_vae.config.measured import Benchmarks
from mnist_vae.errors import InputError
from mnist_vae.parameters import add_options
from mnist_vae.provenance.record import RECORD

# Prints at its end whether torch was imported.
WATCHED = "import atexit, sys; atexit.register(lambda: print('torch' in sys.modules)); "
COMMAND_LINE = "from mnist_vae.__main__ import main; sys.exit(main(sys.argv[1:]))"


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("output", help="where the timings go (.csv)")
    parser.add_argument("markdown", help="where their page goes (.md)")
    add_options(parser, Benchmarks, "rounds")
    parser.add_argument(
        "--figure", nargs="+", action="append", required=True, metavar=("FIGURE", "SOURCE"),
        help="a figure to draw, and its sources",
    )  # fmt: skip


def run(options: Namespace) -> None:
    """Write one row per process: median and range of its seconds, and whether it imported torch."""
    with_torch: dict[str, bool] = {}
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        commands = {
            "python": ["pass"],
            "import mnist_vae": ["import mnist_vae"],
            "mnist_vae --help": [COMMAND_LINE, "--help"],
        } | {
            f"mnist_vae draw {figure}": [COMMAND_LINE, "draw", figure, f"{folder}/{figure}.png", *sources]
            for figure, *sources in options.figure
        }
        processes = {name: process(name, words, with_torch) for name, words in commands.items()}
        timings = take_turns(processes, options.rounds, warm_ups=0)
    seconds = timings.set_index("contender").ms_a_unit / 1e3
    table = (
        seconds.groupby(level=0, sort=False)
        .agg(seconds="median", shortest="min", longest="max")
        .assign(torch=with_torch)
        .rename_axis("command")
        .reset_index()
        .assign(**machine(threads=1))
    )
    save_with_page(table, options.output, _markdown(table, options.rounds), options.markdown)


def process(name: str, words: Sequence[str], with_torch: dict[str, bool]) -> Callable[[], int]:
    """A contender: a Python that runs the code words[0]. Raises InputError with its last line if it fails."""
    environment = {key: value for key, value in os.environ.items() if key != RECORD}  # it makes no results

    def run_it() -> int:
        command = [sys.executable, "-c", WATCHED + words[0], *words[1:]]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        if done.returncode != 0:
            raise InputError(f"{name} failed: {done.stderr.strip().rpartition(chr(10))[2]}")
        with_torch[name] = done.stdout.endswith("True\n")
        return 1

    return run_it


def _markdown(table: pd.DataFrame, rounds: int) -> str:
    readable = pd.DataFrame(
        {
            "command": table.command,
            "seconds": [
                f"{row.seconds:.2f} ({row.shortest:.2f} to {row.longest:.2f})" for row in table.itertuples()
            ],
            "imports torch": table.torch.map({True: "yes", False: "no"}),
        }
    )
    how = f"Whole processes, in turns: medians of {rounds} rounds, and in brackets the range."
    return page("Commands, timed", readable, how, table)
