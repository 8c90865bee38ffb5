"""The gradient of the loss, derived by hand: autograd's result in less time.

The names are the reference's (reference_julia/src/gradient.jl), whose derivation this is.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mnist_vae.errors import InputError
from mnist_vae.study.images import PIXELS
from mnist_vae.study.networks import VAE
from mnist_vae.study.objective import bound, loss
from mnist_vae.study.products import Array, binary_product, product, sigmoid

FACTORS = PIXELS // 16  # number of factors, each at least 0.5, of the products whose logarithm is taken
CHECKED_IMAGES, CHECKED_UNITS = 20, 10  # size of the problem on which autograd's gradient is compared
TOLERANCE = 1e-9  # tolerance of that comparison, in double precision


@torch.no_grad()
def loss_with_gradient(
    parameters: Mapping[str, Tensor], x: Tensor, noise: Tensor, beta: float = 1.0
) -> tuple[Tensor, dict[str, Tensor]]:
    """`objective.loss` at one draw per image, and its gradient in every parameter of a VAE, by name.

    Images (batch, 784) hold 0 and 1 only, in the parameters' precision; noise is (batch, latent). Neither is
    checked in this innermost loop, but once by `training.train`. On a CPU it is computed by NumPy on the
    tensors' memory, whose small operations cost half of PyTorch's.
    """
    tensors = {name: parameter.detach() for name, parameter in parameters.items()}
    if x.device.type != "cpu":
        return _loss_with_gradient(torch, tensors, x, noise, beta)
    arrays = {name: tensor.numpy() for name, tensor in tensors.items()}
    with np.errstate(all="ignore"):  # training reports a loss that is not finite
        value, gradient = _loss_with_gradient(np, arrays, x.numpy(), noise.numpy(), beta)
    return torch.as_tensor(value), {name: torch.from_numpy(array) for name, array in gradient.items()}


def _loss_with_gradient(
    library: Any, w: Mapping[str, Array], x: Array, noise: Array, beta: float
) -> tuple[Any, dict[str, Array]]:
    """Compute the loss and its gradient by NumPy or PyTorch, with functions that both have.

    With z = mean + std * noise, log q(z) is -noise^2 / 2 - log_std + constant: it depends on the parameters
    through log_std alone.
    """

    def tanh_layer(before: Array, bias: Array) -> Array:
        before += bias
        return library.tanh(before, out=before)

    encoder_hidden = tanh_layer(binary_product(x, w["encoder.hidden.weight"].T), w["encoder.hidden.bias"])
    output = product(encoder_hidden, w["encoder.output.weight"].T) + w["encoder.output.bias"]
    latent = output.shape[1] // 2
    mean, log_std = output[:, :latent], output[:, latent:]
    std = library.exp(log_std)
    from_mean = std * noise
    z = mean + from_mean
    decoder_hidden = tanh_layer(product(z, w["decoder.hidden.weight"].T), w["decoder.hidden.bias"])
    logits = product(decoder_hidden, w["decoder.output.weight"].T)
    logits += w["decoder.output.bias"]
    p = sigmoid(logits)

    share = 1 / len(x)  # of each image in the batch's mean
    standard = from_mean / std  # the noise again, unless std over- or underflows: then the loss is not finite
    kl = ((z * z).sum() - (standard * standard).sum()) / 2 - log_std.sum()
    value = (beta * kl - _log_likelihood(library, x, logits, p)) * share

    d_logits = p
    d_logits -= x
    d_logits *= share
    d_decoder = _through_tanh(product(w["decoder.output.weight"].T, d_logits.T).T, decoder_hidden)
    d_z = product(d_decoder, w["decoder.hidden.weight"]) + beta * share * z  # z: the prior's part
    d_output = library.concatenate([d_z, d_z * from_mean - beta * share], axis=1)
    d_encoder = _through_tanh(product(d_output, w["encoder.output.weight"]), encoder_hidden)
    return value, {
        "encoder.hidden.weight": binary_product(x.T, d_encoder).T,
        "encoder.hidden.bias": d_encoder.sum(0),
        "encoder.output.weight": product(d_output.T, encoder_hidden),
        "encoder.output.bias": d_output.sum(0),
        "decoder.hidden.weight": product(d_decoder.T, z),
        "decoder.hidden.bias": d_decoder.sum(0),
        "decoder.output.weight": product(decoder_hidden.T, d_logits).T,
        "decoder.output.bias": d_logits.sum(0),
    }


def _log_likelihood(library: Any, x: Array, logits: Array, p: Array) -> Any:
    """Log p(x | z) summed over all pixels of all images, from their logits l and probabilities p.

    log Bernoulli(x; p) = x l - max(l, 0) + log max(p, 1 - p), whose last term is between -log 2 and 0. These
    terms are added up as logarithms of a few products.
    """
    likelier = abs(p - 0.5)
    likelier += 0.5
    of_products = library.log(likelier.reshape(FACTORS, -1).prod(0))
    return (x * logits).sum() - logits.clip(0).sum() + of_products.sum()


def _through_tanh(d_output: Array, output: Array) -> Array:
    """The derivative by tanh's input: d_output * (1 - output^2)."""
    lost = d_output * output
    lost *= output
    return d_output - lost


def require_autograds_gradient(x: Tensor, noise: Tensor, beta: float) -> None:
    """Raise InputError if `objective.loss` has changed, and `loss_with_gradient` has not.

    Compared on the first images of a batch (batch, 784) and their noise (batch, latent), in double precision
    and for a small model of its own, whose gradient no rounding can hide.
    """
    with torch.inference_mode(False), torch.enable_grad():  # whatever the caller is in
        x, noise = (some[:CHECKED_IMAGES].to("cpu", torch.float64, copy=True) for some in (x, noise))
        vae = VAE(torch.Generator().manual_seed(0), hidden=CHECKED_UNITS, latent=noise.shape[1]).double()
        names, parameters = zip(*vae.named_parameters(), strict=True)
        expected = loss(bound(vae, x, noise), beta)
        autograds = torch.autograd.grad(expected, parameters)
    found, gradient = loss_with_gradient(dict(vae.named_parameters()), x, noise, beta)
    pairs = {"the loss": (found, expected.detach())}
    pairs |= {name: (gradient[name], wanted) for name, wanted in zip(names, autograds, strict=True)}
    for name, (ours, wanted) in pairs.items():
        difference = (ours - wanted).abs().max().item()
        if not difference <= TOLERANCE * (1 + wanted.abs().max().item()):
            raise InputError(
                "loss_with_gradient in study/gradient.py does not belong to the loss in study/objective.py: "
                f"{name} differs from autograd's by up to {difference:.2g}. Change it as the loss was "
                "changed, or train by PlainStep of study/step.py, which needs no gradient by hand."
            )
