"""A distribution of any family, fitted to each image by stochastic gradient ascent on its ELBO."""

from collections.abc import Callable

import torch
from torch import Tensor

from mnist_vae.inference.problem import Problem

STEPS = 500
DRAWS = 8  # draws of z per image and step
RATE = 0.02  # Adam's learning rate; falls to zero over the last half of the steps


def fit(
    problem: Problem, parameters: list[Tensor], draw: Callable[[int], tuple[Tensor, Tensor, Tensor]]
) -> None:
    """Move the parameters of all images' distributions to higher ELBOs.

    draw takes a number of draws to z (draws, images, d), log q(z) and the weight of each draw, (draws,
    images) each, through which gradients flow.
    """
    for each in parameters:
        each.requires_grad_(True)
    optimizer = torch.optim.Adam(parameters, lr=RATE)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, 2 * (1 - step / STEPS)))
    for _ in range(STEPS):
        z, log_density, weight = draw(DRAWS)
        elbo = (weight * (problem.differentiable_log_joint(z) - log_density)).sum(0)
        optimizer.zero_grad()
        (-elbo.sum()).backward()
        optimizer.step()
        schedule.step()
    for each in parameters:
        each.requires_grad_(False)
