"""The gradient of the loss, derived by hand: what autograd finds, in three quarters of its time.

The names are the reference's (reference_julia/src/gradient.jl), whose derivation this is.
"""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

from mnist_vae.study.densities import log_likelihood, log_prior, log_q
from mnist_vae.study.objective import Bound, reparameterize
from mnist_vae.study.products import binary_product, linear, tanh_


@torch.no_grad()
def loss_with_gradient(
    parameters: Mapping[str, Tensor], x: Tensor, noise: Tensor
) -> tuple[Tensor, dict[str, Tensor]]:
    """`objective.loss` at one draw an image, and its gradient in every parameter of a VAE, by name.

    Images (batch, 784) in {0, 1}, noise (batch, 2). With z = mean + std * noise, log q(z) is
    -noise^2 / 2 - log_std + constant: it depends on the parameters through log_std alone.
    """
    w = parameters
    lit = x.bool()
    encoder_hidden = binary_product(lit, w["encoder.hidden.weight"].T).add_(w["encoder.hidden.bias"])
    encoder_hidden = tanh_(encoder_hidden)
    output = F.linear(encoder_hidden, w["encoder.output.weight"], w["encoder.output.bias"])
    mean, log_std = output.chunk(2, dim=-1)
    z = reparameterize(mean, log_std, noise)
    decoder_hidden = tanh_(F.linear(z, w["decoder.hidden.weight"], w["decoder.hidden.bias"]))
    logits = linear(decoder_hidden, w["decoder.output.weight"], w["decoder.output.bias"])
    value = -Bound(log_likelihood(x, logits), log_prior(z), log_q(mean, log_std, z)).elbo.mean()

    share = 1 / len(x)  # of each image in the batch's mean
    d_logits = logits.sigmoid_().sub_(x).mul_(share)
    d_hidden = linear(d_logits, w["decoder.output.weight"].T)
    d_decoder = _through_tanh(d_hidden, decoder_hidden)
    d_z = F.linear(d_decoder, w["decoder.hidden.weight"].T).add_(z, alpha=share)  # z: the prior's part
    d_output = torch.cat([d_z, d_z * torch.exp(log_std) * noise - share], dim=-1)
    d_encoder = _through_tanh(d_output @ w["encoder.output.weight"], encoder_hidden)
    return value, {
        "encoder.hidden.weight": binary_product(lit.T.contiguous(), d_encoder).T,
        "encoder.hidden.bias": d_encoder.sum(0),
        "encoder.output.weight": d_output.T @ encoder_hidden,
        "encoder.output.bias": d_output.sum(0),
        "decoder.hidden.weight": (z.T @ d_decoder).T,
        "decoder.hidden.bias": d_decoder.sum(0),
        "decoder.output.weight": linear(decoder_hidden.T, d_logits.T).T,
        "decoder.output.bias": d_logits.sum(0),
    }


def _through_tanh(d_output: Tensor, output: Tensor) -> Tensor:
    return torch.ops.aten.tanh_backward(d_output, output)
