"""What commands share that sum over a latent space: its options, and what to say where a sum cannot be
had.
"""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from torch import Tensor

from mnist_vae.errors import InputError
from mnist_vae.exact.marginal import DecoderSpace, OutsideWindowError


def add_latent_space_arguments(parser: ArgumentParser) -> None:
    """Describe the options of the sums."""
    parser.add_argument("--tolerance", type=float, required=True, help="error allowed per image, in nats")
    parser.add_argument(
        "--window",
        type=float,
        required=True,
        help="sums start over [-window, window] in each latent dimension",
    )


def decoder_space(decoder: Callable[[Tensor], Tensor], dimension: int, options: Namespace) -> DecoderSpace:
    """The latent space of a decoder with these options."""
    return DecoderSpace(decoder, dimension, window=options.window, tolerance=options.tolerance)


@contextmanager
def naming(model: str, way_out: str = "Train it longer, or at a lower learning_rate.") -> Iterator[None]:
    """Say of which model a latent distribution lies too far out, as one InputError."""
    try:
        yield
    except OutsideWindowError as error:
        raise InputError(
            f"{model}: an image has {error.share:.1e} of its latent distribution near or beyond "
            f"{error.window:g} from zero, the farthest that sums over the latent space go. {way_out}"
        ) from error
