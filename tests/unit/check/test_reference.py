"""The check's own right functions are the study's."""

import numpy as np
import torch

from mnist_vae.check.contract import ANSWER_POINTS, FUNCTIONS, POINTS
from mnist_vae.check.inputs import make_inputs
from mnist_vae.check.reference import Right, halves, perceptron, quadrature
from mnist_vae.study import densities, objective, svi
from mnist_vae.study.networks import VAE

vae = VAE(torch.Generator().manual_seed(0)).double().requires_grad_(False)
inputs = make_inputs()
arrays = inputs.arguments
right = Right(
    lambda z: vae.decoder(torch.from_numpy(z)).numpy(),
    lambda x: tuple(part.numpy() for part in vae.encoder(torch.from_numpy(x))),
)


def tensors(*names):
    return [torch.from_numpy(arrays[name]) for name in names]


def test_densities_and_bounds_are_those_of_the_study():
    x, z, mean, log_std = tensors("x", "z", "q_mean", "q_log_std")
    noise = torch.from_numpy(inputs.noises[5])
    pairs = {
        "log_prior": (right.log_prior(arrays["z"]), densities.log_prior(z)),
        "log_q": (
            right.log_q(arrays["q_mean"], arrays["q_log_std"], arrays["z"]),
            densities.log_q(mean, log_std, z),
        ),
        "joint": (
            right.joint_log_density(arrays["x"], arrays["z"]),
            densities.joint_log_density(vae.decoder, x, z),
        ),
        "top half": (
            right.top_half_joint(arrays["x"], arrays["z"]),
            densities.top_half_joint(vae.decoder, x, z),
        ),
        "loss": (right.loss(arrays["x"], inputs.noises[5]), objective.loss(objective.bound(vae, x, noise))),
        "top_half_elbo": (
            right.top_half_elbo(arrays["x"], arrays["q_mean"], arrays["q_log_std"], inputs.noises[5]),
            svi.top_half_elbo(vae.decoder, x, mean, log_std, noise[None]),
        ),
    }
    for name, (ours, the_studys) in pairs.items():
        np.testing.assert_allclose(ours, the_studys.numpy(), rtol=1e-12, err_msg=name)


def test_quadrature_errs_less_than_is_allowed_for():
    """Compares few nodes with many, for expectations of the known networks' bound."""
    known = Right(perceptron(inputs.decoder), lambda x: halves(perceptron(inputs.encoder)(x)))

    def expected(count):
        nodes, weights = quadrature(count)
        return weights @ known.elbo(arrays["x"], np.repeat(nodes[:, None], 5, axis=1))

    assert abs(expected(7) - expected(40)) < 0.05


def test_known_logits_and_log_std_are_where_wrong_ones_show():
    logits = perceptron(inputs.decoder)(10 * arrays["z"])
    log_std = halves(perceptron(inputs.encoder)(arrays["x"]))[1]
    assert (logits.min(), logits.max()) > (0, 0)
    assert logits.max() < 1
    assert log_std.min() > 0


def test_points_add_up_to_the_assignments():
    assert sum(function.points for function in FUNCTIONS) + ANSWER_POINTS == POINTS
