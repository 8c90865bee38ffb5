"""Matrix products and the tanh, by the fastest way that PyTorch has for them."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

ONEDNN = torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x @ weight.T + bias: (rows, inputs), (outputs, inputs) and (outputs,) -> (rows, outputs).

    In float32 on a CPU by oneDNN, for F.linear goes to MKL, which uses half of an AMD processor's vector
    units. The operator is internal to PyTorch: where it is missing, F.linear it is.
    """
    if ONEDNN and x.dtype == torch.float32 and x.device.type == "cpu":
        return torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
    return F.linear(x, weight, bias)


def binary_product(x: Tensor, rows: Tensor) -> Tensor:
    """x @ rows, for boolean x (a, b) and contiguous rows (b, c) -> (a, c).

    On a CPU as sums of the rows where x is true: in MNIST, of 784 rows about a hundred.
    """
    if x.device.type != "cpu":
        return x.to(rows.dtype) @ rows
    true = np.flatnonzero(x.numpy())  # in a third of the time of x.nonzero()
    starts = true.searchsorted(np.arange(0, x.numel(), len(rows)))
    return F.embedding_bag(torch.from_numpy(true % len(rows)), rows, torch.from_numpy(starts), mode="sum")


def tanh_(x: Tensor) -> Tensor:
    """Tanh(x) in place, as 2 sigmoid(2 x) - 1: to the same accuracy, in a third of the time."""
    return x.mul_(2).sigmoid_().mul_(2).sub_(1)
