"""NumPy in float32, batch first; several draws an image in the bound, shapes (batch, 1)."""

import numpy as np

f = np.float32
rng = np.random.default_rng(3)
P = [rng.standard_normal(s).astype(f) * f(0.05) for s in ((2, 500), (500, 784), (784, 500), (500, 4))]


def decoder(z):
    return np.tanh(z.astype(f) @ P[0]) @ P[1]


def encoder(x):
    return np.split(np.tanh(x.astype(f) @ P[2]) @ P[3], 2, axis=-1)


def factorized_gaussian_log_density(mean, log_std, x):
    t = (x.astype(f) - mean) / np.exp(log_std)
    return (f(-0.5) * t * t - log_std - f(0.9189385)).sum(-1, keepdims=True)


def bernoulli_log_density(x, logits):
    return (x * logits - np.logaddexp(f(0), logits)).astype(f)


def log_prior(z):
    return factorized_gaussian_log_density(np.zeros_like(z), np.zeros_like(z), z)


def log_likelihood(x, z):
    return bernoulli_log_density(x, decoder(z)).sum(-1, keepdims=True)


def joint_log_density(x, z):
    return log_prior(z) + log_likelihood(x, z)


def log_q(mean, log_std, z):
    return factorized_gaussian_log_density(mean, log_std, z)


def elbo(x):
    mean, log_std = encoder(x)
    draws = [mean + np.exp(log_std) * rng.standard_normal(mean.shape) for _ in range(5)]
    return np.mean([joint_log_density(x, z) - log_q(mean, log_std, z) for z in draws])
