# ruff: noqa: D103
# mypy: disable-error-code="method-assign, assignment, return-value"
"""Mistakes that look right: each one a small function that puts it into the right computation.

Those of docs/model.md, and those met in public solutions and questions. `places` are the functions in which a
solution makes it. A failed function is compared with all that can be made in it, or below it.
"""

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mnist_vae.check.contract import BERNOULLI, GAUSSIAN, PIXELS
from mnist_vae.check.reference import Right, logistic

Array = np.ndarray
erf = np.vectorize(math.erf, otypes=[float])

GAUSSIANS = (GAUSSIAN, "log_prior", "log_q")
LIKELIHOODS = ("log_likelihood", "top_half_log_likelihood")
BERNOULLIS = (BERNOULLI, *LIKELIHOODS)
SUMS = ("log_prior", "log_q", *LIKELIHOODS)
BOUNDS = ("elbo", "top_half_elbo")
MEANS = ("elbo", "loss", "test_loss")
SHOWN = ("prior_samples", "interpolated_picture")
DRAWS = ("sample_diag_gaussian", *BOUNDS)
TOPS = ("top_half_log_likelihood", "top_half_joint", "top_half_elbo")


@dataclass(frozen=True)
class Mistake:
    """One mistake: what is done ("the batch is summed"), what to do instead, and the change."""

    name: str
    places: tuple[str, ...]
    says: str
    instead: str
    change: Callable[[Right], None]


MISTAKES: dict[str, Mistake] = {}


def mistake(places: tuple[str, ...], says: str, instead: str) -> Callable[[Callable], Callable]:
    """Enter a function into the table, under its own name."""

    def enter(change: Callable[[Right], None]) -> Callable[[Right], None]:
        MISTAKES[change.__name__] = Mistake(change.__name__, places, says, instead, change)
        return change

    return enter


def after(right: Right, names: tuple[str, ...], then: Callable[[Array], Array]) -> None:
    """Let something happen to some functions' results, once: what they call stays as it is."""
    before = copy.copy(right)
    for name in names:
        function = getattr(before, name)
        setattr(right, name, lambda *arguments, function=function: then(function(*arguments)))


# --- Gaussian log-densities --------------------------------------------------------------------------------


@mistake(GAUSSIANS, "the constant -log(2π)/2 of each dimension is left out", "add it")
def constant_forgotten(right: Right) -> None:
    after(right, ("normal",), lambda density: density + 0.5 * np.log(2 * np.pi))


@mistake(GAUSSIANS, "the constant is log(2π), not half of it", "subtract log(2π)/2 per dimension")
def constant_not_halved(right: Right) -> None:
    after(right, ("normal",), lambda density: density - 0.5 * np.log(2 * np.pi))


@mistake(GAUSSIANS, "the square is not halved", "the exponent is -(x - mean)²/(2 std²)")
def square_not_halved(right: Right) -> None:
    right.normal = lambda x, mean, log_std: (
        -(((x - mean) / np.exp(log_std)) ** 2) - log_std - 0.5 * np.log(2 * np.pi)
    )


@mistake((GAUSSIAN, "log_q"), "the normalizing -log_std is left out", "subtract log_std")
def normalizer_forgotten(right: Right) -> None:
    normal = right.normal
    right.normal = lambda x, mean, log_std: normal(x, mean, log_std) + log_std


@mistake((GAUSSIAN, "log_q"), "log_std is taken for the log of the variance", "std = exp(log_std)")
def log_variance_for_log_std(right: Right) -> None:
    normal = right.normal
    right.normal = lambda x, mean, log_std: normal(x, mean, log_std / 2)


@mistake((GAUSSIAN, "log_q"), "the variance is taken for the standard deviation", "std = exp(log_std)")
def variance_for_std(right: Right) -> None:
    normal = right.normal
    right.normal = lambda x, mean, log_std: normal(x, mean, 2 * log_std)


@mistake((GAUSSIAN, "log_q"), "log_std is taken for the standard deviation itself", "std = exp(log_std)")
def std_for_log_std(right: Right) -> None:
    normal = right.normal
    right.normal = lambda x, mean, log_std: normal(x, mean, np.log(log_std))


@mistake((GAUSSIAN, "log_q"), "the square is divided by std, not by std²", "divide by the variance")
def divided_by_std(right: Right) -> None:
    right.normal = lambda x, mean, log_std: (
        -0.5 * (x - mean) ** 2 / np.exp(log_std) - log_std - 0.5 * np.log(2 * np.pi)
    )


@mistake(("log_q",), "the prior is taken for q", "log_q is the density of N(q_mean, exp(q_log_std)²)")
def prior_for_q(right: Right) -> None:
    right.log_q = lambda mean, log_std, z: right.log_prior(z)


@mistake(
    (*GAUSSIANS, *LIKELIHOODS, "joint_log_density"), "the density itself is returned", "return its logarithm"
)
def density_for_its_log(right: Right) -> None:
    after(right, (*GAUSSIANS, *LIKELIHOODS, "joint_log_density"), np.exp)


@mistake(
    (*GAUSSIANS, *BERNOULLIS, "joint_log_density", "top_half_joint"),
    "the sign is wrong",
    "return the log-density, not minus the log-density",
)
def sign_turned(right: Right) -> None:
    after(right, (*GAUSSIANS, *BERNOULLIS, "joint_log_density", "top_half_joint"), np.negative)


# --- sums over features ------------------------------------------------------------------------------------


@mistake((GAUSSIAN, *SUMS), "the sum runs over the batch", "sum over the features: one number per image")
def sum_over_the_wrong_axis(right: Right) -> None:
    right.reduce_features = lambda terms: terms.sum(-2)


@mistake(
    (GAUSSIAN, *SUMS),
    "everything is summed, the batch as well",
    "sum over the features: one number per image",
)
def sum_over_everything(right: Right) -> None:
    right.reduce_features = lambda terms: terms.sum((-2, -1))


@mistake(
    (GAUSSIAN, *SUMS), "features are averaged", "sum over them: log-densities of independent features add up"
)
def mean_over_features(right: Right) -> None:
    right.reduce_features = lambda terms: terms.mean(-1)


@mistake(SUMS, "nothing is summed", "sum over the features: one number per image")
def not_summed(right: Right) -> None:
    right.reduce_features = lambda terms: terms


@mistake(
    LIKELIHOODS,
    "the first pixel is left out",
    "use every pixel (indices start at 0 in Python, at 1 in Julia)",
)
def first_pixel_left_out(right: Right) -> None:
    right.reduce_features = lambda terms: terms[..., 1:].sum(-1)


@mistake(LIKELIHOODS, "the last pixel is left out", "use every pixel (a Python range leaves out its end)")
def last_pixel_left_out(right: Right) -> None:
    right.reduce_features = lambda terms: terms[..., :-1].sum(-1)


# --- Bernoulli log-densities -------------------------------------------------------------------------------


@mistake(BERNOULLIS, "logits are taken for probabilities", "the decoder's outputs are logits")
def logits_for_probabilities(right: Right) -> None:
    right.bernoulli_log_density = lambda logits, x: x * np.log(logits) + (1 - x) * np.log(1 - logits)


@mistake(
    BERNOULLIS, "a sigmoid is applied to the logits before a function that takes logits", "leave one out"
)
def sigmoid_too_many(right: Right) -> None:
    bernoulli = right.bernoulli_log_density
    right.bernoulli_log_density = lambda logits, x: bernoulli(logistic(logits), x)


@mistake(BERNOULLIS, "only lit pixels count", "dark pixels have a probability too: (1 - x) log(1 - p)")
def dark_pixels_forgotten(right: Right) -> None:
    bernoulli = right.bernoulli_log_density
    right.bernoulli_log_density = lambda logits, x: x * bernoulli(logits, x)


@mistake(BERNOULLIS, "lit and dark are exchanged", "log p of a lit pixel is log sigmoid(+logit)")
def lit_and_dark_exchanged(right: Right) -> None:
    bernoulli = right.bernoulli_log_density
    right.bernoulli_log_density = lambda logits, x: bernoulli(logits, 1 - x)


@mistake(BERNOULLIS, "a squared error replaces the likelihood", "use the Bernoulli log-likelihood")
def squared_error(right: Right) -> None:
    right.bernoulli_log_density = lambda logits, x: -((x - logistic(logits)) ** 2)


@mistake(BERNOULLIS, "the probability is returned, not its logarithm", "take the log of each before the sum")
def probability_for_its_log(right: Right) -> None:
    after(right, ("bernoulli_log_density",), np.exp)


@mistake(
    (BERNOULLI, "log_likelihood"),
    "the logarithm is taken of a sigmoid that was rounded to 0 or 1",
    "compute from the logits: logsigmoid, -log1p(exp(.)), softplus",
)
def unstable_sigmoid(right: Right) -> None:
    right.bernoulli_log_density = lambda logits, x: np.where(
        x > 0.5, np.log(logistic(logits)), np.log(1 - logistic(logits))
    )


@mistake(
    (BERNOULLI, "log_likelihood"),
    "an exponential overflows, as in log(1 + exp(-t))",
    "use softplus, logaddexp or log1p(exp(-|t|))",
)
def overflowing_exponential(right: Right) -> None:
    right.bernoulli_log_density = lambda logits, x: -np.log(1 + np.exp(-(2 * x - 1) * logits))


@mistake(("log_likelihood",), "pictures are transposed", "entry 28 r + c of an image is row r, column c")
def transposed_pictures(right: Right) -> None:
    likelihood = right.log_likelihood

    def transposed(x: Array, z: Array) -> Array:
        return likelihood(x.reshape(*x.shape[:-1], 28, 28).swapaxes(-1, -2).reshape(x.shape), z)

    right.log_likelihood = transposed


@mistake(("decoder",), "the decoder ends in a sigmoid: it gives probabilities", "let it give logits")
def decoder_with_a_sigmoid(right: Right) -> None:
    after(right, ("decoder",), logistic)


# --- joint densities ---------------------------------------------------------------------------------------

JOINTS = (("joint_log_density", "log_likelihood"), ("top_half_joint", "top_half_log_likelihood"))


@mistake(
    ("joint_log_density", "top_half_joint"), "the prior is left out", "log p(x, z) = log p(z) + log p(x | z)"
)
def prior_left_out(right: Right) -> None:
    for joint, likelihood in JOINTS:
        setattr(right, joint, getattr(right, likelihood))


@mistake(
    ("joint_log_density", "top_half_joint"),
    "the likelihood is left out",
    "log p(x, z) = log p(z) + log p(x | z)",
)
def likelihood_left_out(right: Right) -> None:
    right.joint_log_density = right.top_half_joint = lambda x, z: right.log_prior(z)


@mistake(
    ("joint_log_density", "top_half_joint"),
    "the prior is subtracted",
    "log p(x, z) = log p(z) + log p(x | z)",
)
def prior_subtracted(right: Right) -> None:
    for joint, name in JOINTS:
        likelihood = getattr(right, name)
        setattr(right, joint, lambda x, z, likelihood=likelihood: likelihood(x, z) - right.log_prior(z))


@mistake(
    ("joint_log_density", "top_half_joint"),
    "log-densities are multiplied",
    "densities multiply, their logarithms add up",
)
def logs_multiplied(right: Right) -> None:
    for joint, name in JOINTS:
        likelihood = getattr(right, name)
        setattr(right, joint, lambda x, z, likelihood=likelihood: likelihood(x, z) * right.log_prior(z))


# --- draws from q ------------------------------------------------------------------------------------------


@mistake(DRAWS, "the noise is multiplied by the variance", "z = mean + exp(log_std) * noise")
def draw_by_variance(right: Right) -> None:
    right.sample_diag_gaussian = lambda mean, log_std, noise: mean + np.exp(2 * log_std) * noise


@mistake(DRAWS, "the noise is multiplied by log_std", "z = mean + exp(log_std) * noise")
def draw_by_log_std(right: Right) -> None:
    right.sample_diag_gaussian = lambda mean, log_std, noise: mean + log_std * noise


@mistake(DRAWS, "log_std is taken for a log-variance when z is drawn", "z = mean + exp(log_std) * noise")
def draw_by_log_variance(right: Right) -> None:
    right.sample_diag_gaussian = lambda mean, log_std, noise: mean + np.exp(log_std / 2) * noise


@mistake(DRAWS, "the noise is not scaled", "z = mean + exp(log_std) * noise")
def draw_of_unit_width(right: Right) -> None:
    right.sample_diag_gaussian = lambda mean, log_std, noise: mean + noise


@mistake(DRAWS, "z is q's mean, not a draw", "z = mean + exp(log_std) * noise")
def mean_for_a_draw(right: Right) -> None:
    right.sample_diag_gaussian = lambda mean, log_std, noise: mean + 0 * noise


@mistake(DRAWS, "the mean is left out of the draw", "z = mean + exp(log_std) * noise")
def draw_without_mean(right: Right) -> None:
    right.sample_diag_gaussian = lambda mean, log_std, noise: 0 * mean + np.exp(log_std) * noise


@mistake(DRAWS, "the noise is uniform (rand)", "draw it from N(0, 1) (randn)")
def uniform_noise(right: Right) -> None:
    right.sample_diag_gaussian = lambda mean, log_std, noise: (
        mean + np.exp(log_std) * 0.5 * (1 + erf(noise / np.sqrt(2)))
    )


@mistake(DRAWS, "the whole batch shares one noise vector", "draw noise for each image")
def shared_noise(right: Right) -> None:
    right.shared_noise = True


@mistake(
    ("sample_diag_gaussian", "elbo", "loss", "top_half_elbo"),
    "every call draws the same noise, as after setting a seed in it",
    "set a seed once, at the top of the file, or nowhere",
)
def same_noise_in_every_call(right: Right) -> None:
    right.repeats_noise = True


@mistake(BOUNDS, "z is drawn from the prior", "draw z from q")
def draw_from_the_prior(right: Right) -> None:
    right.sample_diag_gaussian = lambda mean, log_std, noise: 0 * mean + noise


@mistake(
    ("elbo", "top_half_elbo", "interpolated_picture"),
    "q's mean is taken for its log_std, and its log_std for its mean",
    "the encoder gives the mean first",
)
def mean_and_log_std_exchanged(right: Right) -> None:
    encoder, bound = right.encoder, right.top_half_elbo
    right.encoder = lambda x: encoder(x)[::-1]
    right.top_half_elbo = lambda x, mean, log_std, noise: bound(x, log_std, mean, noise)


# --- bounds ------------------------------------------------------------------------------------------------


@mistake(MEANS, "the batch is summed and not averaged", "use mean")
def sum_over_the_batch(right: Right) -> None:
    right.reduce_batch = lambda terms: terms.sum(-1)


# Of a test set of whole batches this is the sum of their means, which has an entry of its own.
@mistake(("elbo", "loss"), "the sum over the batch is divided by 100, whatever the batch's size", "use mean")
def batch_of_100_assumed(right: Right) -> None:
    right.reduce_batch = lambda terms: terms.sum(-1) / 100


@mistake(MEANS, "the sum is divided by the number of pixels as well", "average over the batch alone")
def mean_over_pixels(right: Right) -> None:
    right.reduce_batch = lambda terms: terms.mean(-1) / PIXELS


@mistake(MEANS, "the batch is not averaged", "return one number: the mean")
def not_averaged(right: Right) -> None:
    right.reduce_batch = lambda terms: terms


@mistake(BOUNDS, "it is minus the ELBO", "the ELBO is log p(x, z) - log q(z); the loss is minus the ELBO")
def elbo_sign(right: Right) -> None:
    after(right, ("bound",), np.negative)


@mistake(BOUNDS, "log q(z) is left out", "subtract it")
def q_left_out(right: Right) -> None:
    right.bound = lambda joint, log_q: joint


@mistake(BOUNDS, "log q(z) is added", "subtract it")
def q_added(right: Right) -> None:
    right.bound = lambda joint, log_q: joint + log_q


def combine(right: Right, terms: Callable[[Array, Array, Array], Array]) -> None:
    """Make both bounds of log p(x | z), log p(z) and log q(z)."""

    def elbo_terms(x: Array, noise: Array) -> Array:
        mean, log_std = right.encoder(x)
        z = right.sample_diag_gaussian(mean, log_std, noise)
        return terms(right.log_likelihood(x, z), right.log_prior(z), right.log_q(mean, log_std, z))

    def top_half_elbo(x: Array, mean: Array, log_std: Array, noise: Array) -> Array:
        z = right.sample_diag_gaussian(mean, log_std, noise)
        return terms(right.top_half_log_likelihood(x, z), right.log_prior(z), right.log_q(mean, log_std, z))

    right.elbo_terms, right.top_half_elbo = elbo_terms, top_half_elbo


@mistake(BOUNDS, "prior and q are exchanged: the KL has the wrong sign", "log p(x|z) + log p(z) - log q(z)")
def kl_sign(right: Right) -> None:
    combine(right, lambda likelihood, prior, q: likelihood - prior + q)


@mistake(BOUNDS, "the prior is left out of the bound", "log p(x|z) + log p(z) - log q(z)")
def bound_without_prior(right: Right) -> None:
    combine(right, lambda likelihood, prior, q: likelihood - q)


@mistake(BOUNDS, "only the likelihood is used", "log p(x|z) + log p(z) - log q(z)")
def likelihood_alone(right: Right) -> None:
    combine(right, lambda likelihood, prior, q: likelihood)


@mistake(BOUNDS, "the likelihood is left out of the bound", "log p(x|z) + log p(z) - log q(z)")
def kl_alone(right: Right) -> None:
    combine(right, lambda likelihood, prior, q: prior - q)


@mistake(("loss",), "the ELBO itself is the loss: minimizing it makes the model worse", "loss = -elbo")
def loss_sign(right: Right) -> None:
    right.loss = right.elbo


@mistake(("test_loss",), "only one batch of 100 test images is used", "average over all of it")
def first_test_batch(right: Right) -> None:
    loss = right.test_loss
    right.test_loss = lambda x, noise: loss(x[:100], noise[..., :100, :])


@mistake(("test_loss",), "the batches' means are added up", "average over all images")
def batches_summed(right: Right) -> None:
    loss = right.test_loss
    right.test_loss = lambda x, noise: sum(
        loss(x[start : start + 100], noise[..., start : start + 100, :]) for start in range(0, len(x), 100)
    )


# --- data and training -------------------------------------------------------------------------------------


@mistake(("binarize",), "grey values are kept", "a pixel is 1 where its grey value is above 0.5, else 0")
def grey_pixels(right: Right) -> None:
    right.binarize = lambda grey: grey


@mistake(
    ("binarize",), "every pixel with any ink is lit", "a pixel is 1 where its grey value is above 0.5, else 0"
)
def any_ink_is_lit(right: Right) -> None:
    right.binarize = lambda grey: (grey > 0) * 1.0


@mistake(
    ("binarize",), "black and white are exchanged", "a pixel is 1 where its grey value is above 0.5, else 0"
)
def pictures_inverted(right: Right) -> None:
    after(right, ("binarize",), lambda pixels: 1 - pixels)


@mistake(("mnist_img",), "the picture is transposed", "entry 28 r + c of an image is row r, column c")
def transposed_picture(right: Right) -> None:
    after(right, ("mnist_img",), np.transpose)


@mistake(
    ("batches", "train_model_params"),
    "the whole training set is one batch: every gradient step sees all of it",
    "make batches of 100",
)
def whole_set_in_a_batch(right: Right) -> None:
    right.batches = lambda images, size=100: [images]


@mistake(("batches",), "the last, partial batch is dropped", "keep it: every image is seen in every epoch")
def partial_batch_dropped(right: Right) -> None:
    batches = right.batches
    right.batches = lambda images, size=100: [batch for batch in batches(images, size) if len(batch) == size]


@mistake(("train_model_params",), "every epoch sees only one batch", "loop over all batches in each epoch")
def epochs_over_one_batch(right: Right) -> None:
    after(right, ("epoch",), lambda batches: batches[:1])


@mistake(("train_model_params",), "the loss is maximized", "minimize the loss, which is minus the ELBO")
def loss_maximized(right: Right) -> None:
    right.training_direction = +1


@mistake(
    ("train_model_params",), "the parameters do not move", "update the parameters of encoder and decoder"
)
def nothing_trained(right: Right) -> None:
    right.training_direction = 0
    right.trained = frozenset()


@mistake(("train_model_params",), "the encoder is not trained", "update the parameters of both networks")
def encoder_not_trained(right: Right) -> None:
    right.trained = frozenset({"decoder"})


@mistake(("train_model_params",), "the decoder is not trained", "update the parameters of both networks")
def decoder_not_trained(right: Right) -> None:
    right.trained = frozenset({"encoder"})


@mistake(
    ("train_model_params",), "the last batch of each epoch is left out", "loop over all batches in each epoch"
)
def last_batch_left_out(right: Right) -> None:
    after(right, ("epoch",), lambda batches: batches[:-1])


# --- pictures ----------------------------------------------------------------------------------------------


@mistake(("prior_samples",), "the draws come from the encoder", "the prior's draws are N(0, I)")
def prior_samples_from_the_encoder(right: Right) -> None:
    right.prior_samples = lambda noise: right.means(
        right.decoder(right.sample_diag_gaussian(*right.encoder(np.zeros(PIXELS)), noise))
    )


@mistake(SHOWN, "logits are shown", "apply a sigmoid: Bernoulli means are shown")
def logits_shown(right: Right) -> None:
    right.means = lambda logits: logits


@mistake(SHOWN, "a sigmoid is applied twice", "apply one to the decoder's logits")
def sigmoid_twice(right: Right) -> None:
    after(right, ("means",), logistic)


@mistake(
    ("interpolation", "interpolated_picture"),
    "the weights are exchanged",
    "z = a z_first + (1 - a) z_second: a is the weight of the first",
)
def weights_exchanged(right: Right) -> None:
    interpolation = right.interpolation
    right.interpolation = lambda first, second, weight: interpolation(second, first, weight)


@mistake(("interpolation",), "the second point has weight 1", "z = a z_first + (1 - a) z_second")
def weights_beyond_one(right: Right) -> None:
    right.interpolation = lambda first, second, weight: weight * first + second


@mistake(("interpolated_picture",), "pixels are interpolated", "interpolate the latents, and decode them")
def interpolated_pixels(right: Right) -> None:
    right.interpolated_picture = right.interpolation


# --- the top half ------------------------------------------------------------------------------------------


@mistake(
    ("top_half", *TOPS),
    "the left half is taken for the top",
    "the top half is entries 0 to 391 (rows 0 to 13)",
)
def left_half_for_the_top(right: Right) -> None:
    right.top_half = lambda x: x.reshape(*x.shape[:-1], 28, 28)[..., :14].reshape(*x.shape[:-1], 392)


@mistake(
    ("top_half", *TOPS),
    "the bottom half is taken for the top",
    "the top half is entries 0 to 391 (rows 0 to 13)",
)
def bottom_half_for_the_top(right: Right) -> None:
    right.top_half = lambda x: x[..., 392:]


@mistake(("top_half",), "one pixel is missing", "392 pixels: entries 0 to 391, in Julia 1 to 392")
def top_half_one_pixel_short(right: Right) -> None:
    right.top_half = lambda x: x[..., :391]


@mistake(("top_half",), "14 pixels are taken, not 14 rows", "14 rows of 28 pixels: 392")
def pixels_for_rows(right: Right) -> None:
    right.top_half = lambda x: x[..., :14]


@mistake(TOPS, "the full image is used", "only the top half is known: leave out the other pixels")
def full_image_for_the_top(right: Right) -> None:
    right.top_half_log_likelihood = right.log_likelihood
    right.top_half_joint = right.joint_log_density


@mistake(("top_half_elbo",), "the draws are summed and not averaged", "use mean")
def sum_over_the_draws(right: Right) -> None:
    draws = 50  # the assignment's number; the judge tries others
    right.reduce_draws = lambda terms: terms * draws


@mistake(("contour_heights",), "log-densities go through a sigmoid", "use exp, after subtracting the maximum")
def contours_through_a_sigmoid(right: Right) -> None:
    right.contour_heights = logistic


@mistake(
    ("contour_heights",),
    "the maximum is not subtracted: these are not shares of the peak, and exp may underflow",
    "subtract the maximum first",
)
def contours_underflow(right: Right) -> None:
    right.contour_heights = lambda log_density: np.exp(log_density)


@mistake(
    ("contour_heights",), "log-densities are drawn, not densities", "use exp, after subtracting the maximum"
)
def contours_of_the_log(right: Right) -> None:
    right.contour_heights = lambda log_density: log_density - log_density.max()
