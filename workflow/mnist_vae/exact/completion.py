"""Complete an image's bottom half given its top half, by a fitted q and by the exact posterior
(docs/model.md, part 4).
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from mnist_vae.exact.answers import LatentSpace, Part, Posterior
from mnist_vae.study import densities
from mnist_vae.study.densities import log_q, top_half_joint
from mnist_vae.study.objective import reparameterize

CONTOUR_POINTS = 161  # points along each dimension of the tables that contours are drawn from
MASSES = (0.5, 0.9)  # posterior mass inside each contour
WINDOW_MASS, WINDOW_STDS = 0.99, 3.0  # what a window of contours holds of the posterior, and of q


@torch.inference_mode()
def kl_to_posterior(space: LatentSpace, x: Tensor, mean: Tensor, log_std: Tensor) -> tuple[Tensor, Tensor]:
    """KL of q (images, d) to the posterior given the top half of images (images, pixels), and its estimated
    error, in nats: (images,) each.
    """
    top, elbo = space.log_marginals(x, Part.TOP_HALF), space.elbo(x, mean, log_std, Part.TOP_HALF)
    return top.log_density - elbo.value, top.error + elbo.error


@torch.inference_mode()
def complete(
    space: LatentSpace,
    decoder: Callable[[Tensor], Tensor],
    x: Tensor,
    mean: Tensor,
    log_std: Tensor,
    noise: Tensor,
) -> dict[str, Tensor]:
    """Complete the top halves of images x (images, pixels), to which q (images, d) was fitted.

    A completion is a picture: the true top half above the Bernoulli means of the bottom half. The result has
    completions (images, draws, pixels) by q at standard normal noise (draws, images, d); q_completion and
    exact_completion (images, pixels), the means over q and over the posterior given the top half; kl, of q
    to that posterior, and log_p_bottom_given_top; kl_error, and error, the larger of the errors of both,
    (images,) each, in nats.
    In two dimensions it also has window (images, d, 2), where the posterior and q lie. If the posterior is
    weighted draws, weighted_completion takes the place of exact_completion.
    Raises OutsideWindowError if a posterior lies too far out.
    """
    images, dimension = mean.shape

    def pixel_means(z: Tensor) -> Tensor:
        return torch.sigmoid(decoder(z))

    q_noise, weights = space.normal_points(mean)
    q_means = [weights @ pixel_means(reparameterize(mean[i], log_std[i], q_noise)) for i in range(images)]
    posteriors = [space.posterior(image, Part.TOP_HALF) for image in x]
    exact_means = [posterior.mean_of(pixel_means).to(x) for posterior in posteriors]
    top, whole = (space.log_marginals(x, part) for part in (Part.TOP_HALF, Part.WHOLE))
    elbo = space.elbo(x, mean, log_std, Part.TOP_HALF)
    name = "exact_completion" if space.is_summed else "weighted_completion"
    found = {
        "completions": completed(x, pixel_means(reparameterize(mean, log_std, noise))).transpose(0, 1),
        "q_completion": completed(x, torch.stack(q_means)),
        name: completed(x, torch.stack(exact_means)),
        "kl": top.log_density - elbo.value,
        "log_p_bottom_given_top": whole.log_density - top.log_density,
        "kl_error": top.error + elbo.error,
        "error": top.error + torch.maximum(elbo.error, whole.error),
    }
    if dimension == 2:
        each = zip(posteriors, mean.double(), log_std.double(), strict=True)
        found["window"] = torch.stack([posterior_window(*of_image) for of_image in each])
    return found


def completed(x: Tensor, means: Tensor) -> Tensor:
    """The top halves of images (images, pixels) above the bottom halves of means (..., images, pixels)."""
    top = densities.top_half(x)
    return torch.cat([top.expand(*means.shape[:-1], -1), means[..., top.shape[-1] :]], dim=-1)


def posterior_window(posterior: Posterior, mean: Tensor, log_std: Tensor) -> Tensor:
    """Find where one image's posterior and q lie: (low, high) of each latent dimension, (d, 2).

    It spans the smallest region with WINDOW_MASS of the posterior and WINDOW_STDS standard deviations of q
    (d,). A fixed window can miss either: codes reach |z| = 5.5.
    """
    level = highest_density_level(posterior.log_density, posterior.log_weights, WINDOW_MASS)
    inside = posterior.z[posterior.log_density >= level]
    reach = WINDOW_STDS * torch.exp(log_std)
    margin = (inside.amax(0) - inside.amin(0)) / 10
    return torch.stack(
        [
            torch.minimum(inside.amin(0) - margin, mean - reach),
            torch.maximum(inside.amax(0) + margin, mean + reach),
        ],
        dim=-1,
    )


def densities_around(
    decoder: Callable[[Tensor], Tensor], x: Tensor, mean: Tensor, log_std: Tensor, windows: Tensor
) -> dict[str, Tensor]:
    """Tabulate the top halves' log-joints and q over windows (images, 2, 2) of the latent plane. The decoder
    must be in double precision.

    The result has axes (images, 2, CONTOUR_POINTS), the first of which runs along the rows of log_joint and
    log_q (images, CONTOUR_POINTS, CONTOUR_POINTS); joint_levels (images, levels), above which MASSES of the
    posterior lie; and modes (images,), the number of the log-joint's maxima above the last level.
    """
    found = []
    for image, window, *q in zip(x.double(), windows.double(), mean.double(), log_std.double(), strict=True):
        share = torch.linspace(0, 1, CONTOUR_POINTS, dtype=torch.float64)
        axes = window[:, :1] + share * (window[:, 1:] - window[:, :1])
        z = torch.stack(torch.meshgrid(*axes, indexing="xy"), dim=-1)
        log_joint = torch.stack([top_half_joint(decoder, image, row) for row in z])
        flat = log_joint.flatten()
        levels = torch.stack([highest_density_level(flat, flat, share) for share in MASSES])
        found.append(
            {
                "axes": axes,
                "log_joint": log_joint,
                "log_q": log_q(q[0], q[1], z),
                "joint_levels": levels,
                "modes": modes(log_joint[None], levels[-1:])[0],
            }
        )
    return {name: torch.stack([each[name] for each in found]) for name in found[0]}


def highest_density_level(log_density: Tensor, log_weights: Tensor, share: float) -> Tensor:
    """The lowest log-density (points,) in the smallest region that holds this share of the weights, a scalar.

    log_weights (points,) may be off by a constant.
    """
    order = log_density.argsort(descending=True)
    weights = torch.softmax(log_weights.double()[order], dim=-1)
    inside = int((weights.cumsum(-1) < share).sum())
    return log_density[order[min(inside, len(order) - 1)]]


def modes(log_weights: Tensor, level: Tensor) -> Tensor:
    """Count local maxima at or above a level: (..., size, size) and (...) -> (...).

    The points should lie close together compared with the modes' width, and be in double precision.
    """
    neighbourhood = F.max_pool2d(log_weights, 3, stride=1, padding=1)
    return ((log_weights == neighbourhood) & (log_weights >= level[..., None, None])).sum((-1, -2))
