"""Methods of inference against the exact posterior, one row a model, method and setting."""

import time
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from mnist_vae.exact.posterior import ExactPosterior
from mnist_vae.inference.problem import Answer, Method, Problem
from mnist_vae.study.evaluation import mean_over_images

HEAVY = 0.05  # share of the mass from which a mode counts
MISSED = 0.1  # share of a mode's mass below which a method misses it


def compare(
    problem: Problem,
    posteriors: Sequence[ExactPosterior],
    name: str,
    method: Method,
    generator: torch.Generator,
) -> Iterator[tuple[Answer, dict[str, float | str]]]:
    """Run a method; yield each of its answers with its row, compared with the posteriors of the problem's
    images.
    """
    problem.evaluations = 0.0
    began = time.process_time()
    answers = method(problem, generator)
    spent = 0.0
    while (answer := next(answers, None)) is not None:
        spent += time.process_time() - began
        row: dict[str, float | str] = {"method": name, "setting": answer.setting}
        row |= _log_px_error(answer, posteriors) | _posterior_error(answer, posteriors)
        row |= {"evaluations": problem.evaluations, "milliseconds": 1000 * spent / len(problem.x)}
        yield answer, row
        began = time.process_time()


def _log_px_error(answer: Answer, posteriors: Sequence[ExactPosterior]) -> dict[str, float]:
    """Nats by which log p(x) is missed: mean with its standard error, and mean, median and largest of the
    size.
    """
    log_px = torch.tensor([each.log_px for each in posteriors], dtype=torch.float64)
    row: dict[str, float] = {}
    if answer.log_px is not None:
        below = log_px - answer.log_px.double()
        mean, standard_error = mean_over_images(below)
        size = below.abs()
        row |= {"below_log_px": mean, "below_log_px_standard_error": standard_error}
        row |= {"error_mean": size.mean().item(), "error_median": size.median().item()}
        row |= {"error_largest": size.max().item()}
    if answer.elbo is not None:
        kl, standard_error = mean_over_images(log_px - answer.elbo.double())
        row |= {"kl": kl, "kl_standard_error": standard_error}
    return row


def _posterior_error(answer: Answer, posteriors: Sequence[ExactPosterior]) -> dict[str, float]:
    """Errors of the mean and of the standard deviations, in standard deviations of the posterior, and the
    share of images of which a mode with more than HEAVY of the mass is missed.
    """
    if answer.draws is None:
        return {}
    z = answer.draws.double()
    weights = torch.softmax(
        answer.log_weights if answer.log_weights is not None else z.new_zeros(z.shape[:2]), 0
    )
    mean = (weights[..., None] * z).sum(0)
    std = (weights[..., None] * (z - mean) ** 2).sum(0).sqrt()
    exact_mean = torch.stack([each.mean for each in posteriors])
    exact_std = torch.stack([each.covariance.diagonal().sqrt() for each in posteriors])
    return {
        "mean_error": ((mean - exact_mean).abs() / exact_std).mean().item(),
        "std_error": (std / exact_std - 1).abs().mean().item(),
        "missed_a_mode": sum(map(_misses, posteriors, z.unbind(1), weights.unbind(1))) / len(posteriors),
    }


def _misses(posterior: ExactPosterior, z: Tensor, weights: Tensor) -> bool:
    masses = posterior.mode_masses
    found = torch.zeros_like(masses).index_add(0, posterior.mode_of(z), weights)
    return bool(((masses > HEAVY) & (found < MISSED * masses)).any())
