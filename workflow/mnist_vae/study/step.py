"""A training step: Adam against the loss on a batch (docs/model.md, part 2).

`PlainStep` is the usual PyTorch code. `HandDerivedStep` does the same in less time, and is what
`training.make_step` chooses. A test compares them step by step.
"""

import torch
from torch import Tensor

from mnist_vae.study.adam import BETAS, EPSILON, Adam
from mnist_vae.study.gradient import loss_with_gradient, require_autograds_gradient
from mnist_vae.study.networks import VAE
from mnist_vae.study.objective import bound, loss
from mnist_vae.study.recipe import Recipe

# The matrices that HandDerivedStep stores transposed: `products.binary_product` needs contiguous rows of the
# first, and `products.product` is fastest so with the second.
TRANSPOSED = ("encoder.hidden.weight", "decoder.output.weight")


class Step:
    """A step on images (batch, 784) and noise (batch, latent), with all learning rates times a factor."""

    def __call__(self, x: Tensor, noise: Tensor, rate_factor: float | Tensor = 1.0) -> Tensor:
        """Move the parameters; return the loss before that."""
        raise NotImplementedError

    def update_model(self) -> None:
        """Copy the parameters into the model, if the step moves copies of them."""


class PlainStep(Step):
    """By autograd and torch.optim.Adam."""

    def __init__(self, vae: VAE, recipe: Recipe) -> None:
        self.vae, self.beta = vae, recipe.beta
        self.rates = [recipe.rate_of(name) for name, _ in vae.named_parameters()]
        groups = [{"params": [parameter]} for parameter in vae.parameters()]
        self.optimizer = torch.optim.Adam(groups, betas=BETAS, eps=EPSILON)

    def __call__(self, x: Tensor, noise: Tensor, rate_factor: float | Tensor = 1.0) -> Tensor:
        """Move the model's parameters."""
        for group, rate in zip(self.optimizer.param_groups, self.rates, strict=True):
            group["lr"] = rate * rate_factor
        self.optimizer.zero_grad()
        value = loss(bound(self.vae, x, noise), self.beta)
        value.backward()
        self.optimizer.step()
        return value.detach()


class HandDerivedStep(Step):
    """By a gradient derived by hand and Adam in its functional form, on copies of the model's parameters.

    The first step copies the model's parameters as they are then, and raises InputError if the gradient is
    not that of `objective.loss`.
    """

    def __init__(self, vae: VAE, recipe: Recipe) -> None:
        self.vae, self.beta = vae, recipe.beta
        copies = {name: parameter.detach().clone() for name, parameter in vae.named_parameters()}
        copies |= {name: copies[name].T.contiguous().T for name in TRANSPOSED}
        self.adam = Adam(copies, recipe.learning_rate, {name: recipe.rate_of(name) for name in copies})
        self.begun = False

    def __call__(self, x: Tensor, noise: Tensor, rate_factor: float | Tensor = 1.0) -> Tensor:
        """Move the copies."""
        if not self.begun:
            require_autograds_gradient(x, noise, self.beta)
            for name, parameter in self.vae.named_parameters():
                self.adam.parameters[name].copy_(parameter.detach())
            self.begun = True
        with torch.inference_mode():  # autograd's bookkeeping would cost a sixtieth of a step
            value, gradient = loss_with_gradient(self.adam.parameters, x, noise, self.beta)
            self.adam.step(gradient, rate_factor)
        return value

    def update_model(self) -> None:
        """Copy the parameters into the model."""
        for name, parameter in self.vae.named_parameters():
            parameter.detach().copy_(self.adam.parameters[name])
