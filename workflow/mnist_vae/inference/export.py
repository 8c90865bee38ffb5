"""Exact posteriors as arrays, with a page that says how to use them without this project."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from mnist_vae.exact.posterior import ExactPosterior
from mnist_vae.study.networks import VAE

DRAWS = 1_000  # draws of each posterior
MODES = 5  # heaviest ones that are kept; nan where there are fewer

PAGE = """# Exact posteriors of a variational autoencoder

`posteriors.safetensors` holds, for some images x, the evidence and the posterior of a latent variable z under

    z ~ N(0, I),    x[i] | z ~ Bernoulli(sigmoid(logits[i])),    logits = V tanh(W z + b) + c

| array | shape | what |
|---|---|---|
| `W`, `b`, `V`, `c` | (hidden, d), (hidden), (pixels, hidden), (pixels) | the decoder |
| `x` | (images, pixels) | binary images, in raster order |
| `log_px`, `log_px_error` | (images,) | log p(x) in nats, and its error |
| `mean`, `covariance`, `entropy` | (images, d), (images, d, d), (images,) | of p(z given x) |
| `modes`, `mode_masses` | (images, 5, d), (images, 5) | peaks, and the mass uphill to each; nan: no more |
| `draws` | (images, 1000, d) | exact, independent draws |

log p(x, z) for one image x and one z. For PyTorch write `import torch as np` and take `load_file` from
`safetensors.torch`; for JAX `import jax.numpy as np` and `safetensors.flax`:

```python
from math import log, pi

import numpy as np
from safetensors.numpy import load_file

a = load_file("posteriors.safetensors")

def log_joint(x, z):
    s = (2 * x - 1) * (a["V"] @ np.tanh(a["W"] @ z + a["b"]) + a["c"])
    log_likelihood = (s - abs(s)).sum() / 2 - np.log1p(np.exp(-abs(s))).sum()
    return log_likelihood - (z**2).sum() / 2 - len(z) / 2 * log(2 * pi)
```

log p(z given x) is `log_joint(x, z) - log_px`. Compare an estimate of log p(x) with `log_px`, and draws
with `mean`, `covariance`, `modes` and `draws`.
"""


def posterior_arrays(
    vae: VAE, x: Tensor, posteriors: Sequence[ExactPosterior], generator: torch.Generator
) -> dict[str, np.ndarray]:
    """The arrays that PAGE describes."""
    first, second = vae.decoder.hidden, vae.decoder.output
    modes = torch.full((len(x), MODES, vae.latent), torch.nan, dtype=torch.float64)
    masses = torch.full((len(x), MODES), torch.nan, dtype=torch.float64)
    for image, each in enumerate(posteriors):
        kept = min(MODES, len(each.modes))
        modes[image, :kept], masses[image, :kept] = each.modes[:kept], each.mode_masses[:kept]
    found = {
        "W": first.weight, "b": first.bias, "V": second.weight, "c": second.bias, "x": x,
        "log_px": torch.tensor([each.log_px for each in posteriors], dtype=torch.float64),
        "log_px_error": torch.tensor([each.error for each in posteriors], dtype=torch.float64),
        "mean": torch.stack([each.mean for each in posteriors]),
        "covariance": torch.stack([each.covariance for each in posteriors]),
        "entropy": torch.tensor([each.entropy for each in posteriors], dtype=torch.float64),
        "modes": modes,
        "mode_masses": masses,
        "draws": torch.stack([each.draws(DRAWS, generator) for each in posteriors]),
    }  # fmt: skip
    return {name: each.detach().double().numpy() for name, each in found.items()}
