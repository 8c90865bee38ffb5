"""A torch.nn.Module with methods, batch first; checked by --object model."""

import math

import torch
import torch.nn.functional as F
from torch import nn


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(784, 500), nn.Tanh(), nn.Linear(500, 4))
        self.decoder = nn.Sequential(nn.Linear(2, 500), nn.Tanh(), nn.Linear(500, 784))

    def log_prior(self, z):
        return -0.5 * z.pow(2).sum(1) - math.log(2 * math.pi)

    def log_likelihood(self, x, z):
        return -F.binary_cross_entropy_with_logits(self.decoder(z), x, reduction="none").sum(1)

    def joint_log_density(self, x, z):
        return self.log_prior(z) + self.log_likelihood(x, z)

    def log_q(self, mean, log_std, z):
        return (-0.5 * ((z - mean) / log_std.exp()).pow(2) - log_std - 0.5 * math.log(2 * math.pi)).sum(1)

    def reparameterize(self, mean, log_std):
        return mean + torch.exp(log_std) * torch.randn_like(log_std)

    def elbo(self, x):
        mean, log_std = self.encoder(x).chunk(2, dim=1)
        z = self.reparameterize(mean, log_std)
        return (self.joint_log_density(x, z) - self.log_q(mean, log_std, z)).mean()

    def loss(self, x):
        return -self.elbo(x)

    def top_half(self, x):
        return x.view(-1, 28, 28)[:, :14].reshape(len(x), -1)


model = VAE()


def train(images, nepochs=10):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(nepochs):
        for batch in torch.utils.data.DataLoader(images, batch_size=64, shuffle=True):
            optimizer.zero_grad()
            model.loss(batch).backward()
            optimizer.step()
