"""Trainings in processes of their own: side by side, and on more and more images. Imports no torch."""

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

SIZES = 1_000, 10_000, 60_000  # as far as there are images
TURN = 10_000  # images, at least, of a contender's turn


def trainings(digits: str, threads: int, rounds: int) -> pd.DataFrame:
    """A row a contender, as of `alternation.hold`, with the most memory in MB of one of its processes, and
    what it was measured on. `digits` is what `binarize` stored.
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
    """Epochs of each size; the small sizes take several a turn."""
    with ExitStack() as running:
        workers = {f"n = {n:,}": running.enter_context(closing(worker(n, threads))) for n in sizes}
        contenders = {
            name: partial(several, work, -(-TURN // n))
            for (name, work), n in zip(workers.items(), sizes, strict=True)
        }
        table = hold({"an image of an epoch": contenders}, rounds)
    return table.assign(memory_mb=[work.memory_mb for work in workers.values()])


def side_by_side(worker: Callable[[int, int], Worker], n: int, rounds: int) -> pd.DataFrame:
    """Two trainings: of one thread each at the same time, or of two threads one after the other."""
    with ExitStack() as running:
        one, other, both = (running.enter_context(closing(worker(n, threads))) for threads in (1, 1, 2))
        contenders = {
            "side by side, a thread each": partial(together, one, other),
            "one after the other, two threads": partial(several, both, 2),
        }
        table = hold({"an image of an epoch of two trainings": contenders}, rounds)
    return table.assign(memory_mb=[max(one.memory_mb, other.memory_mb), both.memory_mb])


def several(work: Worker, times: int) -> int:
    """Let it work so many times."""
    return sum(work() for _ in range(times))


def together(*workers: Worker) -> int:
    """Let all work at the same time."""
    for worker in workers:
        worker.begin()
    return sum(worker.end() for worker in workers)
