"""The cost of the jobs that made a folder's results, from the record."""

from pathlib import Path, PurePath
from typing import NamedTuple

import pandas as pd

from mnist_vae.errors import InputError
from mnist_vae.provenance.record import read_entries

PAUSE = 60.0  # seconds without any job after which the next ones count as another run
COST = ["command", "processor_seconds", "memory_mb", "started", "ended", "cores"]
MACHINE = ["processor", "python", "torch", "numpy", "snakemake"]


class Run(NamedTuple):
    """One run of Snakemake: seconds from its first job's start to its last one's end, and cores in use."""

    wall_seconds: float
    cores: int


def read_jobs(record: Path, folder: str) -> pd.DataFrame:
    """One row per job that last made a file in the folder: its COST, and its machine.

    Raises InputError if the record has none.
    """
    jobs = {}
    for entry in read_entries(record):
        path, cost, made_by = PurePath(entry["path"]), entry.get("cost", {}), entry["made_by"]
        is_result = path.is_relative_to(folder) and "benchmarks" not in path.parts
        if is_result and set(COST) <= set(cost):
            machine = ", ".join(f"{name} {made_by.get(name)}" for name in MACHINE)
            jobs[path] = path.parent, machine, *(cost[name] for name in COST)
    if not jobs:
        raise InputError(f"{record} says nothing of {folder}: run the pipeline first")
    # A job that makes several files has a line for each, in one folder and at the same cost.
    table = pd.DataFrame(jobs.values(), columns=["folder", "machine", *COST])
    return table.drop_duplicates().drop(columns="folder")


def single_run(jobs: pd.DataFrame) -> Run | None:
    """The run that all these jobs belong to, or None if there was a PAUSE between some of them."""
    jobs = jobs.sort_values("started")
    idle = jobs.started - jobs.ended.cummax().shift()
    if (idle > PAUSE).any():
        return None
    at_once = (
        pd.concat([pd.Series(1, index=jobs.started), pd.Series(-1, index=jobs.ended)])
        .groupby(level=0)
        .sum()
        .cumsum()
        .max()
    )
    return Run(jobs.ended.max() - jobs.started.min(), min(at_once, jobs.cores.max()))


def cost_of_commands(jobs: pd.DataFrame) -> pd.DataFrame:
    """One row per command, the costliest first: number, processor time and memory of the jobs of `read_jobs`,
    and the machines that they ran on.
    """
    costs = jobs.groupby("command").agg(
        jobs=("memory_mb", "size"),
        median_s=("processor_seconds", "median"),
        longest_s=("processor_seconds", "max"),
        total_s=("processor_seconds", "sum"),
        most_mb=("memory_mb", "max"),
    )
    return costs.sort_values("total_s", ascending=False).assign(machine=_machines(jobs)).reset_index()


def costs_page(jobs: pd.DataFrame, folder: str) -> str:
    """The table of `cost_of_commands` as a page of Markdown, with the wall time if there was a single run."""
    costs = cost_of_commands(jobs).set_index("command").drop(columns="machine")
    if found := single_run(jobs):
        at_best = jobs.processor_seconds.sum() / found.cores
        wall_time = (
            f"They were of one run, which took {found.wall_seconds:,.0f} s on {found.cores} core(s): "
            f"{found.wall_seconds / at_best:.2f} times what their processor time alone takes there."
        )
    else:
        wall_time = "They were of several runs, so there is no wall time."
    page = [
        f"# What the jobs of {folder} cost",
        "",
        costs.to_markdown(floatfmt=("", ".0f", ".1f", ".1f", ".1f", ".0f")),
        "",
        f"Of each command's jobs: seconds of processor time, {costs.total_s.sum():,.0f} in all; most memory. "
        f"{wall_time} On {_machines(jobs)}.",
        "",
    ]
    return "\n".join(page)


def _machines(jobs: pd.DataFrame) -> str:
    return " and ".join(jobs.machine.unique())
