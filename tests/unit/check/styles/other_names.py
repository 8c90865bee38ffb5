"""Other names, to be mapped; the KL has no weight; PyTorch, features first, and a stacked encoder."""

import math

import torch

U, V = torch.randn(500, 2), torch.randn(784, 500) / 20
S, T = torch.randn(500, 784) / 28, torch.randn(4, 500) / 20
gen = lambda z: V @ torch.tanh(U @ z)  # noqa: E731
rec = lambda x: T @ torch.tanh(S @ x)  # noqa: E731


def lp(z):
    return torch.sum(-(z**2) / 2 - math.log(math.sqrt(2 * math.pi)), 0)


def ll(x, z):
    p = gen(z)
    return torch.sum(
        torch.where(x > 0.5, torch.nn.functional.logsigmoid(p), torch.nn.functional.logsigmoid(-p)), 0
    )


def bound(x):
    m, s = rec(x)[:2], rec(x)[2:]
    e = torch.randn(m.shape)
    z = m + s.exp() * e
    return torch.mean(lp(z) + ll(x, z) + (e**2 / 2 + s).sum(0) + math.log(2 * math.pi))
