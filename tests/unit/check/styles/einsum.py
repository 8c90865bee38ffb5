"""Sums by einsum and logsumexp, float64 throughout in PyTorch, batch first."""

import math

import torch

torch.set_default_dtype(torch.float64)
net = {
    name: torch.randn(*shape) / shape[0] ** 0.5
    for name, shape in {"a": (2, 500), "b": (500, 784), "c": (784, 500), "d": (500, 4)}.items()
}


def decoder(z):
    return torch.einsum("bh,hp->bp", torch.tanh(torch.einsum("bl,lh->bh", z, net["a"])), net["b"])


def encoder(x):
    return torch.einsum("bh,hl->bl", torch.tanh(torch.einsum("bp,ph->bh", x, net["c"])), net["d"])


def log_prior(z):
    return -torch.einsum("bl,bl->b", z, z) / 2 - math.log(2 * math.pi)


def log_likelihood(x, z):
    logits = decoder(z)
    normalizer = torch.logsumexp(torch.stack([torch.zeros_like(logits), logits]), dim=0)
    return torch.einsum("bp,bp->b", x, logits) - torch.einsum("bp->b", normalizer)


def joint_log_density(x, z):
    return log_prior(z) + log_likelihood(x, z)


def log_q(q_mean, q_log_std, z):
    e = (z - q_mean) * torch.exp(-q_log_std)
    return -torch.einsum("bl,bl->b", e, e) / 2 - torch.einsum("bl->b", q_log_std) - math.log(2 * math.pi)


def elbo(x):
    out = encoder(x)
    mean, log_std = out[:, :2], out[:, 2:]
    z = torch.addcmul(mean, log_std.exp(), torch.randn(len(x), 2))
    return torch.einsum("b->", joint_log_density(x, z) - log_q(mean, log_std, z)) / len(x)


def loss(x):
    return -elbo(x)
