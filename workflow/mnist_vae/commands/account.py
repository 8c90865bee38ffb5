"""Add up what the jobs cost that made a data set's results."""

from argparse import ArgumentParser, Namespace
from pathlib import Path, PurePath

import pandas as pd

from mnist_vae.errors import InputError
from mnist_vae.record import read_entries
from mnist_vae.storage import whole_file


def add_arguments(parser: ArgumentParser) -> None:
    """Describe the command's options."""
    parser.add_argument("record", help="to which every job added what it made, and at what cost")
    parser.add_argument("folder", help="whose files are counted")
    parser.add_argument("output", help="where the table goes (.csv)")
    parser.add_argument("markdown", help="where it goes to be read (.md)")


def run(options: Namespace) -> None:
    """A row a command, the costliest first."""
    jobs = read_jobs(Path(options.record), options.folder)
    costs = jobs.groupby("command").agg(
        jobs=("memory_mb", "size"),
        median_s=("processor_seconds", "median"),
        longest_s=("processor_seconds", "max"),
        total_s=("processor_seconds", "sum"),
        most_mb=("memory_mb", "max"),
    )
    costs = costs.sort_values("total_s", ascending=False)
    with whole_file(options.output) as temporary:
        costs.to_csv(temporary)
    page = [
        f"# What the jobs of {options.folder} cost",
        "",
        costs.to_markdown(floatfmt=("", ".0f", ".1f", ".1f", ".1f", ".0f")),
        "",
        f"Of each command's jobs: seconds of processor time, {costs.total_s.sum():,.0f} in all; most memory.",
        "",
    ]
    with whole_file(options.markdown) as temporary:
        temporary.write_text("\n".join(page), encoding="utf-8")


def read_jobs(record: Path, folder: str) -> pd.DataFrame:
    """A row a job that last made a file in the folder: command, processor_seconds, memory_mb.

    Raises InputError if the record knows of none.
    """
    jobs = {}
    for entry in read_entries(record):
        path, cost = PurePath(entry["path"]), entry.get("cost")
        if cost and path.is_relative_to(folder):
            jobs[path] = path.parent, cost["command"], cost["processor_seconds"], cost["memory_mb"]
    if not jobs:
        raise InputError(f"{record} says nothing of {folder}: run the pipeline first")
    columns = ["folder", "command", "processor_seconds", "memory_mb"]
    # A job that makes several files has a line for each, in one folder and at the same cost.
    return pd.DataFrame(jobs.values(), columns=columns).drop_duplicates().drop(columns="folder")
