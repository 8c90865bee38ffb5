"""Add up what the jobs cost that made a data set's results, and what the whole run cost beyond them."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

import pandas as pd

from mnist_vae.commands.shared.table_page import save_with_page
from mnist_vae.provenance.costs import cost_of_commands, read_jobs, single_run


def add_arguments(parser: ArgumentParser) -> None:
    """Describe the command's options."""
    parser.add_argument("record", help="the record that every job appends to (.jsonl)")
    parser.add_argument("folder", help="folder of the results whose jobs are counted")
    parser.add_argument("output", help="where the table goes (.csv)")
    parser.add_argument("markdown", help="where its page goes (.md)")


def run(options: Namespace) -> None:
    """A row a command, the costliest first."""
    jobs = read_jobs(Path(options.record), options.folder)
    costs = cost_of_commands(jobs)
    machines = " and ".join(jobs.machine.unique())
    page = [
        f"# What the jobs of {options.folder} cost",
        "",
        costs.to_markdown(floatfmt=("", ".0f", ".1f", ".1f", ".1f", ".0f")),
        "",
        f"Of each command's jobs: seconds of processor time, {costs.total_s.sum():,.0f} in all; most memory. "
        f"{_wall_time(jobs)} On {machines}.",
        "",
    ]
    table = costs.assign(machine=machines).reset_index()
    save_with_page(table, options.output, "\n".join(page), options.markdown)


def _wall_time(jobs: pd.DataFrame) -> str:
    if not (found := single_run(jobs)):
        return "They were of several runs: no wall time is theirs."
    at_best = jobs.processor_seconds.sum() / found.cores
    return (
        f"They were of one run, which took {found.wall_seconds:,.0f} s on {found.cores} core(s): "
        f"{found.wall_seconds / at_best:.2f} times what their processor time alone takes there."
    )
