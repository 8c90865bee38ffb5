"""A loop over images and pixels, with Python floats, features first."""

import math

import numpy as np

A, B = np.random.randn(500, 2), np.random.randn(784, 500) / 20
C, D = np.random.randn(500, 784) / 28, np.random.randn(4, 500) / 20


def decoder(z):
    return np.stack([B @ np.tanh(A @ z[:, i]) for i in range(z.shape[1])], axis=1)


def encoder(x):
    columns = [D @ np.tanh(C @ x[:, i]) for i in range(x.shape[1])]
    return np.array(columns).T[:2], np.array(columns).T[2:]


def log_prior(z):
    return [
        sum(-0.5 * z[d, i] ** 2 - 0.5 * math.log(2 * math.pi) for d in range(2)) for i in range(z.shape[1])
    ]


def log_likelihood(x, z):
    logits, found = decoder(z), []
    for i in range(x.shape[1]):
        total = 0.0
        for p in range(784):
            s = logits[p, i] if x[p, i] == 1 else -logits[p, i]
            total += -math.log1p(math.exp(-s)) if s > -30 else s
        found.append(total)
    return np.array(found)


def joint_log_density(x, z):
    return np.array([a + b for a, b in zip(log_prior(z), log_likelihood(x, z), strict=True)])


def log_q(mean, log_std, z):
    found = np.zeros(z.shape[1])
    for i in range(z.shape[1]):
        for d in range(2):
            std = math.exp(log_std[d, i])
            found[i] += math.log(
                math.exp(-((z[d, i] - mean[d, i]) ** 2) / (2 * std**2)) / (std * math.sqrt(2 * math.pi))
            )
    return found


def sample_diag_gaussian(mean, log_std):
    return mean + np.exp(log_std) * np.random.randn(*mean.shape)


def elbo(x):
    mean, log_std = encoder(x)
    z = sample_diag_gaussian(mean, log_std)
    return float(sum(joint_log_density(x, z) - log_q(mean, log_std, z))) / x.shape[1]


def top_half(x):
    return np.array([[x[28 * r + c, i] for i in range(x.shape[1])] for r in range(14) for c in range(28)])
