"""The history of a training run: a row per epoch, bounds after some of them, and snapshots of the weights."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from mnist_vae.study.evaluation import evaluate
from mnist_vae.study.networks import VAE, weight_arrays

POINTS = 12  # number of epochs after which bounds are measured, most of them early, when bounds change fast
IMAGES = 1_000  # number of images per split on which bounds are measured
NOISE_SEED = 0  # the same noise each time, so that a curve shows the model and not the draw


class Progress(NamedTuple):
    """The progress of a training run: epochs done, a row of history for each, and the weights kept."""

    epoch: int
    history: list[dict[str, Any]]
    snapshots: dict[int, dict[str, np.ndarray]]


def follow(
    vae: VAE,
    losses: Iterable[float],
    splits: Mapping[str, Tensor],
    epochs: int,
    snapshot_epochs: Collection[int],
    done: Progress,
) -> Iterator[Progress]:
    """Yield the progress after each epoch, given the epochs' mean losses as `training.train` yields them.

    After POINTS of all `epochs`, the row holds -ELBO, in nats, on the first images of each split, (n, 784),
    by name. Weights are kept after `snapshot_epochs`, and after the last epoch if any are. `done` is the
    progress so far; a new run starts from Progress(0, [], {}).
    """
    _, history, snapshots = done
    measured = set(np.geomspace(1, epochs, POINTS).round().astype(int))
    kept = {*snapshot_epochs, epochs} if snapshot_epochs else set()
    for epoch, mean_loss in enumerate(losses, start=done.epoch + 1):
        row: dict[str, Any] = {"epoch": epoch, "loss": mean_loss}
        if epoch in measured:
            for split, images in splits.items():
                some = images[:IMAGES]
                row |= {f"{split}_neg_elbo": _neg_elbo(vae, some), f"{split}_images": len(some)}
        history.append(row)
        if epoch in kept:
            snapshots[epoch] = weight_arrays(vae)
        yield Progress(epoch, history, snapshots)


def _neg_elbo(vae: VAE, images: Tensor) -> float:
    noise = torch.Generator().manual_seed(NOISE_SEED)
    return evaluate(vae, images, draws=1, generator=noise).neg_elbo.value
