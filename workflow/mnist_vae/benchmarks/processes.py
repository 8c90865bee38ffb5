"""Training runs in separate processes: side by side, and on more images. Imports no torch."""

import os
import sys
from collections.abc import Callable
from contextlib import ExitStack, closing
from functools import partial

import pandas as pd

from mnist_vae.benchmarks.alternation import hold
from mnist_vae.benchmarks.machine import machine
from mnist_vae.benchmarks.pages import ratios_page
from mnist_vae.benchmarks.workers import Worker
from mnist_vae.files.storage import load_arrays
from mnist_vae.provenance.software import cores

SIZES = 1_000, 10_000, 60_000  # at most as many as there are images
TURN = 10_000  # least number of images in a contender's turn


def trainings(digits: str, threads: int, rounds: int) -> pd.DataFrame:
    """One row per contender, as by `alternation.hold`, with the peak memory of its processes in MB, and the
    machine. `digits` is what `binarize` stored.
    """
    images = len(load_arrays(digits)["train_images"])
    sizes = sorted({min(size, images) for size in SIZES})
    worker = partial(start_worker, digits)
    tables = [on_more_images(worker, sizes, threads, rounds)]
    if cores() > 1:
        tables.append(side_by_side(worker, min(TURN, sizes[-1]), rounds))
    return pd.concat(tables).assign(**machine(threads, ("torch",)))


def trainings_page(table: pd.DataFrame, rounds: int) -> str:
    """The table of `trainings` as a page of Markdown."""
    largest = table[table.contest == table.contest.iloc[0]].iloc[-1]
    note = f" {largest.contender}: {largest.memory_mb} MB of memory at most, without any evaluation."
    return ratios_page("Trainings, timed", table, rounds, note)


def start_worker(digits: str, n: int, threads: int) -> Worker:
    """A process that trains on the first n images."""
    words = ["--threads", str(threads), "repeat_epochs", digits, "--n", str(n)]
    return Worker([sys.executable, "-m", "mnist_vae", *words], os.environ)


def on_more_images(
    worker: Callable[[int, int], Worker], sizes: list[int], threads: int, rounds: int
) -> pd.DataFrame:
    """Time epochs of each size; of small sizes, several per turn."""
    with ExitStack() as running:
        workers = {f"n = {n:,}": running.enter_context(closing(worker(n, threads))) for n in sizes}
        contenders = {
            name: partial(several, work, -(-TURN // n))
            for (name, work), n in zip(workers.items(), sizes, strict=True)
        }
        table = hold({"an image of an epoch": contenders}, rounds)
    return table.assign(memory_mb=[work.memory_mb for work in workers.values()])


def side_by_side(worker: Callable[[int, int], Worker], n: int, rounds: int) -> pd.DataFrame:
    """Time two training runs: at the same time on one thread each, or one after the other on two threads."""
    with ExitStack() as running:
        one, other, both = (running.enter_context(closing(worker(n, threads))) for threads in (1, 1, 2))
        contenders = {
            "side by side, a thread each": partial(together, one, other),
            "one after the other, two threads": partial(several, both, 2),
        }
        table = hold({"an image of an epoch of two trainings": contenders}, rounds)
    return table.assign(memory_mb=[max(one.memory_mb, other.memory_mb), both.memory_mb])


def several(work: Worker, times: int) -> int:
    """Let a worker work several times."""
    return sum(work() for _ in range(times))


def together(*workers: Worker) -> int:
    """Let workers work at the same time."""
    for worker in workers:
        worker.begin()
    return sum(worker.end() for worker in workers)
