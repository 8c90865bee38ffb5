"""The gradient of the loss, derived by hand: what autograd finds, in three quarters of its time.

The names are the reference's (reference_julia/src/gradient.jl), whose derivation this is.
"""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

from mnist_vae.study.objective import bound_at, loss, reparameterize
from mnist_vae.study.products import binary_product, tanh_


@torch.no_grad()
def loss_with_gradient(
    parameters: Mapping[str, Tensor], x: Tensor, noise: Tensor, beta: float = 1.0
) -> tuple[Tensor, dict[str, Tensor]]:
    """`objective.loss` at one draw per image, and its gradient in every parameter of a VAE, by name.

    Images (batch, 784) hold 0 and 1 only, in the parameters' precision; noise is (batch, latent). Neither is
    checked here, in the innermost loop: `training.train` does so once. With z = mean + std * noise, log q(z)
    is -noise^2 / 2 - log_std + constant: it depends on the parameters through log_std alone.
    """
    w = parameters
    encoder_hidden = tanh_(binary_product(x, w["encoder.hidden.weight"].T).add_(w["encoder.hidden.bias"]))
    output = F.linear(encoder_hidden, w["encoder.output.weight"], w["encoder.output.bias"])
    mean, log_std = output.chunk(2, dim=-1)
    z = reparameterize(mean, log_std, noise)
    decoder_hidden = tanh_(F.linear(z, w["decoder.hidden.weight"], w["decoder.hidden.bias"]))
    logits = F.linear(decoder_hidden, w["decoder.output.weight"], w["decoder.output.bias"])
    value = loss(bound_at(x, logits, mean, log_std, z), beta)

    share = 1 / len(x)  # of each image in the batch's mean
    d_logits = logits.sigmoid_().sub_(x).mul_(share)
    d_decoder = _through_tanh(d_logits @ w["decoder.output.weight"], decoder_hidden)
    d_z = (d_decoder @ w["decoder.hidden.weight"]).add_(z, alpha=beta * share)  # z: the prior's part
    d_output = torch.cat([d_z, d_z * torch.exp(log_std) * noise - beta * share], dim=-1)
    d_encoder = _through_tanh(d_output @ w["encoder.output.weight"], encoder_hidden)
    return value, {
        "encoder.hidden.weight": binary_product(x.T, d_encoder).T,
        "encoder.hidden.bias": d_encoder.sum(0),
        "encoder.output.weight": d_output.T @ encoder_hidden,
        "encoder.output.bias": d_output.sum(0),
        "decoder.hidden.weight": d_decoder.T @ z,
        "decoder.hidden.bias": d_decoder.sum(0),
        "decoder.output.weight": d_logits.T @ decoder_hidden,
        "decoder.output.bias": d_logits.sum(0),
    }


def _through_tanh(d_output: Tensor, output: Tensor) -> Tensor:
    """The derivative by tanh's input: d_output * (1 - output^2)."""
    return torch.addcmul(d_output, d_output * output, output, value=-1)
