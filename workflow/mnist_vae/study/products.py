"""Operations that are faster by NumPy than by PyTorch on a CPU; tensors and arrays share their memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from threadpoolctl import ThreadpoolController
from torch import Tensor
from torch.nn import functional as F

PROCESSORS = Path("/proc/cpuinfo")

Array = Any  # a NumPy array or a PyTorch tensor; a function's arguments and result are of one kind


def product(a: Array, b: Array) -> Array:
    """a @ b, for matrices that need no gradient; by NumPy where `numpy_multiplies_faster`."""
    if isinstance(a, Tensor):
        if a.is_cpu and numpy_multiplies_faster():
            return torch.from_numpy(np.matmul(a.numpy(), b.numpy()))
        return a @ b
    if numpy_multiplies_faster():
        return np.matmul(a, b)
    return (torch.from_numpy(a) @ torch.from_numpy(b)).numpy()


def sigmoid(x: Array) -> Array:
    """The sigmoid of each entry, by PyTorch, for which it is one operation."""
    if isinstance(x, Tensor):
        return x.sigmoid()
    return torch.from_numpy(x).sigmoid().numpy()


@cache
def numpy_multiplies_faster() -> bool:
    """Whether this is an AMD processor, for which PyTorch multiplies by MKL.

    On AMD, MKL uses half of AVX-512's width: on one thread of a Zen 5, products of (100, 500) and (500, 784)
    ran at 103 to 106 GFLOP/s, and at 179 to 241 by NumPy's OpenBLAS 0.3.31. On a Zen 4, whose units are half
    as wide, both reach 90 to 100, and on a Zen 2 76 and 92; but there a product with a side of 2 takes MKL 6
    to 17 times as long. Other processors were not measured: MKL is made for Intel's, and on ARM PyTorch
    multiplies by OpenBLAS.
    """
    is_amd = PROCESSORS.exists() and "AuthenticAMD" in PROCESSORS.read_text(encoding="utf-8")
    return is_amd and torch.backends.mkl.is_available()


@contextmanager
def threads_of_pytorch() -> Iterator[None]:
    """Limit NumPy's BLAS to PyTorch's number of threads: more would change last bits."""
    with _thread_pools().limit(limits=torch.get_num_threads(), user_api="blas"):
        yield


@cache
def _thread_pools() -> ThreadpoolController:
    return ThreadpoolController()


def binary_product(x: Array, rows: Array) -> Array:
    """x @ rows, for x (a, b) in {0, 1} and rows (b, c) -> (a, c).

    For arrays, it adds up the rows where x is 1, which is faster if few pixels are lit: about 100 of 784 in
    MNIST. Any value but 0 counts as 1. Contiguous rows are fastest.
    """
    if isinstance(x, Tensor):
        return x @ rows
    lit = np.flatnonzero(x.astype(bool)).astype(np.int32)  # in a third of the time of PyTorch's nonzero
    columns = _columns(*x.shape)[lit]  # lit % len(rows), in half of its time
    starts = lit.searchsorted(np.arange(0, x.size, len(rows), dtype=np.int32)).astype(np.int32)
    indices, weight, offsets = map(torch.from_numpy, (columns, rows, starts))
    return F.embedding_bag(indices, weight.contiguous(), offsets, mode="sum").numpy()


@lru_cache(maxsize=4)  # one for the batches, one for a last partial one, each also transposed
def _columns(height: int, width: int) -> np.ndarray:
    """The column of each entry of a matrix, row by row."""
    return np.tile(np.arange(width, dtype=np.int32), height)


def tanh_(x: Tensor) -> Tensor:
    """Tanh(x) in place; NumPy takes a sixth of PyTorch's time on a CPU."""
    if x.device.type != "cpu":
        return x.tanh_()
    array = x.numpy()
    np.tanh(array, out=array)
    return x
