"""Two operations that training does faster on a CPU than PyTorch's own."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F


def binary_product(x: Tensor, rows: Tensor) -> Tensor:
    """x @ rows, for x (a, b) in {0, 1} and rows (b, c) -> (a, c).

    On a CPU as sums of the rows where x is 1, which pays where few pixels are lit: in MNIST about a hundred
    of 784. Any other value but 0 counts as 1 there. Fastest where each row lies in one piece in memory.
    """
    if x.device.type != "cpu":
        return x @ rows
    lit = np.flatnonzero(x.bool().contiguous().numpy())  # in a third of the time of x.nonzero()
    starts = lit.searchsorted(np.arange(0, x.numel(), len(rows)))
    return F.embedding_bag(
        torch.from_numpy(lit % len(rows)), rows.contiguous(), torch.from_numpy(starts), mode="sum"
    )


def tanh_(x: Tensor) -> Tensor:
    """Tanh(x) in place: on a CPU as 2 sigmoid(2 x) - 1, to the same accuracy in a third of the time."""
    if x.device.type != "cpu":
        return x.tanh_()
    return x.mul_(2).sigmoid_().mul_(2).sub_(1)
