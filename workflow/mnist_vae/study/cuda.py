"""Training on a GPU: an epoch is recorded once as a CUDA graph, and replayed: no step waits for Python."""

import os
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from mnist_vae.errors import InputError

DEVICES = ("cpu", "auto", "cuda")
Batches = Sequence[tuple[Tensor, Tensor, float | Tensor]]


def find_device(wanted: str) -> torch.device:
    """The device to train on: "cpu", "cuda", or "auto", a GPU if there is one.

    Raises InputError for another name, or if a GPU is asked for and there is none. PyTorch is told to use
    deterministic algorithms on a GPU.
    """
    if wanted not in DEVICES:
        raise InputError(f"device is {wanted!r}; it must be one of {', '.join(DEVICES)}")
    there = torch.cuda.is_available()
    if wanted == "cuda" and not there:
        raise InputError("device: cuda, but PyTorch finds no GPU here. Set device: auto, or cpu.")
    if wanted == "cpu" or not there:
        return torch.device("cpu")
    os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"  # or cuBLAS may choose among ways to sum
    torch.use_deterministic_algorithms(True)
    # Nothing is read before it is written, so filling new tensors first would only add kernels.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    return torch.device("cuda")


class GraphedEpoch:
    """`training.descend` of one model on a GPU; images and batches may be on any device.

    The first epoch runs step by step, because cuBLAS then allocates its workspace, which a graph cannot
    record. The second is recorded, and reads images, order, noise and rates from fixed places.
    """

    def __init__(self, descend: Callable[[Tensor, Batches], Tensor]) -> None:
        self.descend = descend
        self.places: list[Tensor] = []
        self.graph: torch.cuda.CUDAGraph | None = None

    def __call__(self, images: Tensor, batches: Batches) -> Tensor:
        """Take the epoch's steps; return the summed loss, on the GPU."""
        indices, noise, factors = zip(*batches, strict=True)
        inputs = images, torch.cat(indices), torch.cat(noise).to(images), torch.tensor(factors)
        if not self.places:
            self.places = [part.to("cuda", copy=True) for part in inputs]
            self.sizes = [len(part) for part in indices]
            return self._epoch()
        for place, new in zip(self.places, inputs, strict=True):
            place.copy_(new)
        if self.graph is None:
            self.graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self.graph):
                self.total = self._epoch()
        self.graph.replay()
        return self.total

    def _epoch(self) -> Tensor:
        images, order, noise, factors = self.places
        batches = zip(order.split(self.sizes), noise.split(self.sizes), factors, strict=True)
        return self.descend(images, list(batches))
