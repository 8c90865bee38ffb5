"""Shared by commands that sum over a latent space: how to choose it, and the error if there is no sum."""

from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from mnist_vae.errors import InputError
from mnist_vae.exact.answers import LatentSpace
from mnist_vae.exact.cells import OutsideWindowError, UnsummableError
from mnist_vae.exact.integrator import Integrator
from mnist_vae.exact.sampler import Sampler
from mnist_vae.exact.settings import SUMMED_DIMENSIONS
from mnist_vae.study.networks import VAE


def latent_space(vae: VAE, options: Namespace, generator: torch.Generator) -> LatentSpace:
    """The latent space of a model: the integrator in one or two dimensions, the sampler beyond."""
    if vae.latent > SUMMED_DIMENSIONS:
        return Sampler(vae, generator=generator)
    return Integrator(vae.decoder, vae.latent, window=options.window, tolerance=options.tolerance)


@contextmanager
def naming(model: str, way_out: str = "Train it longer, or at a lower learning_rate.") -> Iterator[None]:
    """Turn the errors of a latent space into InputError, which names the model and a remedy."""
    try:
        yield
    except OutsideWindowError as error:
        raise InputError(
            f"{model}: an image has {error.share:.1e} of its latent distribution near or beyond "
            f"{error.window:g} from zero, the farthest that sums over the latent space go. {way_out}"
        ) from error
    except UnsummableError as error:
        raise InputError(f"{model}: {error}. {way_out}") from error
