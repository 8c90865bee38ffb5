"""Time training and inference against other implementations, in turns."""

import os
from argparse import ArgumentParser, Namespace
from pathlib import Path

import torch

from mnist_vae.benchmarks import inference, julia_training, training
from mnist_vae.benchmarks.alternation import hold
from mnist_vae.benchmarks.machine import machine
from mnist_vae.benchmarks.pages import ratios_page
from mnist_vae.commands.shared.table_page import save_with_page
from mnist_vae.config.measured import Benchmarks
from mnist_vae.data.digits import load_digits
from mnist_vae.exact.settings import SUMMED_DIMENSIONS, Marginal
from mnist_vae.files.storage import load_provenance
from mnist_vae.files.weights import load_weights
from mnist_vae.parameters import add_options

IMAGES = 1000  # number of images with which SVI is timed
SUMMED_IMAGES = 200  # number of images whose log p(x) is timed; plain sums of more would take minutes


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("digits", help="what `binarize` stored")
    parser.add_argument("weights", nargs="+", help="what `train` stored; SVI is timed on the first")
    parser.add_argument("output", help="where the timings go (.csv)")
    parser.add_argument("markdown", help="where their page goes (.md)")
    parser.add_argument("--reference", required=True, help="the Julia project's folder")
    add_options(parser, Benchmarks)
    add_options(parser, Marginal)


def run(options: Namespace) -> None:
    """Write one row per contender; ratios are relative to the first contender of each contest."""
    models = {path: load_weights(path).requires_grad_(False) for path in options.weights}
    vae = models[options.weights[0]]
    train, test = (
        torch.from_numpy(load_digits(options.digits, split, count)[0])
        for split, count in (("train", options.images), ("test", None))
    )
    test, threads = test[:IMAGES], torch.get_num_threads()
    measured_on = machine(threads, ("torch", "numpy", "jax", "pythae"))
    if torch.backends.mkl.is_available():
        measured_on["blas"] = f"{measured_on['blas']}, PyTorch's by MKL"
    if hasattr(os, "sched_setaffinity"):  # so that no contender, such as JAX, uses more cores than threads
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    with julia_training.contender(train.numpy(), Path(options.reference), threads) as julia:
        contests = {
            "a training step, batch of 100": training.contenders(train) | julia,
            **{
                f"log p(x) of an image, {_name(path)}": inference.log_px(
                    model, test[:SUMMED_IMAGES], options.window, options.tolerance
                )
                for path, model in models.items()
                if model.latent <= SUMMED_DIMENSIONS
            },
            "a step of SVI for an image, 1 draw": inference.svi(vae, test, draws=1),
            "a step of SVI for an image, 50 draws": inference.svi(vae, test, draws=50),
        }
        table = hold(contests, options.rounds).assign(**measured_on)
    missing = [name for name in ("JAX", "pythae", "Julia") if not table.contender.str.contains(name).any()]
    note = "".join(f" {name} is timed where it is installed." for name in missing)
    page = ratios_page("Training and inference, timed", table, options.rounds, note)
    save_with_page(table, options.output, page, options.markdown)


def _name(weights: str) -> str:
    source = load_provenance(weights)
    return f"{source['recipe']}, n = {source['n']:,}"
