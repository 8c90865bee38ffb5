"""How far each q that was fitted to a top half lies from the exact posterior, in nats."""

from collections.abc import Iterator, Mapping

import numpy as np

FITS = {  # what `complete_top_half` puts before the names of a fit's arrays, by the fit
    "best": "",  # of several random starts
    "single_start": "single_start_",  # the first of them
    "assignment": "assignment_",  # one start, and the assignment's 100 steps
}


def top_half_fits(arrays: Mapping[str, np.ndarray]) -> Iterator[dict[str, str | float]]:
    """One row per fit and image, with KL(q || p(z | top half)) and its estimated error, and the smallest and
    largest of each fit.

    `arrays` are what `complete_top_half` stored. `image` is "test 0" or "training 14", or "smallest" and
    "largest" for the KL's extremes over the images.
    """
    images = [
        f"{'training' if training else 'test'} {index}"
        for index, training in zip(arrays["indices"], arrays["training"], strict=True)
    ]
    for fit, prefix in FITS.items():
        kl, error = arrays[f"{prefix}kl"], arrays[f"{prefix}kl_error"]
        rows = {
            **dict(zip(images, range(len(kl)), strict=True)),
            "smallest": int(kl.argmin()),
            "largest": int(kl.argmax()),
        }
        for image, row in rows.items():
            yield {"fit": fit, "image": image, "kl": float(kl[row]), "estimated_error": float(error[row])}
