"""Every method that is compared, by the name that tables show. To add one: its function, and a line here."""

from functools import partial

from mnist_vae.inference.annealed import TEMPERATURES, annealed
from mnist_vae.inference.estimate import own_estimate
from mnist_vae.inference.flow import flow
from mnist_vae.inference.gaussian import factorized, full_covariance
from mnist_vae.inference.importance import encoder
from mnist_vae.inference.laplace import laplace
from mnist_vae.inference.mixture import mixture
from mnist_vae.inference.nuts import nuts
from mnist_vae.inference.problem import Method
from mnist_vae.inference.tempered import tempered

METHODS: dict[str, tuple[Method, ...]] = {
    "encoder's q": (encoder,),
    "factorized Gaussian": (factorized,),
    "Gaussian": (full_covariance,),
    "mixture of 2 Gaussians": (partial(mixture, parts=2),),
    "mixture of 4 Gaussians": (partial(mixture, parts=4),),
    "spline flow": (flow,),
    "Laplace": (laplace,),
    "annealed importance sampling": tuple(partial(annealed, temperatures=each) for each in TEMPERATURES),
    "tempered SMC": (tempered,),
    "NUTS": (nuts,),
    "Student's t around modes": (own_estimate,),
}
