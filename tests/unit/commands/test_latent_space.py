"""What commands say when a sum over a latent space is impossible."""

import pytest

from mnist_vae.commands.shared.latent_space import naming
from mnist_vae.errors import InputError
from mnist_vae.exact.cells import OutsideWindowError


def test_a_distribution_too_far_out_is_one_sentence_of_model_and_way_out():
    with (
        pytest.raises(InputError, match=r"seed3/weights: .*2\.0e-01.*beyond 40 from zero.* Do this"),
        naming("seed3/weights", "Do this"),
    ):
        raise OutsideWindowError(0.2, 40.0)
