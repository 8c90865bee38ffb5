"""PyTorch, features first; the KL in closed form, and torch.distributions for the rest."""

import torch
from torch.distributions import Bernoulli, Independent, Normal, kl_divergence

D1, D2 = torch.nn.Linear(2, 500), torch.nn.Linear(500, 784)
E1, E2 = torch.nn.Linear(784, 500), torch.nn.Linear(500, 4)


def decoder(z):
    return D2(torch.tanh(D1(z.T))).T


def encoder(x):
    return E2(torch.tanh(E1(x.T))).T


def log_prior(z):
    return Normal(0.0, 1.0).log_prob(z).sum(0, keepdim=True)


def log_likelihood(x, z):
    return Independent(Bernoulli(logits=decoder(z).T), 1).log_prob(x.T)


def joint_log_density(x, z):
    return log_prior(z).squeeze(0) + log_likelihood(x, z)


def log_q(mean, log_std, z):
    return Independent(Normal(mean.T, log_std.T.exp()), 1).log_prob(z.T)


def elbo(x):
    mean, log_std = encoder(x).chunk(2, 0)
    q = Normal(mean, log_std.exp())
    z = q.rsample()
    return (log_likelihood(x, z) - kl_divergence(q, Normal(0.0, 1.0)).sum(0)).mean()


def loss(x):
    return -elbo(x)


def sample_diag_gaussian(mean, log_std):
    return Normal(mean, log_std.exp()).rsample()
