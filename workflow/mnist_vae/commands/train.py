"""Train one model, and keep the history of its bounds."""

from argparse import ArgumentParser, Namespace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import torch
from tqdm import tqdm

from mnist_vae.data.augmentation import augment
from mnist_vae.data.binarization import THRESHOLD
from mnist_vae.data.digits import load_digits
from mnist_vae.errors import InputError
from mnist_vae.files.checkpoints import Checkpoint
from mnist_vae.files.storage import file_hash, load_provenance, save_table
from mnist_vae.files.weights import save_snapshots, save_weights
from mnist_vae.parameters import Parameter, add_option, add_options, read_options
from mnist_vae.provenance.software import blas, processor, versions
from mnist_vae.provenance.sources import code_hash
from mnist_vae.study.cuda import find_device
from mnist_vae.study.history import Progress, follow
from mnist_vae.study.networks import VAE
from mnist_vae.study.recipe import Device, Recipe, Seed, TrainSize
from mnist_vae.study.training import make_step, train

CHECKPOINT = "checkpoint.safetensors"  # next to the weights, until training has ended
HISTORY_COLUMNS = ("epoch", "loss", "train_neg_elbo", "test_neg_elbo", "train_images", "test_images")


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("digits", help="what `binarize` stored")
    parser.add_argument("grey", help="what `obtain` stored; read if the recipe has augmentation")
    parser.add_argument("weights", help="where the weights go (.safetensors)")
    parser.add_argument("history", help="where the history goes (.csv)")
    parser.add_argument("snapshots", help="where the weights of the snapshots go (.safetensors)")
    add_option(
        parser,
        "snapshot_epochs",
        Annotated[
            tuple[int, ...],
            Parameter(
                "epochs after which weights are kept, besides the last",
                minimum=1,
                entries=(0, None),
                unique=True,
                shown="none, nor the last",
            ),
        ],
        (),
    )
    parser.add_argument("--recipe", required=True, help="the recipe's name, stored with the results")
    add_option(parser, "n", TrainSize)
    add_option(parser, "seed", Seed)
    add_options(parser, Recipe)
    add_option(parser, "device", Device, "cpu")


def run(options: Namespace) -> None:
    """Train from the last checkpoint, if any, and store weights, history and snapshots."""
    checkpoint = Checkpoint(Path(options.weights).with_name(CHECKPOINT), _identity(options))
    try:
        _train(options, checkpoint)
    except InputError:  # what diverged would diverge again
        checkpoint.remove()
        raise
    checkpoint.remove()


def _train(options: Namespace, checkpoint: Checkpoint) -> None:
    device = find_device(options.device)
    images, test_images = (
        torch.from_numpy(load_digits(options.digits, split, count)[0]).to(device)
        for split, count in (("train", options.n), ("test", None))
    )

    generator = torch.Generator().manual_seed(options.seed)
    recipe = read_options(Recipe, options)
    vae = VAE(generator, recipe.initialization, recipe.hidden, recipe.latent).to(device)
    variants = None
    if recipe.augmentation:
        grey = torch.from_numpy(load_digits(options.grey, "train", options.n)[0]).to(device)
        threshold = load_provenance(options.digits).get("threshold", THRESHOLD)
        variants = partial(augment, grey, recipe.augmentation, generator, threshold)
    step = make_step(vae, recipe)
    done = checkpoint.restore(vae, step.adam, generator) or Progress(0, [], {})
    if done.epoch:
        print(f"resuming from the checkpoint after epoch {done.epoch}/{recipe.epochs}")
    losses = train(vae, images, recipe, generator, variants, step, done.epoch)
    # A terminal shows a bar; a log, for which tqdm disables itself, has the lines below.
    bar = tqdm(losses, total=recipe.epochs, initial=done.epoch, desc="training", unit="epoch", disable=None)
    splits, progress = {"train": images, "test": test_images}, done
    for progress in follow(vae, bar, splits, recipe.epochs, options.snapshot_epochs, done):
        row = progress.history[-1]
        if "test_neg_elbo" in row:
            tqdm.write(
                f"epoch {progress.epoch}/{recipe.epochs}: -ELBO in nats: "
                f"train {row['train_neg_elbo']:.2f}, test {row['test_neg_elbo']:.2f}"
            )
        checkpoint.keep(vae, step.adam, generator, progress)

    provenance = load_provenance(options.digits) | {
        "recipe": options.recipe,
        "n": options.n,
        "seed": options.seed,
    }
    save_table(options.history, progress.history, HISTORY_COLUMNS)
    save_snapshots(options.snapshots, progress.snapshots, provenance)
    save_weights(options.weights, vae, provenance)


def _identity(options: Namespace) -> dict[str, Any]:
    """All that the bits of a trained model depend on."""
    files = ("digits", "grey", "weights", "history", "snapshots")
    read = [options.digits, *([options.grey] if options.augmentation else [])]
    return {
        "options": {name: value for name, value in vars(options).items() if name not in files},
        "images": [file_hash(path) for path in read],
        "code": code_hash(__name__),
        "software": versions(("mnist_vae", "torch", "numpy")),
        "processor": processor(),
        "blas": blas(),
        "threads": torch.get_num_threads(),
        "device": str(find_device(options.device)),
    }
