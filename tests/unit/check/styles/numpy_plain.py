"""NumPy alone, features first, with the noise drawn inside each function."""

import numpy as np

rng = np.random.default_rng()
W1, W2 = rng.normal(0, 0.1, (500, 2)), rng.normal(0, 0.1, (784, 500))
V1, V2 = rng.normal(0, 0.05, (500, 784)), rng.normal(0, 0.05, (4, 500))


def decoder(z):
    return W2 @ np.tanh(W1 @ z)


def encoder(x):
    out = V2 @ np.tanh(V1 @ x)
    return out[:2], out[2:]


def log_prior(z):
    return -0.5 * (z**2).sum(0) - np.log(2 * np.pi)


def log_likelihood(x, z):
    logits = decoder(z)
    return (x * logits - np.logaddexp(0, logits)).sum(0)


def joint_log_density(x, z):
    return log_prior(z) + log_likelihood(x, z)


def log_q(m, s, z):
    return (-0.5 * np.log(2 * np.pi * np.exp(2 * s)) - (z - m) ** 2 / (2 * np.exp(2 * s))).sum(0)


def elbo(x):
    m, s = encoder(x)
    z = m + np.exp(s) * rng.normal(size=m.shape)
    return np.mean(joint_log_density(x, z) - log_q(m, s, z))


def loss(x):
    return -elbo(x)


def prior_samples(count):
    return 1 / (1 + np.exp(-decoder(rng.normal(size=(2, count)))))


def sample_diag_gaussian(m, s):
    return rng.normal(m, np.exp(s))


def top_half_ll(x, z):
    return (
        (x * decoder(z)[:392] - np.logaddexp(0, decoder(z)[:392])).sum(0)
        if len(x) == 392
        else top_half_ll(x[:392], z)
    )


def top_half_joint(x, z):
    return log_prior(z) + top_half_ll(x, z)


def top_half_elbo(m, s, x):
    z = m + np.exp(s) * rng.normal(size=(2, 20))
    return np.mean(top_half_joint(x, z) - log_q(m, s, z))


def interpolation(a, b, t):
    return t * a + (1 - t) * b
