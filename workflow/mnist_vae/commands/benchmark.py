"""Time training and inference against other ways to do the same, in turns."""

import os
from argparse import ArgumentParser, Namespace

import pandas as pd
import torch

from mnist_vae.benchmarks import inference, training
from mnist_vae.benchmarks.alternation import ratios, take_turns
from mnist_vae.data import load_digits
from mnist_vae.storage import whole_file
from mnist_vae.weights import load_weights

GRID_IMAGES, SVI_IMAGES = 1000, 200


def add_arguments(parser: ArgumentParser) -> None:
    """Describe the command's options."""
    parser.add_argument("digits", help="what `binarize` stored")
    parser.add_argument("weights", help="what `train` stored")
    parser.add_argument("output", help="where the timings go (.csv)")
    parser.add_argument("markdown", help="where they go to be read (.md)")
    parser.add_argument("--rounds", type=int, required=True, help="in which every contender is timed once")
    parser.add_argument("--images", type=int, required=True, help="of an epoch of training")
    parser.add_argument("--window", type=float, required=True, help="the grid spans [-window, window]^2")
    parser.add_argument("--size", type=int, required=True, help="points along a side")


def run(options: Namespace) -> None:
    """A row a contender; each contest's first is what the others are measured against."""
    vae = load_weights(options.weights).requires_grad_(False)
    train, test = (
        torch.from_numpy(load_digits(options.digits, split, count)[0])
        for split, count in (("train", options.images), ("test", None))
    )
    if hasattr(os, "sched_setaffinity"):  # so that no contender, JAX for one, takes more cores than threads
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: torch.get_num_threads()])
    contests = {
        "a training step, batch of 100": training.contenders(train),
        "log p(x) of an image": inference.log_px(vae, test[:GRID_IMAGES], options.window, options.size),
        "a step of SVI for an image, 50 draws": inference.svi(vae, test[:SVI_IMAGES]),
    }
    tables = []
    for contest, contenders in contests.items():
        found = ratios(take_turns(contenders, options.rounds), of=next(iter(contenders)))
        tables.append(found.rename_axis("contender").reset_index().assign(contest=contest))
    table = pd.concat(tables)[["contest", "contender", "ms_a_unit", "ratio", "lowest", "highest"]]
    with whole_file(options.output) as temporary:
        table.to_csv(temporary, index=False)
    with whole_file(options.markdown) as temporary:
        temporary.write_text(_markdown(table, options), encoding="utf-8")


def _markdown(table: pd.DataFrame, options: Namespace) -> str:
    """The table, and how to read it."""
    readable = table.rename(columns={"ms_a_unit": "ms", "ratio": "the first's time to this one's"})
    without_jax = "" if table.contender.str.contains("JAX").any() else " JAX is timed where it is installed."
    return "\n".join(
        [
            f"# Timings, {torch.get_num_threads()} thread(s)",
            "",
            readable.to_markdown(index=False, floatfmt=".2f"),
            "",
            f"Medians of {options.rounds} rounds in which the contenders take turns, and the range of their "
            f"ratio over rounds. Below 1 the first is faster.{without_jax}",
            "",
        ]
    )
